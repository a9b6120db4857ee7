//! The way from a backend to one legacy client.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use heliograph_relay::{CloseReason, Outbox};
use tokio::sync::oneshot;

use crate::edge::legacy_frames;

/// Where the answer to a call goes.
#[derive(Debug)]
pub enum Reply {
    /// To the WebSocket of this number, on which the call came.
    Channel(u32),
    /// To the request that brought the call and waits for it.
    Request(oneshot::Sender<Vec<u8>>),
}

/// What knows the groups of a connection.
type Groups = Box<dyn Fn() -> Vec<Box<str>> + Send + Sync>;

/// What backends have for one legacy connection goes through here to its [`Outbox`], which its
/// hubs share.
pub struct Inbox {
    outbox: Arc<Outbox>,
    /// The number of the WebSocket that carries the connection; 0 when none does.
    channel: AtomicU32,
    groups: OnceLock<Groups>,
    groups_changed: AtomicBool,
}

impl Inbox {
    /// An inbox before an outbox.
    #[must_use]
    pub fn new(outbox: Arc<Outbox>) -> Self {
        Self {
            outbox,
            channel: AtomicU32::new(0),
            groups: OnceLock::new(),
            groups_changed: AtomicBool::new(false),
        }
    }

    /// Where frames in the legacy dialect wait for the client.
    #[must_use]
    pub fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
    }

    /// Queues one message for this client alone: an element of `M`. It is repeated on a new
    /// channel if it did not arrive on the one before.
    pub fn message(&self, element: &[u8]) {
        self.outbox.push(legacy_frames::message(element));
    }

    /// Gives a call its answer, a bare object. One whose request has gone by now is told as a
    /// message; one whose WebSocket has gone is nobody's: the client has given the call up, and
    /// counts its calls anew.
    pub fn answer(&self, reply: Reply, object: Vec<u8>) {
        match reply {
            Reply::Channel(number) => {
                if number == self.channel.load(Ordering::Acquire) {
                    self.outbox.push(legacy_frames::bare(&object));
                }
            }
            Reply::Request(request) => {
                if let Err(object) = request.send(object) {
                    self.message(&object);
                }
            }
        }
    }

    /// Ends the connection once what waits has been written. The first reason wins.
    pub fn close(&self, reason: CloseReason) {
        self.outbox.close(reason);
    }

    /// Says who knows the groups of the connection: names that the backend understands.
    pub fn set_groups(&self, groups: impl Fn() -> Vec<Box<str>> + Send + Sync + 'static) {
        _ = self.groups.set(Box::new(groups));
    }

    /// The groups of the connection are others now: the client gets a new token for them.
    pub fn groups_changed(&self) {
        self.groups_changed.store(true, Ordering::Release);
        self.outbox.wake();
    }

    /// The groups, if they have changed since the last call.
    pub fn take_groups(&self) -> Option<Vec<Box<str>>> {
        if !self.groups_changed.swap(false, Ordering::AcqRel) {
            return None;
        }
        Some(self.groups.get().map(|groups| groups()).unwrap_or_default())
    }

    /// A WebSocket carries the connection from now on, or none does.
    pub fn set_channel(&self, number: Option<u32>) {
        self.channel
            .store(number.unwrap_or_default(), Ordering::Release);
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox")
            .field("outbox", &self.outbox)
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}
