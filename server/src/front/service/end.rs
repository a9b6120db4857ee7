//! Why a link ends.

use std::io;

use heliograph_protocol::service::DecodeError;
use heliograph_protocol::wire::DeframeError;
use thiserror::Error;

use crate::edge::websocket::{CloseCode, SocketError};

/// Why a link ends.
#[derive(Debug, Error)]
pub(super) enum LinkEnd {
    /// The app server closed it.
    #[error("closed by the app server with {0}")]
    Closed(CloseCode),
    /// The stream ended or failed without a word.
    #[error("connection lost")]
    Lost(#[source] Option<io::Error>),
    /// The app server broke the WebSocket protocol.
    #[error("websocket protocol broken")]
    WebSocket(#[source] SocketError),
    /// The bytes are no stream of messages.
    #[error("byte stream malformed")]
    Stream(#[from] DeframeError),
    /// A message is malformed.
    #[error("message malformed")]
    Message(#[from] DecodeError),
    /// The handshake never came.
    #[error("no handshake in time")]
    NoHandshake,
    /// The handshake is refused, with this text for the app server.
    #[error("handshake refused: {0}")]
    Refused(&'static str),
    /// The app server has been silent for too long.
    #[error("app server silent for too long")]
    Silent,
    /// The app server does not read.
    #[error("app server does not read")]
    Stalled,
    /// This node is shutting down.
    #[error("shutting down")]
    Draining,
}

impl LinkEnd {
    /// A short name from a closed set, for logs and metrics.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Closed(_) => "closed",
            Self::Lost(_) => "lost",
            Self::WebSocket(_) | Self::Stream(_) | Self::Message(_) => "malformed",
            Self::NoHandshake => "no_handshake",
            Self::Refused(_) => "refused",
            Self::Silent => "silent",
            Self::Stalled => "stalled",
            Self::Draining => "draining",
        }
    }

    /// What the app server is told in a service error.
    pub(super) fn service_error(&self) -> Option<String> {
        match self {
            Self::Stream(err) => Some(format!("The byte stream is malformed: {err}.")),
            Self::Message(err) => Some(format!("A message is malformed: {err}.")),
            _ => None,
        }
    }

    /// Whether there is still somebody to say goodbye to.
    pub(super) fn is_polite(&self) -> bool {
        !matches!(self, Self::Lost(_) | Self::Stalled)
    }
}

impl From<SocketError> for LinkEnd {
    fn from(err: SocketError) -> Self {
        match err {
            SocketError::Stream(err) => Self::Lost(Some(err)),
            err @ SocketError::Protocol(_) => Self::WebSocket(err),
        }
    }
}
