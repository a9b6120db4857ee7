//! The two encodings of the hub protocol and the numbers of its messages.

/// The byte that ends every JSON record, the handshake included (3.2).
pub const RECORD_SEPARATOR: u8 = 0x1e;

/// How hub messages are encoded on one connection (3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// UTF-8 JSON objects, each followed by [`RECORD_SEPARATOR`].
    Json,
    /// MessagePack arrays, each behind its length as a variable-length integer.
    MessagePack,
}

impl Encoding {
    /// The encoding that a handshake calls `name`, in any case (3.1).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("json") {
            Some(Self::Json)
        } else if name.eq_ignore_ascii_case("messagepack") {
            Some(Self::MessagePack)
        } else {
            None
        }
    }

    /// The name in a handshake.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::MessagePack => "messagepack",
        }
    }

    /// The kind of transport frame that carries it. The handshake response travels in the same
    /// kind, although its content is JSON.
    #[must_use]
    pub const fn transfer_format(self) -> TransferFormat {
        match self {
            Self::Json => TransferFormat::Text,
            Self::MessagePack => TransferFormat::Binary,
        }
    }

    /// One framed Ping, the same for every connection (3.3).
    #[must_use]
    pub const fn ping(self) -> &'static [u8] {
        match self {
            Self::Json => b"{\"type\":6}\x1e",
            Self::MessagePack => &[2, 0x91, 6],
        }
    }
}

/// What a transport moves: text or bytes (1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransferFormat {
    /// UTF-8 text.
    Text,
    /// Any bytes.
    Binary,
}

impl TransferFormat {
    /// The name in a negotiate response.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "Text",
            Self::Binary => "Binary",
        }
    }
}

/// The kind of a hub message, by its number on the wire (3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageType {
    /// 1: calls a method.
    Invocation,
    /// 2: one item of a stream.
    StreamItem,
    /// 3: ends a call or a stream.
    Completion,
    /// 4: calls a method that answers with a stream.
    StreamInvocation,
    /// 5: asks the callee to stop.
    CancelInvocation,
    /// 6: says that the sender is alive.
    Ping,
    /// 7: ends the connection.
    Close,
    /// 8: stateful reconnect, "received up to here".
    Ack,
    /// 9: stateful reconnect, "what follows starts at this number".
    Sequence,
    /// Any other number: to be ignored, and never to be forwarded to a genuine server, whose
    /// reader stops in front of it (8.19).
    Unknown(i64),
}

impl MessageType {
    /// Whether stateful reconnect numbers, keeps and repeats messages of this kind (3.8).
    #[must_use]
    pub const fn is_counted(self) -> bool {
        matches!(
            self,
            Self::Invocation
                | Self::StreamItem
                | Self::Completion
                | Self::StreamInvocation
                | Self::CancelInvocation
        )
    }

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> i64 {
        match self {
            Self::Invocation => 1,
            Self::StreamItem => 2,
            Self::Completion => 3,
            Self::StreamInvocation => 4,
            Self::CancelInvocation => 5,
            Self::Ping => 6,
            Self::Close => 7,
            Self::Ack => 8,
            Self::Sequence => 9,
            Self::Unknown(number) => number,
        }
    }
}

impl From<i64> for MessageType {
    fn from(number: i64) -> Self {
        match number {
            1 => Self::Invocation,
            2 => Self::StreamItem,
            3 => Self::Completion,
            4 => Self::StreamInvocation,
            5 => Self::CancelInvocation,
            6 => Self::Ping,
            7 => Self::Close,
            8 => Self::Ack,
            9 => Self::Sequence,
            other => Self::Unknown(other),
        }
    }
}
