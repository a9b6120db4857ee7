//! Hub messages as values (3.3), borrowed from the frame they came in.

use std::borrow::Cow;

use serde::Deserialize;
use thiserror::Error;

use super::error::PayloadError;
use super::{Encoding, MessageType};

/// One hub message.
///
/// On the wire a JSON object or a MessagePack array; the doc of each kind gives its fields in the
/// order in which the .NET writers put them. `headers` are written only when there are any in JSON,
/// and always in MessagePack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message<'a> {
    /// Calls a method.
    Invocation(Invocation<'a>),
    /// One item of a stream.
    StreamItem(StreamItem<'a>),
    /// Ends a call or a stream.
    Completion(Completion<'a>),
    /// Calls a method that answers with a stream.
    StreamInvocation(StreamInvocation<'a>),
    /// Asks the callee to stop.
    CancelInvocation(CancelInvocation<'a>),
    /// `{"type":6}`, `[6]`
    Ping,
    /// Ends the connection.
    Close(Close<'a>),
    /// `{"type":8,"sequenceId":n}`, `[8,n]`: stateful reconnect (3.8).
    Ack(i64),
    /// `{"type":9,"sequenceId":n}`, `[9,n]`: stateful reconnect (3.8).
    Sequence(i64),
    /// A number no version of the protocol gives to a message. To be ignored.
    Unknown(i64),
}

impl Message<'_> {
    /// The kind.
    #[must_use]
    pub const fn message_type(&self) -> MessageType {
        match self {
            Self::Invocation(_) => MessageType::Invocation,
            Self::StreamItem(_) => MessageType::StreamItem,
            Self::Completion(_) => MessageType::Completion,
            Self::StreamInvocation(_) => MessageType::StreamInvocation,
            Self::CancelInvocation(_) => MessageType::CancelInvocation,
            Self::Ping => MessageType::Ping,
            Self::Close(_) => MessageType::Close,
            Self::Ack(_) => MessageType::Ack,
            Self::Sequence(_) => MessageType::Sequence,
            Self::Unknown(number) => MessageType::Unknown(*number),
        }
    }
}

/// `type` 1, `headers`, `invocationId`, `target`, `arguments`, `streamIds`;
/// `[1, headers, id|nil, target, [arguments], [streamIds]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation<'a> {
    /// Carried without meaning.
    pub headers: Headers<'a>,
    /// The id an answer must bear; `None` when no answer is wanted (an empty id counts as none).
    pub invocation_id: Option<Cow<'a, str>>,
    /// The method. Never empty; case is kept.
    pub target: Cow<'a, str>,
    /// The arguments, still encoded.
    pub arguments: Result<Arguments<'a>, PayloadError>,
    /// The ids of the streams that the caller will send.
    pub stream_ids: Vec<Cow<'a, str>>,
}

/// `type` 4, else as [`Invocation`]; the id is required.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamInvocation<'a> {
    /// Carried without meaning.
    pub headers: Headers<'a>,
    /// The id of the stream. Never empty.
    pub invocation_id: Cow<'a, str>,
    /// The method. Never empty; case is kept.
    pub target: Cow<'a, str>,
    /// The arguments, still encoded.
    pub arguments: Result<Arguments<'a>, PayloadError>,
    /// The ids of the streams that the caller will send.
    pub stream_ids: Vec<Cow<'a, str>>,
}

/// `type` 2, `headers`, `invocationId`, `item`; `[2, headers, id, item]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamItem<'a> {
    /// Carried without meaning.
    pub headers: Headers<'a>,
    /// The id of the stream. Never empty.
    pub invocation_id: Cow<'a, str>,
    /// The item, still encoded.
    pub item: Result<Raw<'a>, PayloadError>,
}

/// `type` 3, `headers`, `invocationId` and `error`, `result` or neither;
/// `[3, headers, id, 1, error]`, `[3, headers, id, 2]`, `[3, headers, id, 3, result]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion<'a> {
    /// Carried without meaning.
    pub headers: Headers<'a>,
    /// The id of what ends. Never empty.
    pub invocation_id: Cow<'a, str>,
    /// How it ends.
    pub outcome: Outcome<'a>,
}

/// How a call or a stream ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// It failed, with a text for the caller.
    Error(Cow<'a, str>),
    /// It ended without a value.
    Void,
    /// It returned a value, `null` included.
    Result(Result<Raw<'a>, PayloadError>),
}

/// `type` 5, `headers`, `invocationId`; `[5, headers, id]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelInvocation<'a> {
    /// Carried without meaning.
    pub headers: Headers<'a>,
    /// The id of the call or stream. Never empty.
    pub invocation_id: Cow<'a, str>,
}

/// `type` 7, `error`, `allowReconnect`; `[7, error|nil, allowReconnect]`, of which MessagePack
/// readers accept the first two elements alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Close<'a> {
    /// Why; an empty text is an error too.
    pub error: Option<Cow<'a, str>>,
    /// Whether a client may reconnect by itself. Written in JSON only when true.
    pub allow_reconnect: bool,
}

impl Close<'static> {
    /// The error of every Close that the genuine server sends because something failed (4.3).
    pub const FAILED: &'static str = "Connection closed with an error.";

    /// The Close for bad data and timeouts: clients may reconnect. The detail is for servers with
    /// detailed errors on.
    #[must_use]
    pub fn failed(detail: Option<&str>) -> Self {
        let error = detail.map_or(Cow::Borrowed(Self::FAILED), |detail| {
            Cow::Owned(format!("{} {detail}", Self::FAILED))
        });
        Self {
            error: Some(error),
            allow_reconnect: true,
        }
    }
}

