//! Stateful reconnect: what each side keeps so that a lost link loses no message (3.8).
//!
//! Both sides of a connection hold one [`SendBuffer`] for what they send and one
//! [`ReceiveCounter`] for what they receive. Neither knows a clock or a link: the owner of the
//! connection moves bytes and decides when.
//!
//! # Lifecycle
//!
//! *Start.* Stateful reconnect is on when the client asked for it in the negotiation, the server
//! granted it, the transport is a WebSocket, and the handshake says version 2. Without any of these
//! there are no numbers, no Acks and no Sequences. Both sides count from 1, each direction by
//! itself; only messages whose type [is counted](super::MessageType::is_counted) have a number,
//! which is not on the wire: it is the position in the stream of counted messages.
//!
//! *Sending.* Every counted message goes through [`SendBuffer::push`] and on to the link, if there
//! is one. While no link is there, the sender keeps pushing. When
//! [`is_full`](SendBuffer::is_full), it stops taking messages until an Ack frees space; the genuine
//! server gives up after 5 seconds of that.
//!
//! *Receiving.* Every counted message goes through [`ReceiveCounter::on_message`], which says
//! whether it is new. At most once a second, [`ReceiveCounter::ack_due`] says whether to send an
//! Ack; an Ack that arrives goes to [`SendBuffer::ack`].
//!
//! *A new link.* The client opens it with the same connection token, without negotiation or
//! handshake. Each side first sends a Sequence with [`SendBuffer::resume_at`], then all of
//! [`SendBuffer::unacked`] again, in order, and carries on. The Sequence that arrives goes to
//! [`ReceiveCounter::on_sequence`]; from there on `on_message` skips what had arrived on the old
//! link. Bytes of the old link that are still on their way must not reach the counter any more.
//!
//! *End.* A Close in either direction, a WebSocket close frame from the client, a full buffer for
//! too long, or no new link in time (15 seconds at the genuine server) end the connection, and both
//! machines with it. A client that reconnects after that starts with a new negotiation.

use std::collections::VecDeque;

use thiserror::Error;

/// The sent messages that the peer has not confirmed.
///
/// `F` is a frame: framed bytes or a cheap handle on them.
#[derive(Debug)]
pub struct SendBuffer<F> {
    unacked: VecDeque<Held<F>>,
    /// The number of the newest message; 0 before the first.
    newest: i64,
    held_bytes: usize,
    max_bytes: usize,
}

#[derive(Debug)]
struct Held<F> {
    frame: F,
    bytes: usize,
}

impl<F> SendBuffer<F> {
    /// What the genuine server holds unless configured otherwise.
    pub const DEFAULT_MAX_BYTES: usize = 100_000;

    /// Starts empty; `max_bytes` is where [`is_full`](Self::is_full) begins.
    #[must_use]
    pub const fn new(max_bytes: usize) -> Self {
        Self {
            unacked: VecDeque::new(),
            newest: 0,
            held_bytes: 0,
            max_bytes,
        }
    }

    /// Keeps a counted message of `bytes` bytes and returns its number. Never refuses: whether to
    /// take another message is to be asked before.
    pub fn push(&mut self, frame: F, bytes: usize) -> i64 {
        self.newest = self.newest.saturating_add(1);
        self.held_bytes = self.held_bytes.saturating_add(bytes);
        self.unacked.push_back(Held { frame, bytes });
        self.newest
    }

    /// Drops the messages up to a number that the peer has confirmed. A number beyond what was
    /// sent is ignored, as the genuine server does.
    pub fn ack(&mut self, sequence_id: i64) {
        if sequence_id > self.newest {
            return;
        }
        while self.resume_at() <= sequence_id {
            let Some(held) = self.unacked.pop_front() else {
                break;
            };
            self.held_bytes = self.held_bytes.saturating_sub(held.bytes);
        }
    }

    /// Whether the sender should wait for an Ack before it takes another message.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.held_bytes >= self.max_bytes
    }

    /// The bytes of all messages that are kept.
    #[must_use]
    pub const fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// The number of the newest message; 0 before the first.
    #[must_use]
    pub const fn newest(&self) -> i64 {
        self.newest
    }

    /// The number for the Sequence on a new link: that of the first message which is kept, or the
    /// next one when none is.
    #[must_use]
    pub fn resume_at(&self) -> i64 {
        let held = i64::try_from(self.unacked.len()).unwrap_or(i64::MAX);
        self.newest.saturating_sub(held).saturating_add(1)
    }

    /// The messages to repeat on a new link, in order.
    pub fn unacked(&self) -> impl DoubleEndedIterator<Item = &F> + ExactSizeIterator {
        self.unacked.iter().map(|held| &held.frame)
    }
}

/// The count of received messages.
#[derive(Debug)]
pub struct ReceiveCounter {
    /// The number of the next message on the current link.
    next: i64,
    /// The highest number that was delivered; 0 before the first.
    newest: i64,
    /// The newest number that the peer was told.
    acked: i64,
    awaits_sequence: bool,
}

/// What to do with a counted message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// It is new.
    Deliver,
    /// It had arrived before, or cannot be numbered.
    Skip,
}

/// A Sequence that says messages were lost. Fatal: the connection is closed with an error (3.8).
///
/// `Display` is the text of the genuine implementations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("Sequence ID greater than amount of messages we've received.")]
pub struct SequenceError;

impl ReceiveCounter {
    /// Starts before the first message.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            next: 1,
            newest: 0,
            acked: 0,
            awaits_sequence: false,
        }
    }

    /// Counts a counted message and says what to do with it.
    pub const fn on_message(&mut self) -> Receipt {
        if self.awaits_sequence {
            return Receipt::Skip;
        }
        let number = self.next;
        self.next = self.next.saturating_add(1);
        if number <= self.newest {
            return Receipt::Skip;
        }
        self.newest = number;
        Receipt::Deliver
    }

    /// Takes the number of a Sequence: the peer goes on from there.
    ///
    /// # Errors
    ///
    /// [`SequenceError`] when that would leave a gap.
    pub const fn on_sequence(&mut self, sequence_id: i64) -> Result<(), SequenceError> {
        if sequence_id > self.newest.saturating_add(1) {
            return Err(SequenceError);
        }
        self.next = sequence_id;
        self.awaits_sequence = false;
        Ok(())
    }

    /// Skips everything until a Sequence comes. For clients, on a new link. The genuine server
    /// takes messages that come without one, and numbers them as if the link were the old one.
    pub const fn await_sequence(&mut self) {
        self.awaits_sequence = true;
    }

    /// The number of the newest message that was delivered; 0 before the first.
    #[must_use]
    pub const fn newest(&self) -> i64 {
        self.newest
    }

    /// The number to send in an Ack now; `None` when the peer has been told. The answer is taken
    /// as sent.
    pub const fn ack_due(&mut self) -> Option<i64> {
        if self.acked == self.newest {
            return None;
        }
        self.acked = self.newest;
        Some(self.newest)
    }
}

impl Default for ReceiveCounter {
    fn default() -> Self {
        Self::new()
    }
}
