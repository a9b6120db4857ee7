//! The client that a hub method serves.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use heliograph_protocol::hub::Encoding;
use heliograph_relay::ConnectionId;

use super::clients::{CallerClients, Groups};
use super::connection::Connection;
use crate::auth::Identity;
use crate::backend::{ClientRequest, Transport};

/// The client whose call, arrival or end a hub's code handles. Cheap to clone, and still there
/// after the connection is gone: sending then does nothing.
#[derive(Clone)]
pub struct Caller(Arc<Connection>);

impl Caller {
    pub(super) fn new(connection: Arc<Connection>) -> Self {
        Self(connection)
    }

    /// The public id of the connection.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.client.id().as_str()
    }

    /// The same id, shared.
    #[must_use]
    pub fn connection_id(&self) -> &ConnectionId {
        self.0.client.id()
    }

    /// The user that the connection speaks for.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.0.client.user()
    }

    /// Who the client is, claims included.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.0.request.identity
    }

    /// What the client's transport request said: path, query, headers.
    #[must_use]
    pub fn request(&self) -> &ClientRequest {
        &self.0.request
    }

    /// The client's address.
    #[must_use]
    pub fn remote(&self) -> Option<IpAddr> {
        self.0.request.remote
    }

    /// The client's transport.
    #[must_use]
    pub fn transport(&self) -> Option<Transport> {
        self.0.request.transport
    }

    /// To whom messages may go from here.
    #[must_use]
    pub fn clients(&self) -> CallerClients<'_> {
        CallerClients::new(&self.0)
    }

    /// The hub's groups.
    #[must_use]
    pub fn groups(&self) -> Groups<'_> {
        Groups::new(Some(&self.0.hub))
    }

    /// Adds this connection to a group.
    pub fn join(&self, group: &str) {
        self.0.hub.join(self.id(), group);
    }

    /// Removes this connection from a group.
    pub fn leave(&self, group: &str) {
        self.0.hub.leave(self.id(), Some(group));
    }

    /// Keeps a value for the life of the connection, one of each type, and gives the one before.
    pub fn keep<T: Clone + Send + Sync + 'static>(&self, value: T) -> Option<T> {
        self.0.items.lock().insert(value)
    }

    /// The kept value of a type.
    #[must_use]
    pub fn kept<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        self.0.items.lock().get::<T>().cloned()
    }

    /// Ends the connection once what waits for the client has been written. The client is not to
    /// come back by itself.
    pub fn abort(&self) {
        self.0.abort();
    }

    /// Whether the connection is ending or gone.
    #[must_use]
    pub fn is_aborted(&self) -> bool {
        self.0.is_gone()
    }

    /// Whether the client itself has said goodbye: a legacy client that stopped, a Core client that
    /// closed. False for one that was lost or thrown out, and before the end.
    #[must_use]
    pub fn has_stopped(&self) -> bool {
        self.0.has_stopped()
    }

    /// Done when the connection is ending.
    pub async fn aborted(&self) {
        self.0.gone().await;
    }

    pub(super) fn encoding(&self) -> Encoding {
        self.0.encoding
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Caller").field(&self.id()).finish()
    }
}
