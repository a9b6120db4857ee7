//! One connection of a Core client, from negotiate to its end, whatever carries it.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use heliograph_protocol::hub::{Encoding, HandshakeError, HandshakeResponse, write};
use heliograph_relay::{
    Client, CloseReason, ConnectionId, Dialect, Frame, FrameClass, Hub, Outbox,
};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::clock::{Clock, Deadline};
use super::uplink::Uplink;
use crate::backend::{Backend, ClientRequest, KeepAlive, Rules, Ticket, Transport};
use crate::edge::dialects;
use crate::telemetry::{Connected, HubMeters};

/// So many links may take over from each other within so many seconds.
const STORM_LINKS: u32 = 20;
const STORM_SECONDS: u32 = 10;

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
    keep_alive: Option<KeepAlive>,
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
    cut: AtomicBool,
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

/// What the door is to do after a look at the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tick {
    Nothing,
    /// The outbox closes and no task is there to see it.
    End,
    /// The client is gone: end the session and forget its token.
    Forget,
}

/// What the sweep looks at.
#[derive(Debug, Default)]
pub(super) struct Timers {
    /// The hub handshake must have come by then.
    pub(super) handshake_by: Deadline,
    /// A transport must have come (back) by then.
    pub(super) transport_by: Deadline,
    /// The last bytes of a connection that ends must be written by then.
    pub(super) flushed_by: Deadline,
    /// The credentials end.
    pub(super) credentials_until: Deadline,
    /// The client was heard last; 0 until it pinged for the first time.
    pub(super) heard: AtomicU32,
    /// The client was pinged last; 0 before the handshake was answered.
    pub(super) pinged: AtomicU32,
    /// Newest message received and newest acknowledged, of a stateful connection.
    pub(super) received: AtomicI64,
    pub(super) acknowledged: AtomicI64,
    /// Since when links are counted, and their count.
    links_since: AtomicU32,
    links: AtomicU32,
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
        let attached = Attached {
            transport: request.transport,
            detailed_errors: service.detailed_errors || entrance.rules.detailed_errors,
            max_poll_interval: service.max_poll_interval,
        };
        let limit = service
            .handshake_timeout
            .unwrap_or(entrance.rules.handshake_timeout);
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

    /// Counts a link that takes over. False when there were too many in a short time: a message
    /// that breaks the client would come again with each of them (8.4).
    pub(super) fn may_take_over(&self, now: u32) -> bool {
        let Timers {
            links_since, links, ..
        } = &self.timers;
        if now.saturating_sub(links_since.load(Ordering::Relaxed)) >= STORM_SECONDS {
            links_since.store(now, Ordering::Relaxed);
            links.store(0, Ordering::Relaxed);
        }
        links.fetch_add(1, Ordering::Relaxed) < STORM_LINKS
    }

    /// One look at the clock: does what is due and says what only the door can do.
    pub(super) fn tick(&self, clock: &Clock, send_timeout: Duration) -> Tick {
        let now = clock.now();
        let timers = &self.timers;
        if timers.transport_by.is_over(now) {
            return Tick::Forget;
        }
        if timers.handshake_by.is_over(now) {
            timers.handshake_by.clear();
            self.outbox.close(CloseReason::HandshakeFailed(
                HandshakeError::CANCELED.into(),
            ));
        }
        if timers.credentials_until.is_over(now) {
            self.outbox.close(CloseReason::AuthExpired);
        }
        if let Some(keep_alive) = self.keep_alive
            && self.transport() != Some(Transport::LongPolling)
        {
            self.watch(keep_alive, now);
        }
        if self.stateful {
            self.acknowledge();
            self.give_up_silence(now);
        }
        if !self.outbox.is_closing() || self.has_ended() {
            Tick::Nothing
        } else if self.is_unattended() {
            Tick::End
        } else if timers.flushed_by.is_over(now) {
            self.cut.store(true, Ordering::Relaxed);
            self.outbox.wake();
            Tick::Forget
        } else {
            timers.flushed_by.set_once(clock.after(send_timeout));
            Tick::Nothing
        }
    }

    /// Whether no task is there to see that the outbox closes.
    fn is_unattended(&self) -> bool {
        matches!(
            *self.binding.lock(),
            Binding::Negotiated | Binding::Detached(_) | Binding::LongPolling(_, None)
        )
    }

    /// Whether a long-polling client is between two polls and has not read its last bytes yet.
    pub(super) fn is_between_polls(&self) -> bool {
        matches!(*self.binding.lock(), Binding::LongPolling(_, None))
    }

    fn watch(&self, rule: KeepAlive, now: u32) {
        let pinged = self.timers.pinged.load(Ordering::Relaxed);
        let seconds = |time: Duration| u32::try_from(time.as_secs().max(1));
        if pinged != 0
            && now.saturating_sub(pinged) >= seconds(rule.interval).unwrap_or(u32::MAX)
            && !self.outbox.is_held()
        {
            self.timers.pinged.store(now, Ordering::Relaxed);
            if let (dialect, Some(encoding)) = self.encoding() {
                self.outbox.push(ping_frame(dialect, encoding));
            }
        }
        let heard = self.timers.heard.load(Ordering::Relaxed);
        let limit = seconds(rule.client_timeout).unwrap_or(u32::MAX);
        if heard != 0 && now.saturating_sub(heard) > limit {
            self.outbox.close(CloseReason::ClientTimeout);
        }
    }

    /// Lets the messages go that were held back for a client that is silent after its handshake.
    fn give_up_silence(&self, now: u32) {
        let opened = self.timers.pinged.load(Ordering::Relaxed);
        if opened != 0
            && now.saturating_sub(opened) >= 2
            && !self.was_silent.swap(true, Ordering::Relaxed)
        {
            self.outbox.wake();
        }
    }

    /// Acknowledges what has come since the last time.
    fn acknowledge(&self) {
        let received = self.timers.received.load(Ordering::Acquire);
        if received == self.timers.acknowledged.swap(received, Ordering::AcqRel) {
            return;
        }
        if let (dialect, Some(encoding)) = self.encoding() {
            let mut bytes = Vec::new();
            write::ack(encoding, &mut bytes, received);
            self.outbox
                .push(dialects::frame(dialect, &bytes, FrameClass::Control));
        }
    }
}

fn ping_frame(dialect: Dialect, encoding: Encoding) -> Frame {
    let mut bytes = Vec::new();
    write::ping(encoding, &mut bytes);
    dialects::frame(dialect, &bytes, FrameClass::Control)
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
