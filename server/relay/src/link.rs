//! App-server connections and the choice among them.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::RwLock;

use crate::ByteQueue;

/// What an app-server connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// Carries clients.
    Default,
    /// Carries clients; opened when asked for.
    OnDemand,
    /// Only sends; never carries a client.
    Weak,
}

/// How strictly a client keeps to one app server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sticky<'a> {
    /// Any server will do.
    Any,
    /// That server if it is connected, else any.
    Preferred(&'a str),
    /// That server or none.
    Required(&'a str),
}

/// One app-server connection of a hub. Its driver owns the socket and empties [`Link::queue`].
#[derive(Debug)]
pub struct Link {
    id: Box<str>,
    server: Box<str>,
    kind: LinkKind,
    leaving: AtomicBool,
    clients: AtomicUsize,
    queue: ByteQueue,
}

impl Link {
    /// A link of `server` with the id that the server gave it.
    #[must_use]
    pub fn new(id: &str, server: &str, kind: LinkKind, high_water: usize) -> Self {
        Self {
            id: id.into(),
            server: server.into(),
            kind,
            leaving: AtomicBool::new(false),
            clients: AtomicUsize::new(0),
            queue: ByteQueue::new(high_water),
        }
    }

    /// The id that the app server gave the connection.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The app server that all its connections name.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// What the connection is for.
    #[must_use]
    pub fn kind(&self) -> LinkKind {
        self.kind
    }

    /// Bytes on their way to the app server.
    #[must_use]
    pub fn queue(&self) -> &ByteQueue {
        &self.queue
    }

    /// Takes no more clients from now on.
    pub fn leave(&self) {
        self.leaving.store(true, Ordering::Release);
    }

    /// Whether the link takes clients.
    #[must_use]
    pub fn takes_clients(&self) -> bool {
        self.kind != LinkKind::Weak
            && !self.leaving.load(Ordering::Acquire)
            && !self.queue.is_closed()
    }

    /// Clients on the link.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.clients.load(Ordering::Relaxed)
    }

    /// Counts a client in.
    pub fn client_added(&self) {
        self.clients.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a client out.
    pub fn client_removed(&self) {
        self.clients.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The links of one hub.
#[derive(Debug, Default)]
pub struct Links {
    links: RwLock<Vec<Arc<Link>>>,
    random: RandomState,
    turn: AtomicUsize,
}

impl Links {
    /// Adds a link.
    pub fn add(&self, link: &Arc<Link>) {
        self.links.write().push(Arc::clone(link));
    }

    /// Removes a link.
    pub fn remove(&self, link: &Arc<Link>) {
        self.links.write().retain(|known| !Arc::ptr_eq(known, link));
    }

    /// All links: a copy.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Link>> {
        self.links.read().clone()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.links.read().is_empty()
    }

    /// The ids of the servers, sorted, each once.
    #[must_use]
    pub fn servers(&self) -> Vec<Box<str>> {
        let mut servers: Vec<Box<str>> = self
            .links
            .read()
            .iter()
            .map(|link| link.server.clone())
            .collect();
        servers.sort_unstable();
        servers.dedup();
        servers
    }

    /// A link of that server that is up, whatever its kind.
    #[must_use]
    pub fn of_server(&self, server: &str) -> Option<Arc<Link>> {
        let links = self.links.read();
        links
            .iter()
            .find(|link| *link.server == *server && !link.queue.is_closed())
            .cloned()
    }

    /// The link for a new client: the sticky server's first, then the one with the fewest
    /// clients, ties at random. The client is counted in before anybody else can choose.
    #[must_use]
    pub fn choose(&self, sticky: Sticky<'_>) -> Option<Arc<Link>> {
        // Exclusive, so that of two choices at once each sees the other's client.
        let links = self.links.write();
        let of_server = |server: &str| {
            let server = server.to_owned();
            self.least_loaded(links.iter().filter(move |link| *link.server == *server))
        };
        let any = || self.least_loaded(links.iter());
        let chosen = match sticky {
            Sticky::Any => any(),
            Sticky::Preferred(server) => of_server(server).or_else(any),
            Sticky::Required(server) => of_server(server),
        }?;
        chosen.client_added();
        Some(Arc::clone(chosen))
    }

    fn least_loaded<'a>(
        &self,
        links: impl Iterator<Item = &'a Arc<Link>>,
    ) -> Option<&'a Arc<Link>> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        links
            .filter(|link| link.takes_clients())
            .min_by_key(|link| (link.clients(), self.random.hash_one((turn, &link.id))))
    }
}
