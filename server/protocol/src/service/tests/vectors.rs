use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::super::{Decoded, INBOUND_CLAIM_TYPES, Message, decode, encode};
use super::shown::{Kind, elements, fields_of, hex};
use crate::wire::{self, Reader, varint};

/// Vectors whose bytes are not those that [`encode`] writes, with the reason.
const NOT_CURRENT: [(&str, &str, &str); 15] = [
    ("original", "handshake request (2024)", "six elements"),
    (
        "original",
        "handshake request (2024), weak, migratable",
        "six elements",
    ),
    (
        "original",
        "handshake request (2024), on demand",
        "six elements",
    ),
    (
        "original",
        "handshake request (2024), default type drops target",
        "six elements",
    ),
    ("original", "ping, nil value", "nil is written as empty"),
    (
        "original",
        "open, extensions",
        "nil query is written as empty",
    ),
    ("original", "event, instance", "nil id is written as empty"),
    (
        "original",
        "access key request, nil",
        "nil token is written as empty",
    ),
    (
        "original",
        "client completion, nil protocol, tracing",
        "nil protocol is written as empty",
    ),
    (
        "later",
        "ack, ok",
        "five elements without payload, which SDKs of every age read",
    ),
    ("later", "ack, not found", "five elements without payload"),
    ("later", "ack, forbidden", "five elements without payload"),
    ("current", "HandshakeRequest", "six elements"),
    ("current", "HandshakeRequestWithProperty", "six elements"),
    (
        "current",
        "HandshakeRequestWithMigratableStatus",
        "six elements",
    ),
];

pub(super) fn load(file: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("vectors")
        .join(file);
    serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap()
}

pub(super) fn message(frame: &[u8]) -> Message<'_> {
    match decode(frame).unwrap() {
        Decoded::Message(message) => message,
        Decoded::Unknown(number) => panic!("unknown type {number}"),
    }
}

pub(super) fn encoded(message: &Message<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    encode(message, &mut out);
    out
}

/// The frame behind its prefix.
pub(super) fn unframed(framed: &[u8]) -> &[u8] {
    let prefix = varint::decode(framed).unwrap().unwrap();
    assert_eq!(prefix.used + prefix.length, framed.len());
    &framed[prefix.used..]
}

/// A MessagePack value in the JSON form of the vectors.
pub(super) fn as_json(bytes: &[u8]) -> Value {
    let mut reader = Reader::new(bytes);
    let value = next_json(&mut reader);
    assert!(reader.is_empty());
    value
}

fn next_json(reader: &mut Reader<'_>) -> Value {
    match reader.peek_kind().unwrap() {
        wire::Kind::Nil => {
            assert!(reader.take_nil());
            Value::Null
        }
        wire::Kind::Boolean => json!(reader.bool().unwrap()),
        wire::Kind::Integer => {
            let unsigned = reader.clone().u64();
            match unsigned {
                Ok(value) => {
                    reader.skip().unwrap();
                    json!(value)
                }
                Err(_) => json!(reader.i64().unwrap()),
            }
        }
        wire::Kind::Float => json!(reader.f64().unwrap()),
        wire::Kind::String => json!(reader.str().unwrap()),
        wire::Kind::Binary => json!({ "bin": hex(reader.bin().unwrap()) }),
        wire::Kind::Extension => {
            let (kind, data) = reader.ext().unwrap();
            json!({ "ext": kind, "data": hex(data) })
        }
        wire::Kind::Array => (0..reader.array_len().unwrap())
            .map(|_| next_json(reader))
            .collect(),
        wire::Kind::Map => {
            let entries: Value = (0..reader.map_len().unwrap())
                .map(|_| json!([next_json(reader), next_json(reader)]))
                .collect();
            json!({ "map": entries })
        }
        wire::Kind::Reserved => panic!("reserved"),
    }
}

/// The fields that an array stands for, by the table of the specification.
pub(super) fn expected_fields(array: &Value) -> Map<String, Value> {
    let array = array.as_array().unwrap();
    let number = array[0].as_i64().unwrap();
    let mut expected = Map::new();
    if number == 3 {
        let values = array[1..]
            .iter()
            .map(|value| meant(Kind::Text, Some(value)))
            .collect();
        expected.insert("values".to_owned(), values);
        return expected;
    }
    for (index, (name, kind)) in elements(number).into_iter().enumerate() {
        if kind != Kind::Nothing {
            expected.insert(name.to_owned(), meant(kind, array.get(1 + index)));
        }
    }
    expected
}

