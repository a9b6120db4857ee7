//! The calls of a legacy client that a hub has not answered yet.

use std::collections::HashMap;

use crate::backend::legacy::Reply;

/// Calls that one client may have open at one hub.
const MAX_OPEN: usize = 1000;
/// Capacity kept when no call is open.
const IDLE_CAPACITY: usize = 16;

/// A call without an answer.
#[derive(Debug)]
pub(super) struct OpenCall {
    /// What the answer must say. Clients repeat ids, so that calls have numbers of ours.
    pub(super) id: Option<Box<str>>,
    /// The hub, as the client wrote it.
    pub(super) hub: Box<str>,
    /// The method, as the client wrote it.
    pub(super) method: Box<str>,
    pub(super) reply: Reply,
}

/// Open calls by number. Their invocation ids are these numbers.
#[derive(Debug, Default)]
pub(super) struct Calls {
    last: u64,
    open: HashMap<u64, OpenCall>,
}

impl Calls {
    /// Takes in a call, or gives it back if there are too many.
    pub(super) fn begin(&mut self, call: OpenCall) -> Result<u64, OpenCall> {
        if self.open.len() >= MAX_OPEN {
            return Err(call);
        }
        self.last += 1;
        self.open.insert(self.last, call);
        Ok(self.last)
    }

    /// The call of an invocation id.
    pub(super) fn find(&self, id: &str) -> Option<&OpenCall> {
        self.open.get(&id.parse().ok()?)
    }

    /// Takes out the call of an invocation id.
    pub(super) fn end(&mut self, id: &str) -> Option<OpenCall> {
        let call = self.open.remove(&id.parse().ok()?);
        if self.open.is_empty() && self.open.capacity() > IDLE_CAPACITY {
            self.open = HashMap::new();
        }
        call
    }

    /// Takes out all.
    pub(super) fn take(&mut self) -> impl Iterator<Item = OpenCall> + use<> {
        std::mem::take(&mut self.open).into_values()
    }
}
