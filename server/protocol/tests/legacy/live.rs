//! Recorded conversations of a genuine server with genuine clients: what a client sent must be read
//! as the server read it, and what the server sent must be written again byte for byte.
//!
//! The one departure by our own choice is the cursor, which has another form; it is replaced before
//! bytes are compared.

use heliograph_protocol::legacy::framing::{
    FRAME_KEEP_ALIVE, SSE_START, frame_id, write_event, write_frame_message, write_frame_start,
    write_jsonp,
};
use heliograph_protocol::legacy::{
    AnswerHead, AppNegotiation, CallFault, HubCall, KEEP_ALIVE, LegacyTransport, PONG, STARTED,
    connection_data,
};
use serde_json::Value;

use crate::recording::{Exchange, exchanges};
use crate::rewrite::{Elements, answer, envelope, negotiation};
use crate::support::{files, read, rows, text, written};

/// What clients sent and the server did not take for a call: it answered 500, or not at all.
const NO_CALLS: [(&str, CallFault); 7] = [
    ("http-errors {}", CallFault::Missing("H")),
    ("http-errors hello", CallFault::Json),
    (
        r#"http-errors {"H":"conformance","A":[],"I":0}"#,
        CallFault::Missing("M"),
    ),
    ("http-ws-frames not json", CallFault::Json),
    ("http-ws-frames {}", CallFault::Missing("H")),
    ("http-ws-frames ", CallFault::Json),
    ("http-ws-frames []", CallFault::Json),
];

/// What the server took for a call and answered with an error, which is ours to make: an argument
/// that is nested too deep.
const ANSWERED_WITH_AN_ERROR: &str = r#"{"H":"conformance","M":"Echo","A":[[["#;

#[test]
fn every_call_is_read() {
    let mut calls = 0;
    let mut no_calls = Vec::new();
    for name in files("legacy-live") {
        let file = read(&name);
        for exchange in exchanges(&file) {
            if exchange.elements() == Elements::OfTheApp {
                continue;
            }
            let frames = exchange.frames.iter().filter(|frame| {
                frame["dir"] == "c>s" && frame["op"] == "text" && frame.get("bytes").is_none()
            });
            let frames = frames.map(|frame| text(frame, "data"));
            let fields = [&exchange.form, &exchange.query];
            let fields = fields.iter().filter_map(|fields| fields.get("data"));
            let fields = fields.filter(|_| exchange.is_whole).map(String::as_str);
            for message in frames.chain(fields) {
                let name = name
                    .trim_start_matches("legacy-live/")
                    .trim_end_matches(".json");
                match HubCall::parse(message.as_bytes()) {
                    Ok(call) => {
                        check_call(&call, message);
                        check_answer(&exchange, &call);
                        calls += 1;
                    }
                    Err(error) if message.starts_with(ANSWERED_WITH_AN_ERROR) => {
                        assert_eq!(error.fault(), CallFault::TooDeep("A"));
                        assert_eq!(error.id(), Some("1"));
                    }
                    Err(error) => no_calls.push((format!("{name} {message}"), error.fault())),
                }
            }
        }
    }
    let expected = NO_CALLS.map(|(text, fault)| (text.to_owned(), fault));
    assert_eq!(no_calls, expected);
    assert_eq!(calls, 424);
}

/// Compares a call with what a reader of any JSON finds in it.
fn check_call(call: &HubCall<'_>, message: &str) {
    let value: Value = serde_json::from_str(message).unwrap();
    let member = |name: &str| {
        let lower = name.to_lowercase();
        value.get(name).or_else(|| value.get(&lower)).cloned()
    };
    assert_eq!(member("H"), Some((&*call.hub).into()), "{message}");
    assert_eq!(member("M"), Some((&*call.method).into()), "{message}");
    let arguments: Value = serde_json::from_str(call.arguments).unwrap();
    let expected = member("A").unwrap_or_else(|| Value::Array(Vec::new()));
    assert_eq!(arguments, expected, "{message}");
    let id = member("I").map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned));
    assert_eq!(call.id.as_deref(), id.as_deref(), "{message}");
    let state = call.state.map(|state| serde_json::from_str(state).unwrap());
    assert_eq!(state, member("S"), "{message}");
}

