//! What the sweep looks at in each session, once a second.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use heliograph_protocol::hub::{Encoding, HandshakeError, write};
use heliograph_relay::{CloseReason, Dialect, Frame, FrameClass};
use tracing::warn;

use super::session::{Binding, Session};
use crate::backend::{KeepAlive, Transport};
use crate::edge::clock::{Clock, Deadline};
use crate::edge::dialects;

/// So many links may take over from each other within so many seconds.
const STORM_LINKS: u32 = 20;
const STORM_SECONDS: u32 = 10;

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
    /// The hub handshake must have come by then; once it was passed on, its answer.
    pub(super) handshake_by: Deadline,
    /// A transport must have come (back) by then.
    pub(super) transport_by: Deadline,
    /// The last bytes of a connection that ends must be written by then.
    pub(super) flushed_by: Deadline,
    /// The credentials end.
    pub(super) credentials_until: Deadline,
    /// The client was heard last; 0 until it pinged for the first time.
    pub(super) heard: AtomicU32,
    /// The hub takes nothing at this time: what the client sends waits unread, its pings included.
    stalled: AtomicBool,
    /// The client was pinged last; 0 before the handshake was answered.
    pub(super) pinged: AtomicU32,
    /// Newest message received and newest acknowledged, of a stateful connection.
    pub(super) received: AtomicI64,
    pub(super) acknowledged: AtomicI64,
    /// Since when links are counted, and their count.
    links_since: AtomicU32,
    links: AtomicU32,
}

impl Timers {
    /// The client is not to blame for its silence from now on.
    pub(super) fn hub_stalls(&self) {
        self.stalled.store(true, Ordering::Relaxed);
    }

    /// What the client sends is looked at again: only from here on may it be silent for too long.
    pub(super) fn hub_takes(&self, clock: &Clock) {
        if !self.is_stalled() {
            return;
        }
        if self.heard.load(Ordering::Relaxed) != 0 {
            self.heard.store(clock.now(), Ordering::Relaxed);
        }
        // Behind the time, so that the sweep does not see an old one.
        self.stalled.store(false, Ordering::Release);
    }

    /// Whether what the client sends waits for its hub.
    pub(super) fn is_stalled(&self) -> bool {
        self.stalled.load(Ordering::Acquire)
    }
}

impl Session {
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
            if let Some(reason) = self.late_handshake() {
                self.outbox.close(reason);
            }
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
            *self.binding(),
            Binding::Negotiated | Binding::Detached(_) | Binding::LongPolling(_, None)
        )
    }

    /// Whether a long-polling client is between two polls and has not read its last bytes yet.
    pub(super) fn is_between_polls(&self) -> bool {
        matches!(*self.binding(), Binding::LongPolling(_, None))
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
        // As in the genuine server, whose timeout stands still while a message is dispatched (3.5).
        // A peer that is really gone is left to the transport, or to the time after the stall.
        if self.timers.is_stalled() {
            return;
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

    /// The end of a client whose handshake, or the answer to it, is late; `None` when it was
    /// answered.
    fn late_handshake(&self) -> Option<CloseReason> {
        if self.client().is_none() {
            return Some(CloseReason::HandshakeFailed(
                HandshakeError::CANCELED.into(),
            ));
        }
        if !self.outbox.is_held() || self.outbox.is_closing() {
            return None;
        }
        let hub = self.hub.name();
        warn!(conn = ?self.id, hub, "hub did not answer a handshake in time");
        let text = format!("Hub '{hub}' did not answer the handshake in time.");
        Some(CloseReason::HandshakeFailed(text.into()))
    }
}

fn ping_frame(dialect: Dialect, encoding: Encoding) -> Frame {
    let mut bytes = Vec::new();
    write::ping(encoding, &mut bytes);
    dialects::frame(dialect, &bytes, FrameClass::Control)
}