/// The headers of a message, in the order of the wire.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Headers<'a>(pub(super) Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Headers<'a> {
    /// No headers, which costs nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are, duplicates counted.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// The value of a header; of duplicates the last.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().rev().find(|(key, _)| key == name);
        found.map(|(_, value)| &**value)
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    pub(super) fn push(&mut self, name: Cow<'a, str>, value: Cow<'a, str>) {
        self.0.push((name, value));
    }
}

impl<'a> FromIterator<(Cow<'a, str>, Cow<'a, str>)> for Headers<'a> {
    fn from_iter<T: IntoIterator<Item = (Cow<'a, str>, Cow<'a, str>)>>(pairs: T) -> Self {
        Self(pairs.into_iter().collect())
    }
}

/// One value as it stands in a message: the text of a JSON value, without the space around it, or
/// the bytes of a MessagePack value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raw<'a> {
    encoding: Encoding,
    bytes: &'a [u8],
}

impl<'a> Raw<'a> {
    /// Names the encoding of some bytes, which must be exactly one value in it.
    #[must_use]
    pub const fn new(encoding: Encoding, bytes: &'a [u8]) -> Self {
        Self { encoding, bytes }
    }

    /// How the value is encoded.
    #[must_use]
    pub const fn encoding(self) -> Encoding {
        self.encoding
    }

    /// The value, encoded.
    #[must_use]
    pub const fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Decodes the value.
    ///
    /// # Errors
    ///
    /// When the value is not what `T` takes.
    pub fn decode<T: Deserialize<'a>>(self) -> Result<T, DecodeError> {
        match self.encoding {
            Encoding::Json => Ok(serde_json::from_slice(self.bytes)?),
            Encoding::MessagePack => Ok(rmp_serde::from_slice(self.bytes)?),
        }
    }
}

/// A value that is not what its reader asked for.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// From JSON.
    #[error("a JSON value has another type")]
    Json(#[from] serde_json::Error),
    /// From MessagePack.
    #[error("a MessagePack value has another type")]
    MessagePack(#[from] rmp_serde::decode::Error),
}

/// How many arguments are held without an allocation.
const INLINE: usize = 4;

/// The arguments of a call, each still encoded. Up to four of them cost no allocation.
#[derive(Debug, Clone)]
pub struct Arguments<'a> {
    encoding: Encoding,
    inline: [&'a [u8]; INLINE],
    /// All of them, as soon as there are more than `inline` holds.
    spilled: Vec<&'a [u8]>,
    len: usize,
}

impl<'a> Arguments<'a> {
    /// No arguments yet.
    #[must_use]
    pub const fn new(encoding: Encoding) -> Self {
        Self {
            encoding,
            inline: [&[]; INLINE],
            spilled: Vec::new(),
            len: 0,
        }
    }

    /// How they are encoded.
    #[must_use]
    pub const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The encoded values, in order.
    #[must_use]
    pub fn as_slice(&self) -> &[&'a [u8]] {
        self.inline.get(..self.len).unwrap_or(&self.spilled)
    }

    /// The argument at `index`, from 0.
    #[must_use]
    pub fn nth(&self, index: usize) -> Option<Raw<'a>> {
        let bytes = self.as_slice().get(index).copied()?;
        Some(Raw::new(self.encoding, bytes))
    }

    /// The arguments, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Raw<'a>> {
        self.as_slice()
            .iter()
            .map(|bytes| Raw::new(self.encoding, bytes))
    }

    /// Adds an argument, which must be exactly one value in the encoding of the others.
    pub fn push(&mut self, value: &'a [u8]) {
        if let Some(slot) = self.inline.get_mut(self.len) {
            *slot = value;
        } else {
            if self.spilled.is_empty() {
                self.spilled.extend_from_slice(&self.inline);
            }
            self.spilled.push(value);
        }
        self.len += 1;
    }
}

impl PartialEq for Arguments<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.encoding == other.encoding && self.as_slice() == other.as_slice()
    }
}

impl Eq for Arguments<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::parse;

    #[test]
    fn ordinary_call_is_borrowed_from_its_frame() {
        let record = b"{\"arguments\":[\"x\",1,[2],{}],\"invocationId\":\"0\",\"target\":\"Echo\",\"type\":1}\x1e";
        let binary = b"\x12\x96\x01\x80\xa10\xa4Echo\x94\xa1x\x01\x91\x02\x80\x90";
        for (encoding, frame) in [
            (Encoding::Json, &record[..]),
            (Encoding::MessagePack, &binary[..]),
        ] {
            let Ok(Message::Invocation(call)) = parse(encoding, frame) else {
                panic!("{encoding:?}");
            };
            assert!(matches!(call.target, Cow::Borrowed("Echo")));
            assert!(matches!(call.invocation_id, Some(Cow::Borrowed("0"))));
            let arguments = call.arguments.unwrap();
            assert_eq!(arguments.nth(0).unwrap().decode::<&str>().unwrap(), "x");
            assert_eq!(arguments.nth(2).unwrap().decode::<Vec<u8>>().unwrap(), [2]);
            assert_eq!(arguments.spilled.capacity(), 0);
            assert_eq!(call.headers.0.capacity() + call.stream_ids.capacity(), 0);
        }
    }

    #[test]
    fn arguments_beyond_the_inline_ones_are_kept_in_order() {
        let values: Vec<[u8; 1]> = (0..9).map(|value| [value]).collect();
        let mut arguments = Arguments::new(Encoding::MessagePack);
        for (count, value) in values.iter().enumerate() {
            assert_eq!(arguments.len(), count);
            arguments.push(value);
            let found = arguments.iter().map(|value| value.decode::<u8>().unwrap());
            assert!(found.eq(0..=u8::try_from(count).unwrap()));
        }
    }
}
