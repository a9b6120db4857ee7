//! Access keys, changeable while the service runs.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jsonwebtoken::{DecodingKey, EncodingKey};

/// An access key: its UTF-8 bytes are the HMAC key. Printed as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey(Box<str>);

impl AccessKey {
    /// Takes the text of a key, never base64-decoded.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The text, for a connection string and for nothing else.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub(super) fn verifying(&self) -> DecodingKey {
        DecodingKey::from_secret(self.0.as_bytes())
    }

    pub(super) fn signing(&self) -> EncodingKey {
        EncodingKey::from_secret(self.0.as_bytes())
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The keys in force: tokens signed with either are good.
#[derive(Clone, Debug)]
pub struct KeyPair {
    /// Signs what we mint.
    pub primary: AccessKey,
    /// Also accepted, so that keys can be changed without an outage.
    pub secondary: Option<AccessKey>,
}

impl KeyPair {
    /// One key alone.
    #[must_use]
    pub fn single(primary: AccessKey) -> Self {
        Self {
            primary,
            secondary: None,
        }
    }

    /// Both keys, the primary first.
    pub fn iter(&self) -> impl Iterator<Item = &AccessKey> {
        std::iter::once(&self.primary).chain(&self.secondary)
    }
}

/// Shared handle to the keys in force. Replacing them ends no connection: a token is checked when
/// it arrives and not again.
#[derive(Clone, Debug)]
pub struct Keys(Arc<ArcSwap<KeyPair>>);

impl Keys {
    /// Starts with these keys.
    #[must_use]
    pub fn new(pair: KeyPair) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(pair)))
    }

    /// The keys in force now.
    #[must_use]
    pub fn current(&self) -> Arc<KeyPair> {
        self.0.load_full()
    }

    /// Puts other keys in force, for all who share this handle.
    pub fn replace(&self, pair: KeyPair) {
        self.0.store(Arc::new(pair));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_never_print() {
        let pair = KeyPair {
            primary: AccessKey::new("first-secret"),
            secondary: Some(AccessKey::new("second-secret")),
        };
        let printed = format!("{:?} {:?}", pair, Keys::new(pair.clone()));
        assert!(!printed.contains("secret"), "{printed}");
        assert!(printed.contains("***"));
    }

    #[test]
    fn replaced_keys_are_seen_through_every_handle() {
        let keys = Keys::new(KeyPair::single(AccessKey::new("old")));
        let other = keys.clone();
        keys.replace(KeyPair::single(AccessKey::new("new")));
        assert_eq!(other.current().primary.reveal(), "new");
    }
}
