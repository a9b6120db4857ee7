//! MessagePack hub messages, shown in the form that they have in JSON.

use anyhow::{Context, Result, bail};
use heliograph_protocol::wire::{Kind, Reader, Writer, varint};
use serde_json::{Map, Value, json};

/// Cuts framed messages apart.
pub(super) fn split(mut bytes: &[u8]) -> Result<Vec<Vec<u8>>> {
    let mut messages = Vec::new();
    while !bytes.is_empty() {
        let prefix = varint::decode(bytes)?.context("a length that is cut off")?;
        let end = prefix.used + prefix.length;
        let message = bytes.get(prefix.used..end);
        messages.push(message.context("a message that is cut off")?.to_vec());
        bytes = bytes.get(end..).unwrap_or_default();
    }
    Ok(messages)
}

/// One message without its length.
pub(super) fn read(message: &[u8]) -> Result<Value> {
    let mut reader = Reader::new(message);
    let Value::Array(mut fields) = value(&mut reader)? else {
        bail!("a hub message is an array");
    };
    let names: &[&str] = match fields.first().and_then(Value::as_u64) {
        Some(1 | 4) => &[
            "type",
            "headers",
            "invocationId",
            "target",
            "arguments",
            "streamIds",
        ],
        Some(2) => &["type", "headers", "invocationId", "item"],
        Some(3) => {
            let kind = fields.get(3).and_then(Value::as_u64);
            match kind {
                Some(1) => &["type", "headers", "invocationId", "kind", "error"],
                _ => &["type", "headers", "invocationId", "kind", "result"],
            }
        }
        Some(5) => &["type", "headers", "invocationId"],
        Some(6) => &["type"],
        Some(7) => &["type", "error", "allowReconnect"],
        Some(8 | 9) => &["type", "sequenceId"],
        _ => bail!("a message of unknown type: {fields:?}"),
    };
    if fields.len() > names.len() {
        bail!("too many fields: {fields:?}");
    }
    let pairs = names.iter().zip(fields.drain(..));
    let object: Map<String, Value> = pairs.map(|(name, v)| ((*name).to_owned(), v)).collect();
    Ok(Value::Object(object))
}

/// One framed message.
pub(super) fn write(message: &Value) -> Result<Vec<u8>> {
    let kind = message["type"].as_u64().context("a message has a type")?;
    let fields = match kind {
        1 | 4 => vec![
            json!({}),
            message["invocationId"].clone(),
            message["target"].clone(),
            message["arguments"].clone(),
            message
                .get("streamIds")
                .cloned()
                .unwrap_or_else(|| json!([])),
        ],
        2 => vec![
            json!({}),
            message["invocationId"].clone(),
            message["item"].clone(),
        ],
        3 => {
            let id = message["invocationId"].clone();
            match (message.get("error"), message.get("result")) {
                (Some(error), _) => vec![json!({}), id, json!(1), error.clone()],
                (None, Some(result)) => vec![json!({}), id, json!(3), result.clone()],
                (None, None) => vec![json!({}), id, json!(2)],
            }
        }
        5 => vec![json!({}), message["invocationId"].clone()],
        _ => Vec::new(),
    };
    let mut out = Vec::new();
    varint::write_framed(&mut out, |body| {
        let mut writer = Writer::new(body);
        writer.array_len(fields.len() + 1);
        writer.u64(kind);
        for field in &fields {
            write_value(&mut writer, field);
        }
    });
    Ok(out)
}

fn write_value(writer: &mut Writer<'_>, value: &Value) {
    match value {
        Value::Null => writer.nil(),
        Value::Bool(value) => writer.bool(*value),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => writer.i64(whole),
            (None, float) => writer.f64(float.unwrap_or_default()),
        },
        Value::String(text) => writer.str(text),
        Value::Array(values) => {
            writer.array_len(values.len());
            for value in values {
                write_value(writer, value);
            }
        }
        Value::Object(pairs) => {
            writer.map_len(pairs.len());
            for (key, value) in pairs {
                writer.str(key);
                write_value(writer, value);
            }
        }
    }
}

fn value(reader: &mut Reader<'_>) -> Result<Value> {
    Ok(match reader.peek_kind().context("a value is missing")? {
        Kind::Nil => {
            reader.take_nil();
            Value::Null
        }
        Kind::Boolean => reader.bool()?.into(),
        Kind::Integer => match reader.clone().i64() {
            Ok(_) => reader.i64()?.into(),
            Err(_) => reader.u64()?.into(),
        },
        Kind::Float => reader.f64()?.into(),
        Kind::String => reader.str()?.into(),
        Kind::Binary => json!({ "bytes": reader.bin()? }),
        Kind::Extension => {
            let (kind, bytes) = reader.ext()?;
            json!({ "extension": kind, "bytes": bytes })
        }
        Kind::Array => {
            let length = reader.array_len()?;
            let values: Result<Vec<Value>> = (0..length).map(|_| value(reader)).collect();
            Value::Array(values?)
        }
        Kind::Map => {
            let mut object = Map::new();
            for _ in 0..reader.map_len()? {
                let key = value(reader)?;
                let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
                object.insert(key, value(reader)?);
            }
            Value::Object(object)
        }
        other => bail!("no value: {other:?}"),
    })
}
