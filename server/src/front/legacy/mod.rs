//! The door for legacy clients (ASP.NET SignalR 1.x and 2.x): `/signalr`, or whatever path their
//! app had, and `/aspnetclient` for those whom an app sent here with a token.
//!
//! A request's last path segment says what it is: negotiate, connect, start, send, poll,
//! reconnect, abort, ping, or the proxy script. A connection begins at connect as a `Session`;
//! channels of four transports carry it, one at a time, until it is aborted or has been
//! without one for too long. See the notes on the legacy protocol, sections 1 and 4.

mod aborts;
mod answers;
mod channel;
mod event_stream;
mod kept;
mod last_words;
mod long_polling;
mod negotiate;
mod parameters;
mod request;
mod routes;
mod send;
mod session;
mod sessions;
#[cfg(test)]
mod sizes;
mod uplink;
mod websocket;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use heliograph_relay::{CloseReason, Limits};
use parking_lot::Mutex;
use tracing::{debug, info};

pub use routes::LegacyRoute;

use self::aborts::UNDECIDED;
use self::session::Session;
use self::sessions::Sessions;
use crate::auth::LegacyTokens;
use crate::edge::clock::Clock;
use crate::edge::forwarded::Proxies;
use crate::telemetry::LegacyMeters;

/// What is added to the time for which a connection without a channel is kept, except for long
/// polling (4.1).
const GRACE: Duration = Duration::from_secs(5);

/// Time between two looks at what is due.
const TICK: Duration = Duration::from_secs(1);
/// Time between two beats where there is no keep-alive.
const BEAT: Duration = Duration::from_secs(10);
/// Beats for which what was sent is kept at least.
const MIN_KEPT: u32 = 10;

/// Settings of the door; the defaults are those of ASP.NET SignalR (4.2).
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Time between two signs of life; without one clients do not watch the connection, and
    /// streams end after [`Options::connection_timeout`].
    pub keep_alive: Option<Duration>,
    /// How long a connection without a channel is kept.
    pub disconnect_timeout: Duration,
    /// How long a poll waits for messages.
    pub connection_timeout: Duration,
    /// How long clients may wait for a transport to open.
    pub transport_connect_timeout: Duration,
    /// How long clients wait between two polls.
    pub long_poll_delay: Duration,
    /// How long a request waits for the answer to the call that it brought.
    pub send_timeout: Duration,
    /// Whether JSONP is answered.
    pub jsonp: bool,
    /// What may wait for one client.
    pub outbox: Limits,
    /// What is kept of what a client was sent, in case that it did not arrive.
    pub replay: Limits,
    /// Whether a client that missed more than was kept is ended; else it goes on with the oldest.
    pub close_on_gap: bool,
    /// Connections at a time.
    pub max_connections: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            keep_alive: Some(Duration::from_secs(10)),
            disconnect_timeout: Duration::from_secs(30),
            connection_timeout: Duration::from_secs(110),
            transport_connect_timeout: Duration::from_secs(5),
            long_poll_delay: Duration::ZERO,
            send_timeout: Duration::from_secs(100),
            jsonp: false,
            outbox: Limits::default(),
            replay: Limits {
                bytes: 1 << 20,
                frames: 1000,
            },
            close_on_gap: false,
            max_connections: 1_000_000,
        }
    }
}

impl Options {
    /// Seconds from one beat of the keep-alive to the next; there are beats without one, too.
    fn beat(&self) -> u32 {
        let beat = self.keep_alive.unwrap_or(BEAT).as_secs().max(1);
        u32::try_from(beat).unwrap_or(u32::MAX)
    }

    /// Beats for which what was sent is kept: until its client, which may take two of them to see
    /// that it did not arrive, will not come any more, and no less than at the genuine server
    /// (3.3).
    fn kept_beats(&self) -> u32 {
        let away = self.disconnect_timeout + self.long_poll_delay + GRACE + TICK;
        let away = u32::try_from(away.as_secs()).unwrap_or(u32::MAX);
        away.div_ceil(self.beat()).saturating_add(2).max(MIN_KEPT)
    }
}

/// The door: its routes and all its connections.
pub struct Door {
    options: Options,
    outbox_limits: &'static Limits,
    replay_limits: &'static Limits,
    routes: Vec<LegacyRoute>,
    proxies: Proxies,
    tokens: LegacyTokens,
    sessions: Sessions,
    clock: Clock,
    draining: AtomicBool,
    meters: LegacyMeters,
    /// Held while a connection begins: two requests of one client may come at once.
    beginning: Mutex<()>,
}

impl Door {
    /// A door that serves `routes`. [`Door::sweep`] has to run beside it.
    #[must_use]
    pub fn new(
        options: Options,
        routes: Vec<LegacyRoute>,
        proxies: Proxies,
        tokens: LegacyTokens,
    ) -> Arc<Self> {
        Arc::new(Self {
            options,
            // Two blocks for the life of the process: every connection refers to them.
            outbox_limits: Box::leak(Box::new(options.outbox)),
            replay_limits: Box::leak(Box::new(options.replay)),
            routes,
            proxies,
            tokens,
            sessions: Sessions::default(),
            clock: Clock::default(),
            draining: AtomicBool::new(false),
            meters: LegacyMeters::default(),
            beginning: Mutex::new(()),
        })
    }

