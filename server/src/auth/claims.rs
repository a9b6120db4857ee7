//! From the claims of a token to an identity.

use std::time::SystemTime;

use heliograph_protocol::service::ServiceClaims;

use super::Identity;
use super::token::Payload;

/// The identity that a client token gives.
pub(super) fn identity(payload: &Payload, expires_at: SystemTime) -> Identity {
    let _ = payload.iter();
    Identity {
        user: None,
        claims: Vec::new(),
        service: ServiceClaims::default(),
        expires_at: Some(expires_at),
    }
}
