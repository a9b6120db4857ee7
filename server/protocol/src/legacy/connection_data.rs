//! The hubs that a client listens to (5.1).

use std::borrow::Cow;

use serde_json::value::RawValue;
use thiserror::Error;

use super::json::{members, string};

/// How many hubs a client may name.
const MAX_HUBS: usize = 256;

/// Reads the query value `connectionData`, decoded: the names of hubs, as the client wrote them and
/// in its order. The names of members compare ignoring case.
///
/// # Errors
///
/// [`ConnectionDataError`]. Whether the hubs exist is the caller's question.
pub fn connection_data(text: &str) -> Result<Vec<Cow<'_, str>>, ConnectionDataError> {
    let hubs: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| ConnectionDataError::Json)?;
    if hubs.len() > MAX_HUBS {
        return Err(ConnectionDataError::TooMany);
    }
    let mut names: Vec<Cow<'_, str>> = Vec::with_capacity(hubs.len());
    for hub in hubs {
        let mut name = None;
        let json = hub.get().as_bytes();
        let read = members(json, |member, value| {
            if member.eq_ignore_ascii_case("name") {
                name = string(value);
            }
        });
        read.map_err(|_| ConnectionDataError::Missing)?;
        let name = name.ok_or(ConnectionDataError::Missing)?;
        if names.iter().any(|other| is_same(other, &name)) {
            return Err(ConnectionDataError::Twice);
        }
        names.push(name);
    }
    Ok(names)
}

/// Whether two names are the same hub's.
fn is_same(one: &str, other: &str) -> bool {
    let lower = |text: &str| {
        text.chars()
            .flat_map(char::to_lowercase)
            .collect::<String>()
    };
    one.eq_ignore_ascii_case(other)
        || (!one.is_ascii() && !other.is_ascii() && lower(one) == lower(other))
}

/// A list of hubs that is none. Always the client's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConnectionDataError {
    /// The text is no JSON array.
    #[error("connectionData is not a JSON array")]
    Json,
    /// An element is no object with a name.
    #[error("a hub in connectionData has no name")]
    Missing,
    /// Two names differ in nothing but case.
    #[error("a hub stands twice in connectionData")]
    Twice,
    /// The list is beyond our limit.
    #[error("more than {MAX_HUBS} hubs in connectionData")]
    TooMany,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_as_they_are() {
        let names =
            connection_data(r#" [ {"x":[1],"NAME":"Chat"}, {"name":"a","Name":"b\u0063"}]"#);
        assert_eq!(names.unwrap(), ["Chat", "bc"]);
        assert_eq!(connection_data("[]").unwrap(), [""; 0]);
    }

    #[test]
    fn list_that_is_none_is_an_error() {
        let many = |count: usize| {
            let hubs: Vec<_> = (0..count)
                .map(|n| format!("{{\"name\":\"{n}\"}}"))
                .collect();
            format!("[{}]", hubs.join(","))
        };
        assert_eq!(connection_data(&many(256)).unwrap().len(), 256);
        for (text, error) in [
            ("", ConnectionDataError::Json),
            ("{}", ConnectionDataError::Json),
            ("[]]", ConnectionDataError::Json),
            ("null", ConnectionDataError::Json),
            ("[1]", ConnectionDataError::Missing),
            ("[{}]", ConnectionDataError::Missing),
            (r#"[{"name":null}]"#, ConnectionDataError::Missing),
            (r#"[{"name":1}]"#, ConnectionDataError::Missing),
            (
                r#"[{"name":"Ä"},{"name":"b"},{"name":"ä"}]"#,
                ConnectionDataError::Twice,
            ),
            (&many(257), ConnectionDataError::TooMany),
        ] {
            assert_eq!(connection_data(text), Err(error), "{text}");
        }
    }
}
