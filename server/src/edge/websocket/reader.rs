//! Client frames from bytes (RFC 6455, section 5).

mod header;

use std::mem;
use std::str;

use thiserror::Error;

use self::header::FrameHeader;
use super::mask::unmask;
use super::utf8::{NotUtf8, Utf8Check};
use super::{CloseCode, MessageKind, Opcode};

const MAX_HEADER_BYTES: usize = 14;
const MAX_CONTROL_BYTES: usize = 125;

/// Reads the frames of a client from bytes that come in any pieces.
///
/// Data is passed on in the pieces in which it arrives and never collected; between two pieces the
/// reader holds at most part of a header, part of a control frame, or part of a character.
///
/// After a [close](Event::Close) and after an error it takes all further bytes and says nothing.
#[derive(Debug)]
pub struct Reader {
    frame_limit_bytes: u64,
    state: State,
    control: Option<Box<PartialControl>>,
    message: Option<MessageKind>,
    message_start: bool,
    text: Utf8Check,
}

/// What a client sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// Part of a message.
    Data(Fragment<'a>),
    /// A ping, which a pong with the same payload answers.
    Ping(&'a [u8]),
    /// A pong, asked for or not.
    Pong(&'a [u8]),
    /// The closing handshake. Nothing comes after it.
    Close {
        /// The client's code; [`CloseCode::NO_STATUS`] where it gave none.
        code: CloseCode,
        /// The client's words, often empty.
        reason: &'a str,
    },
}

/// Bytes of a message, unmasked. Its borders are those of frames and of reads, and mean nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment<'a> {
    /// The bytes; may be empty in the last one.
    pub bytes: &'a [u8],
    /// What message they belong to. Text may be cut inside a character; as far as it has come it is
    /// valid.
    pub kind: MessageKind,
    /// Whether the message begins here.
    pub first: bool,
    /// Whether the message ends here.
    pub last: bool,
}

/// What a client did wrong. [`ReadError::close_code`] is what it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// A client frame must be masked (section 5.1).
    #[error("frame is not masked")]
    Unmasked,
    /// No extension gives a meaning to these bits (section 5.2).
    #[error("reserved bits are set")]
    ReservedBits,
    /// The opcode is reserved (section 5.2).
    #[error("unknown opcode {0:#x}")]
    UnknownOpcode(u8),
    /// A control frame must be whole and at most 125 bytes (section 5.5).
    #[error("control frame is fragmented or too long")]
    BadControlFrame,
    /// A fragment of no message, or a message inside another (section 5.4).
    #[error("fragments are out of order")]
    BadFragment,
    /// The payload of a close frame is a code that may be sent, and then text (section 5.5.1).
    #[error("close frame is malformed")]
    BadClose,
    /// Text is not UTF-8 (section 8.1).
    #[error("text is not utf-8")]
    NotUtf8,
    /// A limit of ours, or of the protocol (section 5.2).
    #[error("frame of {0} bytes is too long")]
    TooLong(u64),
}

impl ReadError {
    /// The code to close with.
    #[must_use]
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::Unmasked
            | Self::ReservedBits
            | Self::UnknownOpcode(_)
            | Self::BadControlFrame
            | Self::BadFragment
            | Self::BadClose => CloseCode::PROTOCOL_ERROR,
            Self::NotUtf8 => CloseCode::INVALID_PAYLOAD,
            Self::TooLong(_) => CloseCode::TOO_BIG,
        }
    }
}

impl From<NotUtf8> for ReadError {
    fn from(_: NotUtf8) -> Self {
        Self::NotUtf8
    }
}