    /// Lets the door answer the paths that it serves, before `router` sees them: clients and
    /// proxies put anything in front of a path.
    pub fn before(self: &Arc<Self>, router: Router) -> Router {
        router.layer(middleware::from_fn_with_state(Arc::clone(self), enter))
    }

    /// Moves the clock and sees to what is due, every second, for ever.
    pub async fn sweep(self: Arc<Self>) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut next_beat = 0;
        loop {
            tick.tick().await;
            let now = self.clock.tick();
            // One clock for all connections, whatever else they send (4.2).
            let keep_alive = self.options.keep_alive;
            let is_beat = now >= next_beat;
            if is_beat {
                next_beat = now.saturating_add(self.options.beat());
            }
            let kept = self.options.kept_beats();
            self.sessions.for_each(|session| {
                if is_beat {
                    session.beat(keep_alive.is_some(), kept);
                }
                if session.channel_by.is_over(now) {
                    self.end_later(session, CloseReason::TransportLost);
                }
            });
            self.sessions.forget_dead(now);
            self.meters.look(now);
        }
    }

    /// Takes no new channel, and ends the connections that are there once they have written what
    /// waits. Their clients come back to whatever serves them next, by their tokens.
    pub fn drain(self: &Arc<Self>) {
        self.draining.store(true, Ordering::Release);
        info!(count = self.sessions.len(), "closing all legacy clients");
        self.sessions.for_each(|session| {
            let (_, is_attached) = session.transport();
            session.inbox.close(CloseReason::Draining);
            if !is_attached {
                self.end_later(session, CloseReason::Draining);
            }
        });
    }

    /// Connections whose hubs have not heard of their end.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.sessions.len()
    }

    fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// How long a client may be without a channel.
    fn patience(&self, is_polling: bool) -> u32 {
        let timeout = self.options.disconnect_timeout;
        let patience = if is_polling {
            timeout + self.options.long_poll_delay
        } else {
            timeout + GRACE
        };
        self.clock.after(patience)
    }

    /// The client has stopped, or it reconnects if it is of those that abort before: the connection
    /// of such a one ends when that is decided.
    fn abort(self: &Arc<Self>, session: &Arc<Session>) {
        let reason = CloseReason::ClientClosed(None);
        if !session.protocol.aborts_to_reconnect() {
            return self.end_later(session, reason);
        }
        let Some(number) = session.abort(self.patience(false)) else {
            return;
        };
        let (door, session) = (Arc::clone(self), Arc::clone(session));
        tokio::spawn(async move {
            tokio::time::sleep(UNDECIDED).await;
            if session.has_stopped(number) {
                door.end(&session, reason).await;
            }
        });
    }

    /// Ends a connection from where nobody can wait for its uplink.
    fn end_later(self: &Arc<Self>, session: &Arc<Session>, reason: CloseReason) {
        let (door, session) = (Arc::clone(self), Arc::clone(session));
        tokio::spawn(async move { door.end(&session, reason).await });
    }

    /// Ends a connection: its channel writes what waits, its hubs are told. Only the first call
    /// counts.
    async fn end(&self, session: &Arc<Session>, reason: CloseReason) {
        session.inbox.close(reason);
        if !session.begin_end() {
            return;
        }
        let reason = session.inbox.outbox().close_reason();
        let reason = reason.unwrap_or(CloseReason::TransportLost);
        // Clients go on trying for as long as they would wait for a lost connection. One that the
        // drain has ended is to find the program that comes next.
        let keep_alive = self.options.keep_alive.unwrap_or_default();
        let until = self.options.disconnect_timeout + keep_alive * 2;
        let is_dead = reason != CloseReason::Draining;
        self.sessions
            .remove(session, is_dead.then(|| self.clock.after(until)));
        session.stop_counting();
        debug!(conn = ?session.id, reason = reason.label(), "legacy connection ended");
        session.uplink.lock().await.end(&reason);
    }
}

async fn enter(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    if routes::find(&door.routes, request.uri().path()).is_some() {
        request::handle(&door, request).await
    } else {
        next.run(request).await
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door")
            .field("routes", &self.routes)
            .field("connections", &self.sessions.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_kept_for_as_long_as_its_client_may_come_back() {
        let seconds = Duration::from_secs;
        for (keep_alive, disconnect, kept) in [
            (Some(seconds(10)), seconds(30), 10),
            (Some(seconds(10)), seconds(300), 33),
            (Some(seconds(2)), seconds(30), 20),
            (None, seconds(300), 33),
        ] {
            let options = Options {
                keep_alive,
                disconnect_timeout: disconnect,
                ..Options::default()
            };
            let away = options.kept_beats() * options.beat();
            let may_be_away = disconnect + GRACE + 2 * keep_alive.unwrap_or_default();
            assert_eq!(options.kept_beats(), kept);
            assert!(seconds(away.into()) > may_be_away, "{disconnect:?}");
        }
    }
}
