//! The tokens of legacy connections (legacy protocol, 6).
//!
//! A connection token says whose the connection is and which version of the protocol its client
//! negotiated, a groups token in which groups it was. Both are signed with the access key, so that they outlive a restart, and both consist of letters,
//! digits, `-` and `_` alone: some clients decode them once too often.

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use heliograph_protocol::legacy::ClientProtocol;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use super::Keys;

const ID_BYTES: usize = 16;
const USER_BYTES: usize = 8;
const MAC_BYTES: usize = 16;
const CONNECTION: &[u8] = b"heliograph legacy connection 1";
const GROUPS: &[u8] = b"heliograph legacy groups 1";
/// Bytes of group names that a token spells out.
const MAX_GROUPS_BYTES: usize = 1000;
/// Tokens beyond this are nobody's.
const MAX_TOKEN_CHARACTERS: usize = 2000;

/// Makes and reads the tokens of legacy connections.
#[derive(Clone, Debug)]
pub struct LegacyTokens(Keys);

/// What a good connection token says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ConnectionToken {
    id: [u8; ID_BYTES],
    user: [u8; USER_BYTES],
    /// The version that was negotiated. Tokens of earlier releases do not say: 1.2 then.
    pub protocol: ClientProtocol,
    /// The key that signed it is not in force any more: good for connections that stand, and no
    /// others.
    pub is_retired: bool,
}

impl LegacyTokens {
    /// Tokens signed with the primary key, good as long as the key is in force.
    #[must_use]
    pub fn new(keys: Keys) -> Self {
        Self(keys)
    }

    /// A new connection of a user whose client asked for this version: its public id, in the form
    /// of a GUID, and its token.
    ///
    /// # Errors
    ///
    /// When the operating system gives no randomness.
    pub fn connection(
        &self,
        user: Option<&str>,
        protocol: ClientProtocol,
    ) -> Result<(String, String), getrandom::Error> {
        let mut id = [0; ID_BYTES];
        getrandom::fill(&mut id)?;
        id[6] = id[6] & 0x0f | 0x40;
        id[8] = id[8] & 0x3f | 0x80;
        let protocol = protocol.asked().to_string();
        let content = [id.as_slice(), &mark(user), protocol.as_bytes()].concat();
        Ok((guid(&id), self.seal(CONNECTION, &[], content)))
    }

    /// Reads a connection token.
    #[must_use]
    pub fn read_connection(&self, token: &str) -> Option<ConnectionToken> {
        let (content, is_retired) = self.unseal(CONNECTION, &[], token)?;
        let (id, rest) = content.split_first_chunk()?;
        let (user, protocol) = rest.split_first_chunk()?;
        Some(ConnectionToken {
            id: *id,
            user: *user,
            protocol: ClientProtocol::parse(std::str::from_utf8(protocol).ok()),
            is_retired,
        })
    }

    /// The token for the groups of a connection. Long lists are not spelt out: the service
    /// remembers them, for as long as it remembers the connection.
    #[must_use]
    pub fn groups(&self, id: &str, groups: &[Box<str>]) -> String {
        let mut content = Vec::new();
        for group in groups {
            let length = u16::try_from(group.len()).unwrap_or(u16::MAX);
            content.extend_from_slice(&length.to_be_bytes());
            content.extend_from_slice(group.as_bytes());
            if content.len() > MAX_GROUPS_BYTES {
                return self.seal(GROUPS, id.as_bytes(), Vec::new());
            }
        }
        self.seal(GROUPS, id.as_bytes(), content)
    }

    /// The groups that a token of this connection spells out.
    #[must_use]
    pub fn read_groups(&self, id: &str, token: &str) -> Option<Vec<Box<str>>> {
        let (content, _) = self.unseal(GROUPS, id.as_bytes(), token)?;
        let mut rest = content.as_slice();
        let mut groups = Vec::new();
        while let Some((length, after)) = rest.split_first_chunk() {
            let (name, after) = after.split_at_checked(u16::from_be_bytes(*length).into())?;
            groups.push(std::str::from_utf8(name).ok()?.into());
            rest = after;
        }
        Some(groups)
    }

    fn seal(&self, purpose: &[u8], bound_to: &[u8], mut content: Vec<u8>) -> String {
        let key = self.0.current();
        if let Some(mac) = mac(key.primary.reveal(), purpose, bound_to, &content) {
            let code = mac.finalize().into_bytes();
            content.extend(code.iter().take(MAC_BYTES));
        }
        URL_SAFE_NO_PAD.encode(content)
    }

    /// The content of a token and whether its key is out of force.
    fn unseal(&self, purpose: &[u8], bound_to: &[u8], token: &str) -> Option<(Vec<u8>, bool)> {
        if token.len() > MAX_TOKEN_CHARACTERS {
            return None;
        }
        let mut content = URL_SAFE_NO_PAD.decode(token).ok()?;
        let code = content.split_off(content.len().checked_sub(MAC_BYTES)?);
        let ring = self.0.ring();
        let current = ring.pair.iter().map(|key| (key, false));
        let retired = ring.retired.iter().map(|key| (key, true));
        let (_, is_retired) = current.chain(retired).find(|(key, _)| {
            mac(key.reveal(), purpose, bound_to, &content)
                .is_some_and(|mac| mac.verify_truncated_left(&code).is_ok())
        })?;
        Some((content, is_retired))
    }
}

