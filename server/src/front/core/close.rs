//! How a close reason reads on the client's side: the one place that words it.

use std::borrow::Cow;

use heliograph_protocol::hub::{Close, Encoding, HandshakeError, HandshakeResponse, write};
use heliograph_relay::{CloseReason, Dialect, Frame, FrameClass};

use crate::edge::dialects;

const CLIENT_TIMEOUT: &str = "OperationCanceledException: Client hasn't sent a message/ping \
                              within the configured ClientTimeoutInterval.";

/// The last message for a client that has had its handshake answered, if it gets one.
pub(super) fn close_message(
    reason: &CloseReason,
    dialect: Dialect,
    encoding: Option<Encoding>,
    detailed: bool,
) -> Option<Frame> {
    let failed = |detail: &str| {
        let close = Close::failed(detailed.then_some(detail));
        (close.error.map(Cow::into_owned), close.allow_reconnect)
    };
    let (error, allow_reconnect) = match reason {
        CloseReason::ClientClosed(_) => (None, false),
        CloseReason::Ended {
            error,
            allow_reconnect,
        } => (error.as_deref().map(str::to_owned), *allow_reconnect),
        CloseReason::BackendLost | CloseReason::AuthExpired | CloseReason::Draining => (None, true),
        CloseReason::ClientTimeout => failed(CLIENT_TIMEOUT),
        CloseReason::ProtocolError(detail) | CloseReason::ResumeFailed(detail) => failed(detail),
        CloseReason::Requested(text) => (Some(text.to_string()), false),
        // Nobody reads, or nothing was opened.
        _ => return None,
    };
    let mut bytes = Vec::new();
    let close = Close {
        // A reason that says nothing is none, in every encoding: JSON would carry it.
        error: error.filter(|text| !text.is_empty()).map(Cow::Owned),
        allow_reconnect,
    };
    write::close(encoding?, &mut bytes, &close);
    Some(dialects::frame(dialect, &bytes, FrameClass::Close))
}

/// The handshake error for a client whose handshake is not answered yet, if it gets one.
pub(super) fn unanswered(reason: &CloseReason) -> Option<&str> {
    let text = match reason {
        CloseReason::Ended {
            error: Some(text), ..
        }
        | CloseReason::Requested(text)
        | CloseReason::HandshakeFailed(text) => text,
        CloseReason::ClientClosed(_) | CloseReason::TransportLost | CloseReason::SlowClient => {
            return None;
        }
        _ => "",
    };
    // To clients an answer with an empty error, or none, is a handshake that went well.
    Some(if text.is_empty() {
        HandshakeError::CANCELED
    } else {
        text
    })
}

/// The answer to a handshake that fails: JSON in every hub protocol.
pub(super) fn handshake_error(text: &str, dialect: Dialect) -> Frame {
    let mut bytes = Vec::new();
    HandshakeResponse {
        error: Some(Cow::Borrowed(text)),
    }
    .write(&mut bytes);
    dialects::frame(dialect, &bytes, FrameClass::Handshake)
}