/// What an element means, which may be nil or not there.
fn meant(kind: Kind, value: Option<&Value>) -> Value {
    let value = value.filter(|value| !value.is_null());
    match (kind, value) {
        (Kind::Extensions, value) => {
            let names = [
                "",
                "tracingId",
                "ttl",
                "protocol",
                "filter",
                "dataMessageType",
                "partial",
            ];
            let entries = value.map_or(&[] as &[Value], |map| map["map"].as_array().unwrap());
            let named = entries.iter().map(|entry| {
                let key = usize::try_from(entry[0].as_u64().unwrap()).unwrap();
                (names[key].to_owned(), entry[1].clone())
            });
            Value::Object(named.collect())
        }
        (Kind::Map, Some(map)) => map["map"].clone(),
        (_, Some(value)) => value.clone(),
        (Kind::Text, None) => json!(""),
        (Kind::Integer, None) => json!(0),
        (Kind::Flag, None) => json!(false),
        (Kind::List | Kind::Map, None) => json!([]),
        (Kind::Exact | Kind::Nilable | Kind::Nothing, None) => Value::Null,
    }
}

/// Compares with the values that a golden message was written from.
fn assert_golden_fields(name: &str, vector: &Value, found: &Map<String, Value>) {
    for (field, value) in vector["fields"].as_object().unwrap() {
        let dropped = field == "target" && vector["fields"]["connectionType"] == 0;
        // The time is given as text here; its bytes are compared with the decoded array.
        if field == "expireTime" || dropped {
            continue;
        }
        if field == "extensions" && !found.contains_key(field) {
            assert_eq!(*value, json!({}), "{name}");
            continue;
        }
        let empty = json!("");
        let expected = if value.is_null() && found[field].is_string() {
            &empty
        } else {
            value
        };
        if field == "values" {
            let nil_as_empty: Value = value
                .as_array()
                .unwrap()
                .iter()
                .map(|v| meant(Kind::Text, Some(v)))
                .collect();
            assert_eq!(found[field], nil_as_empty, "{name}");
            continue;
        }
        assert_eq!(found[field], *expected, "{name}: {field}");
    }
}

/// Checks all vectors of a section and returns how many there were.
fn check(file: &Value, section: &str, written: bool) -> usize {
    let vectors = file[section].as_array().unwrap();
    for vector in vectors {
        let name = vector["name"].as_str().unwrap();
        let frame = STANDARD.decode(vector["base64"].as_str().unwrap()).unwrap();
        let framed = STANDARD
            .decode(vector["framedBase64"].as_str().unwrap())
            .unwrap();
        assert_eq!(unframed(&framed), frame, "{name}");
        assert_eq!(as_json(&frame), vector["decoded"], "{name}");

        let message = message(&frame);
        assert_eq!(json!(message.number()), vector["type"], "{name}");
        assert_eq!(json!(message.name()), vector["message"], "{name}");
        let found = fields_of(&message);
        assert_eq!(
            found,
            expected_fields(&vector["decoded"]),
            "{section}: {name}"
        );
        if vector.get("fields").is_some() {
            assert_golden_fields(name, vector, &found);
        }

        let again = encoded(&message);
        let current = !NOT_CURRENT
            .iter()
            .any(|(s, n, _)| *s == section && *n == name);
        if written {
            assert_eq!(hex(&again) == hex(&framed), current, "{section}: {name}");
        }
        assert!(
            self::message(unframed(&again)) == message,
            "{section}: {name}"
        );
    }
    vectors.len()
}

#[test]
fn golden_messages_are_read_and_written_byte_for_byte() {
    let golden = load("service-protocol-golden.json");
    assert_eq!(check(&golden, "original", true), 94);
    assert_eq!(check(&golden, "later", true), 20);
}

#[test]
fn messages_of_the_sdks_own_tests_are_read_and_written_byte_for_byte() {
    let vectors = load("service-protocol.json");
    assert_eq!(check(&vectors, "current", true), 76);
    assert_eq!(check(&vectors, "newer", true), 9);
    assert_eq!(check(&vectors, "derived", false), 30);
}

#[test]
fn forms_no_longer_written_are_still_read() {
    let vectors = load("service-protocol.json");
    assert_eq!(check(&vectors, "intermediate", false), 2);
    assert_eq!(check(&vectors, "legacyParseOnly", false), 39);
}

#[test]
fn every_listed_exclusion_exists() {
    let golden = load("service-protocol-golden.json");
    let older = load("service-protocol.json");
    for (section, name, _) in NOT_CURRENT {
        let file = if golden.get(section).is_some() {
            &golden
        } else {
            &older
        };
        let vectors = file[section].as_array().unwrap();
        assert!(
            vectors.iter().any(|vector| vector["name"] == name),
            "{section}: {name}"
        );
    }
}

#[test]
fn prefixes_and_claim_types_are_those_of_the_vectors() {
    let vectors = load("service-protocol.json");
    for row in vectors["varintPrefixes"].as_array().unwrap() {
        let length = usize::try_from(row["length"].as_u64().unwrap()).unwrap();
        assert_eq!(
            json!(hex(varint::Prefix::new(length).as_bytes())),
            row["prefixHex"]
        );
    }
    let mut map: Vec<Value> = vectors["inboundClaimTypeMap"].as_array().unwrap().clone();
    map.sort_by_key(|entry| entry[0].as_str().unwrap().to_owned());
    assert_eq!(json!(INBOUND_CLAIM_TYPES.to_vec()), Value::Array(map));
}