#[derive(Debug)]
enum State {
    /// Between frames, with the bytes of a header so far.
    Header {
        bytes: [u8; MAX_HEADER_BYTES],
        len: u8,
    },
    /// Inside a data frame. The mask is as it applies to the next byte.
    Data {
        left: u64,
        mask: [u8; 4],
        is_final: bool,
    },
    /// Inside a control frame, whose payload is in `control` once it came in part.
    Control {
        opcode: Opcode,
        len: u8,
        mask: [u8; 4],
    },
    /// The whole payload of a control frame was given out from `control`.
    ControlDone,
    /// After a close frame or an error.
    Ended,
}

impl State {
    const fn between_frames() -> Self {
        Self::Header {
            bytes: [0; MAX_HEADER_BYTES],
            len: 0,
        }
    }
}

#[derive(Debug)]
struct PartialControl {
    bytes: [u8; MAX_CONTROL_BYTES],
    len: usize,
}

/// What a look at the input came to.
enum Step<'i> {
    NeedsInput,
    Data(Fragment<'i>),
    /// The payload lay in the input as a whole.
    Control(Opcode, &'i [u8]),
    /// The payload was put together in `control`.
    CollectedControl(Opcode),
}

impl Reader {
    /// A reader at the start of a connection. A longer frame than the limit is an error as soon as
    /// its header is there.
    #[must_use]
    pub const fn new(frame_limit_bytes: u64) -> Self {
        Self {
            frame_limit_bytes,
            state: State::between_frames(),
            control: None,
            message: None,
            message_start: false,
            text: Utf8Check::new(),
        }
    }

    /// Reads on in `input`, takes from its front what it used, and returns the next event. None
    /// means that all of it was used; call it until then, also to let go of what it holds.
    ///
    /// # Errors
    ///
    /// When the client breaks the protocol or the limit, once; the connection is then to be closed.
    pub fn next_event<'s, 'i: 's>(
        &'s mut self,
        input: &mut &'i mut [u8],
    ) -> Result<Option<Event<'s>>, ReadError> {
        let event = match self.step(input) {
            Ok(Step::NeedsInput) => return Ok(None),
            Ok(Step::Data(fragment)) => return Ok(Some(Event::Data(fragment))),
            Ok(Step::Control(opcode, payload)) => control_event(opcode, payload),
            Ok(Step::CollectedControl(opcode)) => {
                let payload = self.control.as_deref().map(PartialControl::payload);
                control_event(opcode, payload.unwrap_or_default())
            }
            Err(error) => Err(error),
        };
        if matches!(event, Err(_) | Ok(Event::Close { .. })) {
            self.state = State::Ended;
        }
        event.map(Some)
    }

    fn step<'i>(&mut self, input: &mut &'i mut [u8]) -> Result<Step<'i>, ReadError> {
        loop {
            match &mut self.state {
                State::Header { bytes, len } => {
                    let Some(header) = header::read(bytes, len, input)? else {
                        return Ok(Step::NeedsInput);
                    };
                    self.begin_frame(header)?;
                }
                State::Data { left, .. } if *left > 0 && input.is_empty() => {
                    return Ok(Step::NeedsInput);
                }
                State::Data {
                    left,
                    mask,
                    is_final,
                } => {
                    let piece = take_front(input, usize::try_from(*left).unwrap_or(usize::MAX));
                    unmask(piece, mask);
                    *left -= piece.len() as u64;
                    let (ended, last) = (*left == 0, *left == 0 && *is_final);
                    if ended {
                        self.state = State::between_frames();
                    }
                    if let Some(fragment) = self.fragment(piece, last)? {
                        return Ok(Step::Data(fragment));
                    }
                }
                State::Control { opcode, len, mask } => {
                    let (opcode, len, mask) = (*opcode, usize::from(*len), *mask);
                    let held = self.control.as_ref().map_or(0, |control| control.len);
                    let piece = take_front(input, len - held);
                    if held == 0 && piece.len() == len {
                        unmask(piece, &mut mask.clone());
                        self.state = State::between_frames();
                        return Ok(Step::Control(opcode, piece));
                    }
                    let control = self.control.get_or_insert_default();
                    if control.push(piece) < len {
                        return Ok(Step::NeedsInput);
                    }
                    control.unmask(mask);
                    self.state = State::ControlDone;
                    return Ok(Step::CollectedControl(opcode));
                }
                State::ControlDone => {
                    self.control = None;
                    self.state = State::between_frames();
                }
                State::Ended => {
                    self.control = None;
                    *input = &mut [];
                    return Ok(Step::NeedsInput);
                }
            }
        }
    }

    fn begin_frame(&mut self, header: FrameHeader) -> Result<(), ReadError> {
        let FrameHeader {
            opcode,
            is_final,
            len,
            mask,
        } = header;
        if opcode.is_control() {
            let len = u8::try_from(len).map_err(|_| ReadError::BadControlFrame)?;
            self.state = State::Control { opcode, len, mask };
            return Ok(());
        }
        if len > self.frame_limit_bytes || len >> 63 != 0 {
            return Err(ReadError::TooLong(len));
        }
        let begun = match opcode {
            Opcode::Text => Some(MessageKind::Text),
            Opcode::Binary => Some(MessageKind::Binary),
            _ => None,
        };
        if begun.is_some() == self.message.is_some() {
            return Err(ReadError::BadFragment);
        }
        if begun.is_some() {
            self.message = begun;
            self.message_start = true;
        }
        self.state = State::Data {
            left: len,
            mask,
            is_final,
        };
        Ok(())
    }

    /// The next piece of the message under way, unless it says nothing.
    fn fragment<'i>(
        &mut self,
        bytes: &'i [u8],
        last: bool,
    ) -> Result<Option<Fragment<'i>>, ReadError> {
        let Some(kind) = self.message else {
            return Ok(None);
        };
        if kind == MessageKind::Text {
            self.text.push(bytes)?;
        }
        if last {
            self.text.finish()?;
            self.message = None;
        } else if bytes.is_empty() {
            return Ok(None);
        }
        let first = mem::take(&mut self.message_start);
        Ok(Some(Fragment {
            bytes,
            kind,
            first,
            last,
        }))
    }
}

