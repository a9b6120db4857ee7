//! The recordings, and their messages with the ids of this run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use heliograph_protocol::service::{Decoded, Extensions, Message, decode, encode};
use heliograph_protocol::wire::varint;
use serde_json::Value;

/// The text of the one message that is not recorded whole, and what it is an answer to.
const LARGE: (&str, usize) = ("100", 200_000);

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("protocol/vectors/legacy-appserver")
}

pub(crate) fn events(name: &str) -> Vec<Value> {
    let path = folder().join(format!("{name}.json"));
    let recording: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    recording["events"].as_array().unwrap().clone()
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

pub(crate) fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(text).collect()
}

/// The pairs of a recorded map.
pub(crate) fn pairs(value: &Value) -> Vec<(&str, &Value)> {
    let pairs = value["map"].as_array().unwrap().iter();
    pairs.map(|pair| (text(&pair[0]), &pair[1])).collect()
}

/// The JSON in a payload of an app server, as it must reach clients.
pub(crate) fn json(payload: &Value) -> String {
    let json = text(&payload["nested"][2]["text"]);
    if json.ends_with("characters") {
        return large();
    }
    json.to_owned()
}

/// The token of a client whose user the app knew as this.
pub(crate) fn client_token(user: Option<&str>) -> String {
    let answers = events("negotiate");
    let answer = answers.iter().find(|answer| {
        let payload = &answer["token"]["payload"];
        payload.is_object() && payload["asrs.s.uid"].as_str() == user
    });
    let body = text(&answer.unwrap()["body"]);
    let body: Value = serde_json::from_str(body).unwrap();
    text(&body["AccessToken"]).to_owned()
}

fn large() -> String {
    let (id, length) = LARGE;
    format!("{{\"R\":\"{}\",\"I\":\"{id}\"}}", "x".repeat(length))
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// The bytes of a message.
pub(crate) fn bytes(event: &Value) -> Vec<u8> {
    if let Some(hex) = event["hex"].as_str() {
        return unhex(hex);
    }
    let start = unhex(text(&event["hexStart"]));
    let whole = data(text(&event["message"][1]), &data("", large().as_bytes()));
    assert!(whole.starts_with(&start));
    assert_eq!(whole.len() as u64, event["bytes"].as_u64().unwrap());
    whole
}

fn data(connection_id: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let message = Message::ConnectionData {
        connection_id,
        payload,
        extensions: Extensions::default(),
    };
    encode(&message, &mut out);
    out
}

/// The same message of an app server with other connection ids: those that are known here.
pub(crate) fn with_ids(bytes: &[u8], known: &BTreeMap<String, String>) -> Vec<u8> {
    let prefix = varint::decode(bytes).unwrap().unwrap();
    let Ok(Decoded::Message(mut message)) = decode(&bytes[prefix.used..]) else {
        panic!("not a message")
    };
    if let Message::HandshakeRequest { .. } = message {
        // The SDK leaves out what we write.
        return bytes.to_vec();
    }
    let mut again = Vec::new();
    encode(&message, &mut again);
    assert_eq!(again, bytes, "{message:?}");
    let rename = |id: &mut &str| *id = known.get(*id).map_or(*id, |ours| leak(ours));
    match &mut message {
        Message::ConnectionData { connection_id, .. }
        | Message::CloseConnection { connection_id, .. }
        | Message::JoinGroupWithAck { connection_id, .. }
        | Message::LeaveGroupWithAck { connection_id, .. } => rename(connection_id),
        Message::BroadcastData {
            excluded_connection_ids,
            ..
        }
        | Message::GroupBroadcastData {
            excluded_connection_ids,
            ..
        } => excluded_connection_ids.iter_mut().for_each(rename),
        Message::UserData { .. } | Message::Ping { .. } => {}
        other => panic!("not said by a classic app server: {other:?}"),
    }
    let mut out = Vec::new();
    encode(&message, &mut out);
    out
}

fn leak(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}
