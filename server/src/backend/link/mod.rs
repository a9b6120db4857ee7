//! Hubs that app servers run, over the connections that they hold open to us.
//!
//! A [`LinkBackend`] knows all [`AppLink`]s and puts each client on one of them; `front::service`
//! owns their sockets. Messages for many clients go through the relay and are not seen here; what
//! is meant for one client, and its end, pass through the client's place on its link.

mod app_link;
mod calls;
mod conversation;
mod downstream;
mod linked;
mod migration;
mod opening;
mod options;
mod results;

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use heliograph_protocol::service;
use heliograph_relay::{Hub, Link, Sticky};
use parking_lot::RwLock;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

pub use app_link::{Allows, AppLink};
pub use options::Options;
pub use results::{AskError, Asked, Results};

pub(crate) use linked::LinkedClient;

use self::conversation::LinkConversation;
use super::{Backend, BoxFuture, Conversation, OpenError, Opening, Rules};

/// Runs hubs by handing their clients to app servers.
#[derive(Debug)]
pub struct LinkBackend {
    options: Options,
    /// By the address of the relay's link, which each entry keeps alive.
    links: RwLock<HashMap<usize, Arc<AppLink>>>,
    /// Told when a link arrives.
    arrivals: Notify,
    waiting: AtomicUsize,
    results: Arc<Results>,
}

impl LinkBackend {
    /// A backend without links.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let results = Results::new(options.max_results, options.result_lifetime);
        Self {
            options,
            links: RwLock::default(),
            arrivals: Notify::new(),
            waiting: AtomicUsize::new(0),
            results: Arc::new(results),
        }
    }

    /// The settings.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Results that app servers await from clients.
    #[must_use]
    pub fn results(&self) -> &Results {
        &self.results
    }

    /// Takes in a link of a hub: clients may be put on it from now on.
    pub fn attach(&self, hub: &Arc<Hub>, link: Link, allows: Allows) -> Arc<AppLink> {
        let link = Arc::new(link);
        let app_link = Arc::new(AppLink::new(Arc::clone(&link), Arc::clone(hub), allows));
        self.links
            .write()
            .insert(address(&link), Arc::clone(&app_link));
        hub.links().add(&link);
        self.arrivals.notify_waiters();
        app_link
    }

    /// A link is lost or done with: closes it, and the clients on it.
    pub fn detach(&self, link: &Arc<AppLink>) {
        link.hub().links().remove(link.link());
        self.links.write().remove(&address(link.link()));
        link.lose();
    }

    /// The client with this id, on whatever link of the hub it is.
    pub(crate) fn client(&self, hub: &Hub, id: &str) -> Option<Arc<LinkedClient>> {
        let links = hub.links().all();
        links
            .iter()
            .find_map(|link| self.app_link(link)?.client(id))
    }

    fn app_link(&self, link: &Arc<Link>) -> Option<Arc<AppLink>> {
        self.links.read().get(&address(link)).map(Arc::clone)
    }

    /// Waits until something holds that comes with a link, no longer than a client waits for an
    /// app server.
    pub(crate) async fn wait_for(&self, holds: impl Fn() -> bool) {
        let deadline = Instant::now() + self.options.wait_for_server;
        let mut place = None;
        loop {
            let mut arrived = pin!(self.arrivals.notified());
            arrived.as_mut().enable();
            if holds() {
                return;
            }
            if place.is_none() {
                place = Waiting::enter(self);
            }
            if place.is_none() || timeout_at(deadline, arrived).await.is_err() {
                return;
            }
        }
    }

    async fn open_on_link(&self, opening: &Opening) -> Result<LinkConversation, OpenError> {
        let claims = &opening.request.identity.service;
        let no_server = || match &claims.server_name {
            Some(server) if claims.sticky == service::Sticky::Required => OpenError::ServerGone {
                hub: opening.hub.name().into(),
                server: (&**server).into(),
            },
            _ => OpenError::NoServer(opening.hub.name().into()),
        };
        // Waiting is part of the handshake.
        let limit = claims
            .handshake_timeout
            .unwrap_or(self.options.handshake_timeout);
        let deadline = Instant::now() + self.options.wait_for_server.min(limit);
        let mut place = None;
        loop {
            let mut arrived = pin!(self.arrivals.notified());
            arrived.as_mut().enable();
            if let Some(seat) = Seat::choose(opening) {
                // A full link takes no opening either: many clients may come at once.
                let ready = poll_fn(|cx| seat.link.queue().poll_ready(cx));
                timeout_at(deadline, ready).await.map_err(|_| no_server())?;
                if let Some(client) = self.board(opening, seat) {
                    return Ok(LinkConversation::new(client, Arc::clone(&self.results)));
                }
                continue;
            }
            if place.is_none() {
                place = Some(Waiting::enter(self).ok_or_else(no_server)?);
            }
            if timeout_at(deadline, arrived).await.is_err() {
                return Err(no_server());
            }
        }
    }

    /// Puts a client on a link and tells the app server, unless the link is lost.
    fn board(&self, opening: &Opening, seat: Seat) -> Option<Arc<LinkedClient>> {
        let Some(app_link) = self.app_link(&seat.link) else {
            // Nobody's any more, and not to be chosen again.
            seat.link.leave();
            return None;
        };
        let max_partial_bytes = self.options.max_partial_bytes;
        let client = Arc::new(LinkedClient::new(opening, &app_link, max_partial_bytes));
        if !app_link.board(&client) {
            return None;
        }
        let link = seat.taken();
        let told = link.queue().append(|out| {
            opening::write_open(out, &client, &self.options.instance_id, None);
        });
        if !told {
            app_link.leave(client.id());
        }
        told.then_some(client)
    }
}

