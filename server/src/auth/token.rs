//! A compact JSON Web Token taken apart (RFC 7519; service-protocol.md, 2.1).

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use heliograph_protocol::service::TokenClaims;
use jsonwebtoken::Algorithm;
use serde::Deserialize;

use super::key::Ring;
use super::{AccessKey, TokenError};

/// The payload of a token whose signature is good.
pub(super) struct Payload {
    registered: Registered,
    /// The key that signed it is out of force.
    pub(super) is_retired: bool,
    /// All claims in the token's order.
    pub(super) claims: TokenClaims,
}

/// The claims that RFC 7519 gives a meaning and that we check.
#[derive(Deserialize)]
struct Registered {
    aud: Option<OneOrMany>,
    /// Seconds since 1970; fractions are allowed.
    exp: Option<f64>,
    nbf: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// Checks form and signature.
pub(super) fn open(token: &str, keys: &Ring) -> Result<Payload, TokenError> {
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
    let (header, payload) = signed.split_once('.').ok_or(TokenError::Malformed)?;
    let algorithm = algorithm(header)?;
    let has_signed = |key: &AccessKey| {
        jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &key.verifying(), algorithm)
            .unwrap_or(false)
    };
    let is_retired = !keys.pair.iter().any(has_signed);
    if is_retired && !keys.retired.iter().any(has_signed) {
        return Err(TokenError::Signature);
    }
    let payload = URL_SAFE_NO_PAD
        .decode(payload)
        .map_err(|_| TokenError::Malformed)?;
    let malformed = |_| TokenError::Malformed;
    Ok(Payload {
        registered: serde_json::from_slice(&payload).map_err(malformed)?,
        is_retired,
        claims: serde_json::from_slice(&payload).map_err(malformed)?,
    })
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
    /// `aud`: one text or several.
    pub(super) fn audiences(&self) -> &[String] {
        match &self.registered.aud {
            None => &[],
            Some(OneOrMany::One(audience)) => std::slice::from_ref(audience),
            Some(OneOrMany::Many(audiences)) => audiences,
        }
    }

    /// Checks `nbf`, and gives `exp` and whether it is past.
    pub(super) fn lifetime(
        &self,
        now: SystemTime,
        skew: Duration,
    ) -> Result<(SystemTime, bool), TokenError> {
        let expires_at = time(self.registered.exp.ok_or(TokenError::NoExpiry)?)?;
        if let Some(seconds) = self.registered.nbf {
            let starts_at = time(seconds)?;
            if now
                .checked_add(skew)
                .is_some_and(|latest| latest < starts_at)
            {
                return Err(TokenError::NotYetValid);
            }
        }
        let earliest = now.checked_sub(skew);
        let is_past = earliest.is_some_and(|earliest| earliest >= expires_at);
        Ok((expires_at, is_past))
    }
}

fn time(seconds: f64) -> Result<SystemTime, TokenError> {
    Duration::try_from_secs_f64(seconds)
        .ok()
        .and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since))
        .ok_or(TokenError::Malformed)
}
