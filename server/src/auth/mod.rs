//! Tokens: the only place that reads or makes one.
//!
//! [`Verifier`] checks what app servers signed with the access [`Keys`]; [`Mint`] makes the same;
//! an [`Authenticator`] says who the client behind a request is.

mod audience;
mod authenticator;
mod bearer;
mod error;
mod identity;
mod key;
mod legacy_tokens;
mod mint;
mod token;
mod verifier;

pub use audience::Route;
pub use authenticator::{Anonymous, Authenticator, Denied, LegacyToken, ServiceToken};
pub use bearer::{bearer, without_token};
pub use error::TokenError;
pub use identity::Identity;
pub use key::{AccessKey, KeyPair, Keys};
pub use legacy_tokens::{ConnectionToken, LegacyTokens};
pub use mint::{Mint, MintError};
pub use verifier::{Options, ServerIdentity, Verifier};
