//! The door for Core clients: `/client` for those whom an app sent here with a token, and the
//! paths of the hubs that we serve ourselves.
//!
//! A request is one of five: negotiate, a transport's GET (WebSocket upgrade, event stream, first
//! or later poll), POST, DELETE. All of them lead to a `Session`. See spec sections 1
//! and 2 of the Core protocol.

mod close;
mod connect;
mod event_stream;
mod handshake;
mod long_polling;
mod negotiate;
mod request;
mod resume;
mod routes;
mod send;
mod session;
mod sessions;
#[cfg(test)]
mod sizes;
mod timers;
mod uplink;
mod websocket;

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use heliograph_relay::{CloseReason, ConnectionId, Hub, Limits, Outbox, Relay};
use http::StatusCode;
use tracing::info;

pub use routes::{HubRoute, Routes, ServiceRoute};

use self::session::{NewSession, Session};
use self::sessions::Sessions;
use self::timers::Tick;
use crate::backend::{Backend, Rules, Ticket};
use crate::edge::clock::Clock;
use crate::edge::dialects::Dialects;
use crate::edge::{answers, while_open};
use crate::telemetry::{self, Meters};

/// How long a draining door waits for a client that is between two polls.
const LAST_POLL: Duration = Duration::from_secs(3);

/// Settings of the door.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What may wait for one client.
    pub outbox: Limits,
    /// Bytes kept for one stateful connection until the client acknowledges them.
    pub stateful_buffer_bytes: usize,
    /// How long a poll waits for data.
    pub poll_timeout: Duration,
    /// How long a connection lives without a transport.
    pub disconnect_timeout: Duration,
    /// How long a client that reads slowly may take over the last bytes of a connection that ends.
    pub send_timeout: Duration,
    /// Connections at a time, those that have only negotiated included.
    pub max_connections: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            outbox: Limits::default(),
            stateful_buffer_bytes: 100_000,
            poll_timeout: Duration::from_secs(90),
            disconnect_timeout: Duration::from_secs(15),
            send_timeout: Duration::from_secs(10),
            max_connections: 1_000_000,
        }
    }
}

/// The door: its routes and all its connections.
pub struct Door {
    options: Options,
    limits: &'static Limits,
    dialects: Dialects,
    relay: Arc<Relay>,
    routes: Routes,
    sessions: Sessions,
    clock: Clock,
    draining: AtomicBool,
    meters: Meters,
}

impl Door {
    /// A door that serves `routes`. [`Door::sweep`] has to run beside it.
    #[must_use]
    pub fn new(
        options: Options,
        dialects: Dialects,
        relay: Arc<Relay>,
        routes: Routes,
    ) -> Arc<Self> {
        Arc::new(Self {
            options,
            // One block for the life of the process: every outbox refers to it.
            limits: Box::leak(Box::new(options.outbox)),
            dialects,
            relay,
            routes,
            sessions: Sessions::default(),
            clock: Clock::default(),
            draining: AtomicBool::new(false),
            meters: Meters::default(),
        })
    }

    /// The door as a router: it answers every path that nobody else does.
    pub fn router(self: &Arc<Self>) -> Router {
        Router::new().fallback(enter).with_state(Arc::clone(self))
    }

