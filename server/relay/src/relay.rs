//! All hubs of this node.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::RwLock;

use crate::Hub;

/// All hubs of this node, by name.
#[derive(Debug, Default)]
pub struct Relay {
    hubs: RwLock<HashMap<Box<str>, Arc<Hub>>>,
}

impl Relay {
    /// A relay with no hub.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The hub of this name, made if need be. The name's case does not matter.
    ///
    /// Whoever may name hubs here must be trusted: a hub stays.
    pub fn hub(&self, name: &str) -> Arc<Hub> {
        let name = name.to_lowercase();
        if let Some(hub) = self.hubs.read().get(name.as_str()) {
            return Arc::clone(hub);
        }
        let mut hubs = self.hubs.write();
        let hub = hubs
            .entry(name.as_str().into())
            .or_insert_with(|| Arc::new(Hub::new(&name)));
        Arc::clone(hub)
    }

    /// The hub of this name, if there is one.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Arc<Hub>> {
        self.hubs.read().get(name.to_lowercase().as_str()).cloned()
    }

    /// All hubs: a copy, to walk without a lock.
    #[must_use]
    pub fn hubs(&self) -> Vec<Arc<Hub>> {
        self.hubs.read().values().cloned().collect()
    }

    /// Ends what has a time limit and is over.
    pub fn expire(&self, now: Instant) {
        for hub in self.hubs() {
            hub.expire(now);
        }
    }
}
