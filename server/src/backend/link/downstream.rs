//! What an app server sends to one client, made into frames.

use heliograph_protocol::hub::{self, DeframeError, Deframer, Encoding, MessageType};
use heliograph_protocol::service::{DataMessageType, Extensions};
use heliograph_relay::FrameClass;
use thiserror::Error;

use super::linked::LinkedClient;
use crate::edge::dialects;

/// The way of one client's messages from its app server to its outbox.
///
/// App servers since SDK 1.26 send one hub message at a time and say what it is, perhaps in
/// parts; older ones send pieces of any size (service protocol, 5.3).
#[derive(Debug)]
pub(super) struct Downstream {
    answered: bool,
    /// The parts so far of a message that is sent in parts.
    parts: Vec<u8>,
    /// Cuts pieces of any size.
    pieces: Option<Box<Deframer>>,
    max_bytes: usize,
}

/// Why an app server's bytes for a client are no messages.
#[derive(Debug, Error)]
pub(super) enum DeliverError {
    /// The parts of one message are too much together.
    #[error("message of more than {0} bytes")]
    TooLarge(usize),
    /// The pieces cannot be cut.
    #[error("pieces cannot be put together")]
    Pieces(#[from] DeframeError),
}

impl Downstream {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self {
            answered: false,
            parts: Vec::new(),
            pieces: None,
            max_bytes,
        }
    }

    /// Whether the stream stands between two messages, the handshake's answer behind it.
    pub(super) fn is_between_messages(&self) -> bool {
        self.answered
            && self.parts.is_empty()
            && self
                .pieces
                .as_ref()
                .is_none_or(|pieces| !pieces.is_mid_message())
    }

    /// Puts what came into the client's outbox, as whole messages. Those that may end a call are
    /// shown to `seen`.
    pub(super) fn deliver(
        &mut self,
        to: &LinkedClient,
        payload: &[u8],
        extensions: &Extensions<'_>,
        seen: impl FnMut(&[u8]),
    ) -> Result<(), DeliverError> {
        if extensions.partial || !self.parts.is_empty() {
            if self.parts.len() + payload.len() > self.max_bytes {
                self.parts = Vec::new();
                return Err(DeliverError::TooLarge(self.max_bytes));
            }
            self.parts.extend_from_slice(payload);
            if extensions.partial {
                return Ok(());
            }
            let whole = std::mem::take(&mut self.parts);
            return self.deliver_whole(to, &whole, extensions.data_type, seen);
        }
        self.deliver_whole(to, payload, extensions.data_type, seen)
    }

    fn deliver_whole(
        &mut self,
        to: &LinkedClient,
        payload: &[u8],
        data_type: Option<DataMessageType>,
        mut seen: impl FnMut(&[u8]),
    ) -> Result<(), DeliverError> {
        let class = match data_type {
            Some(DataMessageType::Handshake) => FrameClass::Handshake,
            Some(DataMessageType::Invocation) => FrameClass::Counted,
            Some(DataMessageType::Other) => FrameClass::Control,
            Some(DataMessageType::Close) => FrameClass::Close,
            _ => return self.deliver_pieces(to, payload, seen),
        };
        if class == FrameClass::Counted {
            seen(payload);
        }
        self.push(to, payload, class);
        Ok(())
    }

    fn deliver_pieces(
        &mut self,
        to: &LinkedClient,
        mut payload: &[u8],
        mut seen: impl FnMut(&[u8]),
    ) -> Result<(), DeliverError> {
        let max_bytes = self.max_bytes;
        // The handshake's answer is a JSON record whatever comes later.
        let mut pieces = self
            .pieces
            .take()
            .unwrap_or_else(|| Box::new(Deframer::new(Encoding::Json, max_bytes)));
        if self.answered {
            pieces.switch_to(to.encoding());
        }
        while let Some(framed) = pieces.next_frame(&mut payload)? {
            let class = if to.is_readable() {
                class(to.encoding(), &framed)
            } else {
                FrameClass::Counted
            };
            if class == FrameClass::Counted {
                seen(&framed);
            }
            self.push(to, &framed, class);
            pieces.switch_to(to.encoding());
        }
        self.pieces = pieces.is_mid_message().then_some(pieces);
        Ok(())
    }

    fn push(&mut self, to: &LinkedClient, framed: &[u8], class: FrameClass) {
        let (client, dialect) = (to.client(), to.client().dialect());
        if !self.answered {
            self.answered = true;
            client.answer(dialects::frame(dialect, framed, FrameClass::Handshake));
        } else if class != FrameClass::Handshake {
            client.push(dialects::frame(dialect, framed, class));
        }
    }
}

fn class(encoding: Encoding, framed: &[u8]) -> FrameClass {
    match hub::scan(encoding, framed) {
        Ok(MessageType::Ping | MessageType::Ack | MessageType::Sequence) => FrameClass::Control,
        Ok(MessageType::Close) => FrameClass::Close,
        _ => FrameClass::Counted,
    }
}
