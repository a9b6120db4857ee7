//! Ports between the legacy door and whoever runs the hubs of its clients.
//!
//! One legacy connection listens to any number of hubs. The door asks a [`LegacyBackend`] to
//! [admit](LegacyBackend::admit) it, then for a [`LegacyConversation`], which it feeds with what
//! the client sends. What comes back goes through the connection's [`Inbox`].

mod admission;
mod inbox;

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use heliograph_protocol::legacy::ClientProtocol;
use heliograph_relay::{CloseReason, ConnectionId};

pub use admission::{Admission, AdmittedHub, NotAdmitted};
pub use inbox::{Inbox, Reply};

use super::{BoxFuture, ClientRequest, Refusal};

/// Port: runs the hubs of legacy clients.
pub trait LegacyBackend: Send + Sync + fmt::Debug {
    /// How the door treats its clients.
    fn rules(&self) -> LegacyRules;

    /// The first of these hubs that nobody runs, as far as that is known without asking anybody.
    fn unknown_hub<'h>(&self, hubs: &'h [Box<str>]) -> Option<&'h str> {
        let _ = hubs;
        None
    }

    /// Asked when a client negotiates, connects and reconnects: who it is, and to which of the
    /// hubs that it lists it may listen. Those that refuse it are left out silently.
    ///
    /// # Errors
    ///
    /// [`NotAdmitted`] says why it may not come in at all.
    fn admit<'a>(
        &'a self,
        request: &'a ClientRequest,
        hubs: &'a [Box<str>],
    ) -> BoxFuture<'a, Result<Admission, NotAdmitted>>;

    /// A conversation for a client that connects, or that comes back and is not known here any
    /// more. From now on it gets what is sent to the hubs that it listens to; the hubs hear of it
    /// at [`LegacyConversation::poll_start`].
    fn open(&self, opening: LegacyOpening) -> Box<dyn LegacyConversation>;

    /// The proxy script for a service at this URL, if there is one, for a client that asks for it.
    ///
    /// # Errors
    ///
    /// The answer when it cannot be had now.
    fn script<'a>(
        &'a self,
        request: &'a ClientRequest,
        url: &'a str,
    ) -> BoxFuture<'a, Result<Vec<u8>, Refusal>>;
}

/// How the door treats the clients of a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegacyRules {
    /// Largest message taken from a client, in bytes.
    pub max_message_bytes: usize,
    /// The hubs hear of a client when it connects, whatever its version.
    pub starts_at_connect: bool,
    /// Who the user is comes from [`LegacyBackend::admit`] alone: other requests cannot tell.
    pub names_users: bool,
}

/// Everything about a client that connects.
#[derive(Debug)]
pub struct LegacyOpening {
    /// The public id.
    pub id: ConnectionId,
    /// The hubs that it listens to.
    pub hubs: Vec<AdmittedHub>,
    /// The request, with who the client is in the first of them.
    pub request: Arc<ClientRequest>,
    /// Where messages for it go.
    pub inbox: Arc<Inbox>,
    /// The protocol version that it asked for.
    pub protocol: ClientProtocol,
    /// Set when it was connected before, to a service that has forgotten it: the groups that it
    /// was in, by the names that its [`Inbox`] told.
    pub rejoins: Option<Vec<Box<str>>>,
}

/// Port: one legacy client's side of its hubs. The door feeds it one message at a time, in order.
pub trait LegacyConversation: Send + fmt::Debug {
    /// Lets the hubs hear of the client, once; ready when they have taken it. Not to be called
    /// again once it is ready.
    ///
    /// # Errors
    ///
    /// Why the connection ends.
    fn poll_start(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CloseReason>>;

    /// Ready when the next message may be fed, which is never before the start. A full backend
    /// stops us reading from its clients.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// Takes one message as the client wrote it. A call's answer goes to `reply` through the
    /// inbox; a `reply` that is dropped means that there will be none.
    ///
    /// # Errors
    ///
    /// What is wrong with the message, for the log and the answer. The connection goes on.
    fn feed(&mut self, text: &[u8], reply: Reply) -> Result<(), FeedError>;

    /// The client opened a new channel, after it had lost the one before.
    fn reconnected(&mut self);

    /// The client is gone: its hubs are told. [`CloseReason::ClientClosed`] when it stopped by
    /// itself, anything else when it was lost.
    fn close(self: Box<Self>, reason: &CloseReason);
}

/// A message that cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FeedError(pub Box<str>);