/// A call over HTTP is answered in place, with its id.
fn check_answer(exchange: &Exchange<'_>, call: &HubCall<'_>) {
    if !exchange.has_suffix("/send") || exchange.status != 200 {
        return;
    }
    let Some(body) = exchange
        .body()
        .filter(|_| !exchange.query.contains_key("callback"))
    else {
        return;
    };
    let head = AnswerHead::parse(body.as_bytes()).unwrap();
    assert_eq!(
        (head.id, head.is_progress),
        (call.id.clone(), false),
        "{body}"
    );
}

#[test]
fn hubs_of_every_request_are_read() {
    let mut read_ones = 0;
    for name in files("legacy-live") {
        for exchange in exchanges(&read(&name)) {
            // Empty is as good as absent.
            let listed = exchange.query.get("connectionData");
            let Some(listed) = listed.filter(|text| !text.is_empty()) else {
                continue;
            };
            let Ok(hubs) = connection_data(listed) else {
                // What the server did not take either; an unknown hub is a good one to us.
                assert_eq!(exchange.status, 500, "{name}: {listed}");
                continue;
            };
            let value: Value = serde_json::from_str(listed).unwrap();
            let expected = rows(&value).iter().map(|hub| {
                let name = hub.get("name").or_else(|| hub.get("Name"));
                name.unwrap().as_str().unwrap()
            });
            assert!(expected.eq(hubs.iter().map(|hub| &**hub)), "{listed}");
            read_ones += 1;
        }
    }
    assert_eq!(read_ones, 1021);
}

/// How many of each kind have been written again.
#[derive(Default, Debug, PartialEq, Eq)]
struct Written {
    negotiations: usize,
    constants: usize,
    answers: usize,
    envelopes: usize,
    keep_alives: usize,
    frames: usize,
    streams: usize,
    forever_frames: usize,
    polls: usize,
    scripts: usize,
    clipped: usize,
}

#[test]
fn everything_from_the_server_is_written_again() {
    let mut seen = Written::default();
    for name in files("legacy-live") {
        let file = read(&name);
        for exchange in exchanges(&file) {
            let frames = exchange.frames.iter().filter(|frame| frame["dir"] == "s>c");
            for frame in frames.filter(|frame| frame["op"] == "text") {
                // A long frame is not recorded whole.
                if frame.get("bytes").is_some() {
                    seen.clipped += 1;
                    continue;
                }
                let payload = text(frame, "data");
                let (ours, recorded) = again(payload, exchange.elements(), &mut seen);
                assert_eq!(ours, recorded, "{name}");
                seen.frames += 1;
            }
            if exchange.status == 200 && !exchange.chunks.is_empty() {
                match exchange.body() {
                    Some(body) => check_body(&exchange, &body, &mut seen),
                    None => seen.clipped += 1,
                }
            }
        }
    }
    let expected = Written {
        negotiations: 178,
        constants: 145,
        answers: 419,
        envelopes: 418,
        keep_alives: 37,
        frames: 299,
        streams: 59,
        forever_frames: 8,
        polls: 141,
        scripts: 9,
        clipped: 2,
    };
    assert_eq!(seen, expected);
}

/// One payload that a server sends down, written again, and what it was.
fn again(payload: &str, of: Elements, seen: &mut Written) -> (String, String) {
    if payload.as_bytes() == KEEP_ALIVE {
        seen.keep_alives += 1;
        return (payload.to_owned(), payload.to_owned());
    }
    if AnswerHead::parse(payload.as_bytes()).is_some() {
        seen.answers += 1;
        return (answer(payload), payload.to_owned());
    }
    seen.envelopes += 1;
    envelope(payload, of)
}

