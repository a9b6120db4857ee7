//! JSON strings as .NET writes them.

use std::io::Write as _;

/// Appends `text` as a JSON string, escaped as the hub protocol of .NET does it (3.3): quotes,
/// backslashes, controls, spaces other than the ASCII one, private characters and non-characters,
/// and everything outside the basic plane as a surrogate pair. `é`, `<` and `&` stay.
///
/// .NET also escapes what its Unicode tables do not know yet; those characters are left alone here.
pub(super) fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let plain = bytes
        .iter()
        .fold(true, |plain, byte| plain & is_plain(*byte));
    if plain {
        out.extend_from_slice(bytes);
    } else {
        let mut buffer = [0; 4];
        for character in text.chars() {
            if needs_escape(character) {
                escape(out, character);
            } else {
                out.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
            }
        }
    }
    out.push(b'"');
}

/// Appends a number.
pub(super) fn write_number(out: &mut Vec<u8>, number: i64) {
    // Writing into memory does not fail.
    let _ = write!(out, "{number}");
}

const fn is_plain(byte: u8) -> bool {
    byte >= 0x20 && byte < 0x7f && byte != b'"' && byte != b'\\'
}

const fn needs_escape(character: char) -> bool {
    matches!(
        character,
        '\0'..='\x1f'
            | '"'
            | '\\'
            | '\x7f'..='\u{a0}'
            | '\u{1680}'
            | '\u{2000}'..='\u{200a}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{202f}'
            | '\u{205f}'
            | '\u{3000}'
            | '\u{e000}'..='\u{f8ff}'
            | '\u{fdd0}'..='\u{fdef}'
            | '\u{fffe}'..
    )
}

fn escape(out: &mut Vec<u8>, character: char) {
    let short = match character {
        '"' => b'"',
        '\\' => b'\\',
        '\u{8}' => b'b',
        '\t' => b't',
        '\n' => b'n',
        '\u{c}' => b'f',
        '\r' => b'r',
        _ => {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04X}");
            }
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_as_dotnet_does_it() {
        let rows = [
            ("plain <&>'+é", "\"plain <&>'+é\""),
            ("a\"b\\c/", "\"a\\\"b\\\\c/\""),
            (
                "\u{8}\t\n\u{c}\r\u{1}\u{1e}",
                "\"\\b\\t\\n\\f\\r\\u0001\\u001E\"",
            ),
            (
                "\u{7f}\u{a0}\u{2028}\u{feff}",
                "\"\\u007F\\u00A0\\u2028\u{feff}\"",
            ),
            ("😀", "\"\\uD83D\\uDE00\""),
        ];
        for (text, expected) in rows {
            let mut out = Vec::new();
            write_string(&mut out, text);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
