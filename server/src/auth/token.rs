//! A compact JSON Web Token taken apart (RFC 7519; service-protocol.md, 2.1).

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{KeyPair, TokenError};

/// The claims of a token whose signature is good, in the token's order and as JSON text.
pub(super) struct Payload(Vec<(String, Box<RawValue>)>);

/// Checks form and signature.
pub(super) fn open(token: &str, keys: &KeyPair) -> Result<Payload, TokenError> {
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
    let (header, payload) = signed.split_once('.').ok_or(TokenError::Malformed)?;
    let algorithm = algorithm(header)?;
    let good = keys.iter().any(|key| {
        jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &key.verifying(), algorithm)
            .unwrap_or(false)
    });
    if !good {
        return Err(TokenError::Signature);
    }
    let payload = URL_SAFE_NO_PAD
        .decode(payload)
        .map_err(|_| TokenError::Malformed)?;
    serde_json::from_slice(&payload).map_err(|_| TokenError::Malformed)
}

/// Only `alg` counts: `kid` of an access key is a hash that differs from process to process.
fn algorithm(header: &str) -> Result<Algorithm, TokenError> {
    #[derive(Deserialize)]
    struct Header<'a> {
        #[serde(borrow)]
        alg: Cow<'a, str>,
    }
    let header = URL_SAFE_NO_PAD
        .decode(header)
        .map_err(|_| TokenError::Malformed)?;
    let header: Header<'_> = serde_json::from_slice(&header).map_err(|_| TokenError::Malformed)?;
    match &*header.alg {
        "HS256" => Ok(Algorithm::HS256),
        "HS512" => Ok(Algorithm::HS512),
        _ => Err(TokenError::Algorithm),
    }
}

impl Payload {
    /// All claims in order, registered ones too; a name may repeat.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), &**value))
    }

    /// The last claim of this name.
    fn claim(&self, name: &str) -> Option<&RawValue> {
        self.iter()
            .filter(|(known, _)| *known == name)
            .last()
            .map(|(_, value)| value)
    }

    /// A text claim.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.claim(name)
            .and_then(|value| serde_json::from_str(value.get()).ok())
    }

    /// `aud`: one string or several.
    pub(super) fn audiences(&self) -> Result<Vec<String>, TokenError> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum OneOrMany {
            One(String),
            Many(Vec<String>),
        }
        let audience = self.claim("aud").ok_or(TokenError::Audience)?;
        match serde_json::from_str(audience.get()).map_err(|_| TokenError::Malformed)? {
            OneOrMany::One(audience) => Ok(vec![audience]),
            OneOrMany::Many(audiences) => Ok(audiences),
        }
    }

    /// A point in time in seconds since 1970 (RFC 7519, NumericDate: fractions are allowed).
    fn time(&self, name: &str) -> Result<Option<SystemTime>, TokenError> {
        let Some(value) = self.claim(name) else {
            return Ok(None);
        };
        let seconds: f64 = serde_json::from_str(value.get()).map_err(|_| TokenError::Malformed)?;
        let since = Duration::try_from_secs_f64(seconds).map_err(|_| TokenError::Malformed)?;
        let time = SystemTime::UNIX_EPOCH
            .checked_add(since)
            .ok_or(TokenError::Malformed)?;
        Ok(Some(time))
    }

    /// Checks `nbf` and `exp`, and gives `exp`.
    pub(super) fn lifetime(
        &self,
        now: SystemTime,
        skew: Duration,
    ) -> Result<SystemTime, TokenError> {
        let expires_at = self.time("exp")?.ok_or(TokenError::NoExpiry)?;
        if let Some(starts_at) = self.time("nbf")?
            && now
                .checked_add(skew)
                .is_some_and(|latest| latest < starts_at)
        {
            return Err(TokenError::NotYetValid);
        }
        if now
            .checked_sub(skew)
            .is_some_and(|earliest| earliest >= expires_at)
        {
            return Err(TokenError::Expired);
        }
        Ok(expires_at)
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Payload;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of claims")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Payload, A::Error> {
                let mut claims = Vec::new();
                while let Some(claim) = map.next_entry()? {
                    claims.push(claim);
                }
                Ok(Payload(claims))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}