impl Backend for LinkBackend {
    fn rules(&self, hub: &Hub) -> Rules {
        let allowed = |link: &Arc<Link>| {
            self.app_link(link)
                .is_some_and(|link| link.allows().stateful_reconnect)
        };
        Rules {
            stateful_reconnect: self.options.stateful_reconnect
                && hub.links().all().iter().any(allowed),
            max_message_bytes: self.options.max_client_message_bytes,
            handshake_timeout: self.options.handshake_timeout,
            keep_alive: None,
            detailed_errors: false,
        }
    }

    fn open(&self, opening: Opening) -> BoxFuture<'_, Result<Box<dyn Conversation>, OpenError>> {
        Box::pin(async move {
            let conversation = self.open_on_link(&opening).await?;
            Ok(Box::new(conversation) as Box<dyn Conversation>)
        })
    }
}

/// A client counted in on a link, and counted out again unless it is taken.
struct Seat {
    link: Arc<Link>,
    taken: bool,
}

impl Seat {
    fn choose(opening: &Opening) -> Option<Self> {
        let claims = &opening.request.identity.service;
        let server = claims.server_name.as_deref().unwrap_or_default();
        let sticky = match claims.sticky {
            service::Sticky::Disabled => Sticky::Any,
            service::Sticky::Preferred => Sticky::Preferred(server),
            service::Sticky::Required => Sticky::Required(server),
        };
        let link = opening.hub.links().choose(sticky)?;
        Some(Self { link, taken: false })
    }

    fn taken(mut self) -> Arc<Link> {
        self.taken = true;
        Arc::clone(&self.link)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if !self.taken {
            self.link.client_removed();
        }
    }
}

/// A place among the clients that wait for an app server.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(backend: &'a LinkBackend) -> Option<Self> {
        let place = Self(&backend.waiting);
        (backend.waiting.fetch_add(1, Ordering::Relaxed) < backend.options.max_waiting)
            .then_some(place)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn address(link: &Arc<Link>) -> usize {
    Arc::as_ptr(link).addr()
}
