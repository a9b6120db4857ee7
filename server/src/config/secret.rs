//! Access keys in settings: never printed, and taken out of a connection string where a whole one
//! was pasted.

use std::fmt;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

/// A connection string without a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct NoKey;

impl Secret {
    /// Takes a key as it is, or the `AccessKey` of a connection string.
    fn parse(text: &str) -> Result<Self, NoKey> {
        let named = |part: &'_ str| -> Option<(String, String)> {
            let (name, value) = part.split_once('=')?;
            Some((name.trim().to_lowercase(), value.trim().to_owned()))
        };
        let parts: Vec<_> = text.split(';').filter_map(named).collect();
        let is_connection_string = parts
            .iter()
            .any(|(name, _)| name == "endpoint" || name == "accesskey");
        if !is_connection_string {
            return Ok(Self(text.to_owned()));
        }
        parts
            .into_iter()
            .find(|(name, value)| name == "accesskey" && !value.is_empty())
            .map(|(_, key)| Self(key))
            .ok_or(NoKey)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(|NoKey| {
            D::Error::custom("expected a key, found a connection string without its AccessKey")
        })
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_string_gives_its_key_and_other_texts_stay_as_they_are() {
        for text in [
            "Endpoint=http://localhost;Port=8888;AccessKey=c2VjcmV0LXNlY3JldA==;Version=1.0;",
            "AccessKey=c2VjcmV0LXNlY3JldA==",
            " endpoint = https://a.example ; accesskey = c2VjcmV0LXNlY3JldA== ",
        ] {
            let key = Secret::parse(text).unwrap();
            assert_eq!(key.0, "c2VjcmV0LXNlY3JldA==", "{text}");
        }
        for text in ["c2VjcmV0LXNlY3JldA==", "a key; with all = of it", ""] {
            assert_eq!(Secret::parse(text).unwrap().0, text);
        }
        for text in [
            "Endpoint=http://localhost;Port=8888;Version=1.0;",
            "Endpoint=http://localhost;AccessKey;Version=1.0;",
            "Endpoint=http://localhost;AccessKey=;Version=1.0;",
        ] {
            assert_eq!(Secret::parse(text), Err(NoKey), "{text}");
        }
    }
}
