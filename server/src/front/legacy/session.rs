//! One legacy connection, from `/connect` to its end, whatever carries it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;

use heliograph_protocol::legacy::{ClientProtocol, Cursor, Envelope, LegacyTransport};
use heliograph_relay::{CloseReason, ConnectionId, Frame, FrameClass, Limits, Taken};
use parking_lot::Mutex;

use super::aborts::Aborts;
use super::kept::{From, Kept};
use super::uplink::Uplink;
use crate::auth::LegacyTokens;
use crate::backend::legacy::Inbox;
use crate::edge::clock::Deadline;
use crate::edge::legacy_frames;
use crate::telemetry::{LegacyConnected, LegacyMeters};

/// Bytes that a channel takes from the outbox at a time.
const BATCH_BYTES: usize = 64 << 10;

/// A client that asks to reconnect while the channel of its last reconnect stands means the same
/// return, if it does so within so many seconds: some ask in pairs, and again when nothing comes
/// (4.3).
const SAME_RETURN: u32 = 5;

/// One legacy connection.
pub(super) struct Session {
    pub(super) id: ConnectionId,
    pub(super) protocol: ClientProtocol,
    pub(super) inbox: Arc<Inbox>,
    pub(super) uplink: Arc<tokio::sync::Mutex<Uplink>>,
    tokens: LegacyTokens,
    /// What may be kept for a client that comes back.
    replay: &'static Limits,
    channel: Mutex<Channel>,
    /// A channel must have come by then.
    pub(super) channel_by: Deadline,
    counted: Mutex<Option<LegacyConnected>>,
    ended: AtomicBool,
}

/// What carries the connection. Its lock is taken before that of the outbox.
#[derive(Debug)]
struct Channel {
    /// Grows with each channel and each that is aborted; the newest alone takes from the outbox.
    number: u32,
    transport: LegacyTransport,
    is_attached: bool,
    /// The tick at which a channel came by a `/reconnect` last; 0 if none has.
    returned: u32,
    aborts: Aborts,
    kept: Kept,
}

impl Channel {
    /// Notes that the client comes back, and gives whether it had done so already.
    fn returns(&mut self, now: u32) -> bool {
        let last = std::mem::replace(&mut self.returned, now);
        self.is_attached && last != 0 && now.saturating_sub(last) < SAME_RETURN
    }
}

/// How a channel begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// `/connect`: what was sent before is none of its business.
    Connect,
    /// `/reconnect`, from the cursor that the client names.
    Reconnect(Option<Cursor>),
    /// `/poll`, the same.
    Poll(Option<Cursor>),
}

/// A channel that begins.
#[derive(Debug)]
pub(super) struct Attached {
    pub(super) number: u32,
    /// What it sends first.
    pub(super) first: VecDeque<Frame>,
    /// The client missed messages that are not kept any more.
    pub(super) has_gap: bool,
    /// The client had come back already.
    pub(super) is_same_return: bool,
}

/// What a channel has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Frames; more may come.
    Frames,
    /// Nothing more comes, for this reason; frames may have been taken too.
    Last(CloseReason),
    /// A newer channel carries the connection.
    Replaced,
}

impl Session {
    pub(super) fn new(
        id: ConnectionId,
        protocol: ClientProtocol,
        inbox: Arc<Inbox>,
        uplink: Uplink,
        tokens: LegacyTokens,
        replay: &'static Limits,
    ) -> Self {
        Self {
            id,
            protocol,
            inbox,
            uplink: Arc::new(tokio::sync::Mutex::new(uplink)),
            tokens,
            replay,
            channel: Mutex::new(Channel {
                number: 0,
                transport: LegacyTransport::LongPolling,
                is_attached: false,
                returned: 0,
                aborts: Aborts::default(),
                kept: Kept::new(legacy_frames::next_cursor()),
            }),
            channel_by: Deadline::default(),
            counted: Mutex::new(None),
            ended: AtomicBool::new(false),
        }
    }

    /// Ties the connection to a new channel, at this tick; the one before learns of it and ends.
    ///
    /// What waits unsent goes to whatever comes next, after what it missed: also to a `/connect`
    /// and to a client whose cursor is unknown, which misses what was sent before (3.3).
    pub(super) fn attach(&self, transport: LegacyTransport, begin: Begin, now: u32) -> Attached {
        let outbox = self.inbox.outbox();
        let attached = {
            let mut channel = self.channel.lock();
            channel.number = channel.number.wrapping_add(1);
            channel.transport = transport;
            let is_same_return = matches!(begin, Begin::Reconnect(_)) && channel.returns(now);
            channel.is_attached = true;
            self.channel_by.clear();
            // Answers to calls of a channel that is gone are nobody's.
            outbox.drop_control();
            let lost = outbox.set_lossy(false);
            if lost > 0 && channel.kept.forget() {
                self.inbox.groups_changed();
            }
            let is_socket = transport == LegacyTransport::WebSockets;
            self.inbox.set_channel(is_socket.then_some(channel.number));
            let (first, has_gap) = match begin {
                Begin::Connect => {
                    let start = legacy_frames::next_cursor();
                    channel.kept.restart(start);
                    let init = Envelope {
                        init: true,
                        ..Envelope::at(start)
                    };
                    (vec![legacy_frames::empty(&init)], false)
                }
                Begin::Reconnect(cursor) | Begin::Poll(cursor) => {
                    let (missed, from) = channel.kept.after(cursor);
                    let has_gap = from == From::Oldest || (from == From::Cursor && lost > 0);
                    (missed, has_gap)
                }
            };
            Attached {
                number: channel.number,
                first: first.into(),
                has_gap,
                is_same_return,
            }
        };
        outbox.wake();
        attached
    }