fn check_body(exchange: &Exchange<'_>, body: &str, seen: &mut Written) {
    if let Some(callback) = exchange.query.get("callback") {
        let payload = body.strip_prefix(&format!("{callback}(")).unwrap();
        let payload = payload.strip_suffix(");").unwrap();
        assert_eq!(
            written(|out| write_jsonp(out, callback, payload.as_bytes())),
            body
        );
        check_document(exchange, payload, seen);
        seen.scripts += 1;
        return;
    }
    let streams = !["/negotiate", "/ping", "/start", "/send", "/hubs", "/js"]
        .iter()
        .any(|suffix| exchange.has_suffix(suffix));
    let transport = exchange.query.get("transport");
    match transport.and_then(|name| LegacyTransport::parse(name)) {
        Some(LegacyTransport::ServerSentEvents) if streams => check_events(exchange, body, seen),
        Some(LegacyTransport::ForeverFrame) if streams => check_frame(exchange, body, seen),
        Some(LegacyTransport::LongPolling) if streams => {
            // Each space is a sign of life.
            let payload = body.trim_start_matches(' ');
            let (ours, recorded) = again(payload, exchange.elements(), seen);
            assert_eq!(ours, recorded);
            seen.polls += 1;
        }
        _ => check_document(exchange, body, seen),
    }
}

/// A body that is one JSON document.
fn check_document(exchange: &Exchange<'_>, body: &str, seen: &mut Written) {
    if exchange.has_suffix("/negotiate") {
        let asked = exchange.query.get("clientProtocol").map(String::as_str);
        match AppNegotiation::parse(body.as_bytes()) {
            Ok(AppNegotiation::Plain { .. }) => {
                assert_eq!(negotiation(body, asked), body);
                seen.negotiations += 1;
            }
            told => check_told(told.ok(), body),
        }
    } else if exchange.has_suffix("/ping") {
        assert_eq!(body, PONG);
        seen.constants += 1;
    } else if exchange.has_suffix("/start") {
        assert_eq!(body, STARTED);
        seen.constants += 1;
    } else {
        let (ours, recorded) = again(body, exchange.elements(), seen);
        assert_eq!(ours, recorded);
    }
}

/// An app's own answer to negotiate.
fn check_told(told: Option<AppNegotiation<'_>>, body: &str) {
    let value: Value = serde_json::from_str(body).unwrap();
    match told {
        Some(AppNegotiation::Redirect { url, access_token }) => {
            assert_eq!(value["RedirectUrl"], *url);
            assert_eq!(
                value["AccessToken"].as_str().unwrap_or_default(),
                access_token
            );
        }
        Some(AppNegotiation::Error(text)) => assert_eq!(value["Error"], *text),
        _ => assert!(value.get("availableTransports").is_some(), "{body}"),
    }
}

fn check_events(exchange: &Exchange<'_>, body: &str, seen: &mut Written) {
    let mut rest = body
        .strip_prefix(std::str::from_utf8(SSE_START).unwrap())
        .unwrap();
    while !rest.is_empty() {
        let (event, after) = rest.split_once("\n\n").unwrap();
        let payload = event.strip_prefix("data: ").unwrap();
        let (ours, recorded) = again(payload, exchange.elements(), seen);
        let event = written(|out| write_event(out, ours.as_bytes()));
        assert_eq!(event, format!("data: {recorded}\n\n"));
        rest = after;
    }
    seen.streams += 1;
}

fn check_frame(exchange: &Exchange<'_>, body: &str, seen: &mut Written) {
    let number = frame_id(&exchange.query["frameId"]).unwrap();
    let start = written(|out| write_frame_start(out, number));
    let mut rest = body
        .strip_prefix(&start)
        .unwrap_or_else(|| panic!("{body}"));
    let keep_alive = std::str::from_utf8(FRAME_KEEP_ALIVE).unwrap();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(keep_alive) {
            seen.keep_alives += 1;
            rest = after;
            continue;
        }
        let (line, after) = rest.split_once("\r\n").unwrap();
        let payload = line.strip_prefix("<script>r(c, ").unwrap();
        let payload = payload.strip_suffix(");</script>").unwrap();
        // The brackets come back when the message is written.
        let bare = payload.replace("\\u003c", "<").replace("\\u003e", ">");
        let (ours, _) = again(&bare, exchange.elements(), seen);
        let (_, recorded) = again(payload, exchange.elements(), &mut Written::default());
        let message = written(|out| write_frame_message(out, ours.as_bytes()));
        assert_eq!(message, format!("<script>r(c, {recorded});</script>\r\n"));
        rest = after;
    }
    seen.forever_frames += 1;
}
