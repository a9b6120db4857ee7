//! What classic app servers send to clients: a service message within the service message, which
//! holds the JSON for the client.

use heliograph_protocol::legacy::{Envelope, response_elements};
use heliograph_protocol::service::{Decoded, Message, decode};
use heliograph_protocol::wire::varint;
use heliograph_relay::{Frame, Transcode};

use crate::edge::legacy_frames;

/// The JSON of a payload; `None` when it is none of a classic app server.
pub(super) fn json(payload: &[u8]) -> Option<&[u8]> {
    let prefix = varint::decode(payload).ok()??;
    let frame = payload.get(prefix.used..)?.get(..prefix.length)?;
    match decode(frame).ok()? {
        Decoded::Message(Message::ConnectionData { payload, .. }) => Some(payload),
        _ => None,
    }
}

/// Makes frames of what a classic app server sends to many.
#[derive(Clone, Copy, Debug, Default)]
pub struct Transcoder;

impl Transcode for Transcoder {
    fn transcode(&self, message: &[u8]) -> Option<Frame> {
        let elements = response_elements(json(message)?)?;
        if elements.is_empty() {
            return None;
        }
        let envelope = Envelope::at(legacy_frames::next_cursor());
        Some(legacy_frames::envelope(
            &envelope,
            Some(elements.as_bytes()),
        ))
    }
}
