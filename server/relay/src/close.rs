//! Why a connection ends.

use std::fmt;

/// Why a client's connection ends: a fact, worded once per door.
///
/// The first reason given wins. Each variant says whose doing it was.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// The client said goodbye: a close message, with its error text if it gave one.
    ClientClosed(Option<Box<str>>),
    /// The client's transport is gone without a goodbye.
    TransportLost,
    /// The hub ended the connection and has said so itself, or ends it without a word.
    /// `error` is for a client that was told nothing yet.
    Ended {
        /// Text for the client, if any.
        error: Option<Box<str>>,
        /// Whether the client may come back.
        allow_reconnect: bool,
    },
    /// The app server's connection, or the hub behind us, was lost.
    BackendLost,
    /// The handshake was refused with this text, or never came.
    HandshakeFailed(Box<str>),
    /// The client has been silent for longer than its hub allows.
    ClientTimeout,
    /// The client sent what the protocol forbids; the text is for those who may see details.
    ProtocolError(Box<str>),
    /// The client reads too slowly: its outbox is full.
    SlowClient,
    /// The client's authentication has expired.
    AuthExpired,
    /// This node is shutting down.
    Draining,
    /// An operator or the app asked for the end, with a reason for the client.
    Requested(Box<str>),
    /// A resumed connection could not be brought up to date.
    ResumeFailed(Box<str>),
}

impl CloseReason {
    /// A short name from a closed set, for logs and metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::ClientClosed(_) => "client_closed",
            Self::TransportLost => "transport_lost",
            Self::Ended { .. } => "ended_by_hub",
            Self::BackendLost => "backend_lost",
            Self::HandshakeFailed(_) => "handshake_failed",
            Self::ClientTimeout => "client_timeout",
            Self::ProtocolError(_) => "protocol_error",
            Self::SlowClient => "slow_client",
            Self::AuthExpired => "auth_expired",
            Self::Draining => "draining",
            Self::Requested(_) => "requested",
            Self::ResumeFailed(_) => "resume_failed",
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}
