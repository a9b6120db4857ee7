//! Cutting what a transport delivers into framed messages (3.2).

use std::borrow::Cow;

use thiserror::Error;

use super::{Encoding, RECORD_SEPARATOR};
use crate::wire::varint;

/// Cuts the byte stream of one direction of a connection into framed messages.
///
/// Transports split the stream anywhere; only hub messages have a meaning. A message that lies
/// whole in the piece at hand is borrowed from it. Only an incomplete one is kept, and its buffer
/// leaves with the message, so that an idle connection holds no memory.
///
/// ```
/// use heliograph_protocol::hub::{Deframer, Encoding};
///
/// let mut deframer = Deframer::new(Encoding::Json, 32 * 1024);
/// let mut input: &[u8] = b"{\"type\":6}\x1e{\"type\"";
/// assert_eq!(deframer.next_frame(&mut input)?.as_deref(), Some(&b"{\"type\":6}\x1e"[..]));
/// assert_eq!(deframer.next_frame(&mut input)?, None);
/// let mut input: &[u8] = b":7}\x1e";
/// assert_eq!(deframer.next_frame(&mut input)?.as_deref(), Some(&b"{\"type\":7}\x1e"[..]));
/// # Ok::<(), heliograph_protocol::hub::DeframeError>(())
/// ```
///
/// A connection begins with one JSON record, the handshake, whatever comes later (3.1): start with
/// [`Encoding::Json`], take that record, and name the encoding it asks for with
/// [`switch_to`](Self::switch_to). Bytes behind the handshake stay in the caller's `input`.
#[derive(Debug)]
pub struct Deframer {
    encoding: Encoding,
    max_message_bytes: usize,
    /// The beginning of an incomplete message.
    pending: Vec<u8>,
}

/// Why a byte stream cannot be cut any further; the connection is to be closed (3.4).
///
/// `Display` is the text that the genuine server gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DeframeError {
    /// The peer sent, or announced, a message beyond our limit.
    #[error(
        "The maximum message size of {limit}B was exceeded. The message size can be configured in \
         AddHubOptions."
    )]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// A length prefix is malformed or beyond 2^31-1.
    #[error("Messages over 2GB in size are not supported.")]
    LengthPrefix,
}

impl DeframeError {
    /// The type of the .NET exception that carries the text.
    #[must_use]
    pub const fn exception(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "InvalidDataException",
            Self::LengthPrefix => "FormatException",
        }
    }

    /// The detail for [`Close::failed`](super::Close::failed).
    #[must_use]
    pub fn detail(&self) -> String {
        format!("{}: {self}", self.exception())
    }
}

impl Deframer {
    /// Starts at the beginning of a stream. A framed message, its separator or prefix included, may
    /// be up to `max_message_bytes` long (`usize::MAX`: any length).
    #[must_use]
    pub const fn new(encoding: Encoding, max_message_bytes: usize) -> Self {
        Self {
            encoding,
            max_message_bytes,
            pending: Vec::new(),
        }
    }

    /// Cuts what comes from now on in another encoding. Meant for the moment after the handshake;
    /// an incomplete message would be continued in the new encoding.
    pub const fn switch_to(&mut self, encoding: Encoding) {
        self.encoding = encoding;
    }

