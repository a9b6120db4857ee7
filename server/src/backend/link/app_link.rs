//! One app-server connection and the clients on it.

use std::collections::HashMap;
use std::sync::Arc;

use heliograph_relay::{CloseReason, Hub, Link};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::linked::LinkedClient;

/// What an app server allows on one of its connections (service protocol, 3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allows {
    /// Clients may reconnect statefully.
    pub stateful_reconnect: bool,
    /// Clients may be moved to another app server when this one stops.
    pub migration: bool,
}

/// One app-server connection and the clients on it. Its driver owns the socket.
#[derive(Debug)]
pub struct AppLink {
    link: Arc<Link>,
    hub: Arc<Hub>,
    allows: Allows,
    /// `None` once the link is lost.
    clients: Mutex<Option<HashMap<Box<str>, Arc<LinkedClient>>>>,
    /// Told when a client of the link has become movable, or is gone.
    pub(super) settled: Notify,
}

impl AppLink {
    pub(super) fn new(link: Arc<Link>, hub: Arc<Hub>, allows: Allows) -> Self {
        Self {
            link,
            hub,
            allows,
            clients: Mutex::new(Some(HashMap::new())),
            settled: Notify::new(),
        }
    }

    /// The link as the relay sees it.
    #[must_use]
    pub fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// The hub that the app server runs.
    #[must_use]
    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// What the app server allows.
    #[must_use]
    pub fn allows(&self) -> Allows {
        self.allows
    }

    /// The client with this id, if it is on this link.
    pub(crate) fn client(&self, id: &str) -> Option<Arc<LinkedClient>> {
        self.clients.lock().as_ref()?.get(id).map(Arc::clone)
    }

    /// All clients on this link: a copy.
    pub(super) fn clients(&self) -> Vec<Arc<LinkedClient>> {
        let clients = self.clients.lock();
        clients
            .iter()
            .flat_map(HashMap::values)
            .map(Arc::clone)
            .collect()
    }

    /// Puts a client, which is counted in already, on this link. False if the link is lost.
    pub(super) fn board(&self, client: &Arc<LinkedClient>) -> bool {
        let mut clients = self.clients.lock();
        let Some(clients) = clients.as_mut() else {
            return false;
        };
        clients.insert(client.id().into(), Arc::clone(client));
        true
    }

    /// Takes a client off this link.
    pub(super) fn leave(&self, id: &str) {
        let left = self
            .clients
            .lock()
            .as_mut()
            .and_then(|clients| clients.remove(id));
        if left.is_some() {
            self.link.client_removed();
            self.settled.notify_waiters();
        }
    }

    /// A client of this link has given a result: it may be ready to move.
    pub(crate) fn result_given(&self) {
        self.settled.notify_waiters();
    }

    /// Ends the link and the clients that are on it, and nobody else.
    pub(super) fn lose(&self) {
        self.link.queue().close();
        let clients = self.clients.lock().take();
        for client in clients.iter().flat_map(HashMap::values) {
            self.link.client_removed();
            if client.lost_link(self) {
                client.client().close(CloseReason::BackendLost);
            }
        }
    }
}
