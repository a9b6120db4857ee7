//! Every row of `vectors/hub-protocol.json`, in the direction it is meant for.

use std::collections::BTreeSet;

use heliograph_protocol::hub::negotiate::{
    self, NegotiateAnswer, NegotiateError, NegotiateRequest, NegotiateResponse, Transport,
};
use heliograph_protocol::hub::sse::{self, EventParser};
use heliograph_protocol::hub::{
    Close, Deframer, Encoding, HandshakeRequest, HandshakeResponse, Message, PayloadError, parse,
    scan, write,
};
use heliograph_protocol::wire::varint;
use serde_json::{Value, json};

use crate::support::{base64, frames, normal, read, semantic};

/// Rows that describe another implementation where it differs from the .NET server, which is what
/// we follow. Each is run all the same, to see that it does differ.
const OTHERS: &[(&str, &str)] = &[
    (
        "json/ts_parse_01",
        "TypeScript takes an error beside a null result",
    ),
    (
        "json/ts_error_Invocation_message_with_empty_string_invocation_id",
        "TypeScript refuses an empty id; it also leaves out the arguments, which we require",
    ),
    (
        "json/ts_error_message_with_empty_payload",
        "TypeScript wording",
    ),
    (
        "json/ts_error_Invocation_message_with_invalid_invocation_id",
        "TypeScript wording",
    ),
    (
        "json/ts_error_Invocation_message_with_invalid_target",
        "TypeScript wording",
    ),
    (
        "json/ts_error_StreamItem_message_with_missing_invocation_id",
        "TypeScript wording",
    ),
    (
        "json/ts_error_StreamItem_message_with_invalid_invocation_id",
        "TypeScript wording",
    ),
    (
        "json/ts_error_Completion_message_with_missing_invocation_id",
        "TypeScript wording",
    ),
    (
        "json/ts_error_Completion_message_with_invalid_invocation_id",
        "TypeScript wording",
    ),
    (
        "json/ts_error_Completion_message_with_result_and_error",
        "TypeScript wording",
    ),
    (
        "json/ts_error_Completion_message_with_non_string_error",
        "TypeScript wording",
    ),
    (
        "json/java_parseSingleUnsupportedStreamInvocationMessage",
        "Java wording",
    ),
    (
        "json/java_parseSingleUnsupportedCancelInvocationMessage",
        "Java wording",
    ),
    (
        "json/java_errorWhileParsingIncompleteMessage",
        "Java refuses what we wait for",
    ),
    (
        "messagepack/ts_error_message_with_no_payload",
        "TypeScript wording",
    ),
    (
        "messagepack/ts_error_message_with_empty_array",
        "TypeScript wording",
    ),
    (
        "messagepack/ts_error_message_without_outer_array",
        "TypeScript wording",
    ),
    (
        "messagepack/ts_error_message_with_invalid_headers",
        "TypeScript wording",
    ),
    (
        "messagepack/ts_error_Invocation_message_with_invalid_invocation_id",
        "TypeScript wording",
    ),
    (
        "messagepack/ts_error_StreamItem_message_with_invalid_invocation_id",
        "TypeScript wording",
    ),
    (
        "messagepack/ts_error_Completion_message_with_invalid_invocation_id",
        "TypeScript wording",
    ),
    (
        "messagepack/ts_error_Completion_message_with_missing_result",
        "TypeScript wording",
    ),
    (
        "messagepack/ts_error_Completion_message_with_missing_error",
        "TypeScript wording",
    ),
    (
        "messagepack/CompletionResultMissing",
        "fatal up to 6.0, a failed call since",
    ),
    (
        "messagepack/CompletionResultTypeMismatch",
        "needs the type; belongs to the embedded backend",
    ),
    (
        "messagepack/java_errorWhenLengthHeaderTooLong",
        "Java refuses what we wait for",
    ),
    (
        "messagepack/java_errorWhenLengthHeaderTooShort",
        "Java wording",
    ),
    (
        "framing-varint/ts_error_01",
        "TypeScript refuses what we wait for",
    ),
    (
        "framing-varint/ts_error_02",
        "TypeScript refuses what we wait for",
    ),
    (
        "framing-varint/ts_error_03",
        "TypeScript refuses what we wait for",
    ),
    (
        "framing-varint/ts_error_04",
        "TypeScript refuses what we wait for",
    ),
    ("framing-varint/ts_error_05", "TypeScript wording"),
    ("framing-varint/ts_error_06", "TypeScript wording"),
    ("framing-varint/ts_error_07", "TypeScript wording"),
    (
        "framing-varint/ts_error_08",
        "TypeScript refuses what we wait for",
    ),
    (
        "framing-varint/ts_error_09",
        "TypeScript refuses what we wait for",
    ),
    (
        "negotiate/java_NegotiateResponseIgnoresExtraProperties",
        "Java needs no transports",
    ),
    (
        "negotiate/java_NegotiateResponseIgnoresExtraComplexProperties",
        "Java needs no transports",
    ),
    (
        "negotiate/java_NegotiateResponseWithNegotiateVersion",
        "Java needs no token",
    ),
    (
        "negotiate/java_NegotiateResponseWithConnectionToken",
        "Java needs no transports",
    ),
];