    /// A channel is gone; the connection waits for another until `by`. False if it was replaced.
    pub(super) fn detach(&self, number: u32, by: u32) -> bool {
        let mut channel = self.channel.lock();
        if channel.number != number || !channel.is_attached {
            return false;
        }
        channel.is_attached = false;
        self.inbox.set_channel(None);
        self.inbox.outbox().set_lossy(true);
        self.channel_by.set(by);
        true
    }

    /// The client has aborted, and may do so to reconnect: its channel ends, unless the reconnect
    /// has overtaken the abort, and the connection waits for another until `by`. Gives the number by
    /// which to ask [`Session::has_stopped`], unless somebody is to ask already.
    pub(super) fn abort(&self, by: u32) -> Option<u32> {
        let outbox = self.inbox.outbox();
        let effect = {
            let mut channel = self.channel.lock();
            let effect = channel.aborts.abort(Instant::now());
            if effect.ends_channel && channel.is_attached {
                channel.number = channel.number.wrapping_add(1);
                channel.is_attached = false;
                self.inbox.set_channel(None);
                outbox.set_lossy(true);
                self.channel_by.set(by);
            }
            effect
        };
        outbox.wake();
        effect.to_settle
    }

    /// The client has asked to reconnect: an abort before that is no stop.
    pub(super) fn reconnects(&self) {
        self.channel.lock().aborts.reconnects(Instant::now());
    }

    /// Whether the abort of this number was a stop.
    pub(super) fn has_stopped(&self, number: u32) -> bool {
        let mut channel = self.channel.lock();
        let is_attached = channel.is_attached;
        channel.aborts.is_stop(number, is_attached)
    }

    /// Whether this is the channel that carries the connection.
    pub(super) fn is_carried_by(&self, number: u32) -> bool {
        self.channel.lock().number == number
    }

    /// The transport of the channel that is there, or of the last one, and whether it is there.
    pub(super) fn transport(&self) -> (LegacyTransport, bool) {
        let channel = self.channel.lock();
        (channel.transport, channel.is_attached)
    }

    /// An envelope without a message: where the client is by now.
    pub(super) fn position(&self) -> Frame {
        let cursor = self.channel.lock().kept.cursor();
        legacy_frames::empty(&Envelope::at(cursor))
    }

    /// Takes what waits for the client, into a channel that still carries the connection.
    pub(super) fn poll_take(
        &self,
        cx: &mut Context<'_>,
        number: u32,
        frames: &mut VecDeque<Frame>,
    ) -> Poll<Step> {
        let mut channel = self.channel.lock();
        if channel.number != number {
            return Poll::Ready(Step::Replaced);
        }
        if self.take_groups(&mut channel, frames) {
            return Poll::Ready(Step::Frames);
        }
        let before = frames.len();
        let taken = self.inbox.outbox().poll_take(cx, BATCH_BYTES, frames);
        for frame in frames.range(before..) {
            if frame.class() == FrameClass::Counted {
                channel.kept.add(frame, self.replay);
            }
        }
        match taken {
            Poll::Ready(Taken::Frames) => Poll::Ready(Step::Frames),
            Poll::Ready(Taken::Last(reason)) => Poll::Ready(Step::Last(reason)),
            // A change of groups that came before the waker was there.
            Poll::Pending if self.take_groups(&mut channel, frames) => Poll::Ready(Step::Frames),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Tells the client of its groups if they have changed.
    fn take_groups(&self, channel: &mut Channel, frames: &mut VecDeque<Frame>) -> bool {
        let Some(groups) = self.inbox.take_groups() else {
            return false;
        };
        let token = self.tokens.groups(self.id.as_str(), &groups);
        let envelope = Envelope {
            groups: Some(&token),
            ..Envelope::at(legacy_frames::next_cursor())
        };
        let frame = legacy_frames::envelope(&envelope, None);
        channel.kept.add(&frame, self.replay);
        frames.push_back(frame);
        true
    }

    /// The keep-alive's beat. What was sent is kept for so many.
    pub(super) fn beat(&self, is_sent: bool, kept: u32) {
        let mut channel = self.channel.lock();
        channel.kept.beat(kept);
        if is_sent && channel.is_attached {
            self.inbox.outbox().push(legacy_frames::keep_alive());
        }
    }

    /// Counts the connection until its end.
    pub(super) fn count(&self, counted: LegacyConnected) {
        *self.counted.lock() = Some(counted);
    }

    /// Counts it on, by the transport of the channel that has come.
    pub(super) fn count_moved(&self, meters: &LegacyMeters, transport: LegacyTransport) {
        let mut counted = self.counted.lock();
        *counted = counted
            .take()
            .map(|counted| meters.moved(counted, transport.name()));
    }

    pub(super) fn stop_counting(&self) {
        self.counted.lock().take();
    }

    /// True the first time: the caller sees to the end.
    pub(super) fn begin_end(&self) -> bool {
        !self.ended.swap(true, Ordering::AcqRel)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("conn", &self.id)
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}
