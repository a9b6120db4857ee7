//! The length in front of every message: unsigned LEB128, least significant group first, 1 to 5
//! bytes, at most 2^31−1 (service protocol 3.1; the binary framing of the hub protocol is the same).

use thiserror::Error;

/// The largest length a prefix may carry.
pub const MAX_LENGTH: u32 = 0x7fff_ffff;

/// The most bytes a prefix may take.
pub const MAX_PREFIX_BYTES: usize = 5;

/// An encoded length prefix, held on the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix {
    bytes: [u8; MAX_PREFIX_BYTES],
    len: u8,
}

impl Prefix {
    /// Encodes a length in its shortest form.
    ///
    /// Lengths above [`MAX_LENGTH`] do not exist in the protocol; they are written as that.
    #[must_use]
    pub fn new(length: usize) -> Self {
        let mut rest = clamp(length);
        let mut bytes = [0; MAX_PREFIX_BYTES];
        let mut len = 0;
        for byte in &mut bytes {
            let [group, ..] = (rest & 0x7f).to_le_bytes();
            rest >>= 7;
            len += 1;
            if rest == 0 {
                *byte = group;
                break;
            }
            *byte = group | 0x80;
        }
        Self { bytes, len }
    }

    /// The bytes as they go on the wire.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes
            .get(..usize::from(self.len))
            .unwrap_or(&self.bytes)
    }
}

/// A length prefix found at the start of some input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decoded {
    /// The length of the message that follows.
    pub length: usize,
    /// How many bytes the prefix itself took.
    pub used: usize,
}

/// A length prefix that no writer of the protocol produces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("expected a length prefix of at most 5 bytes and 2^31-1")]
pub struct PrefixError;

/// The number of bytes the shortest prefix for `length` takes.
#[must_use]
pub fn prefix_bytes(length: usize) -> usize {
    match clamp(length) {
        0..=0x7f => 1,
        0x80..=0x3fff => 2,
        0x4000..=0x1f_ffff => 3,
        0x20_0000..=0x0fff_ffff => 4,
        _ => 5,
    }
}

/// Appends the prefix for a message of `length` bytes.
pub fn write(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(Prefix::new(length).as_bytes());
}

/// Reads the prefix at the start of `input`; `None` when more bytes are needed.
///
/// Padded prefixes (`80 00` for 0) are accepted, as all Microsoft readers do.
///
/// # Errors
///
/// [`PrefixError`] when five bytes do not end the prefix or the value exceeds [`MAX_LENGTH`].
pub fn decode(input: &[u8]) -> Result<Option<Decoded>, PrefixError> {
    let mut value = 0_u64;
    let mut shift = 0_u32;
    for (used, byte) in (1..=MAX_PREFIX_BYTES).zip(input) {
        value |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            if value > u64::from(MAX_LENGTH) {
                return Err(PrefixError);
            }
            let length = usize::try_from(value).map_err(|_| PrefixError)?;
            return Ok(Some(Decoded { length, used }));
        }
    }
    if input.len() >= MAX_PREFIX_BYTES {
        Err(PrefixError)
    } else {
        Ok(None)
    }
}

/// Appends one framed message whose body `body` writes, so that its length need not be known first.
pub fn write_framed(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.push(0);
    body(out);
    let length = out.len() - start - 1;
    let prefix = Prefix::new(length);
    // Most messages are shorter than 128 bytes and already sit behind their one-byte prefix.
    let extra = prefix.as_bytes().len() - 1;
    if extra > 0 {
        let end = out.len();
        out.resize(end + extra, 0);
        out.copy_within(start + 1..end, start + 1 + extra);
    }
    for (slot, byte) in out.iter_mut().skip(start).zip(prefix.as_bytes()) {
        *slot = *byte;
    }
}

fn clamp(length: usize) -> u32 {
    u32::try_from(length).map_or(MAX_LENGTH, |length| length.min(MAX_LENGTH))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: [(usize, &[u8]); 11] = [
        (0, &[0]),
        (1, &[1]),
        (127, &[0x7f]),
        (128, &[0x80, 1]),
        (16383, &[0xff, 0x7f]),
        (16384, &[0x80, 0x80, 1]),
        (2_097_151, &[0xff, 0xff, 0x7f]),
        (2_097_152, &[0x80, 0x80, 0x80, 1]),
        (268_435_455, &[0xff, 0xff, 0xff, 0x7f]),
        (268_435_456, &[0x80, 0x80, 0x80, 0x80, 1]),
        (2_147_483_647, &[0xff, 0xff, 0xff, 0xff, 7]),
    ];

    #[test]
    fn lengths_at_group_borders_are_written_and_read() {
        for (length, bytes) in ROWS {
            assert_eq!(Prefix::new(length).as_bytes(), bytes);
            assert_eq!(prefix_bytes(length), bytes.len());
            assert_eq!(
                decode(bytes),
                Ok(Some(Decoded {
                    length,
                    used: bytes.len()
                }))
            );
            for cut in 0..bytes.len() {
                assert_eq!(decode(&bytes[..cut]), Ok(None));
            }
        }
    }

    #[test]
    fn padded_prefix_is_accepted() {
        assert_eq!(decode(&[0x80, 0]), Ok(Some(Decoded { length: 0, used: 2 })));
        assert_eq!(
            decode(&[0x81, 0x80, 0x80, 0x80, 0, 9]),
            Ok(Some(Decoded { length: 1, used: 5 }))
        );
    }

    #[test]
    fn too_long_or_too_large_prefix_is_an_error() {
        assert_eq!(decode(&[0x80; 5]), Err(PrefixError));
        assert_eq!(decode(&[0xff, 0xff, 0xff, 0xff, 8]), Err(PrefixError));
        assert_eq!(decode(&[0x80; 4]), Ok(None));
    }

    #[test]
    fn framing_shifts_the_body_behind_a_longer_prefix() {
        for length in [0, 1, 127, 128, 16_384] {
            let body: Vec<u8> = (0..=255).cycle().take(length).collect();
            let mut out = vec![42];
            write_framed(&mut out, |out| out.extend_from_slice(&body));
            let found = decode(&out[1..]).unwrap().unwrap();
            assert_eq!(found.length, length);
            assert_eq!(&out[1 + found.used..], body);
        }
    }
}
