//! The claims of a client's token and what an app server is told of them (section 2.4).

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::inbound_claim_type;

/// The payload of a token: claims in the order in which they stand there.
///
/// `Debug` prints the names of the claims, never their values.
#[derive(Clone, Default)]
pub struct TokenClaims {
    entries: Vec<(String, Box<RawValue>)>,
}

impl TokenClaims {
    /// The claims as an [`OpenConnection`](super::Message::OpenConnection) carries them.
    ///
    /// Arrays become one claim for each element, other values than strings their JSON text. A
    /// claim whose name stands for a longer type comes twice: all values under the type, then all
    /// under the name. `aud exp iat nbf iss` are left out; the order of the token is kept.
    #[must_use]
    pub fn expand(&self) -> Vec<(String, String)> {
        let mut expanded = Vec::with_capacity(self.entries.len());
        for (name, value) in &self.entries {
            if matches!(name.as_str(), "aud" | "exp" | "iat" | "nbf" | "iss") {
                continue;
            }
            let values = texts(value);
            if let Some(claim_type) = inbound_claim_type(name) {
                expanded.extend(
                    values
                        .iter()
                        .map(|text| (claim_type.to_owned(), text.clone())),
                );
            }
            expanded.extend(values.into_iter().map(|text| (name.clone(), text)));
        }
        expanded
    }

    /// The first value of a claim, as text.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<String> {
        let (_, value) = self.entries.iter().find(|(entry, _)| entry == name)?;
        texts(value).into_iter().next()
    }

    /// The names of the claims in their order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.entries.iter().map(|(name, _)| name.as_str())
    }
}

impl fmt::Debug for TokenClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// Reads a JSON object and keeps its order, which a map of values would lose. Where a name comes
/// twice the later value counts.
impl<'de> Deserialize<'de> for TokenClaims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ClaimsVisitor)
    }
}

struct ClaimsVisitor;

impl<'de> Visitor<'de> for ClaimsVisitor {
    type Value = TokenClaims;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the claims of a token as a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries: Vec<(String, Box<RawValue>)> = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
            match entries.iter_mut().find(|(entry, _)| *entry == name) {
                Some((_, earlier)) => *earlier = value,
                None => entries.push((name, value)),
            }
        }
        Ok(TokenClaims { entries })
    }
}

/// The values of one claim as text.
fn texts(value: &RawValue) -> Vec<String> {
    match serde_json::from_str::<Vec<Box<RawValue>>>(value.get()) {
        Ok(elements) => elements.iter().map(|element| text(element)).collect(),
        Err(_) => vec![text(value)],
    }
}

fn text(value: &RawValue) -> String {
    serde_json::from_str(value.get()).unwrap_or_else(|_| value.get().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME_ID: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier";
    const ROLE: &str = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role";

    fn expand(json: &str) -> Vec<(String, String)> {
        serde_json::from_str::<TokenClaims>(json).unwrap().expand()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn mapped_claims_come_under_their_type_and_then_under_their_name() {
        let json = r#"{"role":["a","b"],"dept":"r&d","nameid":"al\u00efce","nbf":1,"exp":2,"iat":1,
            "iss":"azure-signalr","aud":["x"]}"#;
        let expected = [
            (ROLE, "a"),
            (ROLE, "b"),
            ("role", "a"),
            ("role", "b"),
            ("dept", "r&d"),
            (NAME_ID, "alïce"),
            ("nameid", "alïce"),
        ];
        assert_eq!(expand(json), pairs(&expected));
    }

    #[test]
    fn other_values_than_strings_become_their_json_text() {
        let json = r#"{"z":12.50,"a":true,"o":{"y":1,"b":[2]},"l":[1,[2, 3],null],"e":[]}"#;
        let expected = [
            ("z", "12.50"),
            ("a", "true"),
            ("o", r#"{"y":1,"b":[2]}"#),
            ("l", "1"),
            ("l", "[2, 3]"),
            ("l", "null"),
        ];
        assert_eq!(expand(json), pairs(&expected));
    }

    #[test]
    fn later_value_of_a_repeated_name_counts() {
        assert_eq!(
            expand(r#"{"a":"1","b":"2","a":"3"}"#),
            pairs(&[("a", "3"), ("b", "2")])
        );
    }

    #[test]
    fn debug_shows_no_values() {
        let claims: TokenClaims = serde_json::from_str(r#"{"a":"secret"}"#).unwrap();
        assert_eq!(format!("{claims:?}"), r#"{"a"}"#);
    }

    #[test]
    fn payload_that_is_no_object_is_an_error() {
        assert!(serde_json::from_str::<TokenClaims>("[]").is_err());
        assert!(
            serde_json::from_str::<TokenClaims>(&format!("{{\"a\":{}", "[".repeat(100_000)))
                .is_err()
        );
    }
}
