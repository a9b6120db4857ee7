//! Rows of hub messages in either encoding.

use heliograph_protocol::hub::{
    Close, Deframer, Encoding, Message, PayloadError, parse, scan, write,
};
use serde_json::{Value, json};

use super::{Row, rows};
use crate::support::{frames, normal, only_frame, semantic};

#[test]
fn json_messages_are_read_and_written() {
    messages(Encoding::Json, "json");
}

#[test]
fn messagepack_messages_are_read_and_written() {
    messages(Encoding::MessagePack, "messagepack");
}

fn messages(encoding: Encoding, protocol: &str) {
    let (rows, others) = rows(protocol);
    assert!(rows.len() > 150);
    for row in rows {
        let id = &row.id;
        match row.direction.as_str() {
            "both" | "parse" | "write" | "binding-error" => {
                // The TypeScript client writes JSON keys in another order and leaves out streams.
                let same = row.direction == "both"
                    || (row.direction == "write" && !id.contains("/observed_ts"));
                read_row(encoding, &row, same);
            }
            "parse-error" => {
                let frame = only_frame(encoding, &row.bytes);
                let error = parse(encoding, &frame).expect_err(id);
                assert_eq!(error.to_string(), row.error(), "{id}");
            }
            "incomplete" => {
                let mut deframer = Deframer::new(encoding, usize::MAX);
                assert_eq!(deframer.next_frame(&mut &*row.bytes), Ok(None), "{id}");
                assert!(deframer.is_mid_message());
            }
            "write-size" => {
                let size = row.json["framedBytes"].as_u64().unwrap();
                let constructor = row.json["constructor"].as_str().unwrap();
                let written = construct(encoding, constructor);
                assert_eq!(written.len() as u64, size, "{id} {written:?}");
            }
            other => panic!("{id}: {other}"),
        }
    }
    for row in others {
        let mut deframer = Deframer::new(encoding, usize::MAX);
        let Some(frame) = deframer.next_frame(&mut &*row.bytes).unwrap() else {
            assert!(row.id.contains("rrorWh"), "{} is incomplete", row.id);
            continue;
        };
        let parsed = parse(encoding, &frame);
        match row.id.as_str() {
            "messagepack/CompletionResultMissing" => {
                let failed = json!({ "$failed": PayloadError::Value.to_string() });
                assert_eq!(semantic(&parsed.unwrap())["result"], failed);
            }
            "messagepack/CompletionResultTypeMismatch" => {
                assert_eq!(semantic(&parsed.unwrap())["result"], 42);
            }
            id => assert_ne!(parsed.expect_err(id).to_string(), row.error(), "{id}"),
        }
    }
}

/// Reads a row's bytes, and writes what was read where that must give the same bytes.
fn read_row(encoding: Encoding, row: &Row, same: bool) {
    let id = &row.id;
    let expected = match (row.json.get("messages"), row.json.get("message")) {
        (Some(messages), _) => messages.as_array().unwrap().clone(),
        (None, Some(message)) => vec![message.clone()],
        (None, None) => Vec::new(),
    };
    let mut rewritten = Vec::new();
    let frames = frames(encoding, &row.bytes);
    for (index, frame) in frames.iter().enumerate() {
        let message = parse(encoding, frame).unwrap_or_else(|error| panic!("{id}: {error}"));
        assert_eq!(scan(encoding, frame), Ok(message.message_type()), "{id}");
        let found = semantic(&message);
        if let Some(expected) = expected.get(index) {
            let mut expected = normal(expected);
            let expected = expected.as_object_mut().unwrap();
            if !expected.contains_key("arguments") && found.get("arguments").is_some() {
                expected.insert("arguments".to_owned(), found["arguments"].clone());
            }
            assert_eq!(found, Value::Object(expected.clone()), "{id}");
        } else if let Some(failed) = found["arguments"]["$failed"].as_str() {
            // A failed binding that is visible without the types of the parameters.
            assert_eq!(failed, row.error(), "{id}");
        } else {
            assert_eq!(row.direction, "binding-error", "{id}");
        }
        if same {
            write::message(encoding, &mut rewritten, &message).unwrap();
        }
    }
    if same {
        assert_eq!(rewritten, row.bytes, "{id}");
    }
}

/// Writes what a row names by its .NET constructor.
fn construct(encoding: Encoding, constructor: &str) -> Vec<u8> {
    let one: &[u8] = if encoding == Encoding::Json {
        b"1"
    } else {
        &[1]
    };
    let nil: &[u8] = if encoding == Encoding::Json {
        b"null"
    } else {
        &[0xc0]
    };
    let mut out = Vec::new();
    // Streams can be given only with a whole message; it is read from one without them.
    let with_stream = |written: Vec<u8>| {
        let mut message = parse(encoding, &written).unwrap();
        match &mut message {
            Message::Invocation(call) => call.stream_ids.push("2".into()),
            Message::StreamInvocation(call) => call.stream_ids.push("2".into()),
            other => panic!("{other:?}"),
        }
        let mut out = Vec::new();
        write::message(encoding, &mut out, &message).unwrap();
        out
    };
    match constructor {
        "new InvocationMessage(\"Target\", { 1 })" => {
            write::invocation(encoding, &mut out, None, "Target", &[one]);
        }
        "new InvocationMessage(\"1\", \"Target\", { 1 })" => {
            write::invocation(encoding, &mut out, Some("1"), "Target", &[one]);
        }
        "new InvocationMessage(\"1\", \"Target\", { 1 }, { \"2\" })" => {
            write::invocation(encoding, &mut out, Some("1"), "Target", &[one]);
            return with_stream(out);
        }
        "CloseMessage.Empty" => write::close(encoding, &mut out, &Close::default()),
        "new CloseMessage(\"error\")" => {
            let close = Close {
                error: Some("error".into()),
                allow_reconnect: false,
            };
            write::close(encoding, &mut out, &close);
        }
        "new StreamItemMessage(\"1\", null)" => write::stream_item(encoding, &mut out, "1", nil),
        "new StreamItemMessage(\"1\", 1)" => write::stream_item(encoding, &mut out, "1", one),
        "CompletionMessage.Empty(\"1\")" => write::completion_void(encoding, &mut out, "1"),
        "CompletionMessage.WithResult(\"1\", 1)" => {
            write::completion_result(encoding, &mut out, "1", one);
        }
        "CompletionMessage.WithError(\"1\", \"error\")" => {
            write::completion_error(encoding, &mut out, "1", "error");
        }
        "new StreamInvocationMessage(\"1\", \"target\", [])" => {
            write::stream_invocation(encoding, &mut out, "1", "target", &[]);
        }
        "new StreamInvocationMessage(\"1\", \"target\", [], { \"2\" })" => {
            write::stream_invocation(encoding, &mut out, "1", "target", &[]);
            return with_stream(out);
        }
        "new CancelInvocationMessage(\"1\")" => write::cancel_invocation(encoding, &mut out, "1"),
        "PingMessage.Instance" => write::ping(encoding, &mut out),
        other => panic!("{other}"),
    }
    out
}
