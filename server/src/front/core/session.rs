//! One connection of a Core client, from negotiate to its end, whatever carries it.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use heliograph_protocol::hub::{Encoding, HandshakeResponse};
use heliograph_relay::{
    Client, CloseReason, ConnectionId, Dialect, Frame, FrameClass, Hub, Outbox,
};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::timers::Timers;
use super::uplink::Uplink;
use crate::backend::{Backend, ClientRequest, KeepAlive, Rules, Ticket, Transport};
use crate::edge::clock::Clock;
use crate::edge::dialects;
use crate::telemetry::{Connected, HubMeters};

/// One connection of a Core client.
///
/// Its state is split by who owns it: the [`Outbox`] is what others push to; the [`Uplink`] is
/// what the client sends, locked by the one task that reads from the client; the binding says
/// which transport carries the connection; the deadlines are read by the sweep.
pub(super) struct Session {
    /// The secret that transports present as `id`. Never logged.
    pub(super) token: Box<str>,
    pub(super) id: ConnectionId,
    pub(super) hub: Arc<Hub>,
    pub(super) backend: Arc<dyn Backend>,
    pub(super) keep_alive: Option<KeepAlive>,
    pub(super) outbox: Arc<Outbox>,
    /// Stateful reconnect was asked for and granted.
    pub(super) stateful: bool,
    pub(super) uplink: tokio::sync::Mutex<Uplink>,
    /// Held by the POST whose turn it is.
    pub(super) post_turn: tokio::sync::Mutex<()>,
    binding: Mutex<Binding>,
    /// What stays of the request that brought the transport.
    attached: OnceLock<Attached>,
    /// What is needed until the backend knows of the client.
    entrance: Mutex<Option<Box<Entrance>>>,
    client: OnceLock<Arc<Client>>,
    encoding: OnceLock<(Dialect, Option<Encoding>)>,
    pub(super) timers: Timers,
    pub(super) meters: Arc<HubMeters>,
    /// Counts the client as connected until it ends.
    counted: Mutex<Option<Connected>>,
    /// A lost WebSocket may come back.
    pub(super) resumable: AtomicBool,
    /// A stateful client had the time to send something behind its handshake.
    pub(super) was_silent: AtomicBool,
    /// The hub's own close message, or its refusal of the handshake, is on its way to the client.
    pub(super) close_sent: AtomicBool,
    /// The client did not take its last bytes in time: it is not waited for any more.
    pub(super) cut: AtomicBool,
    /// The end was seen to: it happens once.
    ended: AtomicBool,
}

/// What carries the connection at this time.
#[derive(Debug)]
pub(super) enum Binding {
    /// Nothing yet.
    Negotiated,
    /// A WebSocket; the number grows when a newer one takes over.
    WebSocket(u32),
    /// That WebSocket was lost and a newer one may come.
    Detached(u32),
    EventStream,
    /// Long polling: the number of the last poll and, while it runs, what ends it.
    LongPolling(u32, Option<oneshot::Sender<()>>),
    /// Long polling whose client has read its last bytes.
    Polled,
}

/// What stays of the request that brought the transport.
#[derive(Clone, Copy, Debug)]
struct Attached {
    transport: Option<Transport>,
    detailed_errors: bool,
    max_poll_interval: Option<Duration>,
    handshake_timeout: Duration,
}

/// What is needed until the backend knows of the client.
#[derive(Debug)]
pub(super) struct Entrance {
    /// The user that negotiated.
    user: Option<Box<str>>,
    rules: Rules,
    pub(super) ticket: Ticket,
    /// `None` as long as there is no transport.
    pub(super) request: Option<Arc<ClientRequest>>,
}

/// What a new session is made of.
pub(super) struct NewSession {
    pub(super) token: Box<str>,
    pub(super) id: ConnectionId,
    pub(super) hub: Arc<Hub>,
    pub(super) backend: Arc<dyn Backend>,
    pub(super) rules: Rules,
    pub(super) meters: Arc<HubMeters>,
    pub(super) outbox: Arc<Outbox>,
    pub(super) stateful: bool,
    pub(super) user: Option<Box<str>>,
    pub(super) ticket: Ticket,
}

impl Session {
    pub(super) fn new(new: NewSession) -> Self {
        let uplink = Uplink::new(new.rules.max_message_bytes);
        let keep_alive = new.rules.keep_alive;
        let entrance = Entrance {
            user: new.user,
            rules: new.rules,
            ticket: new.ticket,
            request: None,
        };
        Self {
            token: new.token,
            id: new.id,
            hub: new.hub,
            backend: new.backend,
            keep_alive,
            outbox: new.outbox,
            stateful: new.stateful,
            uplink: tokio::sync::Mutex::new(uplink),
            post_turn: tokio::sync::Mutex::new(()),
            binding: Mutex::new(Binding::Negotiated),
            attached: OnceLock::new(),
            entrance: Mutex::new(Some(Box::new(entrance))),
            client: OnceLock::new(),
            encoding: OnceLock::new(),
            timers: Timers::default(),
            meters: new.meters,
            counted: Mutex::new(None),
            resumable: AtomicBool::new(false),
            was_silent: AtomicBool::new(false),
            close_sent: AtomicBool::new(false),
            cut: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        }
    }