impl ConnectionToken {
    /// The public id.
    #[must_use]
    pub fn id(&self) -> String {
        guid(&self.id)
    }

    /// Whether it was made for this user. Case does not matter, as at the genuine server.
    #[must_use]
    pub fn is_of(&self, user: Option<&str>) -> bool {
        self.user == mark(user)
    }
}

impl std::fmt::Debug for ConnectionToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

fn mac(key: &str, purpose: &[u8], bound_to: &[u8], content: &[u8]) -> Option<Hmac<Sha256>> {
    // A key of any length will do, so there is always one.
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).ok()?;
    for part in [purpose, bound_to, content] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    Some(mac)
}

fn mark(user: Option<&str>) -> [u8; USER_BYTES] {
    let Some(user) = user else {
        return [0; USER_BYTES];
    };
    let hash = Sha256::digest(user.to_lowercase());
    let mut mark = [0; USER_BYTES];
    mark.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    mark
}

fn guid(id: &[u8; ID_BYTES]) -> String {
    let mut text = String::with_capacity(36);
    for (index, byte) in id.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        // Writing to a string cannot fail.
        _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{AccessKey, KeyPair};

    fn tokens(key: &str) -> (LegacyTokens, Keys) {
        let keys = Keys::new(KeyPair::single(AccessKey::new(key)));
        (LegacyTokens::new(keys.clone()), keys)
    }

    fn version(text: &str) -> ClientProtocol {
        ClientProtocol::parse(Some(text))
    }

    #[test]
    fn a_token_names_its_connection_and_user_and_nobody_else_makes_one() {
        let (tokens, _) = tokens("key");
        let (id, token) = tokens.connection(Some("Alice"), version("2.1")).unwrap();
        let read = tokens.read_connection(&token).unwrap();
        assert_eq!(read.id(), id);
        assert_eq!(id.len(), 36);
        assert!(read.is_of(Some("aLICE")) && !read.is_of(Some("bob")) && !read.is_of(None));
        assert!(!read.is_retired && token.len() < 100);
        assert!(
            token
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        );
        let (_, anonymous) = tokens.connection(None, version("1.5")).unwrap();
        assert!(tokens.read_connection(&anonymous).unwrap().is_of(None));

        let other = self::tokens("other").0;
        assert!(other.read_connection(&token).is_none());
        for at in 0..token.len() {
            let mut forged = token.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            let read = tokens.read_connection(&forged);
            assert!(forged == token || read.is_none(), "{at}");
        }
        for garbage in ["", "x", "A+/=", &"A".repeat(3000), &id] {
            assert!(tokens.read_connection(garbage).is_none(), "{garbage}");
        }
    }

    #[test]
    fn a_token_names_the_version_and_those_that_do_not_are_read_as_well() {
        let (tokens, _) = tokens("key");
        for text in ["1.2", "1.3", "2.1", "1.3.0.0", "1.4.2147483647.2147483647"] {
            let (_, token) = tokens.connection(None, version(text)).unwrap();
            let read = tokens.read_connection(&token).unwrap();
            assert_eq!(read.protocol, version(text));
        }
        let content = [[7; ID_BYTES].as_slice(), &mark(Some("alice"))].concat();
        let earlier = tokens.seal(CONNECTION, &[], content);
        let read = tokens.read_connection(&earlier).unwrap();
        assert!(read.is_of(Some("alice")));
        assert_eq!(read.protocol, version("1.2"));
        let short = tokens.seal(CONNECTION, &[], vec![7; ID_BYTES + USER_BYTES - 1]);
        assert!(tokens.read_connection(&short).is_none());
    }

    #[test]
    fn tokens_outlive_a_change_of_keys_for_those_who_are_there() {
        let (tokens, keys) = tokens("old");
        let (_, token) = tokens.connection(None, version("1.5")).unwrap();
        keys.replace(&KeyPair::single(AccessKey::new("new")));
        assert!(tokens.read_connection(&token).unwrap().is_retired);
    }

    #[test]
    fn groups_belong_to_a_connection_and_long_lists_are_not_spelt_out() {
        let (tokens, _) = tokens("key");
        let groups: Vec<Box<str>> = vec!["Chat.blå".into(), "Chat.".into(), "Other.a.b".into()];
        let token = tokens.groups("one", &groups);
        assert_eq!(tokens.read_groups("one", &token), Some(groups));
        assert_eq!(tokens.read_groups("two", &token), None);
        assert_eq!(tokens.read_connection(&token).map(|_| ()), None);
        let many: Vec<Box<str>> = (0..500).map(|n| format!("Chat.room {n}").into()).collect();
        let token = tokens.groups("one", &many);
        assert!(token.len() < 30);
        assert_eq!(tokens.read_groups("one", &token), Some(Vec::new()));
    }
}
