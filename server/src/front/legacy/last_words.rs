//! What clients read at the end of their connection, by their version (0, rule 21).

use axum::response::Response;
use heliograph_protocol::legacy::{ClientProtocol, Envelope, LegacyTransport, write_error};
use heliograph_relay::{CloseReason, Frame};

use super::event_stream::Framing;
use super::request::Entry;
use super::send::gone;
use super::{answers, event_stream, websocket};
use crate::edge::legacy_frames;

/// What a client is told on the channel that carries its connection to the end: `E` is fatal to
/// those that know it, and others take it for a message.
pub(super) fn last_words(protocol: ClientProtocol, reason: &CloseReason) -> Option<Frame> {
    let text = match reason {
        _ if !protocol.has_errors() => return None,
        CloseReason::ClientClosed(_) | CloseReason::TransportLost | CloseReason::Draining => {
            return None;
        }
        CloseReason::Ended {
            error: Some(text), ..
        }
        | CloseReason::Requested(text)
        | CloseReason::ResumeFailed(text)
        | CloseReason::HandshakeFailed(text)
            if !text.is_empty() =>
        {
            text
        }
        CloseReason::BackendLost => "The server went away.",
        CloseReason::SlowClient => "The client reads too slowly.",
        _ => "The server closed the connection.",
    };
    Some(error_frame(text))
}

/// What makes a client that asks for more stop at once: below 1.4 the flag of that time, from 2.0
/// on a fatal error. Those in between have no such thing.
pub(super) fn verdict(protocol: ClientProtocol, text: &str) -> Option<Frame> {
    if protocol.has_disconnect() {
        return Some(legacy_frames::empty(&Envelope {
            disconnect: true,
            ..Envelope::at(legacy_frames::next_cursor())
        }));
    }
    protocol.has_errors().then(|| error_frame(text))
}

/// The answer to a client whose connection is over: on a channel, so that those who understand it
/// stop at once, else a status with which they go on trying for a while (4.3).
pub(super) fn refuse(
    entry: &mut Entry<'_>,
    protocol: ClientProtocol,
    transport: LegacyTransport,
    frame_id: Option<u32>,
) -> Result<Response, Response> {
    let verdict = verdict(protocol, "This connection is over.").ok_or_else(gone)?;
    Ok(match transport {
        LegacyTransport::WebSockets => websocket::refuse(entry, verdict),
        LegacyTransport::ServerSentEvents | LegacyTransport::ForeverFrame => {
            event_stream::refuse(Framing::of(frame_id), &verdict)
        }
        LegacyTransport::LongPolling => {
            let object = verdict.payload().to_vec();
            answers::json(entry.callback.as_deref(), object)
        }
    })
}

fn error_frame(text: &str) -> Frame {
    let mut object = Vec::new();
    write_error(&mut object, text);
    legacy_frames::bare(&object)
}
