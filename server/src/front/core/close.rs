//! How a close reason reads on the client's side: the one place that words it.

use std::borrow::Cow;

use heliograph_protocol::hub::{Close, Encoding, HandshakeResponse, write};
use heliograph_relay::{CloseReason, Dialect, Frame, FrameClass};

use crate::edge::dialects;

const CLOSED_WITH_ERROR: &str = "Connection closed with an error.";

/// The last message for a client that has had its handshake answered, if it gets one.
pub(super) fn close_message(
    reason: &CloseReason,
    dialect: Dialect,
    encoding: Option<Encoding>,
    detailed: bool,
) -> Option<Frame> {
    let with_detail = |detail: &str| {
        if detailed {
            format!("{CLOSED_WITH_ERROR} {detail}")
        } else {
            CLOSED_WITH_ERROR.to_owned()
        }
    };
    let (error, allow_reconnect) = match reason {
        CloseReason::ClientClosed(_) => (None, false),
        CloseReason::Ended {
            error,
            allow_reconnect,
        } => (error.as_deref().map(str::to_owned), *allow_reconnect),
        CloseReason::BackendLost | CloseReason::AuthExpired | CloseReason::Draining => (None, true),
        CloseReason::ClientTimeout => {
            let detail = "OperationCanceledException: Client hasn't sent a message/ping within \
                          the configured ClientTimeoutInterval.";
            (Some(with_detail(detail)), true)
        }
        CloseReason::ProtocolError(detail) | CloseReason::ResumeFailed(detail) => {
            (Some(with_detail(detail)), true)
        }
        CloseReason::Requested(text) => (Some(text.to_string()), false),
        // Nobody reads, or nothing was opened.
        _ => return None,
    };
    let mut bytes = Vec::new();
    let close = Close {
        error: error.map(Cow::Owned),
        allow_reconnect,
    };
    write::close(encoding?, &mut bytes, &close);
    Some(dialects::frame(dialect, &bytes, FrameClass::Close))
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
