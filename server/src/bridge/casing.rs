//! Casing of member names, changed in passing.

use std::borrow::Cow;

use memchr::memchr2;

/// How the member names of JSON objects are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Casing {
    /// As they come.
    #[default]
    Untouched,
    /// `userName`, as ASP.NET Core writes them.
    Camel,
    /// `UserName`, as .NET properties are called.
    Pascal,
}

impl Casing {
    /// Changes the names of all members in well-formed JSON text, those of dictionaries too, and
    /// nothing else.
    pub(super) fn apply(self, json: &str) -> Cow<'_, str> {
        if self == Self::Untouched {
            return Cow::Borrowed(json);
        }
        let mut out = String::new();
        let mut rest = json;
        // A string is a name when a colon follows.
        while let Some((before, text, behind)) = next_string(rest) {
            let is_name = behind.trim_ascii_start().starts_with(':');
            out.push_str(before);
            match is_name.then(|| self.recase(text)).flatten() {
                Some(name) => out.push_str(&name),
                None => out.push_str(text),
            }
            rest = behind;
        }
        out.push_str(rest);
        Cow::Owned(out)
    }

    /// A name with its quotes; `None` when it stays as it is.
    fn recase(self, quoted: &str) -> Option<String> {
        let name = quoted.strip_prefix('"')?.strip_suffix('"')?;
        if name.contains('\\') {
            let name: String = serde_json::from_str(quoted).ok()?;
            return serde_json::to_string(&self.name(&name)?).ok();
        }
        Some(format!("\"{}\"", self.name(name)?))
    }

    fn name(self, name: &str) -> Option<String> {
        let first = name.chars().next()?;
        match self {
            Self::Pascal if first.is_lowercase() => {
                let rest = name.get(first.len_utf8()..)?;
                Some(format!("{}{rest}", single(first.to_uppercase(), first)))
            }
            Self::Camel if first.is_uppercase() => Some(camel(name)),
            _ => None,
        }
    }
}

/// As ASP.NET Core does it: capitals at the beginning become small, but for the one that begins
/// the next word.
fn camel(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut characters = name.chars().enumerate().peekable();
    let mut is_beginning = true;
    while let Some((place, character)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        let begins_word = next.is_some_and(|next| !next.is_uppercase() && next != ' ');
        is_beginning &= character.is_uppercase() && (place == 0 || !begins_word);
        if is_beginning {
            camel.push(single(character.to_lowercase(), character));
            is_beginning = next != Some(' ');
        } else {
            camel.push(character);
        }
    }
    camel
}

/// The other case of a character that has exactly one.
fn single(mut mapped: impl ExactSizeIterator<Item = char>, character: char) -> char {
    match mapped.len() {
        1 => mapped.next().unwrap_or(character),
        _ => character,
    }
}

/// Splits JSON text around its first string, which keeps its quotes.
fn next_string(json: &str) -> Option<(&str, &str, &str)> {
    let start = memchr::memchr(b'"', json.as_bytes())?;
    let mut end = start + 1;
    loop {
        end += memchr2(b'"', b'\\', json.as_bytes().get(end..)?)?;
        if json.as_bytes().get(end) == Some(&b'"') {
            break;
        }
        end += 2;
    }
    let (head, behind) = json.split_at_checked(end + 1)?;
    let (before, text) = head.split_at_checked(start)?;
    Some((before, text, behind))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    use super::*;

    #[test]
    fn names_are_written_as_dotnet_does_it() {
        for (name, camel, pascal) in [
            ("UserName", "userName", "UserName"),
            ("userName", "userName", "UserName"),
            ("ID", "id", "ID"),
            ("URLValue", "urlValue", "URLValue"),
            ("A", "a", "A"),
            ("ABc", "aBc", "ABc"),
            ("A B", "a B", "A B"),
            ("AB C", "ab C", "AB C"),
            ("", "", ""),
            ("_Aa", "_Aa", "_Aa"),
            ("1A", "1A", "1A"),
            ("ÄB", "äb", "ÄB"),
            ("ßa", "ßa", "ßa"),
            ("\"Q", "\"Q", "\"Q"),
            ("A\"b\u{1}", "a\"b\u{1}", "A\"b\u{1}"),
        ] {
            let json = Value::from(
                [(name.to_owned(), 1.into())]
                    .into_iter()
                    .collect::<Map<_, _>>(),
            );
            for (casing, expected) in [
                (Casing::Camel, camel),
                (Casing::Pascal, pascal),
                (Casing::Untouched, name),
            ] {
                let text = json.to_string();
                let changed: Map<String, Value> =
                    serde_json::from_str(&casing.apply(&text)).unwrap();
                assert_eq!(changed.keys().next().unwrap(), expected, "{casing:?}");
            }
        }
    }

    #[test]
    fn values_that_look_like_names_and_space_stay() {
        let json = r#"[ "A:", "B" , {"A" : "C\\", "\u0042" :{ "D":"E: \"F\"" } } ]"#;
        let expected = r#"[ "A:", "B" , {"a" : "C\\", "b" :{ "d":"E: \"F\"" } } ]"#;
        assert_eq!(Casing::Camel.apply(json), expected);
    }

    fn json() -> impl Strategy<Value = Value> {
        let name = "[A-Za-z\"\\\\ äÖ:]{0,5}";
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            name.prop_map(Value::from),
            Just(Value::Null),
        ];
        leaf.prop_recursive(4, 32, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((name, inner), 0..4)
                    .prop_map(|members| Value::from(members.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    /// The same by way of a tree.
    fn by_tree(casing: Casing, value: Value) -> Value {
        match value {
            Value::Array(elements) => {
                let elements = elements.into_iter();
                elements.map(|element| by_tree(casing, element)).collect()
            }
            Value::Object(members) => {
                let members = members.into_iter().map(|(name, value)| {
                    let name = casing.name(&name).unwrap_or(name);
                    (name, by_tree(casing, value))
                });
                Value::Object(members.collect())
            }
            other => other,
        }
    }

    proptest! {
        #[test]
        fn streams_do_what_trees_do(value in json(), pretty in any::<bool>()) {
            let text = if pretty {
                serde_json::to_string_pretty(&value).unwrap()
            } else {
                value.to_string()
            };
            for casing in [Casing::Camel, Casing::Pascal, Casing::Untouched] {
                let changed = casing.apply(&text);
                let changed: Value = serde_json::from_str(&changed).unwrap();
                prop_assert_eq!(&changed, &by_tree(casing, value.clone()));
            }
        }

        #[test]
        fn what_is_no_json_harms_nobody(text in "[{}\\[\\]:,\"\\\\aÄA ]{0,40}") {
            for casing in [Casing::Camel, Casing::Pascal] {
                casing.apply(&text);
            }
        }
    }
}
