//! One connection as the relay sees it.

use std::borrow::Borrow;
use std::fmt::{self, Write as _};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::membership::Memberships;
use crate::{CloseReason, Dialect, Frame, Outbox, Pushed};

/// Characters of an id that a log shows: enough to tell connections apart.
const LOGGED_CHARACTERS: usize = 10;

/// The public id of a connection: what hubs and peers see. Never reused.
///
/// `Debug` is the form for logs: a client of negotiate version 0 shows its id to speak for its
/// connection, so that whoever reads the log gets to see its beginning alone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(Arc<str>);

impl ConnectionId {
    /// Wraps an id.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self(Arc::from(id))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = LOGGED_CHARACTERS.min(self.0.chars().count() / 2);
        self.0
            .chars()
            .take(shown)
            .try_for_each(|character| f.write_char(character))?;
        f.write_char('…')
    }
}

/// Port: stands between a backend and a client that does not read what the backend writes.
///
/// What goes to many is framed in the client's own dialect and waits in its outbox; what a backend
/// has for this client alone comes here first.
pub trait Inlet: Send + Sync + fmt::Debug {
    /// The handshake's answer.
    fn answer(&self, frame: Frame);
    /// A message.
    fn push(&self, frame: Frame) -> Pushed;
    /// The end.
    fn close(&self, reason: CloseReason);
    /// The client has joined or left a group.
    fn groups_changed(&self);
}

/// One connection: who it is, what it reads and where its frames wait.
#[derive(Debug)]
pub struct Client {
    id: ConnectionId,
    user: Option<Box<str>>,
    dialect: Dialect,
    outbox: Arc<Outbox>,
    inlet: Option<Arc<dyn Inlet>>,
    alias: Option<ConnectionId>,
    pub(crate) memberships: Mutex<Memberships>,
}

impl Client {
    /// A client that belongs to no hub yet.
    #[must_use]
    pub fn new(
        id: ConnectionId,
        user: Option<&str>,
        dialect: Dialect,
        outbox: Arc<Outbox>,
    ) -> Self {
        let memberships = Mutex::new(Memberships::default());
        Self {
            id,
            user: user.map(Box::from),
            dialect,
            outbox,
            inlet: None,
            alias: None,
            memberships,
        }
    }

    /// Lets what backends have for this client alone go through `inlet`. Clients may share an
    /// outbox then: one connection that is in several hubs.
    #[must_use]
    pub fn through(mut self, inlet: Arc<dyn Inlet>) -> Self {
        self.inlet = Some(inlet);
        self
    }

    /// Lets the client be found by this id too: one connection that is in several hubs, whose
    /// backends want an id of their own each.
    #[must_use]
    pub fn known_as(mut self, alias: ConnectionId) -> Self {
        self.alias = Some(alias);
        self
    }

    pub(crate) fn alias(&self) -> Option<&ConnectionId> {
        self.alias.as_ref()
    }

    /// The public connection id.
    #[must_use]
    pub fn id(&self) -> &ConnectionId {
        &self.id
    }

    /// The user that the connection speaks for, if it is known.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The encoding that the client reads.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Where frames for the client wait, in its own dialect.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Answers the handshake: see [`Outbox::answer`].
    pub fn answer(&self, frame: Frame) {
        match &self.inlet {
            None => self.outbox.answer(frame),
            Some(inlet) => inlet.answer(frame),
        }
    }

    /// Takes a message that its backend wrote for it alone: see [`Outbox::push`].
    pub fn push(&self, frame: Frame) -> Pushed {
        match &self.inlet {
            None => self.outbox.push(frame),
            Some(inlet) => inlet.push(frame),
        }
    }

    /// Ends the client: see [`Outbox::close`].
    pub fn close(&self, reason: CloseReason) {
        match &self.inlet {
            None => self.outbox.close(reason),
            Some(inlet) => inlet.close(reason),
        }
    }

    /// The groups that the client is in.
    #[must_use]
    pub fn groups(&self) -> Vec<Box<str>> {
        self.memberships.lock().names()
    }

    pub(crate) fn groups_changed(&self) {
        if let Some(inlet) = &self.inlet {
            inlet.groups_changed();
        }
    }
}

/// A client in a set, by its id.
#[derive(Clone, Debug)]
pub(crate) struct ById(pub(crate) Arc<Client>);

impl Borrow<str> for ById {
    fn borrow(&self) -> &str {
        self.0.id.as_str()
    }
}

impl PartialEq for ById {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for ById {}

impl Hash for ById {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id.as_str().hash(state);
    }
}

/// A client in a set, by identity: cheaper to hash than its id.
#[derive(Clone, Debug)]
pub(crate) struct ByAddress(pub(crate) Arc<Client>);

impl ByAddress {
    pub(crate) fn address(client: &Arc<Client>) -> usize {
        Arc::as_ptr(client).addr()
    }
}

impl PartialEq for ByAddress {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for ByAddress {}

impl Hash for ByAddress {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_usize(Self::address(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_show_the_beginning_of_an_id() {
        let shown = |id: &str| format!("{:?}", ConnectionId::new(id));
        assert_eq!(shown("UjQhGQ1o3L5DBU772PTGZw"), "UjQhGQ1o3L…");
        assert_eq!(shown("ä€😀b"), "ä€…");
        assert_eq!(shown(""), "…");
        assert_eq!(ConnectionId::new("all").to_string(), "all");
    }
}
