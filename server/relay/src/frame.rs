//! Encoded messages and the dialects that they are encoded in.

use std::fmt;
use std::sync::Arc;

/// The encoding that a client reads. The relay compares it and nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dialect(pub u8);

/// What a frame is for the one who delivers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameClass {
    /// The answer to the hub handshake: goes first and alone.
    Handshake,
    /// A message that a stateful reconnect counts and resends.
    Counted,
    /// A ping or another message that nobody counts.
    Control,
    /// The hub's own close message: the last thing that a client reads.
    Close,
}

/// Immutable shared bytes of one complete message.
///
/// The bytes may begin with a header of the transport that most receivers use, so that one write
/// of [`Frame::wire`] is all they need; the others send [`Frame::payload`]. Cloning shares.
#[derive(Clone)]
pub struct Frame(Arc<Inner>);

struct Inner {
    wire: Vec<u8>,
    payload_at: u8,
    class: FrameClass,
}

impl Frame {
    /// A frame whose payload begins `payload_at` bytes into `wire` (at most 255, and within it).
    #[must_use]
    pub fn new(wire: Vec<u8>, payload_at: usize, class: FrameClass) -> Self {
        let payload_at = u8::try_from(payload_at.min(wire.len())).unwrap_or(u8::MAX);
        Self(Arc::new(Inner {
            wire,
            payload_at,
            class,
        }))
    }

    /// Header and payload.
    #[must_use]
    pub fn wire(&self) -> &[u8] {
        &self.0.wire
    }

    /// The message without the transport's header.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.0
            .wire
            .get(usize::from(self.0.payload_at)..)
            .unwrap_or_default()
    }

    /// What the frame is for the one who delivers it.
    #[must_use]
    pub fn class(&self) -> FrameClass {
        self.0.class
    }

    /// Length of [`Frame::wire`], which is what queues count.
    #[must_use]
    pub fn len_bytes(&self) -> usize {
        self.0.wire.len()
    }
}

impl AsRef<[u8]> for Frame {
    fn as_ref(&self) -> &[u8] {
        self.wire()
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("bytes", &self.0.wire.len())
            .field("class", &self.0.class)
            .finish_non_exhaustive()
    }
}

/// Port: makes the frame of one message for one dialect.
pub trait Encode {
    /// The frame, or `None` when the message does not exist in that dialect.
    fn encode(&self, dialect: Dialect) -> Option<Frame>;
}

/// Port: makes frames for clients that do not read what the backends of their hub write.
pub trait Transcode: Send + Sync + fmt::Debug {
    /// The frame of a message that goes to many, made of what a backend has encoded; `None` when
    /// it does not exist for these clients.
    fn transcode(&self, message: &[u8]) -> Option<Frame>;
}

/// One message in as many dialects as its receivers read.
///
/// A dialect is encoded when its first receiver turns up, at most once, then shared.
pub struct FrameSet<'a> {
    ready: Vec<(Dialect, Option<Frame>)>,
    source: &'a dyn Encode,
}

impl<'a> FrameSet<'a> {
    /// A set that asks `source` for each dialect that is wanted.
    #[must_use]
    pub fn new(source: &'a dyn Encode) -> Self {
        Self {
            ready: Vec::new(),
            source,
        }
    }

    /// The message in `dialect`, or `None` when it has no form there.
    pub fn frame(&mut self, dialect: Dialect) -> Option<&Frame> {
        let at = match self.ready.iter().position(|(known, _)| *known == dialect) {
            Some(at) => at,
            None => {
                self.ready.push((dialect, self.source.encode(dialect)));
                self.ready.len() - 1
            }
        };
        self.ready.get(at).and_then(|(_, frame)| frame.as_ref())
    }
}

impl fmt::Debug for FrameSet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameSet")
            .field("ready", &self.ready)
            .finish_non_exhaustive()
    }
}