impl Default for PartialControl {
    fn default() -> Self {
        Self {
            bytes: [0; MAX_CONTROL_BYTES],
            len: 0,
        }
    }
}

impl PartialControl {
    fn push(&mut self, piece: &[u8]) -> usize {
        let end = self.len + piece.len();
        self.bytes[self.len..end].copy_from_slice(piece);
        self.len = end;
        end
    }

    fn unmask(&mut self, mut mask: [u8; 4]) {
        unmask(&mut self.bytes[..self.len], &mut mask);
    }

    fn payload(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

fn control_event(opcode: Opcode, payload: &[u8]) -> Result<Event<'_>, ReadError> {
    match opcode {
        Opcode::Ping => Ok(Event::Ping(payload)),
        Opcode::Pong => Ok(Event::Pong(payload)),
        _ => close_event(payload),
    }
}

fn close_event(payload: &[u8]) -> Result<Event<'_>, ReadError> {
    if payload.is_empty() {
        return Ok(Event::Close {
            code: CloseCode::NO_STATUS,
            reason: "",
        });
    }
    let Some((code, reason)) = payload.split_first_chunk() else {
        return Err(ReadError::BadClose);
    };
    let code = CloseCode(u16::from_be_bytes(*code));
    if !code.is_sendable() {
        return Err(ReadError::BadClose);
    }
    let reason = str::from_utf8(reason).map_err(|_| ReadError::NotUtf8)?;
    Ok(Event::Close { code, reason })
}

/// Cuts up to `len` bytes from the front of `input`.
fn take_front<'i>(input: &mut &'i mut [u8], len: usize) -> &'i mut [u8] {
    let len = len.min(input.len());
    let (front, rest) = mem::take(input).split_at_mut(len);
    *input = rest;
    front
}

#[cfg(test)]
mod tests;
