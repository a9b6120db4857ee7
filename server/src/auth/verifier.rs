//! Checks tokens.

use std::time::{Duration, SystemTime};

use heliograph_protocol::service::ServiceClaims;

use super::audience::{self, Route};
use super::token::{self, Payload};
use super::{Identity, Keys, TokenError};

/// How tokens are checked.
#[derive(Clone, Debug)]
pub struct Options {
    /// How far the clocks of app servers may be off, for `nbf` and `exp`.
    pub clock_skew: Duration,
    /// Longest token that is read, in bytes. The SDK makes none longer than 4096.
    pub max_token_bytes: usize,
    /// Hosts that audiences may name, with or without a port. Empty: any.
    pub hosts: Vec<Box<str>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clock_skew: Duration::from_secs(5 * 60),
            max_token_bytes: 4096,
            hosts: Vec::new(),
        }
    }
}

/// Checks tokens that app servers made with the access key.
#[derive(Clone, Debug)]
pub struct Verifier {
    keys: Keys,
    options: Options,
}

/// Who an app server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerIdentity {
    /// `nameid`: one process of the app; also in `X-ASRS-Server-Id` and, as the sticky claim, in
    /// the tokens of its clients.
    pub server_id: Box<str>,
    /// `exp`.
    pub expires_at: SystemTime,
}

/// When a token has to be good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Good {
    Now,
    /// It may have expired since, and its key may be out of force.
    Once,
}

impl Verifier {
    /// Checks against these keys, which may change meanwhile.
    #[must_use]
    pub fn new(keys: Keys, options: Options) -> Self {
        Self { keys, options }
    }

    /// Who a client of this hub is.
    ///
    /// # Errors
    ///
    /// Why the token is refused.
    pub fn client(&self, token: &str, hub: &str, now: SystemTime) -> Result<Identity, TokenError> {
        self.identity(token, Route::Client, hub, now, Good::Now)
    }

    /// Who a client of this hub was whose token was good once, and may have expired since.
    ///
    /// # Errors
    ///
    /// Why the token is refused.
    pub fn former_client(
        &self,
        token: &str,
        hub: &str,
        now: SystemTime,
    ) -> Result<Identity, TokenError> {
        self.identity(token, Route::Client, hub, now, Good::Once)
    }

    /// Who a legacy client is; its token names no hub.
    ///
    /// # Errors
    ///
    /// Why the token is refused.
    pub fn legacy_client(&self, token: &str, now: SystemTime) -> Result<Identity, TokenError> {
        self.identity(token, Route::LegacyClient, "", now, Good::Now)
    }

    /// Who a legacy client is whose connection stands: its token was good once, and may have
    /// expired since.
    ///
    /// # Errors
    ///
    /// Why the token is refused.
    pub fn former_legacy_client(
        &self,
        token: &str,
        now: SystemTime,
    ) -> Result<Identity, TokenError> {
        self.identity(token, Route::LegacyClient, "", now, Good::Once)
    }

    fn identity(
        &self,
        token: &str,
        route: Route,
        hub: &str,
        now: SystemTime,
        good: Good,
    ) -> Result<Identity, TokenError> {
        let (payload, expires_at) = self.open(token, route, hub, now, good)?;
        let service = ServiceClaims::from(&payload.claims);
        Ok(Identity {
            user: service.user_id.as_deref().map(Into::into),
            claims: payload.claims.expand(),
            service,
            expires_at: Some(expires_at),
        })
    }

    /// Who an app server at this route and hub is.
    ///
    /// # Errors
    ///
    /// Why the token is refused.
    pub fn server(
        &self,
        token: &str,
        hub: &str,
        route: Route,
        now: SystemTime,
    ) -> Result<ServerIdentity, TokenError> {
        let (payload, expires_at) = self.open(token, route, hub, now, Good::Now)?;
        let server_id = payload
            .claims
            .first("nameid")
            .filter(|id| !id.is_empty())
            .ok_or(TokenError::NoServerId)?;
        Ok(ServerIdentity {
            server_id: server_id.into(),
            expires_at,
        })
    }

    fn open(
        &self,
        token: &str,
        route: Route,
        hub: &str,
        now: SystemTime,
        good: Good,
    ) -> Result<(Payload, SystemTime), TokenError> {
        if token.is_empty() {
            return Err(TokenError::Missing);
        }
        if token.len() > self.options.max_token_bytes {
            return Err(TokenError::TooLong);
        }
        let payload = token::open(token, &self.keys.ring())?;
        if payload.is_retired && good == Good::Now {
            return Err(TokenError::RetiredKey);
        }
        let (expires_at, is_past) = payload.lifetime(now, self.options.clock_skew)?;
        if is_past && good == Good::Now {
            return Err(TokenError::Expired);
        }
        let hosts = &self.options.hosts;
        let fits = |audience: &String| audience::fits(audience, route, hub, hosts);
        if !payload.audiences().iter().any(fits) {
            return Err(TokenError::Audience);
        }
        Ok((payload, expires_at))
    }
}

#[cfg(test)]
#[path = "verifier_tests.rs"]
mod tests;
