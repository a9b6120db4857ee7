//! Calls of a Core hub to its clients, as legacy clients read them.

use heliograph_protocol::hub::{self, Encoding, Invocation, Message, RECORD_SEPARATOR};
use heliograph_protocol::legacy::{Envelope, write_invocation_of};
use heliograph_relay::{Frame, Transcode};

use super::Names;
use crate::edge::legacy_frames;

/// Knows how a hub is called on the legacy side.
#[derive(Debug)]
pub(super) struct Transcoder {
    hub: Box<str>,
    names: Names,
}

impl Transcoder {
    pub(super) fn new(hub: Box<str>, names: Names) -> Self {
        Self { hub, names }
    }

    /// The hub's name as declared.
    pub(super) fn hub(&self) -> &str {
        &self.hub
    }

    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    /// A call as an element of an envelope (5.4); `None` for one whose arguments cannot be read.
    pub(super) fn element(&self, call: &Invocation<'_>) -> Option<Vec<u8>> {
        let mut element = Vec::new();
        let method = self.names.method_of(&call.target);
        let arguments = call.arguments.as_ref().ok()?.as_slice();
        let texts = arguments.iter().map(|argument| {
            let text = str::from_utf8(argument).ok()?;
            Some(self.names.to_clients(text))
        });
        let texts: Vec<_> = texts.collect::<Option<_>>()?;
        let arguments = texts.iter().map(|text| text.as_bytes());
        write_invocation_of(&mut element, &self.hub, method, arguments);
        Some(element)
    }
}

impl Transcode for Transcoder {
    /// Takes JSON messages. Calls that want a result are not for legacy clients, and nothing but
    /// calls goes to many.
    fn transcode(&self, message: &[u8]) -> Option<Frame> {
        let elements: Option<Vec<_>> = records(message)
            .map(|record| match hub::parse(Encoding::Json, record) {
                Ok(Message::Invocation(call)) if call.invocation_id.is_none() => {
                    self.element(&call)
                }
                _ => None,
            })
            .collect();
        let elements = elements.filter(|elements| !elements.is_empty())?;
        let envelope = Envelope::at(legacy_frames::next_cursor());
        let elements = elements.iter().map(Vec::as_slice);
        Some(legacy_frames::envelope(&envelope, elements))
    }
}

/// The records of a frame, each with its separator.
pub(super) fn records(payload: &[u8]) -> impl Iterator<Item = &[u8]> {
    payload.split_inclusive(|byte| *byte == RECORD_SEPARATOR)
}
