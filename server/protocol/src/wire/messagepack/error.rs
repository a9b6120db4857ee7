//! What can be wrong with a value, and the names of the kinds of values.

use std::fmt;

use rmp::Marker;
use thiserror::Error;

/// The kind of a MessagePack value, whatever its width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Nil.
    Nil,
    /// A boolean.
    Boolean,
    /// A signed or unsigned integer.
    Integer,
    /// A float of 32 or 64 bits.
    Float,
    /// A string.
    String,
    /// A byte string.
    Binary,
    /// An array.
    Array,
    /// A map.
    Map,
    /// An extension value, such as a timestamp.
    Extension,
    /// The byte `c1`, which MessagePack never uses.
    Reserved,
}

impl Kind {
    pub(super) fn of(marker: Marker) -> Self {
        match marker {
            Marker::Null => Self::Nil,
            Marker::True | Marker::False => Self::Boolean,
            Marker::FixPos(_)
            | Marker::FixNeg(_)
            | Marker::U8
            | Marker::U16
            | Marker::U32
            | Marker::U64
            | Marker::I8
            | Marker::I16
            | Marker::I32
            | Marker::I64 => Self::Integer,
            Marker::F32 | Marker::F64 => Self::Float,
            Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => Self::String,
            Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => Self::Binary,
            Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => Self::Array,
            Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => Self::Map,
            Marker::FixExt1
            | Marker::FixExt2
            | Marker::FixExt4
            | Marker::FixExt8
            | Marker::FixExt16
            | Marker::Ext8
            | Marker::Ext16
            | Marker::Ext32 => Self::Extension,
            Marker::Reserved => Self::Reserved,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nil => "nil",
            Self::Boolean => "a boolean",
            Self::Integer => "an integer",
            Self::Float => "a float",
            Self::String => "a string",
            Self::Binary => "a byte string",
            Self::Array => "an array",
            Self::Map => "a map",
            Self::Extension => "an extension value",
            Self::Reserved => "the reserved byte c1",
        })
    }
}

/// Why a value could not be read. Always the peer's fault.
///
/// `expected` is what the caller asked for, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The input ends inside the value, or declares more than is left of it.
    #[error("expected {expected}, found the end of the input")]
    EndOfInput {
        /// What was asked for.
        expected: &'static str,
    },
    /// The next value is of another kind.
    #[error("expected {expected}, found {found}")]
    UnexpectedKind {
        /// What was asked for.
        expected: &'static str,
        /// What is there.
        found: Kind,
    },
    /// The next value is an integer that does not fit.
    #[error("expected {expected}, found an integer out of range")]
    OutOfRange {
        /// What was asked for.
        expected: &'static str,
    },
    /// The next value is a string that is not UTF-8.
    #[error("expected {expected}, found a string that is not UTF-8")]
    InvalidUtf8 {
        /// What was asked for.
        expected: &'static str,
    },
    /// Arrays and maps are nested more than [`MAX_DEPTH`](super::MAX_DEPTH) deep.
    #[error("expected {expected}, found one nested too deep")]
    TooDeep {
        /// What was asked for.
        expected: &'static str,
    },
}
