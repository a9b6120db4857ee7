//! All legacy connections, by their public id, and those that are gone for good.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::session::Session;

/// Connections that are remembered to be gone; when there are so many, further ones are not.
const MAX_DEAD: usize = 100_000;

/// All connections of the door.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    table: Mutex<Table>,
    count: AtomicUsize,
}

#[derive(Debug, Default)]
struct Table {
    live: HashMap<Box<str>, Arc<Session>>,
    /// Until which tick an id is known to be gone.
    dead: HashMap<Box<str>, u32>,
}

/// What is known of an id.
#[derive(Debug)]
pub(super) enum Known {
    Live(Arc<Session>),
    /// It was aborted, or lost for too long.
    Dead,
    /// Never heard of, by this run of the program.
    Never,
}

impl Sessions {
    pub(super) fn find(&self, id: &str) -> Known {
        let table = self.table.lock();
        match table.live.get(id) {
            Some(session) => Known::Live(Arc::clone(session)),
            None if table.dead.contains_key(id) => Known::Dead,
            None => Known::Never,
        }
    }

    pub(super) fn add(&self, session: &Arc<Session>) {
        let mut table = self.table.lock();
        table
            .live
            .insert(session.id.as_str().into(), Arc::clone(session));
        self.count.store(table.live.len(), Ordering::Relaxed);
    }

    /// A connection is over, and remembered as such until that tick, if there is one.
    pub(super) fn remove(&self, session: &Session, until: Option<u32>) {
        let mut table = self.table.lock();
        table.live.remove(session.id.as_str());
        self.count.store(table.live.len(), Ordering::Relaxed);
        if let Some(until) = until.filter(|_| table.dead.len() < MAX_DEAD) {
            table.dead.insert(session.id.as_str().into(), until);
        }
    }

    pub(super) fn forget_dead(&self, now: u32) {
        let mut table = self.table.lock();
        if !table.dead.is_empty() {
            table.dead.retain(|_, until| *until > now);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Walks all sessions: a copy, so that `visit` may take its time.
    pub(super) fn for_each(&self, visit: impl FnMut(&Arc<Session>)) {
        let all: Vec<_> = self.table.lock().live.values().cloned().collect();
        all.iter().for_each(visit);
    }
}
