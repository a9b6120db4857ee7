//! Frames for legacy clients: a message in its envelope, or a bare object.
//!
//! The number in an envelope's cursor is the process's own, not the connection's: one frame then
//! serves all receivers of a broadcast (legacy protocol, 3.3).

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use heliograph_protocol::legacy::{Cursor, Envelope, KEEP_ALIVE};
use heliograph_relay::{Frame, FrameClass};

use super::websocket::{MessageKind, writer};

static NUMBER: AtomicU64 = AtomicU64::new(1);

/// Tells this run of the program from others.
fn epoch() -> u32 {
    static EPOCH: OnceLock<u32> = OnceLock::new();
    // Without randomness the process's number has to do.
    *EPOCH.get_or_init(|| getrandom::u32().unwrap_or_else(|_| std::process::id()))
}

/// A cursor that no message has had yet.
#[must_use]
pub fn next_cursor() -> Cursor {
    cursor(NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// The cursor with a number that was given out before.
#[must_use]
pub fn cursor(number: u64) -> Cursor {
    let epoch = epoch();
    Cursor { epoch, number }
}

/// Whether a cursor was given out by this process.
#[must_use]
pub fn is_known(cursor: Cursor) -> bool {
    cursor.epoch == epoch() && cursor.number < NUMBER.load(Ordering::Relaxed)
}

/// The frame of one message: an element of `M`, in an envelope of its own.
#[must_use]
pub fn message(element: &[u8]) -> Frame {
    envelope(&Envelope::at(next_cursor()), Some(element))
}

/// The frame of an envelope with all these elements.
#[must_use]
pub fn envelope<'e>(
    envelope: &Envelope<'_>,
    elements: impl IntoIterator<Item = &'e [u8]>,
) -> Frame {
    let mut payload = Vec::new();
    envelope.write(&mut payload, elements);
    frame(&payload, FrameClass::Counted)
}

/// The frame of an envelope without elements that says where a channel begins or stands. As
/// [`bare`], it is for one channel alone.
#[must_use]
pub fn empty(envelope: &Envelope<'_>) -> Frame {
    let mut payload = Vec::new();
    envelope.write(&mut payload, None);
    bare(&payload)
}

/// The frame of an object outside of an envelope: a result, an error, a keep-alive. It goes to the
/// transport that is there, and is not repeated on another.
#[must_use]
pub fn bare(object: &[u8]) -> Frame {
    frame(object, FrameClass::Control)
}

/// The keep-alive, shared by all.
#[must_use]
pub fn keep_alive() -> Frame {
    static FRAME: OnceLock<Frame> = OnceLock::new();
    FRAME.get_or_init(|| bare(KEEP_ALIVE)).clone()
}

fn frame(payload: &[u8], class: FrameClass) -> Frame {
    let (wire, payload_at) = writer::frame(MessageKind::Text, payload);
    Frame::new(wire, payload_at, class)
}
