//! Why a token is refused, and what the caller is told.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

/// Why a token is refused. The texts tell the caller and leak nothing of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// No token came.
    #[error("the access token is missing")]
    Missing,
    /// Longer than we read.
    #[error("the access token is too long")]
    TooLong,
    /// Not a JSON Web Token, or a registered claim has the wrong type.
    #[error("the access token is malformed")]
    Malformed,
    /// `alg` is neither HS256 nor HS512.
    #[error("the access token is not signed with HS256 or HS512")]
    Algorithm,
    /// No key of ours made this signature.
    #[error("the signature of the access token is invalid")]
    Signature,
    /// Made with a key of ours that is out of force.
    #[error("the key that signed the access token is no longer in use")]
    RetiredKey,
    /// `exp` is past.
    #[error("the access token has expired")]
    Expired,
    /// There is no `exp`.
    #[error("the access token has no expiry")]
    NoExpiry,
    /// `nbf` is still to come.
    #[error("the access token is not valid yet")]
    NotYetValid,
    /// Made for another route, hub or host.
    #[error("the audience of the access token does not fit this request")]
    Audience,
    /// A server token that names no server.
    #[error("the access token names no server")]
    NoServerId,
}

impl TokenError {
    /// The value of `WWW-Authenticate` (RFC 6750, section 3).
    #[must_use]
    pub fn challenge(self) -> HeaderValue {
        let text = format!("Bearer error=\"invalid_token\", error_description=\"{self}\"");
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("Bearer"))
    }
}

impl IntoResponse for TokenError {
    fn into_response(self) -> Response {
        let headers = [(header::WWW_AUTHENTICATE, self.challenge())];
        (StatusCode::UNAUTHORIZED, headers, self.to_string()).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_is_401_with_its_description() {
        let response = TokenError::Expired.into_response();
        assert_eq!(response.status(), 401);
        assert_eq!(
            response.headers()["www-authenticate"],
            "Bearer error=\"invalid_token\", error_description=\"the access token has expired\""
        );
    }
}
