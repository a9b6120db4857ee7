//! The header of a client frame (RFC 6455, section 5.2).

use super::{MAX_CONTROL_BYTES, MAX_HEADER_BYTES, ReadError, take_front};
use crate::edge::websocket::Opcode;

const FINAL: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0F;
const MASKED: u8 = 0x80;

/// What the header of a client frame says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub(super) opcode: Opcode,
    pub(super) is_final: bool,
    pub(super) len: u64,
    pub(super) mask: [u8; 4],
}

/// Takes a header from the front of `input`, and what it begins with from `held`. While there is
/// less than a header, all of it is moved to `held`.
pub(super) fn read(
    held: &mut [u8; MAX_HEADER_BYTES],
    held_len: &mut u8,
    input: &mut &mut [u8],
) -> Result<Option<FrameHeader>, ReadError> {
    if *held_len == 0
        && let Some((header, len)) = parse(input)?
    {
        take_front(input, len);
        return Ok(Some(header));
    }
    while let [byte] = *take_front(input, 1) {
        held[usize::from(*held_len)] = byte;
        *held_len += 1;
        if let Some((header, _)) = parse(&held[..usize::from(*held_len)])? {
            return Ok(Some(header));
        }
    }
    Ok(None)
}

/// Reads the header at the front of `bytes` and returns it with its length; none while it is not
/// all there. What can be seen to be wrong already is an error before.
fn parse(bytes: &[u8]) -> Result<Option<(FrameHeader, usize)>, ReadError> {
    let Some((&[first, second], rest)) = bytes.split_first_chunk() else {
        return Ok(None);
    };
    if first & RESERVED != 0 {
        return Err(ReadError::ReservedBits);
    }
    let bits = first & OPCODE;
    let opcode = Opcode::from_bits(bits).ok_or(ReadError::UnknownOpcode(bits))?;
    if second & MASKED == 0 {
        return Err(ReadError::Unmasked);
    }
    let is_final = first & FINAL != 0;
    let short = second & !MASKED;
    if opcode.is_control() && (!is_final || usize::from(short) > MAX_CONTROL_BYTES) {
        return Err(ReadError::BadControlFrame);
    }
    let (len, rest) = match short {
        126 => {
            let Some((len, rest)) = rest.split_first_chunk() else {
                return Ok(None);
            };
            (u64::from(u16::from_be_bytes(*len)), rest)
        }
        127 => {
            let Some((len, rest)) = rest.split_first_chunk() else {
                return Ok(None);
            };
            (u64::from_be_bytes(*len), rest)
        }
        short => (u64::from(short), rest),
    };
    let Some((&mask, rest)) = rest.split_first_chunk() else {
        return Ok(None);
    };
    let header = FrameHeader {
        opcode,
        is_final,
        len,
        mask,
    };
    Ok(Some((header, bytes.len() - rest.len())))
}
