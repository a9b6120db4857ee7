//! Why a hub message is refused, in the words of the genuine server.

use std::fmt;

use thiserror::Error;

/// A message that makes the genuine server end the connection (3.4). Always the peer's fault.
///
/// `Display` is the text of the .NET exception, because a server with detailed errors puts it into
/// its Close message and users match on it; [`exception`](Self::exception) is that exception's
/// type, so that `{exception}: {self}` is the detail.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseError {
    /// JSON: not well-formed, empty, or nested more than 64 deep.
    #[error("Error reading JSON.")]
    Json,
    /// JSON: the record is not an object.
    #[error("Unexpected JSON Token Type '{found}'. Expected a JSON Object.")]
    NotAnObject {
        /// What it is instead.
        found: JsonKind,
    },
    /// JSON: a property that this type of message needs is absent, or is an empty string.
    #[error("Missing required property '{0}'.")]
    Missing(&'static str),
    /// JSON: a property has a value of the wrong kind, `null` included.
    #[error("Expected '{property}' to be of type {expected}.")]
    WrongKind {
        /// The property.
        property: &'static str,
        /// The kind it should have, as .NET calls it.
        expected: &'static str,
    },
    /// JSON: a property is not a boolean.
    #[error("Expected '{0}' to be true or false.")]
    NotBoolean(&'static str),
    /// JSON: a header's value is not a string.
    #[error("Expected header '{0}' to be of type String.")]
    HeaderKind(String),
    /// JSON: an element of `streamIds` is null.
    #[error("Null value for 'streamIds' is not valid.")]
    NullStreamId,
    /// JSON: an element of `streamIds` is not a string.
    #[error("Cannot get the value of a token type '{0}' as a string.")]
    StreamIdKind(JsonKind),
    /// JSON: a string is not UTF-8, or an escape is half of a surrogate pair.
    #[error("Cannot transcode invalid UTF-8 JSON text to UTF-16 string.")]
    Text,
    /// JSON: a number is not an integer, or does not fit 32 (type) or 64 bits (sequence id).
    #[error("Either the JSON value is not in a supported format, or is out of bounds for an {0}.")]
    Number(&'static str),
    /// JSON: a Completion says both how it failed and what it returned.
    #[error("The 'error' and 'result' properties are mutually exclusive.")]
    ErrorAndResult,
    /// MessagePack: the message is empty or shorter than its array claims.
    #[error("Attempted to read past the end of the stream.")]
    EndOfStream,
    /// MessagePack: the message is not an array.
    #[error("Unexpected msgpack code {code} ({}) encountered.", format_name(*code))]
    NotAnArray {
        /// Its first byte.
        code: u8,
    },
    /// MessagePack: a field is not of the kind it should have, or is cut off.
    #[error("Reading '{field}' as {expected} failed.")]
    Field {
        /// The field.
        field: &'static str,
        /// The kind it should have, as .NET calls it.
        expected: &'static str,
    },
    /// MessagePack: a header's key or value is not a string.
    #[error("Reading 'headers[{index}].{part}' as String failed.")]
    Header {
        /// Which header, from 0.
        index: usize,
        /// `Key` or `Value`.
        part: &'static str,
    },
    /// MessagePack: the headers are not a map.
    #[error("Reading map length for 'headers' failed.")]
    HeadersNotAMap,
    /// MessagePack: the stream ids are not an array.
    #[error("Reading array length for 'streamIds' failed.")]
    StreamIdsNotAnArray,
    /// MessagePack: a field that must hold text is nil or empty.
    #[error("Null or empty {0}.")]
    NullOrEmpty(&'static str),
    /// MessagePack: the kind of a Completion is none of 1, 2 and 3.
    #[error("Invalid invocation result kind.")]
    ResultKind,
    /// MessagePack: the length prefix is malformed or beyond 2^31-1.
    #[error("Messages over 2GB in size are not supported.")]
    LengthPrefix,
}

impl ParseError {
    /// The type of the .NET exception that carries the text.
    #[must_use]
    pub const fn exception(&self) -> &'static str {
        match self {
            Self::StreamIdKind(_) | Self::Text => "InvalidOperationException",
            Self::Number(_) | Self::LengthPrefix => "FormatException",
            Self::EndOfStream => "EndOfStreamException",
            Self::NotAnArray { .. } => "MessagePackSerializationException",
            _ => "InvalidDataException",
        }
    }

    /// The detail for [`Close::failed`](super::Close::failed).
    #[must_use]
    pub fn detail(&self) -> String {
        format!("{}: {self}", self.exception())
    }
}

/// Arguments, an item or a result that cannot be handed to anyone (3.4): the call fails and the
/// connection lives. Parsing JSON never leads here: its values are well-formed or the connection
/// ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// The arguments are absent or not an array.
    #[error("Reading array length for 'arguments' failed.")]
    NotAnArray,
    /// A value is absent, cut off, malformed, or nested more than 500 deep.
    #[error(
        "Error binding arguments. Make sure that the types of the provided values match the types \
         of the hub method being invoked."
    )]
    Value,
    /// A value was to be written into a message of the other encoding. The caller's fault.
    #[error("a value is encoded otherwise than the message it is to be written into")]
    OtherEncoding,
}

/// The kind of a JSON value, displayed as .NET calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonKind {
    /// `[…]`
    Array,
    /// `true` or `false`; .NET has a name for each.
    Boolean(bool),
    /// `null`
    Null,
    /// A number.
    Number,
    /// `{…}`
    Object,
    /// A string.
    String,
}

impl fmt::Display for JsonKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Array => "Array",
            Self::Boolean(true) => "True",
            Self::Boolean(false) => "False",
            Self::Null => "Null",
            Self::Number => "Number",
            Self::Object => "Object",
            Self::String => "String",
        })
    }
}

/// What the MessagePack library of .NET calls the format that starts with `code`.
const fn format_name(code: u8) -> &'static str {
    match code {
        0x00..=0x7f => "positive fixint",
        0x80..=0x8f => "fixmap",
        0x90..=0x9f => "fixarray",
        0xa0..=0xbf => "fixstr",
        0xc0 => "nil",
        0xc1 => "(never used)",
        0xc2 => "false",
        0xc3 => "true",
        0xc4 => "bin 8",
        0xc5 => "bin 16",
        0xc6 => "bin 32",
        0xc7 => "ext 8",
        0xc8 => "ext 16",
        0xc9 => "ext 32",
        0xca => "float 32",
        0xcb => "float 64",
        0xcc => "uint 8",
        0xcd => "uint 16",
        0xce => "uint 32",
        0xcf => "uint 64",
        0xd0 => "int 8",
        0xd1 => "int 16",
        0xd2 => "int 32",
        0xd3 => "int 64",
        0xd4 => "fixext 1",
        0xd5 => "fixext 2",
        0xd6 => "fixext 4",
        0xd7 => "fixext 8",
        0xd8 => "fixext 16",
        0xd9 => "str 8",
        0xda => "str 16",
        0xdb => "str 32",
        0xdc => "array 16",
        0xdd => "array 32",
        0xde => "map 16",
        0xdf => "map 32",
        0xe0..=0xff => "negative fixint",
    }
}
