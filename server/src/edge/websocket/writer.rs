//! Server frames to bytes (RFC 6455, section 5). They are never masked.

use std::fmt;

use super::{CloseCode, MessageKind, Opcode};

const FINAL: u8 = 0x80;
const MAX_HEADER_BYTES: usize = 10;
const MAX_CONTROL_BYTES: usize = 125;

/// Whether a frame ends its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameEnd {
    /// The message is complete.
    Final,
    /// A continuation follows.
    More,
}

/// The header of a server frame and its length; the rest of the array is zero.
#[must_use]
pub fn header(opcode: Opcode, end: FrameEnd, payload_bytes: usize) -> ([u8; 10], usize) {
    let mut header = [0; MAX_HEADER_BYTES];
    header[0] = match end {
        FrameEnd::Final => FINAL | opcode.bits(),
        FrameEnd::More => opcode.bits(),
    };
    let len = payload_bytes as u64;
    let header_bytes = match (u8::try_from(len), u16::try_from(len)) {
        (Ok(short @ ..=125), _) => {
            header[1] = short;
            2
        }
        (_, Ok(medium)) => {
            header[1] = 126;
            header[2..4].copy_from_slice(&medium.to_be_bytes());
            4
        }
        _ => {
            header[1] = 127;
            header[2..10].copy_from_slice(&len.to_be_bytes());
            10
        }
    };
    (header, header_bytes)
}

/// A message in one frame, header and payload in one buffer, and where its payload begins. Made
/// once, it can be written to any number of sockets.
#[must_use]
pub fn frame(kind: MessageKind, payload: &[u8]) -> (Vec<u8>, usize) {
    let (header, header_bytes) = header(kind.into(), FrameEnd::Final, payload.len());
    let mut bytes = Vec::with_capacity(header_bytes + payload.len());
    bytes.extend_from_slice(&header[..header_bytes]);
    bytes.extend_from_slice(payload);
    (bytes, header_bytes)
}

/// A complete control frame, without an allocation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ControlFrame {
    bytes: [u8; 2 + MAX_CONTROL_BYTES],
    len: u8,
}

/// A ping. A payload beyond the 125 bytes of a control frame is cut.
#[must_use]
pub fn ping(payload: &[u8]) -> ControlFrame {
    ControlFrame::new(Opcode::Ping, &[payload])
}

/// The answer to a ping with this payload.
#[must_use]
pub fn pong(payload: &[u8]) -> ControlFrame {
    ControlFrame::new(Opcode::Pong, &[payload])
}

/// A close frame. It is empty if the code is one that may not be sent, as
/// [`CloseCode::NO_STATUS`]; a reason beyond 123 bytes is cut at a character.
#[must_use]
pub fn close(code: CloseCode, reason: &str) -> ControlFrame {
    if !code.is_sendable() {
        return ControlFrame::new(Opcode::Close, &[]);
    }
    let mut reason_bytes = reason.len().min(MAX_CONTROL_BYTES - 2);
    while !reason.is_char_boundary(reason_bytes) {
        reason_bytes -= 1;
    }
    let reason = &reason.as_bytes()[..reason_bytes];
    ControlFrame::new(Opcode::Close, &[&code.0.to_be_bytes(), reason])
}

impl ControlFrame {
    fn new(opcode: Opcode, parts: &[&[u8]]) -> Self {
        let mut frame = Self {
            bytes: [0; 2 + MAX_CONTROL_BYTES],
            len: 2,
        };
        frame.bytes[0] = FINAL | opcode.bits();
        for (place, byte) in frame.bytes[2..]
            .iter_mut()
            .zip(parts.iter().copied().flatten())
        {
            *place = *byte;
            frame.len += 1;
        }
        frame.bytes[1] = frame.len - 2;
        frame
    }
}

impl AsRef<[u8]> for ControlFrame {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl fmt::Debug for ControlFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControlFrame")
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header_of(len: usize) -> Vec<u8> {
        let (bytes, header_bytes) = header(Opcode::Binary, FrameEnd::Final, len);
        bytes[..header_bytes].to_vec()
    }

    #[test]
    fn the_length_takes_the_shortest_form() {
        assert_eq!(header_of(0), [0x82, 0]);
        assert_eq!(header_of(125), [0x82, 125]);
        assert_eq!(header_of(126), [0x82, 126, 0, 126]);
        assert_eq!(header_of(65_535), [0x82, 126, 0xff, 0xff]);
        assert_eq!(header_of(65_536), [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn a_fragment_has_no_final_bit() {
        assert_eq!(header(Opcode::Text, FrameEnd::More, 1).0[0], 0x01);
        assert_eq!(header(Opcode::Continuation, FrameEnd::Final, 1).0[0], 0x80);
    }

    #[test]
    fn the_frames_of_the_rfc_are_written() {
        assert_eq!(
            frame(MessageKind::Text, b"Hello"),
            (b"\x81\x05Hello".to_vec(), 2)
        );
        assert_eq!(ping(b"Hello").as_ref(), b"\x89\x05Hello");
        assert_eq!(pong(b"Hello").as_ref(), b"\x8a\x05Hello");
    }

    #[test]
    fn a_close_frame_has_a_code_and_a_reason() {
        assert_eq!(close(CloseCode::NORMAL, "").as_ref(), b"\x88\x02\x03\xe8");
        assert_eq!(
            close(CloseCode::GOING_AWAY, "bye").as_ref(),
            b"\x88\x05\x03\xe9bye"
        );
        assert_eq!(close(CloseCode::NO_STATUS, "bye").as_ref(), b"\x88\x00");
    }

    #[test]
    fn a_long_reason_is_cut_at_a_character() {
        let frame = close(CloseCode::NORMAL, &"é".repeat(100));
        assert_eq!(frame.as_ref().len(), 2 + 2 + 122);
        assert!(std::str::from_utf8(&frame.as_ref()[4..]).is_ok());
    }

    #[test]
    fn a_long_ping_is_cut() {
        assert_eq!(
            ping(&[7; 200]).as_ref(),
            [&[0x89, 125][..], &[7; 125]].concat()
        );
    }
}
