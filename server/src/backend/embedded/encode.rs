//! Values and messages to bytes.

use std::cell::RefCell;

use heliograph_protocol::hub::{Encoding, write};
use heliograph_relay::{Dialect, Frame, FrameClass};
use serde::Serialize;

use super::HubError;
use crate::edge::dialects::{self, JSON, MESSAGEPACK};

/// Buffers that a thread keeps for reuse, and how large they may be.
const KEPT_BUFFERS: usize = 4;
const KEPT_BYTES: usize = 64 << 10;
/// How every JSON message ends.
const END: &[u8] = b"}\x1e";

thread_local! {
    static KEPT: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Bytes on their way into a frame, in a buffer that goes back to its thread.
#[derive(Debug, Default)]
pub(super) struct Buffer(Vec<u8>);

impl Buffer {
    pub(super) fn new() -> Self {
        Self(KEPT.with_borrow_mut(Vec::pop).unwrap_or_default())
    }

    /// One value in an encoding.
    pub(super) fn of<T: Serialize + ?Sized>(
        encoding: Encoding,
        value: &T,
    ) -> Result<Self, HubError> {
        let mut buffer = Self::new();
        append(encoding, &mut buffer.0, value)?;
        Ok(buffer)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.0);
        if bytes.capacity() == 0 || bytes.capacity() > KEPT_BYTES {
            return;
        }
        bytes.clear();
        // Only at the end of a thread there is nowhere to put it.
        _ = KEPT.try_with(|kept| {
            let mut kept = kept.borrow_mut();
            if kept.len() < KEPT_BUFFERS {
                kept.push(bytes);
            }
        });
    }
}

/// Appends one value: JSON text, or MessagePack with structs as maps from name to value.
pub(super) fn append<T: Serialize + ?Sized>(
    encoding: Encoding,
    out: &mut Vec<u8>,
    value: &T,
) -> Result<(), HubError> {
    match encoding {
        Encoding::Json => serde_json::to_writer(out, value)?,
        Encoding::MessagePack => {
            value.serialize(&mut rmp_serde::Serializer::new(out).with_struct_map())?;
        }
    }
    Ok(())
}

fn dialect_of(encoding: Encoding) -> Dialect {
    match encoding {
        Encoding::Json => JSON,
        Encoding::MessagePack => MESSAGEPACK,
    }
}

/// The frame of one counted message that `write` appends to a buffer.
pub(super) fn frame(encoding: Encoding, write: impl FnOnce(&mut Vec<u8>)) -> Frame {
    let mut payload = Buffer::new();
    write(&mut payload.0);
    dialects::frame(dialect_of(encoding), &payload.0, FrameClass::Counted)
}

/// The good answer to a handshake.
pub(super) fn handshake(encoding: Encoding) -> Frame {
    dialects::frame(dialect_of(encoding), b"{}\x1e", FrameClass::Handshake)
}

/// The end of a call with a value.
pub(super) fn result(encoding: Encoding, id: &str, value: &Buffer) -> Frame {
    frame(encoding, |out| {
        write::completion_result(encoding, out, id, &value.0);
    })
}

/// The end of a call or stream with an error that has data, for the bridge to legacy clients: in
/// JSON, with a member that Core clients do not know.
pub(super) fn error_with_data(id: &str, text: &str, data: &str) -> Frame {
    frame(Encoding::Json, |out| {
        write::completion_error(Encoding::Json, out, id, text);
        if out.ends_with(END) {
            out.truncate(out.len() - END.len());
            out.extend_from_slice(b",\"data\":");
            out.extend_from_slice(data.as_bytes());
            out.extend_from_slice(END);
        }
    })
}

/// The end of a call or stream with an error.
pub(super) fn error(encoding: Encoding, id: &str, text: &str) -> Frame {
    frame(encoding, |out| {
        write::completion_error(encoding, out, id, text);
    })
}
