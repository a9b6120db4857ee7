//! Values as .NET writes them: text in JSON; binary and timestamps in MessagePack.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// Any value, given back as it came.
#[derive(Clone, Debug)]
pub(crate) enum Any {
    Json(Box<RawValue>),
    MessagePack(Packed),
}

/// A MessagePack value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Packed {
    Nil,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Single(f32),
    Double(f64),
    Text(String),
    Binary(Vec<u8>),
    Array(Vec<Self>),
    Map(Vec<(Self, Self)>),
    Extension(i8, Vec<u8>),
}

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            Box::deserialize(deserializer).map(Self::Json)
        } else {
            Packed::deserialize(deserializer).map(Self::MessagePack)
        }
    }
}

impl Serialize for Any {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Json(value) => value.serialize(serializer),
            Self::MessagePack(value) => value.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Packed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PackedVisitor)
    }
}

struct PackedVisitor;

impl<'de> Visitor<'de> for PackedVisitor {
    type Value = Packed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Packed, E> {
        Ok(Packed::Nil)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Packed, E> {
        Ok(Packed::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Packed, E> {
        Ok(Packed::Unsigned(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Packed, E> {
        Ok(Packed::Signed(value))
    }

    fn visit_f32<E>(self, value: f32) -> Result<Packed, E> {
        Ok(Packed::Single(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Packed, E> {
        Ok(Packed::Double(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Packed, E> {
        Ok(Packed::Text(value.to_owned()))
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Packed, E> {
        Ok(Packed::Binary(value.to_vec()))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, d: D) -> Result<Packed, D::Error> {
        let (kind, Data(data)) = Deserialize::deserialize(d)?;
        Ok(Packed::Extension(kind, data))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Packed, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Packed::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Packed, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Packed::Map(entries))
    }
}

impl Serialize for Packed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nil => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Unsigned(value) => serializer.serialize_u64(*value),
            Self::Signed(value) => serializer.serialize_i64(*value),
            Self::Single(value) => serializer.serialize_f32(*value),
            Self::Double(value) => serializer.serialize_f64(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::Binary(value) => serializer.serialize_bytes(value),
            Self::Array(items) => items.serialize(serializer),
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
            Self::Extension(kind, data) => serializer.serialize_newtype_struct(
                rmp_serde::MSGPACK_EXT_STRUCT_NAME,
                &(*kind, Data(data.clone())),
            ),
        }
    }
}

/// Bytes: base64 text in JSON, binary in MessagePack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&STANDARD.encode(&self.0))
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            return STANDARD.decode(text).map(Self).map_err(de::Error::custom);
        }
        deserializer.deserialize_bytes(BytesVisitor)
    }
}

/// The bytes of an extension, whose reader and writer claim to be for people.
struct Data(Vec<u8>);

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Bytes(data) = deserializer.deserialize_bytes(BytesVisitor)?;
        Ok(Self(data))
    }
}

struct BytesVisitor;

impl<'de> Visitor<'de> for BytesVisitor {
    type Value = Bytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Bytes, E> {
        Ok(Bytes(value.to_vec()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Bytes, E> {
        Ok(Bytes(value.as_bytes().to_vec()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Bytes, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = seq.next_element()? {
            bytes.push(byte);
        }
        Ok(Bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(bytes: &[u8]) {
        let any: Any = rmp_serde::from_slice(bytes).unwrap();
        assert_eq!(rmp_serde::to_vec(&any).unwrap(), bytes);
    }

    #[test]
    fn any_messagepack_value_comes_back_as_it_was() {
        same(b"\xc0");
        same(b"\x93\x01\xff\xc3");
        same(b"\xc4\x02\x00\xff");
        same(b"\x81\xa1k\xcb\x3f\xf8\0\0\0\0\0\0");
        same(b"\xd6\xff\x38\x6d\x43\x80");
        same(b"\xd7\xff\x00\x00\x00\x01\x38\x6d\x43\x80");
        same(b"\xc7\x0c\xff\x00\x00\x00\x00\xff\xff\xff\xf1\x88\x6e\x09\x00");
    }

    #[test]
    fn any_json_value_comes_back_as_it_was() {
        let text = r#"[12345678901234567890.0123456789,{"b":1,"a":null},"\ud83d\ude00"]"#;
        let any: Any = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&any).unwrap(), text);
    }
}