struct Row {
    id: String,
    direction: String,
    bytes: Vec<u8>,
    json: Value,
}

impl Row {
    fn error(&self) -> &str {
        self.json["expectError"].as_str().unwrap_or_default()
    }
}

/// The rows of a protocol, those that describe another implementation apart.
fn rows(protocol: &str) -> (Vec<Row>, Vec<Row>) {
    let file = read("hub-protocol.json");
    let rows = file["vectors"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["protocol"] == protocol);
    let rows = rows.map(|row| Row {
        id: format!("{protocol}/{}", row["name"].as_str().unwrap()),
        direction: row["direction"].as_str().unwrap().to_owned(),
        bytes: row.get("base64").map(base64).unwrap_or_default(),
        json: row.clone(),
    });
    rows.partition(|row| !OTHERS.iter().any(|(id, _)| *id == row.id))
}

#[test]
fn every_exception_is_a_row() {
    let file = read("hub-protocol.json");
    let vectors = file["vectors"].as_array().unwrap();
    let ids: BTreeSet<String> = vectors
        .iter()
        .map(|row| {
            format!(
                "{}/{}",
                row["protocol"].as_str().unwrap(),
                row["name"].as_str().unwrap()
            )
        })
        .collect();
    for (id, reason) in OTHERS {
        assert!(ids.contains(*id), "{id} ({reason}) is no row any more");
    }
    assert_eq!(vectors.len(), 523);
}

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
                let frame = only_frame(encoding, &row);
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

