//! Cuts the byte stream of a connection into messages.

use thiserror::Error;

use super::varint::{self, PrefixError};

/// Finds whole messages in a byte stream whose pieces have no meaning (service protocol 3.1).
///
/// Messages that lie whole in the fed piece are borrowed from it; only the start of an incomplete
/// one is kept, and its buffer is given back once that message has been taken. An idle `Deframer`
/// holds no memory.
#[derive(Debug)]
pub struct Deframer {
    /// The prefix and the bytes so far of the one message that is incomplete, or was completed last.
    tail: Vec<u8>,
    /// Whether `tail` holds a message that has been handed out.
    taken: bool,
    /// Bytes still to come of a message that is too large.
    skipping: usize,
    max_message_bytes: usize,
}

/// What is wrong with a byte stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DeframeError {
    /// The peer wrote something that is not a length prefix. The stream cannot be followed any
    /// further.
    #[error("malformed length prefix")]
    Prefix(#[from] PrefixError),
    /// The peer announced a message beyond our limit. It is passed over; the stream goes on
    /// behind it.
    #[error("message of {length} bytes exceeds the limit of {limit}")]
    TooLarge {
        /// The announced length.
        length: usize,
        /// The limit given to [`Deframer::new`].
        limit: usize,
    },
}

impl Deframer {
    /// The limit to use when nothing else is configured: 16 MiB.
    pub const DEFAULT_MAX_MESSAGE_BYTES: usize = 16 << 20;

    /// Starts at the beginning of a stream; messages may be up to `max_message_bytes` long.
    #[must_use]
    pub const fn new(max_message_bytes: usize) -> Self {
        Self {
            tail: Vec::new(),
            taken: false,
            skipping: 0,
            max_message_bytes,
        }
    }

    /// Takes the next whole message, without its prefix, and moves `input` past what was used.
    ///
    /// Call it until it returns `None`; `input` is empty then. What was left incomplete is
    /// continued by the next piece.
    ///
    /// # Errors
    ///
    /// [`DeframeError::Prefix`] when the stream is malformed; it cannot be continued after that.
    /// [`DeframeError::TooLarge`] once for each message that is too large; the next call goes on
    /// behind it.
    pub fn next_message<'d, 'i: 'd>(
        &'d mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<&'d [u8]>, DeframeError> {
        if self.taken {
            self.taken = false;
            self.tail = Vec::new();
        }
        if self.skipping > 0 {
            let (skipped, rest) = input
                .split_at_checked(self.skipping)
                .unwrap_or((input, &[]));
            self.skipping = self.skipping.saturating_sub(skipped.len());
            *input = rest;
        }
        if !self.tail.is_empty() {
            return self.complete_tail(input);
        }
        let piece = *input;
        if let Some((start, end)) = Self::extent(piece)? {
            if end.saturating_sub(start) > self.max_message_bytes {
                *input = piece.get(start..).unwrap_or_default();
                return Err(self.pass_over(end.saturating_sub(start)));
            }
            if let Some((message, rest)) = piece.split_at_checked(end) {
                *input = rest;
                return Ok(message.get(start..));
            }
        }
        self.tail.extend_from_slice(piece);
        *input = &[];
        Ok(None)
    }

    /// Whether the stream stands in the middle of a message, so that its end now would cut one off.
    #[must_use]
    pub const fn is_mid_message(&self) -> bool {
        self.skipping > 0 || (!self.taken && !self.tail.is_empty())
    }

    fn pass_over(&mut self, length: usize) -> DeframeError {
        self.tail = Vec::new();
        self.skipping = length;
        DeframeError::TooLarge {
            length,
            limit: self.max_message_bytes,
        }
    }

    fn complete_tail(&mut self, input: &mut &[u8]) -> Result<Option<&[u8]>, DeframeError> {
        let (start, end) = loop {
            if let Some(extent) = Self::extent(&self.tail)? {
                break extent;
            }
            let Some((byte, rest)) = input.split_first() else {
                return Ok(None);
            };
            self.tail.push(*byte);
            *input = rest;
        };
        if end.saturating_sub(start) > self.max_message_bytes {
            // Nothing but its prefix was kept.
            return Err(self.pass_over(end.saturating_sub(start)));
        }
        let missing = end.saturating_sub(self.tail.len());
        let (part, rest) = input.split_at_checked(missing).unwrap_or((input, &[]));
        self.tail.extend_from_slice(part);
        *input = rest;
        if self.tail.len() < end {
            return Ok(None);
        }
        self.taken = true;
        Ok(self.tail.get(start..))
    }

