//! Makes tokens as the SDK makes them (service-protocol.md, 2.1 and 2.5).

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::AccessKey;

/// Makes tokens with one key for one endpoint.
#[derive(Clone, Debug)]
pub struct Mint {
    key: AccessKey,
    /// `scheme://host`, without port and path, as audiences have it.
    base: String,
    audience: Option<String>,
    lifetime: Duration,
    now: SystemTime,
}

/// Why no token could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MintError {
    /// Not an `http` or `https` URL.
    #[error("the endpoint must be an http or https URL")]
    Endpoint,
    /// The signature could not be made.
    #[error("the token could not be signed")]
    Sign(#[source] jsonwebtoken::errors::Error),
}

impl Mint {
    /// Signs with `key` for the service at `endpoint`, from `now` on and for `lifetime`.
    ///
    /// # Errors
    ///
    /// When the endpoint is no URL.
    pub fn new(
        key: AccessKey,
        endpoint: &str,
        now: SystemTime,
        lifetime: Duration,
    ) -> Result<Self, MintError> {
        let endpoint: http::Uri = endpoint.parse().map_err(|_| MintError::Endpoint)?;
        let (Some(scheme @ ("http" | "https")), Some(host)) =
            (endpoint.scheme_str(), endpoint.host())
        else {
            return Err(MintError::Endpoint);
        };
        Ok(Self {
            key,
            base: format!("{scheme}://{host}"),
            audience: None,
            lifetime,
            now,
        })
    }

    /// Puts this audience, when there is one, in place of those made from the endpoint.
    #[must_use]
    pub fn with_audience(self, audience: Option<String>) -> Self {
        Self { audience, ..self }
    }

    /// A token for a client of a hub. A claim that repeats becomes an array.
    ///
    /// # Errors
    ///
    /// When it cannot be signed.
    pub fn client(
        &self,
        hub: &str,
        user: Option<&str>,
        claims: &[(String, String)],
    ) -> Result<String, MintError> {
        let audience = format!("{}/client/?hub={}", self.base, hub.to_lowercase());
        self.sign(&with_user(user, claims), &audience)
    }

    /// A token for a legacy client, good for all hubs.
    ///
    /// # Errors
    ///
    /// When it cannot be signed.
    pub fn legacy_client(
        &self,
        user: Option<&str>,
        claims: &[(String, String)],
    ) -> Result<String, MintError> {
        let audience = format!("{}/aspnetclient", self.base);
        self.sign(&with_user(user, claims), &audience)
    }

    /// A token for a server connection of a hub.
    ///
    /// # Errors
    ///
    /// When it cannot be signed.
    pub fn server(&self, hub: &str, server_id: &str) -> Result<String, MintError> {
        let audience = format!("{}/server/?hub={}", self.base, hub.to_lowercase());
        self.sign(&[("nameid", server_id)], &audience)
    }

    /// A token for a call to the REST API at this path (and query).
    ///
    /// # Errors
    ///
    /// When it cannot be signed.
    pub fn rest(&self, path: &str) -> Result<String, MintError> {
        self.sign(
            &[],
            &format!("{}/{}", self.base, path.trim_start_matches('/')),
        )
    }

    fn sign(&self, claims: &[(&str, &str)], audience: &str) -> Result<String, MintError> {
        let seconds = |time: SystemTime| {
            time.duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default()
                .as_secs()
        };
        let now = seconds(self.now);
        let expires_at = now.saturating_add(self.lifetime.as_secs());
        let mut members = grouped(claims);
        members.extend([
            ("nbf", json!(now)),
            ("exp", json!(expires_at)),
            ("iat", json!(now)),
            ("aud", json!(self.audience.as_deref().unwrap_or(audience))),
        ]);
        let members: Vec<String> = members
            .into_iter()
            .map(|(name, value)| format!("{}:{value}", Value::from(name)))
            .collect();
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
        let payload = URL_SAFE_NO_PAD.encode(format!("{{{}}}", members.join(",")));
        let signed = format!("{header}.{payload}");
        let signature =
            jsonwebtoken::crypto::sign(signed.as_bytes(), &self.key.signing(), Algorithm::HS256)
                .map_err(MintError::Sign)?;
        Ok(format!("{signed}.{signature}"))
    }
}

fn with_user<'a>(user: Option<&'a str>, claims: &'a [(String, String)]) -> Vec<(&'a str, &'a str)> {
    let user = user.into_iter();
    let user = user.flat_map(|user| [("asrs.s.uid", user), ("nameid", user)]);
    let claims = claims.iter();
    user.chain(claims.map(|(name, value)| (name.as_str(), value.as_str())))
        .collect()
}

/// Claims by name in order of their first value: one value as text, several as an array.
fn grouped<'a>(claims: &[(&'a str, &str)]) -> Vec<(&'a str, Value)> {
    let mut grouped: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, value) in claims {
        match grouped.iter_mut().find(|(known, _)| known == name) {
            Some((_, values)) => values.push(value),
            None => grouped.push((name, vec![value])),
        }
    }
    grouped
        .into_iter()
        .map(|(name, values)| match *values {
            [value] => (name, json!(value)),
            _ => (name, json!(values)),
        })
        .collect()
}
