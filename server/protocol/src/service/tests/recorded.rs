use std::collections::BTreeMap;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::super::{Decoded, Message, Ping, Sender, ServiceClaims, Sticky, TokenClaims, decode};
use super::shown::{fields_of, hex};
use super::vectors::{as_json, encoded, expected_fields, load, message, unframed};
use crate::wire::Deframer;

fn recorded_dialogues() -> Vec<(String, Vec<Value>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors/azure-sdk-1.34");
    let mut dialogues = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let dialogue = load(&format!("azure-sdk-1.34/{name}"))["dialogue"].take();
        dialogues.push((name, dialogue.as_array().unwrap().clone()));
    }
    assert_eq!(dialogues.len(), 20);
    dialogues
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().collect();
    let byte = |pair: &[char]| u8::from_str_radix(&String::from_iter(pair), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

/// A recorded value without what the recorder did to it: readable text beside the bytes of
/// binaries, and tracing ids as text because they exceed 2^53.
fn plain(value: &Value) -> Value {
    match value {
        Value::Array(items) if items.len() == 2 && items[0] == 1 && items[1].is_string() => {
            json!([1, items[1].as_str().unwrap().parse::<u64>().unwrap()])
        }
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Object(entries) if entries.contains_key("bin") => json!({ "bin": entries["bin"] }),
        Value::Object(entries) => entries
            .iter()
            .map(|(key, value)| (key.clone(), plain(value)))
            .collect(),
        other => other.clone(),
    }
}

#[test]
fn recorded_dialogues_are_read_and_written_byte_for_byte() {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (file, dialogue) in recorded_dialogues() {
        for entry in dialogue.iter().filter(|entry| entry.get("hex").is_some()) {
            if entry.get("bytes").is_some() {
                // A message of 200 kB of which only the beginning was kept.
                *counts.entry("abridged").or_default() += 1;
                continue;
            }
            let framed = unhex(entry["hex"].as_str().unwrap());
            let frame = unframed(&framed);
            let at = format!("{file} at {} ms", entry["t"]);
            let decoded = plain(&entry["decoded"]);
            assert_eq!(as_json(frame), decoded, "{at}");
            if let Decoded::Unknown(number) = decode(frame).unwrap() {
                assert_eq!(number, 99, "{at}");
                *counts.entry("unknown").or_default() += 1;
                continue;
            }
            let message = message(frame);
            assert_eq!(json!(message.name()), entry["message"], "{at}");
            assert_eq!(fields_of(&message), expected_fields(&decoded), "{at}");
            // The stub service wrote these integers short; the SDK's own are wide.
            if entry["message"] == "ConnectionFlowControl" && entry["from"] == "service" {
                assert_eq!(as_json(unframed(&encoded(&message))), decoded, "{at}");
                *counts.entry("short flow control").or_default() += 1;
                continue;
            }
            assert_eq!(hex(&encoded(&message)), hex(&framed), "{at}");
            *counts.entry("messages").or_default() += 1;
        }
    }
    let expected = [
        ("abridged", 1),
        ("messages", 744),
        ("short flow control", 6),
        ("unknown", 1),
    ];
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn recorded_stream_of_a_connection_is_cut_where_its_messages_end() {
    for (_, dialogue) in recorded_dialogues() {
        let frames: Vec<Vec<u8>> = dialogue
            .iter()
            .filter(|entry| entry.get("hex").is_some() && entry.get("bytes").is_none())
            .map(|entry| unhex(entry["hex"].as_str().unwrap()))
            .collect();
        let stream = frames.concat();
        for piece in [1, 7, 1000, stream.len().max(1)] {
            let mut deframer = Deframer::new(1 << 20);
            let mut expected = frames.iter();
            for mut input in stream.chunks(piece) {
                while let Some(frame) = deframer.next_message(&mut input).unwrap() {
                    assert_eq!(frame, unframed(expected.next().unwrap()));
                }
            }
            assert!(expected.next().is_none());
        }
    }
}

#[test]
fn every_recorded_ping_has_a_purpose_and_is_written_byte_for_byte() {
    let mut pings = 0;
    let derived = load("service-protocol.json")["derived"].take();
    let recorded = recorded_dialogues()
        .into_iter()
        .flat_map(|(_, dialogue)| dialogue);
    for entry in derived.as_array().unwrap().iter().cloned().chain(recorded) {
        if entry["message"] != "Ping" {
            continue;
        }
        let framed = match entry.get("hex") {
            Some(hex) => unhex(hex.as_str().unwrap()),
            None => STANDARD
                .decode(entry["framedBase64"].as_str().unwrap())
                .unwrap(),
        };
        let from_app = entry["from"] == "app" || entry["direction"] == "server->service";
        let sender = if from_app {
            Sender::AppServer
        } else {
            Sender::Service
        };
        let Message::Ping { values } = message(unframed(&framed)) else {
            panic!("no ping")
        };
        let ping = Ping::parse(&values, sender);
        assert!(!matches!(ping, Ping::Other(_)), "{entry}");
        let mut out = Vec::new();
        ping.encode(&mut out);
        assert_eq!(hex(&out), hex(&framed), "{entry}");
        pings += 1;
    }
    assert_eq!(pings, 14 + 93);
}

#[test]
fn token_of_the_sdk_says_what_its_options_said() {
    let negotiate = load("azure-sdk-1.34/negotiate.json");
    let step = negotiate["dialogue"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["token"]["payload"]["asrs.s.uid"] == "alice")
        .unwrap();
    let token = step["body"]["accessToken"].as_str().unwrap();
    let payload = URL_SAFE_NO_PAD
        .decode(token.split('.').nth(1).unwrap())
        .unwrap();
    let claims: TokenClaims = serde_json::from_slice(&payload).unwrap();

    let found = ServiceClaims::from(&claims);
    assert_eq!(found.user_id.as_deref(), Some("alice"));
    assert!(found.server_name.unwrap().starts_with("app_"));
    assert_eq!(found.sticky, Sticky::Required);
    assert!(found.diagnostic && found.detailed_errors);
    assert_eq!(found.handshake_timeout.unwrap().as_secs(), 20);
    assert_eq!(found.max_poll_interval.unwrap().as_secs(), 17);
    assert_eq!(found.authentication_type.as_deref(), Some("Test"));
    assert!(!found.transports.unwrap().server_sent_events());
    assert_eq!(found.close_on_expiry_at, Some(1_795_249_999));

    let expanded = claims.expand();
    let types: Vec<&str> = expanded.iter().map(|(kind, _)| kind.as_str()).collect();
    let identity = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims";
    let role = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role";
    let name_identifier = format!("{identity}/nameidentifier");
    let name = format!("{identity}/name");
    let expected = [
        "asrs.s.uid",
        "asrs.s.sn",
        "asrs.s.ssticky",
        "asrs.s.dc",
        "asrs.s.cht",
        "asrs.s.aut",
        "asrs.s.derror",
        "asrs.s.ttl",
        "asrs.s.htt",
        "asrs.s.coae",
        "asrs.s.aeo",
        &name_identifier,
        "nameid",
        &name,
        "unique_name",
        role,
        role,
        "role",
        "role",
        "dept",
        &name_identifier,
        "sub",
        "asrs.u.sub",
        "asrs.u.exp",
    ];
    assert_eq!(types, expected);
}
