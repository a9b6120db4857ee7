//! All connections of the Core door, by their secret token.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;

use super::session::Session;

const SHARDS: usize = 16;

/// All connections of the door, by token.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    shards: [Mutex<HashSet<ByToken>>; SHARDS],
    hasher: RandomState,
    count: AtomicUsize,
}

#[derive(Debug)]
struct ByToken(Arc<Session>);

impl Borrow<str> for ByToken {
    fn borrow(&self) -> &str {
        &self.0.token
    }
}

impl PartialEq for ByToken {
    fn eq(&self, other: &Self) -> bool {
        self.0.token == other.0.token
    }
}

impl Eq for ByToken {}

impl Hash for ByToken {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (*self.0.token).hash(state);
    }
}

impl Sessions {
    pub(super) fn add(&self, session: &Arc<Session>) {
        if self
            .shard(&session.token)
            .lock()
            .insert(ByToken(Arc::clone(session)))
        {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The token is worth nothing from now on.
    pub(super) fn remove(&self, session: &Session) {
        if self.shard(&session.token).lock().remove(&*session.token) {
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    pub(super) fn find(&self, token: &str) -> Option<Arc<Session>> {
        self.shard(token)
            .lock()
            .get(token)
            .map(|session| Arc::clone(&session.0))
    }

    pub(super) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Walks all sessions, a shard at a time: a copy, so that `visit` may take its time.
    pub(super) fn for_each(&self, mut visit: impl FnMut(&Arc<Session>)) {
        let mut copy = Vec::new();
        for shard in &self.shards {
            copy.extend(shard.lock().iter().map(|session| Arc::clone(&session.0)));
            copy.drain(..).for_each(|session| visit(&session));
        }
    }

    fn shard(&self, token: &str) -> &Mutex<HashSet<ByToken>> {
        let hash = usize::try_from(self.hasher.hash_one(token) >> 48).unwrap_or_default();
        &self.shards[hash % SHARDS]
    }
}

/// An unguessable id: 16 random bytes as 22 characters of base64url.
///
/// # Errors
///
/// When the operating system gives no randomness.
pub(super) fn random_id() -> Result<Box<str>, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes).into())
}
