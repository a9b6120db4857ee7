//! Tokens, good ones and bad ones.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::backend::KEY;

/// What a token says. Good as made; each part can be spoiled.
#[derive(Clone, Debug)]
pub(crate) struct Claims {
    pub(crate) key: String,
    pub(crate) algorithm: Algorithm,
    pub(crate) body: Value,
}

impl Claims {
    /// For a client (`client`) or an app server (`server`) of a hub.
    pub(crate) fn new(endpoint: &str, role: &str, hub: &str) -> Self {
        let now = seconds();
        let audience = format!("{endpoint}/{role}/?hub={hub}");
        Self {
            key: KEY.to_owned(),
            algorithm: Algorithm::HS256,
            body: json!({"aud": audience, "nbf": now - 10, "iat": now, "exp": now + 3600,
                "nameid": "harness", "asrs.s.uid": "harness"}),
        }
    }

    /// The same with another value for one claim.
    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        self.body[name] = value;
        self
    }

    pub(crate) fn sign(&self) -> Result<String> {
        let key = EncodingKey::from_secret(self.key.as_bytes());
        Ok(encode(&Header::new(self.algorithm), &self.body, &key)?)
    }
}

/// A good token for a client of a hub.
pub(crate) fn client_token(endpoint: &str, hub: &str) -> Result<String> {
    Claims::new(endpoint, "client", hub).sign()
}

/// Seconds since 1970.
pub(crate) fn seconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map(|since| since.as_secs()).unwrap_or_default()
}
