//! Stateful reconnect: what both sides must remember while a link is down (3.8).

use heliograph_protocol::hub::replay::Receipt;
use heliograph_protocol::hub::{Encoding, ReceiveCounter, SendBuffer, write};
use heliograph_relay::{CloseReason, Dialect, Frame, FrameClass};

use crate::edge::dialects;

/// The memory of one stateful connection. Owned by whoever owns the uplink.
#[derive(Debug)]
pub(super) struct Resume {
    sent: SendBuffer<Frame>,
    received: ReceiveCounter,
    /// A close message went one way or the other, or the client closed its socket properly.
    given_up: bool,
    start: Start,
}

/// How far the two sides have come in getting to know each other.
///
/// `@microsoft/signalr` begins to count only some time after it has read the handshake's answer; a
/// message that arrives with the answer is not counted, and after the first resumption one is
/// delivered twice. The ping that the client sends next says that it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    Unanswered,
    Answered,
    Heard,
}

impl Resume {
    pub(super) fn new(limit_bytes: usize) -> Self {
        Self {
            sent: SendBuffer::new(limit_bytes),
            received: ReceiveCounter::new(),
            given_up: false,
            start: Start::Unanswered,
        }
    }

    /// Whether another frame may be sent now: the client counts, and has acknowledged enough.
    pub(super) fn may_send(&self) -> bool {
        self.start != Start::Answered && !self.sent.is_full()
    }

    /// The client has sent something behind its handshake, or has had the time to.
    pub(super) fn heard(&mut self) {
        self.start = Start::Heard;
    }

    /// Keeps a counted frame until it is acknowledged.
    pub(super) fn sending(&mut self, frame: &Frame) {
        match frame.class() {
            FrameClass::Counted => _ = self.sent.push(frame.clone(), frame.len_bytes()),
            FrameClass::Close => self.given_up = true,
            FrameClass::Handshake => self.start = Start::Answered,
            FrameClass::Control => {}
        }
    }

    pub(super) fn acknowledged(&mut self, number: i64) {
        self.sent.ack(number);
    }

    /// The client says at which number its repetition starts.
    pub(super) fn sequence(&mut self, number: i64) -> Result<(), CloseReason> {
        self.received.on_sequence(number).map_err(|error| {
            CloseReason::ResumeFailed(format!("InvalidOperationException: {error}").into())
        })
    }

    /// A counted message came. Its number, or `None` when it came before.
    pub(super) fn received(&mut self) -> Option<i64> {
        (self.received.on_message() == Receipt::Deliver).then(|| self.received.newest())
    }

    /// The connection ends with its link.
    pub(super) fn give_up(&mut self) {
        self.given_up = true;
    }

    pub(super) fn is_given_up(&self) -> bool {
        self.given_up
    }

    /// What a new link begins with: a sequence message, then all that was not acknowledged.
    pub(super) fn repeat(&self, dialect: Dialect, encoding: Encoding) -> Vec<Frame> {
        let mut bytes = Vec::new();
        write::sequence(encoding, &mut bytes, self.sent.resume_at());
        let first = dialects::frame(dialect, &bytes, FrameClass::Control);
        std::iter::once(first)
            .chain(self.sent.unacked().cloned())
            .collect()
    }
}