fn only_frame(encoding: Encoding, row: &Row) -> Vec<u8> {
    let mut frames = frames(encoding, &row.bytes);
    assert_eq!(frames.len(), 1, "{}", row.id);
    frames.remove(0)
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

#[test]
fn handshakes_are_read_and_written() {
    let (rows, others) = rows("handshake");
    assert!(others.is_empty());
    for row in rows {
        let id = &row.id;
        if row.direction == "incomplete" {
            let mut deframer = Deframer::new(Encoding::Json, usize::MAX);
            assert_eq!(deframer.next_frame(&mut &*row.bytes), Ok(None), "{id}");
            continue;
        }
        let frame = only_frame(Encoding::Json, &row);
        let mut written = Vec::new();
        let found = if id.contains("response") {
            HandshakeResponse::parse(&frame).map(|response| {
                response.write(&mut written);
                json!({ "error": response.error })
            })
        } else {
            HandshakeRequest::parse(&frame).map(|request| {
                request.write(&mut written);
                json!({ "protocol": request.protocol, "version": request.version })
            })
        };
        match row.direction.as_str() {
            "parse-error" => assert_eq!(found.expect_err(id).to_string(), row.error(), "{id}"),
            direction => {
                assert_eq!(found.expect(id), row.json["message"], "{id}");
                if direction != "parse" {
                    assert_eq!(written, row.bytes, "{id}");
                }
            }
        }
    }
}

#[test]
fn text_framing_is_followed() {
    let (rows, others) = rows("framing-text");
    assert!(others.is_empty());
    for row in rows {
        let mut deframer = Deframer::new(Encoding::Json, usize::MAX);
        let mut input = &*row.bytes;
        for payload in row.json["payloads"].as_array().unwrap() {
            let frame = deframer.next_frame(&mut input).unwrap().unwrap();
            assert_eq!(
                frame.strip_suffix(b"\x1e"),
                Some(&*base64(payload)),
                "{}",
                row.id
            );
        }
        assert_eq!(input, base64(&row.json["remainder"]), "{}", row.id);
        assert_eq!(deframer.next_frame(&mut input), Ok(None), "{}", row.id);
    }
}

#[test]
fn binary_framing_is_followed() {
    let (rows, others) = rows("framing-varint");
    for row in rows {
        let id = &row.id;
        let mut deframer = Deframer::new(Encoding::MessagePack, usize::MAX);
        match row.direction.as_str() {
            "both" | "parse" => {
                let payloads: Vec<_> = row.json["payloads"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(base64)
                    .collect();
                let mut written = Vec::new();
                for payload in &payloads {
                    varint::write(&mut written, payload.len());
                    written.extend(payload);
                }
                assert_eq!(written, row.bytes, "{id}");
                let frames = frames(Encoding::MessagePack, &row.bytes);
                assert_eq!(frames.len(), payloads.len(), "{id}");
                for (frame, payload) in frames.iter().zip(payloads) {
                    assert!(frame.ends_with(&payload), "{id}");
                }
            }
            "incomplete" => {
                assert_eq!(deframer.next_frame(&mut &*row.bytes), Ok(None), "{id}");
            }
            "parse-error" => {
                let error = deframer.next_frame(&mut &*row.bytes).expect_err(id);
                assert_eq!(error.to_string(), row.error(), "{id}");
            }
            "write-prefix" => {
                let length = row.json["length"].as_u64().unwrap();
                let mut written = Vec::new();
                varint::write(&mut written, usize::try_from(length).unwrap());
                assert_eq!(written, row.bytes, "{id}");
            }
            other => panic!("{id}: {other}"),
        }
    }
    for row in others {
        let mut deframer = Deframer::new(Encoding::MessagePack, usize::MAX);
        let mut input = &*row.bytes;
        let end = loop {
            match deframer.next_frame(&mut input) {
                Ok(Some(_)) => {}
                other => break other,
            }
        };
        match end {
            Ok(_) => assert!(deframer.is_mid_message(), "{}", row.id),
            Err(error) => assert_ne!(error.to_string(), row.error(), "{}", row.id),
        }
    }
}

#[test]
fn negotiate_answers_are_read_and_written() {
    let (rows, others) = rows("negotiate");
    for row in rows {
        let id = &row.id;
        match row.direction.as_str() {
            "write" => assert_eq!(
                write_answer(&row),
                row.json["utf8"].as_str().unwrap(),
                "{id}"
            ),
            "parse-error" => {
                let error = negotiate::parse_answer(&row.bytes).expect_err(id);
                assert_eq!(error.to_string(), row.error(), "{id}");
            }
            _ => {
                let answer = negotiate::parse_answer(&row.bytes).expect(id);
                let message = &row.json["message"];
                match answer {
                    NegotiateAnswer::Connect(offer) => {
                        assert_eq!(json!(offer.connection_id), message["connectionId"], "{id}");
                        assert_eq!(json!(offer.connection_token), message["connectionToken"]);
                        assert_eq!(json!(offer.version), message["negotiateVersion"], "{id}");
                        let names = offer.transports.iter().map(|transport| &transport.name);
                        if let Some(transports) = message["transports"].as_array() {
                            assert!(
                                names.map(|name| json!(name)).eq(transports.iter().cloned()),
                                "{id}"
                            );
                        } else {
                            assert_eq!(id, "negotiate/java_VerifyNegotiateResponse");
                        }
                    }
                    NegotiateAnswer::Redirect(redirect) => {
                        assert_eq!(json!(redirect.url), message["url"], "{id}");
                        assert_eq!(json!(redirect.access_token), message["accessToken"], "{id}");
                    }
                    NegotiateAnswer::Error(error) => panic!("{id}: {error}"),
                }
            }
        }
    }
    for row in others {
        assert!(negotiate::parse_answer(&row.bytes).is_err(), "{}", row.id);
    }
}

fn write_answer(row: &Row) -> String {
    let message = &row.json["message"];
    let mut out = Vec::new();
    if let Some(error) = message["error"].as_str() {
        let ours = match error {
            "The client requested a non-integer protocol version." => NegotiateError::NotAnInteger,
            _ => NegotiateError::VersionTooLow(0),
        };
        negotiate::write_error(&mut out, &ours.to_string());
    } else if let Some(id) = message["connectionId"].as_str() {
        let response = NegotiateResponse {
            use_stateful_reconnect: message["useStatefulReconnect"] == true,
            connection_id: id,
            connection_token: message["connectionToken"].as_str(),
            transports: &Transport::ALL,
        };
        assert!(
            !format!("{response:?}").contains("BBBB"),
            "the token is in the debug text"
        );
        response.write(&mut out);
    } else {
        // The row has neither an id nor an address; a redirect is that plus the address.
        negotiate::write_redirect(&mut out, "u", None);
        return String::from_utf8(out)
            .unwrap()
            .replace("\"url\":\"u\",", "");
    }
    String::from_utf8(out).unwrap()
}

#[test]
fn negotiate_url_keeps_what_the_hub_url_says() {
    let (rows, others) = rows("negotiate-url");
    assert!(others.is_empty());
    for row in rows {
        let version = row.json["negotiateVersion"].as_i64().unwrap();
        let request = NegotiateRequest {
            version: i32::try_from(version).unwrap(),
            use_stateful_reconnect: false,
        };
        let url = request.url(row.json["hubUrl"].as_str().unwrap());
        assert_eq!(
            url,
            row.json["negotiateUrl"].as_str().unwrap(),
            "{}",
            row.id
        );
    }
}

#[test]
fn events_are_read_and_written() {
    let (rows, others) = rows("sse");
    assert!(others.is_empty());
    for row in rows {
        let id = &row.id;
        if row.direction == "write" {
            let mut out = Vec::new();
            sse::write_event(&mut out, &base64(&row.json["payload"]));
            assert_eq!(out, row.bytes, "{id}");
            continue;
        }
        for piece in 1..=row.bytes.len().max(1) {
            let mut parser = EventParser::new(1000);
            let first = row
                .bytes
                .chunks(piece)
                .map(|mut piece| parser.next_event(&mut piece))
                .find(|event| !matches!(event, Ok(None)))
                .unwrap_or(Ok(None));
            match row.direction.as_str() {
                "parse" => assert_eq!(first, Ok(Some(base64(&row.json["payload"]))), "{id}"),
                "incomplete" => assert_eq!(first, Ok(None), "{id}"),
                _ => assert_eq!(first.expect_err(id).to_string(), row.error(), "{id}"),
            }
        }
    }
}
