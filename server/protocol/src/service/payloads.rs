//! The same message for clients of different hub protocols.

use std::fmt;

/// One complete, framed hub message per hub protocol (`map<str,bin>`, section 4.4).
///
/// `Debug` prints sizes, not bytes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Payloads<'a>(Vec<(&'a str, &'a [u8])>);

impl<'a> Payloads<'a> {
    /// The payload for a hub protocol, whose name is compared ignoring case.
    #[must_use]
    pub fn find(&self, protocol: &str) -> Option<&'a [u8]> {
        self.iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(protocol))
            .map(|(_, bytes)| bytes)
    }

    /// All protocols with their payloads, in the order on the wire.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'a str, &'a [u8])> {
        self.0.iter().copied()
    }

    /// The number of payloads.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none, as in a [`ClientInvocation`](super::Message::ClientInvocation) that
    /// only registers.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> From<Vec<(&'a str, &'a [u8])>> for Payloads<'a> {
    fn from(payloads: Vec<(&'a str, &'a [u8])>) -> Self {
        Self(payloads)
    }
}

impl<'a> FromIterator<(&'a str, &'a [u8])> for Payloads<'a> {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a [u8])>>(payloads: I) -> Self {
        Self(payloads.into_iter().collect())
    }
}

impl fmt::Debug for Payloads<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.iter().map(|(name, bytes)| (name, bytes.len())))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocol_is_found_ignoring_case() {
        let payloads = Payloads::from(vec![("json", b"a".as_slice()), ("MessagePack", b"bc")]);
        assert_eq!(payloads.find("JSON"), Some(b"a".as_slice()));
        assert_eq!(payloads.find("messagepack"), Some(b"bc".as_slice()));
        assert_eq!(payloads.find("blazorpack"), None);
        assert_eq!(format!("{payloads:?}"), r#"{"json": 1, "MessagePack": 2}"#);
    }
}
