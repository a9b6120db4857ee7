//! Port: who the client behind a request is.

use std::fmt;
use std::time::SystemTime;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;

use super::{Identity, TokenError, Verifier, bearer};
use crate::backend::BoxFuture;

/// Port: tells who the client behind a request is. Embedders may bring their own.
pub trait Authenticator: Send + Sync + fmt::Debug {
    /// Looks at the head of a negotiate or transport request for a hub.
    ///
    /// # Errors
    ///
    /// The answer to a client that may not come in.
    fn authenticate<'a>(
        &'a self,
        request: &'a Parts,
        hub: &'a str,
    ) -> BoxFuture<'a, Result<Identity, Denied>>;

    /// Looks at the head of a legacy client's request for a connection that stands. What it shows
    /// must have been good once, and may have ended since. By default nothing may have.
    ///
    /// # Errors
    ///
    /// The answer to a client that may not go on.
    fn recognize<'a>(
        &'a self,
        request: &'a Parts,
        hub: &'a str,
    ) -> BoxFuture<'a, Result<Identity, Denied>> {
        self.authenticate(request, hub)
    }
}

/// Why a client may not come in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Denied {
    /// It has no good token: 401.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// We know who it is, and it may not: 403 with this text.
    #[error("{0}")]
    Forbidden(Box<str>),
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        match self {
            Self::Token(error) => error.into_response(),
            Self::Forbidden(text) => (StatusCode::FORBIDDEN, String::from(text)).into_response(),
        }
    }
}

/// Lets everyone in as nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Anonymous;

impl Authenticator for Anonymous {
    fn authenticate<'a>(
        &'a self,
        _request: &'a Parts,
        _hub: &'a str,
    ) -> BoxFuture<'a, Result<Identity, Denied>> {
        Box::pin(std::future::ready(Ok(Identity::anonymous())))
    }
}

/// Wants a client token made with the access key, in the header or the query.
#[derive(Clone, Debug)]
pub struct ServiceToken(pub Verifier);

impl Authenticator for ServiceToken {
    fn authenticate<'a>(
        &'a self,
        request: &'a Parts,
        hub: &'a str,
    ) -> BoxFuture<'a, Result<Identity, Denied>> {
        let identity = match bearer(request) {
            Some(token) => self.0.client(&token, hub, SystemTime::now()),
            None => Err(TokenError::Missing),
        };
        Box::pin(std::future::ready(identity.map_err(Denied::from)))
    }
}

/// Wants a token for legacy clients made with the access key, in the header or the query.
#[derive(Clone, Debug)]
pub struct LegacyToken(pub Verifier);

impl Authenticator for LegacyToken {
    fn authenticate<'a>(
        &'a self,
        request: &'a Parts,
        _hub: &'a str,
    ) -> BoxFuture<'a, Result<Identity, Denied>> {
        let identity = match bearer(request) {
            Some(token) => self.0.legacy_client(&token, SystemTime::now()),
            None => Err(TokenError::Missing),
        };
        Box::pin(std::future::ready(identity.map_err(Denied::from)))
    }

    fn recognize<'a>(
        &'a self,
        request: &'a Parts,
        _hub: &'a str,
    ) -> BoxFuture<'a, Result<Identity, Denied>> {
        let identity = match bearer(request) {
            Some(token) => self.0.former_legacy_client(&token, SystemTime::now()),
            None => Err(TokenError::Missing),
        };
        Box::pin(std::future::ready(identity.map_err(Denied::from)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_known_and_may_not_come_in_is_forbidden() {
        let response = Denied::Forbidden("not on Sundays".into()).into_response();
        assert_eq!(response.status(), 403);
        let response = Denied::Token(TokenError::Missing).into_response();
        assert_eq!(response.status(), 401);
    }
}
