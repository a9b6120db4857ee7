//! Appends MessagePack values to a buffer.

use rmp::Marker;

/// Appends values in their shortest forms.
///
/// Lengths are 32-bit on the wire; values of 4 GiB and more are the caller's to prevent.
#[derive(Debug)]
pub struct Writer<'b> {
    out: &'b mut Vec<u8>,
}

impl<'b> Writer<'b> {
    /// Writes behind what `out` already holds.
    #[must_use]
    pub const fn new(out: &'b mut Vec<u8>) -> Self {
        Self { out }
    }

    /// Writes nil.
    pub fn nil(&mut self) {
        self.marker(Marker::Null);
    }

    /// Writes a boolean.
    pub fn bool(&mut self, value: bool) {
        self.marker(if value { Marker::True } else { Marker::False });
    }

    /// Writes an integer that is not negative.
    pub fn u64(&mut self, value: u64) {
        if let Ok(small) = u8::try_from(value) {
            if small < 0x80 {
                self.out.push(small);
            } else {
                self.with(Marker::U8, [small]);
            }
        } else if let Ok(value) = u16::try_from(value) {
            self.with(Marker::U16, value.to_be_bytes());
        } else if let Ok(value) = u32::try_from(value) {
            self.with(Marker::U32, value.to_be_bytes());
        } else {
            self.with(Marker::U64, value.to_be_bytes());
        }
    }

    /// Writes an integer; positive ones in the unsigned forms.
    pub fn i64(&mut self, value: i64) {
        if let Ok(positive) = u64::try_from(value) {
            self.u64(positive);
        } else if let Ok(small) = i8::try_from(value) {
            if small >= -32 {
                self.marker(Marker::FixNeg(small));
            } else {
                self.with(Marker::I8, small.to_be_bytes());
            }
        } else if let Ok(value) = i16::try_from(value) {
            self.with(Marker::I16, value.to_be_bytes());
        } else if let Ok(value) = i32::try_from(value) {
            self.with(Marker::I32, value.to_be_bytes());
        } else {
            self.with(Marker::I64, value.to_be_bytes());
        }
    }

    /// Writes an integer in the fixed five-byte form `d2`, for fields that are always written so.
    pub fn fixed_i32(&mut self, value: i32) {
        self.with(Marker::I32, value.to_be_bytes());
    }

    /// Writes a double, always in eight bytes.
    pub fn f64(&mut self, value: f64) {
        self.with(Marker::F64, value.to_be_bytes());
    }

    /// Writes a string.
    pub fn str(&mut self, value: &str) {
        let length = header(value.len());
        if let Ok(small) = u8::try_from(length) {
            if small < 32 {
                self.marker(Marker::FixStr(small));
            } else {
                self.with(Marker::Str8, [small]);
            }
        } else if let Ok(length) = u16::try_from(length) {
            self.with(Marker::Str16, length.to_be_bytes());
        } else {
            self.with(Marker::Str32, length.to_be_bytes());
        }
        self.out.extend_from_slice(value.as_bytes());
    }

    /// Writes a string, or nil for none.
    pub fn str_or_nil(&mut self, value: Option<&str>) {
        match value {
            Some(value) => self.str(value),
            None => self.nil(),
        }
    }

    /// Writes a byte string.
    pub fn bin(&mut self, value: &[u8]) {
        let length = header(value.len());
        if let Ok(length) = u8::try_from(length) {
            self.with(Marker::Bin8, [length]);
        } else if let Ok(length) = u16::try_from(length) {
            self.with(Marker::Bin16, length.to_be_bytes());
        } else {
            self.with(Marker::Bin32, length.to_be_bytes());
        }
        self.out.extend_from_slice(value);
    }

    /// Writes an extension value.
    pub fn ext(&mut self, kind: i8, value: &[u8]) {
        let length = header(value.len());
        match length {
            1 => self.marker(Marker::FixExt1),
            2 => self.marker(Marker::FixExt2),
            4 => self.marker(Marker::FixExt4),
            8 => self.marker(Marker::FixExt8),
            16 => self.marker(Marker::FixExt16),
            _ => {
                if let Ok(length) = u8::try_from(length) {
                    self.with(Marker::Ext8, [length]);
                } else if let Ok(length) = u16::try_from(length) {
                    self.with(Marker::Ext16, length.to_be_bytes());
                } else {
                    self.with(Marker::Ext32, length.to_be_bytes());
                }
            }
        }
        self.out.extend_from_slice(&kind.to_be_bytes());
        self.out.extend_from_slice(value);
    }

    /// Writes the header of an array; its elements follow.
    pub fn array_len(&mut self, length: usize) {
        let length = header(length);
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(length @ 0..16), _) => self.marker(Marker::FixArray(length)),
            (_, Ok(length)) => self.with(Marker::Array16, length.to_be_bytes()),
            _ => self.with(Marker::Array32, length.to_be_bytes()),
        }
    }

    /// Writes the header of a map; a key and a value for each entry follow.
    pub fn map_len(&mut self, length: usize) {
        let length = header(length);
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(length @ 0..16), _) => self.marker(Marker::FixMap(length)),
            (_, Ok(length)) => self.with(Marker::Map16, length.to_be_bytes()),
            _ => self.with(Marker::Map32, length.to_be_bytes()),
        }
    }

    /// Writes a value that is already encoded, as it is.
    pub fn raw_value(&mut self, encoded: &[u8]) {
        self.out.extend_from_slice(encoded);
    }

    fn marker(&mut self, marker: Marker) {
        self.out.push(marker.to_u8());
    }

    fn with<const N: usize>(&mut self, marker: Marker, bytes: [u8; N]) {
        self.out.push(marker.to_u8());
        self.out.extend_from_slice(&bytes);
    }
}

fn header(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
