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

/// Keys out of force that are remembered.
const RETIRED: usize = 8;

/// Shared handle to the keys in force. Replacing them ends no connection: keys that were in force
/// are still known as such, for clients that show their token with each request.
#[derive(Clone, Debug)]
pub struct Keys(Arc<ArcSwap<Ring>>);

/// The keys in force, and those that were before, the latest last.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    pub(super) pair: Arc<KeyPair>,
    pub(super) retired: Vec<AccessKey>,
}

impl Ring {
    fn followed_by(&self, pair: &KeyPair) -> Self {
        let before = self.retired.iter().chain(self.pair.iter());
        let retired = before.filter(|key| !pair.iter().any(|now| now == *key));
        let mut retired: Vec<AccessKey> = retired.cloned().collect();
        retired.drain(..retired.len().saturating_sub(RETIRED));
        Self {
            pair: Arc::new(pair.clone()),
            retired,
        }
    }
}

impl Keys {
    /// Starts with these keys.
    #[must_use]
    pub fn new(pair: KeyPair) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(Ring {
            pair: Arc::new(pair),
            retired: Vec::new(),
        })))
    }

    /// The keys in force now.
    #[must_use]
    pub fn current(&self) -> Arc<KeyPair> {
        Arc::clone(&self.0.load().pair)
    }

    pub(super) fn ring(&self) -> Arc<Ring> {
        self.0.load_full()
    }

    /// Puts other keys in force, for all who share this handle.
    pub fn replace(&self, pair: &KeyPair) {
        self.0.rcu(|ring| ring.followed_by(pair));
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
        keys.replace(&KeyPair::single(AccessKey::new("new")));
        assert_eq!(other.current().primary.reveal(), "new");
    }

    #[test]
    fn the_last_keys_out_of_force_are_remembered() {
        let keys = Keys::new(KeyPair::single(AccessKey::new("0")));
        for index in 1..20 {
            keys.replace(&KeyPair::single(AccessKey::new(index.to_string())));
        }
        let retired = |keys: &Keys| {
            let ring = keys.ring();
            let texts: Vec<String> = ring.retired.iter().map(|key| key.0.to_string()).collect();
            texts.join(" ")
        };
        assert_eq!(retired(&keys), "11 12 13 14 15 16 17 18");
        keys.replace(&KeyPair::single(AccessKey::new("13")));
        assert_eq!(retired(&keys), "11 12 14 15 16 17 18 19");
    }
}
