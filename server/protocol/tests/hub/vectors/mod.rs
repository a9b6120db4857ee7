//! Every row of `vectors/hub-protocol.json`, in the direction it is meant for.

mod messages;
mod transport;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{base64, read};

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
