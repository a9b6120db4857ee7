//! The extension map `E` (section 4.2).

use super::DataMessageType;
use crate::wire::{ReadError, Reader, Writer};

/// What an extension map carries. Which keys a message type may carry is decided when it is
/// written; an SDK cannot read keys it does not expect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extensions<'a> {
    /// Key 1: id for message tracing.
    pub tracing_id: Option<u64>,
    /// Key 2: how long a group membership lasts, in seconds.
    pub ttl: Option<i32>,
    /// Key 3: name of the client's hub protocol.
    pub protocol: Option<&'a str>,
    /// Key 4: subscriber filter expression.
    pub filter: Option<&'a str>,
    /// Key 5: what kind of hub message the data is.
    pub data_type: Option<DataMessageType>,
    /// Key 6: whether the data is a part of a hub message, with more to come.
    pub partial: bool,
}

/// The sets of keys that message types may carry, one bit per key.
pub(super) mod keys {
    pub(in crate::service) const TRACING_ID: u8 = 1 << 1;
    pub(in crate::service) const TTL: u8 = 1 << 2;
    pub(in crate::service) const PROTOCOL: u8 = 1 << 3;
    pub(in crate::service) const FILTER: u8 = 1 << 4;
    pub(in crate::service) const DATA_TYPE: u8 = 1 << 5;
    pub(in crate::service) const PARTIAL: u8 = 1 << 6;
}

impl<'a> Extensions<'a> {
    /// Reads the map and passes over keys that are not known.
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, ReadError> {
        let mut extensions = Self::default();
        if reader.take_nil() {
            return Ok(extensions);
        }
        for _ in 0..reader.map_len()? {
            let key = Reader::new(reader.raw_value()?).u64().ok();
            match key {
                Some(1..=6) if reader.take_nil() => {}
                Some(1) => extensions.tracing_id = Some(reader.u64()?),
                Some(2) => extensions.ttl = Some(reader.i32()?),
                Some(3) => extensions.protocol = Some(reader.str()?),
                Some(4) => extensions.filter = Some(reader.str()?),
                Some(5) => extensions.data_type = Some(reader.i32()?.into()),
                Some(6) => extensions.partial = reader.bool()?,
                _ => reader.skip()?,
            }
        }
        Ok(extensions)
    }

    /// Writes the keys that are set and `allowed`, ascending.
    pub(super) fn write(&self, w: &mut Writer<'_>, allowed: u8) {
        let allows = |key: u8| allowed & key != 0;
        let tracing_id = self.tracing_id.filter(|_| allows(keys::TRACING_ID));
        let ttl = self.ttl.filter(|_| allows(keys::TTL));
        let protocol = self.protocol.filter(|_| allows(keys::PROTOCOL));
        let filter = self.filter.filter(|_| allows(keys::FILTER));
        let data_type = self.data_type.filter(|_| allows(keys::DATA_TYPE));
        let partial = self.partial && allows(keys::PARTIAL);
        w.map_len(
            usize::from(tracing_id.is_some())
                + usize::from(ttl.is_some())
                + usize::from(protocol.is_some())
                + usize::from(filter.is_some())
                + usize::from(data_type.is_some())
                + usize::from(partial),
        );
        if let Some(tracing_id) = tracing_id {
            w.u64(1);
            w.u64(tracing_id);
        }
        if let Some(ttl) = ttl {
            w.u64(2);
            w.i64(i64::from(ttl));
        }
        if let Some(protocol) = protocol {
            w.u64(3);
            w.str(protocol);
        }
        if let Some(filter) = filter {
            w.u64(4);
            w.str(filter);
        }
        if let Some(data_type) = data_type {
            w.u64(5);
            w.i64(i64::from(i32::from(data_type)));
        }
        if partial {
            w.u64(6);
            w.bool(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_and_foreign_keys_are_passed_over() {
        // {9: [1, {2: 3}], "x": nil, 1: 7, -4: "y", 2: nil, 300: 0}
        let bytes = [
            0x86, 9, 0x92, 1, 0x81, 2, 3, 0xa1, b'x', 0xc0, 1, 7, 0xfc, 0xa1, b'y', 2, 0xc0, 0xcd,
            1, 0x2c, 0,
        ];
        let mut reader = Reader::new(&bytes);
        let expected = Extensions {
            tracing_id: Some(7),
            ..Extensions::default()
        };
        assert_eq!(Extensions::read(&mut reader), Ok(expected));
        assert!(reader.is_empty());
    }

    #[test]
    fn only_allowed_keys_are_written_in_ascending_order() {
        let extensions = Extensions {
            tracing_id: Some(1),
            ttl: Some(60),
            protocol: Some("j"),
            filter: Some(""),
            data_type: Some(DataMessageType::Close),
            partial: true,
        };
        let written = |allowed| {
            let mut out = Vec::new();
            extensions.write(&mut Writer::new(&mut out), allowed);
            out
        };
        assert_eq!(written(0), [0x80]);
        assert_eq!(written(keys::TRACING_ID | keys::TTL), [0x82, 1, 1, 2, 60]);
        assert_eq!(
            written(u8::MAX),
            [0x86, 1, 1, 2, 60, 3, 0xa1, b'j', 4, 0xa0, 5, 4, 6, 0xc3]
        );
    }

    #[test]
    fn known_key_of_a_wrong_kind_is_an_error() {
        assert!(Extensions::read(&mut Reader::new(&[0x81, 1, 0xa1, b'x'])).is_err());
    }
}