    /// Takes the next whole message, framed as it came, and moves `input` past what was used.
    ///
    /// Call it until it returns `None`: `input` is empty then, and what was left incomplete is
    /// continued by the next piece.
    ///
    /// # Errors
    ///
    /// [`DeframeError`] when a message is too large or the stream malformed; the stream cannot be
    /// continued after that.
    pub fn next_frame<'i>(
        &mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<Cow<'i, [u8]>>, DeframeError> {
        if self.pending.is_empty() {
            return self.next_borrowed(input);
        }
        let wanted = match self.encoding {
            Encoding::Json => memchr::memchr(RECORD_SEPARATOR, input).map(|at| at + 1),
            Encoding::MessagePack => self.complete_prefix(input)?,
        };
        let Some((head, rest)) = wanted.and_then(|wanted| input.split_at_checked(wanted)) else {
            self.keep(input)?;
            return Ok(None);
        };
        self.keep(&mut &*head)?;
        *input = rest;
        Ok(Some(Cow::Owned(std::mem::take(&mut self.pending))))
    }

    /// Whether the stream stands inside a message, so that its end now would cut one off.
    #[must_use]
    pub const fn is_mid_message(&self) -> bool {
        !self.pending.is_empty()
    }

    fn next_borrowed<'i>(
        &mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<Cow<'i, [u8]>>, DeframeError> {
        let length = match self.encoding {
            Encoding::Json => memchr::memchr(RECORD_SEPARATOR, input).map(|at| at + 1),
            Encoding::MessagePack => self.framed_length(input)?,
        };
        let Some((frame, rest)) = length.and_then(|length| input.split_at_checked(length)) else {
            self.keep(input)?;
            return Ok(None);
        };
        self.check(frame.len())?;
        *input = rest;
        Ok(Some(Cow::Borrowed(frame)))
    }

    /// How many more bytes the pending binary message wants, its prefix having been completed from
    /// `input` as far as that goes; `None` while the prefix is incomplete.
    fn complete_prefix(&mut self, input: &mut &[u8]) -> Result<Option<usize>, DeframeError> {
        loop {
            if let Some(length) = self.framed_length(&self.pending)? {
                return Ok(Some(length - self.pending.len()));
            }
            let Some((byte, rest)) = input.split_first() else {
                return Ok(None);
            };
            self.pending.push(*byte);
            *input = rest;
        }
    }

    /// The length of the binary message at the start of `bytes`, its prefix included.
    fn framed_length(&self, bytes: &[u8]) -> Result<Option<usize>, DeframeError> {
        let Some(prefix) = varint::decode(bytes).map_err(|_| DeframeError::LengthPrefix)? else {
            return Ok(None);
        };
        let length = prefix.used.saturating_add(prefix.length);
        self.check(length)?;
        Ok(Some(length))
    }

    /// Keeps all of `input` as a part of the pending message.
    fn keep(&mut self, input: &mut &[u8]) -> Result<(), DeframeError> {
        self.check(self.pending.len().saturating_add(input.len()))?;
        self.pending.extend_from_slice(input);
        *input = &[];
        Ok(())
    }

    const fn check(&self, length: usize) -> Result<(), DeframeError> {
        if length > self.max_message_bytes {
            return Err(DeframeError::TooLarge {
                limit: self.max_message_bytes,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDS: &[u8] = b"{}\x1e\x1e{\"type\":6}\x1e";

    fn binary() -> Vec<u8> {
        let mut stream = vec![0, 2, 0x91, 6, 0x80, 0x01];
        stream.extend([7; 128]);
        stream.extend([1, 0x90]);
        stream
    }

    fn frames(deframer: &mut Deframer, mut input: &[u8]) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        while let Some(frame) = deframer.next_frame(&mut input).unwrap() {
            frames.push(frame.into_owned());
        }
        assert!(input.is_empty());
        frames
    }

    #[test]
    fn any_split_in_two_gives_the_same_frames() {
        for (encoding, stream) in [
            (Encoding::Json, RECORDS.to_vec()),
            (Encoding::MessagePack, binary()),
        ] {
            let whole = frames(&mut Deframer::new(encoding, 1000), &stream);
            assert_eq!(whole.concat(), stream);
            for cut in 0..=stream.len() {
                let mut deframer = Deframer::new(encoding, 1000);
                let mut split = frames(&mut deframer, &stream[..cut]);
                split.extend(frames(&mut deframer, &stream[cut..]));
                assert_eq!(split, whole, "{encoding:?} cut at {cut}");
                assert!(!deframer.is_mid_message());
                assert_eq!(deframer.pending.capacity(), 0);
            }
        }
    }

    #[test]
    fn whole_frame_is_borrowed() {
        for (encoding, stream) in [
            (Encoding::Json, RECORDS.to_vec()),
            (Encoding::MessagePack, binary()),
        ] {
            let mut deframer = Deframer::new(encoding, 1000);
            let mut input = &*stream;
            while let Some(frame) = deframer.next_frame(&mut input).unwrap() {
                assert!(matches!(frame, Cow::Borrowed(_)));
            }
        }
    }

    #[test]
    fn limit_counts_the_framed_message() {
        let error = Err(DeframeError::TooLarge { limit: 4 });
        for (encoding, fits, too_large) in [
            (Encoding::Json, &b"123\x1e"[..], &b"1234\x1e"[..]),
            (Encoding::MessagePack, b"\x03abc", b"\x04abcd"),
        ] {
            assert_eq!(frames(&mut Deframer::new(encoding, 4), fits), [fits]);
            for piece in 1..=too_large.len() {
                let mut deframer = Deframer::new(encoding, 4);
                let seen = too_large
                    .chunks(piece)
                    .map(|mut piece| deframer.next_frame(&mut piece))
                    .find(|result| !matches!(result, Ok(None)));
                assert_eq!(
                    seen,
                    Some(error.clone()),
                    "{encoding:?} in pieces of {piece}"
                );
            }
        }
    }

    #[test]
    fn unfinished_record_beyond_the_limit_is_refused_before_it_ends() {
        let mut deframer = Deframer::new(Encoding::Json, 4);
        assert_eq!(deframer.next_frame(&mut &b"1234"[..]), Ok(None));
        let result = deframer.next_frame(&mut &b"5"[..]);
        assert_eq!(result, Err(DeframeError::TooLarge { limit: 4 }));
    }

    #[test]
    fn handshake_leaves_the_rest_for_the_new_encoding() {
        let mut deframer = Deframer::new(Encoding::Json, 100);
        assert_eq!(deframer.next_frame(&mut &b"{\"protocol\""[..]), Ok(None));
        let mut input: &[u8] = b":\"x\"}\x1e\x02\x91\x06";
        let handshake = deframer.next_frame(&mut input).unwrap().unwrap();
        assert_eq!(&*handshake, b"{\"protocol\":\"x\"}\x1e");
        deframer.switch_to(Encoding::MessagePack);
        assert_eq!(
            deframer.next_frame(&mut input).unwrap().as_deref(),
            Some(&[2, 0x91, 6][..])
        );
    }

    #[test]
    fn malformed_prefix_is_an_error() {
        for piece in [1, 5] {
            let mut deframer = Deframer::new(Encoding::MessagePack, usize::MAX);
            let seen = [0xff, 0xff, 0xff, 0xff, 0x0f]
                .chunks(piece)
                .map(|mut piece| deframer.next_frame(&mut piece))
                .find(|result| !matches!(result, Ok(None)));
            assert_eq!(seen, Some(Err(DeframeError::LengthPrefix)));
        }
    }
}