    /// Moves the clock and sees to what is due, every second, for ever.
    pub async fn sweep(self: Arc<Self>) {
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            self.clock.tick();
            self.relay.expire(Instant::now());
            let send_timeout = self.options.send_timeout;
            self.sessions
                .for_each(|session| match session.tick(&self.clock, send_timeout) {
                    Tick::Nothing => {}
                    Tick::End => Self::end_later(session, CloseReason::TransportLost),
                    Tick::Forget => self.forget(session, CloseReason::TransportLost),
                });
        }
    }

    /// Takes no new connection and closes those that are there, with reconnect allowed.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
        info!(count = self.sessions.len(), "closing all clients");
        self.sessions.for_each(|session| {
            if session.client().is_none() {
                self.sessions.remove(session);
            } else if session.is_between_polls() {
                let by = self.clock.after(LAST_POLL);
                session.timers.transport_by.set(by);
            }
            session.outbox.close(CloseReason::Draining);
        });
    }

    /// Connections that are open or may still be opened. One whose end was told to its hub does
    /// not count, except that a draining door waits for clients that are between two polls to come
    /// for their last bytes.
    #[must_use]
    pub fn connections(&self) -> usize {
        let mut count = 0;
        self.sessions.for_each(|session| {
            let is_owed = || self.is_draining() && session.is_between_polls();
            count += usize::from(!session.has_ended() || is_owed());
        });
        count
    }

    fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    fn outbox(&self) -> Arc<Outbox> {
        Arc::new(Outbox::new(self.limits))
    }

    /// Ends a session from where nobody can wait for its uplink.
    fn end_later(session: &Arc<Session>, reason: CloseReason) {
        let session = Arc::clone(session);
        tokio::spawn(async move {
            if let Some(reason) = session.end(reason).await {
                session.count_end(&reason);
            }
        });
    }

    /// Ends a session and forgets its token.
    fn forget(self: &Arc<Self>, session: &Arc<Session>, reason: CloseReason) {
        self.sessions.remove(session);
        Self::end_later(session, reason);
    }

    /// How long a long-polling client may take between two polls.
    fn poll_interval(&self, session: &Session) -> Duration {
        session
            .max_poll_interval()
            .unwrap_or(self.options.disconnect_timeout)
    }

    /// Makes a session that waits for its transport.
    fn add_session(
        &self,
        hub: Arc<Hub>,
        backend: Arc<dyn Backend>,
        rules: Rules,
        new: Negotiated,
    ) -> Result<Arc<Session>, getrandom::Error> {
        let id = match &new.ticket.connection_id {
            Some(id) => id.clone(),
            None => sessions::random_id()?,
        };
        let token = if new.token_is_id {
            id.clone()
        } else {
            sessions::random_id()?
        };
        let session = Arc::new(Session::new(NewSession {
            token,
            id: ConnectionId::new(&id),
            meters: self.meters.hub(hub.name()),
            hub,
            backend,
            rules,
            outbox: self.outbox(),
            stateful: new.stateful,
            user: new.user,
            ticket: new.ticket,
        }));
        session
            .timers
            .transport_by
            .set(self.clock.after(self.options.disconnect_timeout));
        self.sessions.add(&session);
        Ok(session)
    }
}

/// What a negotiation came to.
struct Negotiated {
    stateful: bool,
    /// Negotiate version 0: the public id is the token.
    token_is_id: bool,
    user: Option<Box<str>>,
    ticket: Ticket,
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door")
            .field("routes", &self.routes)
            .field("connections", &self.sessions.len())
            .finish_non_exhaustive()
    }
}

impl Door {
    /// Why no new connection can be taken, if so.
    fn refuse_new(&self) -> Option<Response> {
        if self.is_draining() {
            return Some(connect::draining());
        }
        (self.sessions.len() >= self.options.max_connections).then(|| {
            let text = "This server has as many connections as it may have.";
            answers::text(StatusCode::SERVICE_UNAVAILABLE, text)
        })
    }

    /// Counts the answer to a negotiate request. At the service's own path anybody may name any
    /// hub: one that nobody with a token has asked for yet counts without a name.
    fn count_negotiation(&self, place: &routes::Place, result: telemetry::Negotiated) {
        let is_known = place.path.is_some() || result == telemetry::Negotiated::Accepted;
        let meters = if is_known {
            self.meters.hub(&place.name)
        } else {
            let known = self.meters.known(&place.name);
            known.unwrap_or_else(|| self.meters.hub(""))
        };
        meters.negotiated(result);
    }

    /// Passes on what was posted and is not with the hub yet, in a task of its own: what came
    /// before the transport, or what its sender did not wait for.
    fn pump_later(self: &Arc<Self>, session: &Arc<Session>) {
        let (door, session) = (Arc::clone(self), Arc::clone(session));
        tokio::spawn(async move {
            let Some(mut uplink) = while_open(&session.outbox, session.uplink.lock()).await else {
                return;
            };
            // A hub that stalls has to be waited for even so, or nobody sees that it goes on.
            if !uplink.has_work() && !session.timers.is_stalled() {
                return;
            }
            let pumped = poll_fn(|cx| uplink.poll_pump(&door, &session, cx));
            if let Some(Err(reason)) = while_open(&session.outbox, pumped).await {
                session.outbox.close(reason);
            }
        });
    }
}

async fn enter(State(door): State<Arc<Door>>, request: Request) -> Response {
    request::handle(door, request).await
}
