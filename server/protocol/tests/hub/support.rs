//! Reading vectors, and messages as plain JSON to compare them with.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use heliograph_protocol::hub::{
    Arguments, Deframer, Encoding, Headers, Message, Outcome, PayloadError, Raw,
};
use heliograph_protocol::wire::{Kind, Reader};
use serde_json::{Map, Value, json};

/// A vector file of this crate.
pub(crate) fn read(name: &str) -> Value {
    let path = format!("{}/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap()
}

pub(crate) fn base64(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .map(|c| u8::try_from(c.to_digit(16).unwrap()).unwrap())
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

/// Every frame of a payload that holds nothing else.
pub(crate) fn frames(encoding: Encoding, mut payload: &[u8]) -> Vec<Vec<u8>> {
    let mut deframer = Deframer::new(encoding, usize::MAX);
    let mut frames = Vec::new();
    while let Some(frame) = deframer.next_frame(&mut payload).unwrap() {
        frames.push(frame.into_owned());
    }
    assert!(!deframer.is_mid_message(), "bytes are left");
    frames
}

/// The one frame of a payload.
pub(crate) fn only_frame(encoding: Encoding, payload: &[u8]) -> Vec<u8> {
    let mut frames = frames(encoding, payload);
    assert_eq!(frames.len(), 1);
    frames.remove(0)
}

/// A message in the form of the vectors.
pub(crate) fn semantic(message: &Message<'_>) -> Value {
    let mut fields = Map::new();
    let mut set = |key: &str, value: Value| {
        fields.insert(key.to_owned(), value);
    };
    set("type", format!("{:?}", message.message_type()).into());
    match message {
        Message::Invocation(call) => {
            set("headers", headers(&call.headers));
            set("invocationId", json!(call.invocation_id));
            set("target", json!(call.target));
            set("arguments", arguments(&call.arguments));
            set("streamIds", json!(call.stream_ids));
        }
        Message::StreamInvocation(call) => {
            set("headers", headers(&call.headers));
            set("invocationId", json!(call.invocation_id));
            set("target", json!(call.target));
            set("arguments", arguments(&call.arguments));
            set("streamIds", json!(call.stream_ids));
        }
        Message::StreamItem(item) => {
            set("headers", headers(&item.headers));
            set("invocationId", json!(item.invocation_id));
            set("item", value(&item.item));
        }
        Message::Completion(end) => {
            set("headers", headers(&end.headers));
            set("invocationId", json!(end.invocation_id));
            match &end.outcome {
                Outcome::Error(error) => {
                    set("kind", "error".into());
                    set("error", json!(error));
                }
                Outcome::Void => set("kind", "void".into()),
                Outcome::Result(result) => {
                    set("kind", "result".into());
                    set("result", value(result));
                }
            }
        }
        Message::CancelInvocation(stop) => {
            set("headers", headers(&stop.headers));
            set("invocationId", json!(stop.invocation_id));
        }
        Message::Close(end) => {
            set("error", json!(end.error));
            set("allowReconnect", end.allow_reconnect.into());
        }
        Message::Ack(number) | Message::Sequence(number) => set("sequenceId", json!(number)),
        Message::Ping | Message::Unknown(_) => {}
    }
    normal(&Value::Object(fields))
}

/// Without the ways of saying nothing: null ids and errors, no headers, no streams.
pub(crate) fn normal(message: &Value) -> Value {
    let mut message = message.clone();
    message
        .as_object_mut()
        .unwrap()
        .retain(|key, value| match key.as_str() {
            "headers" => value.as_object().is_some_and(|headers| !headers.is_empty()),
            "streamIds" => value.as_array().is_some_and(|ids| !ids.is_empty()),
            "invocationId" | "error" => !value.is_null(),
            "allowReconnect" => *value == json!(true),
            _ => true,
        });
    message
}

fn headers(headers: &Headers<'_>) -> Value {
    headers
        .iter()
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect::<Map<_, _>>()
        .into()
}

fn arguments(arguments: &Result<Arguments<'_>, PayloadError>) -> Value {
    match arguments {
        Ok(arguments) => arguments.iter().map(raw).collect(),
        Err(error) => json!({ "$failed": error.to_string() }),
    }
}

fn value(value: &Result<Raw<'_>, PayloadError>) -> Value {
    value.map_or_else(|error| json!({ "$failed": error.to_string() }), raw)
}

fn raw(raw: Raw<'_>) -> Value {
    match raw.encoding() {
        Encoding::Json => raw.decode().unwrap(),
        Encoding::MessagePack => {
            let mut reader = Reader::new(raw.bytes());
            let value = messagepack(&mut reader);
            assert!(reader.is_empty());
            value
        }
    }
}

/// One MessagePack value, with the marks of the vectors for what JSON has not.
fn messagepack(reader: &mut Reader<'_>) -> Value {
    let first = reader.remaining().first().copied();
    match reader.peek_kind().unwrap() {
        Kind::Nil => {
            reader.take_nil();
            Value::Null
        }
        Kind::Boolean => reader.bool().unwrap().into(),
        Kind::Integer => reader.i64().unwrap().into(),
        Kind::Float if first == Some(0xca) => json!({ "$float32": reader.f64().unwrap() }),
        Kind::Float => json!({ "$float64": reader.f64().unwrap() }),
        Kind::String => reader.str().unwrap().into(),
        Kind::Binary => json!({ "$bin": STANDARD.encode(reader.bin().unwrap()) }),
        Kind::Array => {
            let length = reader.array_len().unwrap();
            (0..length).map(|_| messagepack(reader)).collect()
        }
        Kind::Map => {
            let length = reader.map_len().unwrap();
            let entries = (0..length).map(|_| {
                let key = reader.str().unwrap().to_owned();
                (key, messagepack(reader))
            });
            Value::Object(entries.collect())
        }
        Kind::Extension => {
            let (kind, bytes) = reader.ext().unwrap();
            assert_eq!(kind, -1);
            json!({ "$timestamp": timestamp(u32::from_be_bytes(bytes.try_into().unwrap())) })
        }
        other => panic!("{other:?}"),
    }
}

/// Seconds since 1970 as ISO 8601.
fn timestamp(seconds: u32) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (mut year, mut day) = (1970, days);
    let leap = |year: u32| year.is_multiple_of(4);
    while day >= 365 + u32::from(leap(year)) {
        day -= 365 + u32::from(leap(year));
        year += 1;
    }
    let mut month = 1;
    for length in [
        31,
        28 + u32::from(leap(year)),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ] {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!(
        "{year}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z",
        day + 1
    )
}
