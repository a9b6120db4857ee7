//! JSON as legacy servers write it (1.7), and members of an object without a tree of values.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Appends `text` as a JSON string. Beside what JSON demands, U+0085, U+2028 and U+2029 are escaped,
/// which would end a line inside a script.
pub(super) fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    write_text(out, text);
    out.push(b'"');
}

/// Appends what stands between the quotes of the JSON string `text`.
pub(super) fn write_text(out: &mut Vec<u8>, text: &str) {
    // Without branches, so that the compiler can look at many bytes at once.
    let plain = text.bytes().fold(true, |plain, byte| {
        plain & byte.is_ascii() & (byte >= 0x20) & (byte != b'"') & (byte != b'\\')
    });
    if plain {
        out.extend_from_slice(text.as_bytes());
    } else {
        text.chars()
            .for_each(|character| write_char(out, character));
    }
}

fn write_char(out: &mut Vec<u8>, character: char) {
    let short = match character {
        '"' => b'"',
        '\\' => b'\\',
        '\u{8}' => b'b',
        '\t' => b't',
        '\n' => b'n',
        '\u{c}' => b'f',
        '\r' => b'r',
        '\0'..='\x1f' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
            write(out, format_args!("\\u{:04x}", u32::from(character)));
            return;
        }
        _ => {
            let mut buffer = [0; 4];
            out.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Appends JSON text as it is, but for U+0085, U+2028 and U+2029, which can only stand inside of
/// strings there and are escaped.
pub(super) fn write_raw(out: &mut Vec<u8>, mut json: &[u8]) {
    let mut from = 0;
    while let Some(found) = memchr::memchr2(0xc2, 0xe2, json.get(from..).unwrap_or_default()) {
        let at = from + found;
        let (plain, rest) = json.split_at(at);
        let (escape, length): (&[u8], _) = match rest {
            [0xc2, 0x85, ..] => (b"\\u0085", 2),
            [0xe2, 0x80, 0xa8, ..] => (b"\\u2028", 3),
            [0xe2, 0x80, 0xa9, ..] => (b"\\u2029", 3),
            _ => {
                from = at + 1;
                continue;
            }
        };
        out.extend_from_slice(plain);
        out.extend_from_slice(escape);
        json = rest.get(length..).unwrap_or_default();
        from = 0;
    }
    out.extend_from_slice(json);
}

/// Appends what `arguments` say.
pub(super) fn write(out: &mut Vec<u8>, arguments: fmt::Arguments<'_>) {
    // Writing into memory does not fail.
    let _ = std::io::Write::write_fmt(out, arguments);
}

/// Hands over each member of the object that `json` is, in order: its name and its value as it
/// stands there. What came before a fault has been handed over.
pub(super) fn members<'a>(
    json: &'a [u8],
    member: impl FnMut(&str, &'a RawValue),
) -> serde_json::Result<()> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    deserializer.deserialize_map(Members(member))?;
    deserializer.end()
}

struct Members<F>(F);

impl<'a, F: FnMut(&str, &'a RawValue)> Visitor<'a> for Members<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'a>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(name)) = map.next_key()? {
            (self.0)(&name, map.next_value()?);
        }
        Ok(())
    }
}

/// The string that `value` is, if it is one.
pub(super) fn string(value: &RawValue) -> Option<Cow<'_, str>> {
    let Text(text) = serde_json::from_str(value.get()).ok()?;
    Some(text)
}

/// `value`, unless it is null.
pub(super) fn present(value: &RawValue) -> Option<&RawValue> {
    Some(value).filter(|value| value.get() != "null")
}

/// What stands between the brackets of the array that `value` is, if it is one.
pub(super) fn inside(value: &RawValue) -> Option<&str> {
    let inside = value.get().strip_prefix('[')?.strip_suffix(']')?;
    Some(inside.trim_ascii())
}

/// A string, borrowed where it stands without escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_as_the_original_does_it() {
        for (text, expected) in [
            ("plain <&>'+/\u{7f}é😀", "\"plain <&>'+/\u{7f}é😀\""),
            ("a\"b\\c", r#""a\"b\\c""#),
            ("\u{8}\t\n\u{c}\r\u{1}\u{1e}", r#""\b\t\n\f\r\u0001\u001e""#),
            (
                "\u{84}\u{85}\u{2028}\u{2029}\u{2027}",
                "\"\u{84}\\u0085\\u2028\\u2029\u{2027}\"",
            ),
        ] {
            let mut out = Vec::new();
            write_string(&mut out, text);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn raw_json_is_copied_but_for_what_ends_a_line() {
        for (json, expected) in [
            ("", ""),
            ("[\"é\", 1]", "[\"é\", 1]"),
            (
                "\"\u{85}\u{85}\u{2028}x\u{2029}\"",
                "\"\\u0085\\u0085\\u2028x\\u2029\"",
            ),
            (
                "\"Â\u{84}\u{20ac}\u{2027}\u{85}\"",
                "\"Â\u{84}\u{20ac}\u{2027}\\u0085\"",
            ),
        ] {
            let mut out = b"<".to_vec();
            write_raw(&mut out, json.as_bytes());
            assert_eq!(String::from_utf8(out).unwrap(), format!("<{expected}"));
        }
    }
}