    /// Where the message at the start of `bytes` begins and ends; `None` if its prefix is incomplete.
    fn extent(bytes: &[u8]) -> Result<Option<(usize, usize)>, DeframeError> {
        let prefix = varint::decode(bytes)?;
        Ok(prefix.map(|prefix| (prefix.used, prefix.used.saturating_add(prefix.length))))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn collect(deframer: &mut Deframer, mut input: &[u8]) -> Result<Vec<Vec<u8>>, DeframeError> {
        let mut messages = Vec::new();
        while let Some(message) = deframer.next_message(&mut input)? {
            messages.push(message.to_vec());
        }
        assert!(input.is_empty());
        Ok(messages)
    }

    proptest! {
        #[test]
        fn any_split_yields_the_same_messages(
            messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..400), 0..8),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let mut stream = Vec::new();
            for message in &messages {
                varint::write_framed(&mut stream, |out| out.extend_from_slice(message));
            }
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            cuts.push(stream.len());
            cuts.sort_unstable();
            let mut deframer = Deframer::new(400);
            let mut found = Vec::new();
            let mut start = 0;
            for cut in cuts {
                found.extend(collect(&mut deframer, &stream[start..cut]).unwrap());
                start = cut;
            }
            prop_assert_eq!(found, messages);
            prop_assert!(!deframer.is_mid_message());
            prop_assert_eq!(deframer.tail.capacity(), 0);
        }

        #[test]
        fn random_bytes_never_panic(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..10),
        ) {
            let mut deframer = Deframer::new(64);
            for piece in pieces {
                if collect(&mut deframer, &piece).is_err() {
                    break;
                }
            }
        }
    }

    #[test]
    fn stream_fed_byte_by_byte_yields_its_messages() {
        let mut stream = Vec::new();
        varint::write_framed(&mut stream, |out| out.resize(out.len() + 300, 5));
        varint::write_framed(&mut stream, |out| out.push(9));
        let mut deframer = Deframer::new(1024);
        let mut lengths = Vec::new();
        for byte in stream.chunks(1) {
            lengths.extend(collect(&mut deframer, byte).unwrap().iter().map(Vec::len));
        }
        assert_eq!(lengths, [300, 1]);
    }

    #[test]
    fn whole_message_is_borrowed_from_the_input() {
        let stream = [2, 0x91, 3, 1];
        let mut input = stream.as_slice();
        let mut deframer = Deframer::new(16);
        let message = deframer.next_message(&mut input).unwrap().unwrap();
        assert!(std::ptr::eq(message, &raw const stream[1..3]));
        assert_eq!(deframer.next_message(&mut input), Ok(None));
        assert!(deframer.is_mid_message());
    }

    #[test]
    fn announced_length_over_the_limit_is_refused_without_storing() {
        let mut deframer = Deframer::new(100);
        assert_eq!(
            collect(&mut deframer, &[0xff, 0xff, 0xff, 0xff, 7]),
            Err(DeframeError::TooLarge {
                length: 0x7fff_ffff,
                limit: 100
            })
        );
        assert_eq!(deframer.tail.capacity(), 0);
        let mut deframer = Deframer::new(100);
        assert_eq!(collect(&mut deframer, &[0xff]), Ok(vec![]));
        assert!(matches!(
            collect(&mut deframer, &[0xff, 1]),
            Err(DeframeError::TooLarge { .. })
        ));
    }

    #[test]
    fn stream_goes_on_behind_a_message_that_is_too_large() {
        let mut stream = Vec::new();
        varint::write_framed(&mut stream, |out| out.push(1));
        varint::write_framed(&mut stream, |out| out.resize(out.len() + 300, 5));
        varint::write_framed(&mut stream, |out| out.push(2));
        for size in [1, 2, 7, stream.len()] {
            let mut deframer = Deframer::new(100);
            let (mut found, mut large) = (Vec::new(), 0);
            for mut piece in stream.chunks(size) {
                loop {
                    match deframer.next_message(&mut piece) {
                        Ok(Some(message)) => found.push(message.to_vec()),
                        Ok(None) => break,
                        Err(DeframeError::TooLarge { length: 300, .. }) => large += 1,
                        Err(err) => panic!("{err}"),
                    }
                }
            }
            assert_eq!(
                (found, large),
                (vec![vec![1], vec![2]], 1),
                "pieces of {size}"
            );
            assert!(!deframer.is_mid_message());
        }
    }

    #[test]
    fn malformed_prefix_is_an_error() {
        let mut deframer = Deframer::new(100);
        assert_eq!(
            collect(&mut deframer, &[0x80; 6]),
            Err(DeframeError::Prefix(PrefixError))
        );
    }
}
