//! One connection of a Core client, from negotiate to its end, whatever carries it.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use heliograph_protocol::hub::{Encoding, write};
use heliograph_relay::{
    Client, CloseReason, ConnectionId, Dialect, Frame, FrameClass, Hub, Outbox,
};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::clock::{Clock, Deadline};
use super::uplink::Uplink;
use crate::backend::{Backend, ClientRequest, Rules, Ticket, Transport};
use crate::edge::dialects;

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
    pub(super) rules: Rules,
    pub(super) outbox: Arc<Outbox>,
    /// Stateful reconnect was asked for and granted.
    pub(super) stateful: bool,
    /// The user that negotiated.
    pub(super) user: Option<Box<str>>,
    pub(super) ticket: Mutex<Ticket>,
    pub(super) uplink: tokio::sync::Mutex<Uplink>,
    /// Held by the POST whose turn it is.
    pub(super) post_turn: tokio::sync::Mutex<()>,
    binding: Mutex<Binding>,
    request: OnceLock<Arc<ClientRequest>>,
    client: OnceLock<Arc<Client>>,
    encoding: OnceLock<(Dialect, Option<Encoding>)>,
    pub(super) timers: Timers,
    /// A lost WebSocket may come back.
    pub(super) resumable: AtomicBool,
    /// A stateful client had the time to send something behind its handshake.
    pub(super) was_silent: AtomicBool,
    /// The hub's own close message is on its way to the client.
    pub(super) close_sent: AtomicBool,
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
    /// The credentials end.
    pub(super) credentials_until: Deadline,
    /// The client was heard last; 0 until it pinged for the first time.
    pub(super) heard: AtomicU32,
    /// The client was pinged last; 0 before the handshake was answered.
    pub(super) pinged: AtomicU32,
    /// Newest message received and newest acknowledged, of a stateful connection.
    pub(super) received: AtomicI64,
    pub(super) acknowledged: AtomicI64,
}

/// What a new session is made of.
pub(super) struct NewSession {
    pub(super) token: Box<str>,
    pub(super) id: ConnectionId,
    pub(super) hub: Arc<Hub>,
    pub(super) backend: Arc<dyn Backend>,
    pub(super) rules: Rules,
    pub(super) outbox: Arc<Outbox>,
    pub(super) stateful: bool,
    pub(super) user: Option<Box<str>>,
    pub(super) ticket: Ticket,
}

impl Session {
    pub(super) fn new(new: NewSession) -> Self {
        let uplink = Uplink::new(new.rules.max_message_bytes);
        Self {
            token: new.token,
            id: new.id,
            hub: new.hub,
            backend: new.backend,
            rules: new.rules,
            outbox: new.outbox,
            stateful: new.stateful,
            user: new.user,
            ticket: Mutex::new(new.ticket),
            uplink: tokio::sync::Mutex::new(uplink),
            post_turn: tokio::sync::Mutex::new(()),
            binding: Mutex::new(Binding::Negotiated),
            request: OnceLock::new(),
            client: OnceLock::new(),
            encoding: OnceLock::new(),
            timers: Timers::default(),
            resumable: AtomicBool::new(false),
            was_silent: AtomicBool::new(false),
            close_sent: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        }
    }

    pub(super) fn binding(&self) -> parking_lot::MutexGuard<'_, Binding> {
        self.binding.lock()
    }

    /// What the request that brought the transport said.
    pub(super) fn request(&self) -> Option<&Arc<ClientRequest>> {
        self.request.get()
    }

    /// Notes the request that brings the transport and starts the wait for the handshake.
    pub(super) fn attach(&self, request: ClientRequest, clock: &Clock) {
        if self.request.set(Arc::new(request)).is_ok() {
            let service = self.request.get().map(|request| &request.identity);
            let limit = service
                .and_then(|identity| identity.service.handshake_timeout)
                .unwrap_or(self.rules.handshake_timeout);
            self.timers.handshake_by.set(clock.after(limit));
        }
    }

    pub(super) fn transport(&self) -> Option<Transport> {
        self.request.get().and_then(|request| request.transport)
    }

    /// The client as the relay knows it, once the handshake named its dialect.
    pub(super) fn client(&self) -> Option<&Arc<Client>> {
        self.client.get()
    }

    pub(super) fn set_client(&self, client: Arc<Client>, encoding: Option<Encoding>) {
        _ = self.encoding.set((client.dialect(), encoding));
        _ = self.client.set(client);
        self.timers.handshake_by.clear();
    }

    /// The dialect and, if we can read it, the encoding; JSON before the handshake.
    pub(super) fn encoding(&self) -> (Dialect, Option<Encoding>) {
        self.encoding
            .get()
            .copied()
            .unwrap_or((dialects::JSON, Some(Encoding::Json)))
    }

    /// Whether the client reads text.
    pub(super) fn detailed_errors(&self) -> bool {
        self.rules.detailed_errors
            || self
                .request
                .get()
                .is_some_and(|request| request.identity.service.detailed_errors)
    }

    /// Notes what is about to be written to the client.
    pub(super) fn sending(&self, frame: &Frame) {
        if frame.class() == FrameClass::Close {
            self.close_sent.store(true, Ordering::Relaxed);
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

    /// One look at the clock: does what is due and says what only the door can do.
    pub(super) fn tick(&self, now: u32) -> Tick {
        let timers = &self.timers;
        if timers.transport_by.is_over(now) {
            return Tick::Forget;
        }
        if timers.handshake_by.is_over(now) {
            timers.handshake_by.clear();
            self.outbox.close(CloseReason::HandshakeFailed(
                "Handshake was canceled.".into(),
            ));
        }
        if timers.credentials_until.is_over(now) {
            self.outbox.close(CloseReason::AuthExpired);
        }
        if let Some(keep_alive) = self.rules.keep_alive
            && self.transport() != Some(Transport::LongPolling)
        {
            self.keep_alive(keep_alive, now);
        }
        if self.stateful {
            self.acknowledge();
            self.give_up_silence(now);
        }
        if self.outbox.is_closing() && self.is_unattended() {
            Tick::End
        } else {
            Tick::Nothing
        }
    }

    /// Whether no task is there to see that the outbox closes.
    fn is_unattended(&self) -> bool {
        matches!(
            *self.binding.lock(),
            Binding::Negotiated | Binding::Detached(_) | Binding::LongPolling(_, None)
        ) && !self.has_ended()
    }

    fn keep_alive(&self, rule: crate::backend::KeepAlive, now: u32) {
        let pinged = self.timers.pinged.load(Ordering::Relaxed);
        let seconds = |time: std::time::Duration| u32::try_from(time.as_secs().max(1));
        if pinged != 0 && now.saturating_sub(pinged) >= seconds(rule.interval).unwrap_or(u32::MAX) {
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
