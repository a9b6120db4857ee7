//! A cursor over one MessagePack message.

use rmp::Marker;

use super::{Kind, ReadError};

/// How deep arrays and maps may nest in a value that is skipped or taken whole: the limit that the
/// MessagePack library of .NET applies to untrusted input.
pub const MAX_DEPTH: usize = 500;

/// Reads values one after the other and borrows strings and binaries from the input.
///
/// After an error the position is unspecified; the rest of the message is not usable.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    input: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first byte of `input`.
    #[must_use]
    pub const fn new(input: &'a [u8]) -> Self {
        Self { input, position: 0 }
    }

    /// How many bytes have been read.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.position
    }

    /// The bytes not read yet.
    #[must_use]
    pub fn remaining(&self) -> &'a [u8] {
        self.input.get(self.position..).unwrap_or_default()
    }

    /// Whether everything has been read.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.position >= self.input.len()
    }

    /// The kind of the next value, which stays unread; `None` at the end of the input.
    #[must_use]
    pub fn peek_kind(&self) -> Option<Kind> {
        self.remaining()
            .first()
            .map(|byte| Kind::of(Marker::from_u8(*byte)))
    }

    /// Consumes the next value if it is nil and says whether it was.
    pub fn take_nil(&mut self) -> bool {
        let nil = self.peek_kind() == Some(Kind::Nil);
        if nil {
            self.position += 1;
        }
        nil
    }

    /// Reads the header of an array and returns the number of its elements, which is never more
    /// than the input has bytes left.
    ///
    /// # Errors
    ///
    /// When the next value is not an array, or cannot be complete.
    pub fn array_len(&mut self) -> Result<usize, ReadError> {
        const EXPECTED: &str = "an array";
        let length = match self.marker(EXPECTED)? {
            Marker::FixArray(length) => u32::from(length),
            Marker::Array16 => u32::from(u16::from_be_bytes(self.fixed(EXPECTED)?)),
            Marker::Array32 => u32::from_be_bytes(self.fixed(EXPECTED)?),
            other => return Err(unexpected(EXPECTED, other)),
        };
        self.bounded(length, 1, EXPECTED)
    }

    /// Reads the header of a map and returns the number of its entries, which is never more than
    /// half the bytes the input has left.
    ///
    /// # Errors
    ///
    /// When the next value is not a map, or cannot be complete.
    pub fn map_len(&mut self) -> Result<usize, ReadError> {
        const EXPECTED: &str = "a map";
        let length = match self.marker(EXPECTED)? {
            Marker::FixMap(length) => u32::from(length),
            Marker::Map16 => u32::from(u16::from_be_bytes(self.fixed(EXPECTED)?)),
            Marker::Map32 => u32::from_be_bytes(self.fixed(EXPECTED)?),
            other => return Err(unexpected(EXPECTED, other)),
        };
        self.bounded(length, 2, EXPECTED)
    }

    /// Reads an integer of any width and sign.
    ///
    /// # Errors
    ///
    /// When the next value is not an integer or does not fit.
    pub fn i64(&mut self) -> Result<i64, ReadError> {
        const EXPECTED: &str = "a 64-bit integer";
        i64::try_from(self.integer(EXPECTED)?)
            .map_err(|_| ReadError::OutOfRange { expected: EXPECTED })
    }

    /// Reads an integer of any width that is not negative.
    ///
    /// # Errors
    ///
    /// When the next value is not an integer or is negative.
    pub fn u64(&mut self) -> Result<u64, ReadError> {
        const EXPECTED: &str = "an unsigned 64-bit integer";
        u64::try_from(self.integer(EXPECTED)?)
            .map_err(|_| ReadError::OutOfRange { expected: EXPECTED })
    }

    /// Reads an integer of any width that fits 32 bits.
    ///
    /// # Errors
    ///
    /// When the next value is not an integer or does not fit.
    pub fn i32(&mut self) -> Result<i32, ReadError> {
        const EXPECTED: &str = "a 32-bit integer";
        i32::try_from(self.integer(EXPECTED)?)
            .map_err(|_| ReadError::OutOfRange { expected: EXPECTED })
    }

    /// Reads a boolean.
    ///
    /// # Errors
    ///
    /// When the next value is not a boolean.
    pub fn bool(&mut self) -> Result<bool, ReadError> {
        const EXPECTED: &str = "a boolean";
        match self.marker(EXPECTED)? {
            Marker::True => Ok(true),
            Marker::False => Ok(false),
            other => Err(unexpected(EXPECTED, other)),
        }
    }

    /// Reads a number as a double: a float of either width or any integer.
    ///
    /// # Errors
    ///
    /// When the next value is not a number.
    pub fn f64(&mut self) -> Result<f64, ReadError> {
        const EXPECTED: &str = "a number";
        match self.remaining().first().map(|byte| Marker::from_u8(*byte)) {
            Some(Marker::F64) => {
                self.position += 1;
                Ok(f64::from_be_bytes(self.fixed(EXPECTED)?))
            }
            Some(Marker::F32) => {
                self.position += 1;
                Ok(f64::from(f32::from_be_bytes(self.fixed(EXPECTED)?)))
            }
            #[expect(clippy::cast_precision_loss, reason = "a double is what was asked for")]
            _ => self.integer(EXPECTED).map(|integer| integer as f64),
        }
    }

    /// Reads a string.
    ///
    /// # Errors
    ///
    /// When the next value is not a string, is not UTF-8 or is cut off.
    pub fn str(&mut self) -> Result<&'a str, ReadError> {
        const EXPECTED: &str = "a string";
        let marker = self.marker(EXPECTED)?;
        self.str_after(marker, EXPECTED)
    }

    /// Reads a string or nil.
    ///
    /// # Errors
    ///
    /// When the next value is neither, is not UTF-8 or is cut off.
    pub fn str_or_nil(&mut self) -> Result<Option<&'a str>, ReadError> {
        const EXPECTED: &str = "a string or nil";
        match self.marker(EXPECTED)? {
            Marker::Null => Ok(None),
            marker => self.str_after(marker, EXPECTED).map(Some),
        }
    }

    /// Reads a byte string.
    ///
    /// # Errors
    ///
    /// When the next value is not a byte string or is cut off.
    pub fn bin(&mut self) -> Result<&'a [u8], ReadError> {
        const EXPECTED: &str = "a byte string";
        let length = match self.marker(EXPECTED)? {
            Marker::Bin8 => u32::from(u8::from_be_bytes(self.fixed(EXPECTED)?)),
            Marker::Bin16 => u32::from(u16::from_be_bytes(self.fixed(EXPECTED)?)),
            Marker::Bin32 => u32::from_be_bytes(self.fixed(EXPECTED)?),
            other => return Err(unexpected(EXPECTED, other)),
        };
        self.take(length, EXPECTED)
    }

    /// Reads an extension value: its type and its bytes.
    ///
    /// # Errors
    ///
    /// When the next value is not an extension or is cut off.
    pub fn ext(&mut self) -> Result<(i8, &'a [u8]), ReadError> {
        const EXPECTED: &str = "an extension value";
        let marker = self.marker(EXPECTED)?;
        let length = self.ext_len(marker, EXPECTED)?;
        let [kind] = self.fixed(EXPECTED)?;
        Ok((i8::from_be_bytes([kind]), self.take(length, EXPECTED)?))
    }

    /// Passes over the next value, whatever it is.
    ///
    /// # Errors
    ///
    /// When the value is cut off, malformed, or nested more than [`MAX_DEPTH`] deep.
    pub fn skip(&mut self) -> Result<(), ReadError> {
        self.skip_nested(MAX_DEPTH)
    }

    /// The bytes of the next value, whatever it is, as one slice.
    ///
    /// # Errors
    ///
    /// As for [`skip`](Self::skip).
    pub fn raw_value(&mut self) -> Result<&'a [u8], ReadError> {
        let rest = self.remaining();
        let start = self.position;
        self.skip()?;
        Ok(rest.get(..self.position - start).unwrap_or_default())
    }

    // Recursion is bounded by `depth`, and a container never has more elements than bytes are left.
    fn skip_nested(&mut self, depth: usize) -> Result<(), ReadError> {
        const EXPECTED: &str = "a value";
        let marker = self.marker(EXPECTED)?;
        let elements = match marker {
            Marker::Null | Marker::True | Marker::False | Marker::FixPos(_) | Marker::FixNeg(_) => {
                0
            }
            Marker::U8 | Marker::I8 => self.pass(1)?,
            Marker::U16 | Marker::I16 => self.pass(2)?,
            Marker::U32 | Marker::I32 | Marker::F32 => self.pass(4)?,
            Marker::U64 | Marker::I64 | Marker::F64 => self.pass(8)?,
            Marker::FixStr(length) => self.pass(u32::from(length))?,
            Marker::Str8 | Marker::Bin8 => {
                let length = u8::from_be_bytes(self.fixed(EXPECTED)?);
                self.pass(u32::from(length))?
            }
            Marker::Str16 | Marker::Bin16 => {
                let length = u16::from_be_bytes(self.fixed(EXPECTED)?);
                self.pass(u32::from(length))?
            }
            Marker::Str32 | Marker::Bin32 => {
                let length = u32::from_be_bytes(self.fixed(EXPECTED)?);
                self.pass(length)?
            }
            Marker::FixExt1
            | Marker::FixExt2
            | Marker::FixExt4
            | Marker::FixExt8
            | Marker::FixExt16
            | Marker::Ext8
            | Marker::Ext16
            | Marker::Ext32 => {
                let length = self.ext_len(marker, EXPECTED)?;
                self.pass(1)?;
                self.pass(length)?
            }
            Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => {
                self.position -= 1;
                self.array_len()?
            }
            Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => {
                self.position -= 1;
                self.map_len()?.saturating_mul(2)
            }
            Marker::Reserved => return Err(unexpected(EXPECTED, marker)),
        };
        if elements > 0 {
            let depth = depth
                .checked_sub(1)
                .ok_or(ReadError::TooDeep { expected: EXPECTED })?;
            for _ in 0..elements {
                self.skip_nested(depth)?;
            }
        }
        Ok(())
    }

    /// Passes over the bytes of a value that has no elements.
    fn pass(&mut self, length: u32) -> Result<usize, ReadError> {
        self.take(length, "a value").map(|_| 0)
    }

    fn str_after(&mut self, marker: Marker, expected: &'static str) -> Result<&'a str, ReadError> {
        let length = match marker {
            Marker::FixStr(length) => u32::from(length),
            Marker::Str8 => u32::from(u8::from_be_bytes(self.fixed(expected)?)),
            Marker::Str16 => u32::from(u16::from_be_bytes(self.fixed(expected)?)),
            Marker::Str32 => u32::from_be_bytes(self.fixed(expected)?),
            other => return Err(unexpected(expected, other)),
        };
        let bytes = self.take(length, expected)?;
        std::str::from_utf8(bytes).map_err(|_| ReadError::InvalidUtf8 { expected })
    }

    fn ext_len(&mut self, marker: Marker, expected: &'static str) -> Result<u32, ReadError> {
        Ok(match marker {
            Marker::FixExt1 => 1,
            Marker::FixExt2 => 2,
            Marker::FixExt4 => 4,
            Marker::FixExt8 => 8,
            Marker::FixExt16 => 16,
            Marker::Ext8 => u32::from(u8::from_be_bytes(self.fixed(expected)?)),
            Marker::Ext16 => u32::from(u16::from_be_bytes(self.fixed(expected)?)),
            Marker::Ext32 => u32::from_be_bytes(self.fixed(expected)?),
            other => return Err(unexpected(expected, other)),
        })
    }

    fn integer(&mut self, expected: &'static str) -> Result<i128, ReadError> {
        Ok(match self.marker(expected)? {
            Marker::FixPos(value) => i128::from(value),
            Marker::FixNeg(value) => i128::from(value),
            Marker::U8 => i128::from(u8::from_be_bytes(self.fixed(expected)?)),
            Marker::U16 => i128::from(u16::from_be_bytes(self.fixed(expected)?)),
            Marker::U32 => i128::from(u32::from_be_bytes(self.fixed(expected)?)),
            Marker::U64 => i128::from(u64::from_be_bytes(self.fixed(expected)?)),
            Marker::I8 => i128::from(i8::from_be_bytes(self.fixed(expected)?)),
            Marker::I16 => i128::from(i16::from_be_bytes(self.fixed(expected)?)),
            Marker::I32 => i128::from(i32::from_be_bytes(self.fixed(expected)?)),
            Marker::I64 => i128::from(i64::from_be_bytes(self.fixed(expected)?)),
            other => return Err(unexpected(expected, other)),
        })
    }

    fn marker(&mut self, expected: &'static str) -> Result<Marker, ReadError> {
        let [byte] = self.fixed(expected)?;
        Ok(Marker::from_u8(byte))
    }

    fn fixed<const N: usize>(&mut self, expected: &'static str) -> Result<[u8; N], ReadError> {
        let bytes = self
            .remaining()
            .first_chunk()
            .ok_or(ReadError::EndOfInput { expected })?;
        self.position += N;
        Ok(*bytes)
    }

    fn take(&mut self, length: u32, expected: &'static str) -> Result<&'a [u8], ReadError> {
        let end = ReadError::EndOfInput { expected };
        let length = usize::try_from(length).map_err(|_| end)?;
        let bytes = self.remaining().get(..length).ok_or(end)?;
        self.position += length;
        Ok(bytes)
    }

    /// A count that the rest of the input can hold, every element taking at least `bytes_each`.
    fn bounded(
        &self,
        count: u32,
        bytes_each: usize,
        expected: &'static str,
    ) -> Result<usize, ReadError> {
        let end = ReadError::EndOfInput { expected };
        let count = usize::try_from(count).map_err(|_| end)?;
        if count > self.remaining().len() / bytes_each {
            Err(end)
        } else {
            Ok(count)
        }
    }
}

fn unexpected(expected: &'static str, found: Marker) -> ReadError {
    ReadError::UnexpectedKind {
        expected,
        found: Kind::of(found),
    }
}