    pub(super) fn binding(&self) -> parking_lot::MutexGuard<'_, Binding> {
        self.binding.lock()
    }

    /// Whether a transport has come.
    pub(super) fn is_attached(&self) -> bool {
        self.attached.get().is_some()
    }

    /// Whether this user negotiated the connection. Asked until a transport has come.
    pub(super) fn is_of(&self, user: Option<&str>) -> bool {
        let entrance = self.entrance.lock();
        entrance
            .as_ref()
            .is_none_or(|entrance| entrance.user.as_deref() == user)
    }

    /// Notes the request that brings the transport and starts the wait for the handshake.
    pub(super) fn attach(&self, request: ClientRequest, clock: &Clock) {
        let mut entrance = self.entrance.lock();
        let Some(entrance) = &mut *entrance else {
            return;
        };
        let service = &request.identity.service;
        let limit = service
            .handshake_timeout
            .unwrap_or(entrance.rules.handshake_timeout);
        let attached = Attached {
            transport: request.transport,
            detailed_errors: service.detailed_errors || entrance.rules.detailed_errors,
            max_poll_interval: service.max_poll_interval,
            handshake_timeout: limit,
        };
        if self.attached.set(attached).is_ok() {
            entrance.request = Some(Arc::new(request));
            self.timers.handshake_by.set(clock.after(limit));
        }
    }

    /// What the backend is to know, once: the session keeps nothing of it.
    pub(super) fn take_entrance(&self) -> Option<Box<Entrance>> {
        self.entrance.lock().take()
    }

    pub(super) fn transport(&self) -> Option<Transport> {
        self.attached.get().and_then(|attached| attached.transport)
    }

    /// How long the client may take between two polls, if its token says so.
    pub(super) fn max_poll_interval(&self) -> Option<Duration> {
        self.attached.get()?.max_poll_interval
    }

    /// The client as the relay knows it, once the handshake named its dialect.
    pub(super) fn client(&self) -> Option<&Arc<Client>> {
        self.client.get()
    }

    pub(super) fn set_client(&self, client: Arc<Client>, encoding: Option<Encoding>) {
        _ = self.encoding.set((client.dialect(), encoding));
        _ = self.client.set(client);
        if let Some(transport) = self.transport() {
            *self.counted.lock() = Some(self.meters.connected(transport));
        }
        self.timers.handshake_by.clear();
    }

    /// A backend took the client: from now on it may let the handshake's answer wait only so long.
    pub(super) fn opened(&self, clock: &Clock) {
        self.timers.pinged.store(clock.now(), Ordering::Relaxed);
        if let Some(attached) = self.attached.get() {
            let by = clock.after(attached.handshake_timeout);
            self.timers.handshake_by.set(by);
        }
    }

    /// The dialect and, if we can read it, the encoding; JSON before the handshake.
    pub(super) fn encoding(&self) -> (Dialect, Option<Encoding>) {
        self.encoding
            .get()
            .copied()
            .unwrap_or((dialects::JSON, Some(Encoding::Json)))
    }

    /// Whether error texts for the client may have details.
    pub(super) fn detailed_errors(&self) -> bool {
        self.attached
            .get()
            .is_some_and(|attached| attached.detailed_errors)
    }

    /// Notes what is about to be written to the client.
    pub(super) fn sending(&self, frame: &Frame) {
        if frame.class() == FrameClass::Counted {
            self.meters.messages_out.increment(1);
        }
        let is_last = match frame.class() {
            FrameClass::Close => true,
            FrameClass::Handshake => {
                HandshakeResponse::parse(frame.payload()).is_ok_and(|answer| answer.error.is_some())
            }
            FrameClass::Counted | FrameClass::Control => false,
        };
        if is_last {
            self.close_sent.store(true, Ordering::Relaxed);
        }
    }

    /// Counts the end, once: by whoever saw to it. Without a transport there was no connection.
    pub(super) fn count_end(&self, reason: &CloseReason) {
        self.counted.lock().take();
        if self.is_attached() {
            self.meters.closed(reason);
        }
    }

    /// True the first time: the caller sees to the end.
    pub(super) fn begin_end(&self) -> bool {
        !self.ended.swap(true, Ordering::AcqRel)
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Ends the session: the client leaves its hub, then the hub is told. What still waits for the
    /// client may be written after this. Returns the reason to the one who ended it.
    pub(super) async fn end(self: &Arc<Self>, reason: CloseReason) -> Option<CloseReason> {
        self.outbox.close(reason);
        if !self.begin_end() {
            return None;
        }
        let reason = self
            .outbox
            .close_reason()
            .unwrap_or(CloseReason::TransportLost);
        let mut uplink = self.uplink.lock().await;
        uplink.end(self, &reason);
        Some(reason)
    }

    /// Whether the client is too slow to be told of its end.
    pub(super) fn is_hopeless(&self) -> bool {
        self.cut.load(Ordering::Relaxed)
            || self.outbox.close_reason() == Some(CloseReason::SlowClient)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("conn", &self.id)
            .field("hub", &self.hub.name())
            .field("binding", &*self.binding.lock())
            .finish_non_exhaustive()
    }
}
