//! Taking apart what a server wrote, and writing it again from its parts.

use std::time::Duration;

use heliograph_protocol::legacy::{
    AnswerHead, ClientProtocol, Envelope, HubAnswer, HubOutcome, Negotiation, envelope_cursor,
    envelope_elements, envelope_groups, invocation_hub, response_elements, write_error,
    write_invocation, write_invocation_of, write_progress,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::support::{HERE, written};

/// All that an envelope can have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Response<'a> {
    #[serde(rename = "C")]
    cursor: Option<String>,
    #[serde(rename = "S")]
    init: Option<u8>,
    #[serde(rename = "T")]
    reconnect: Option<u8>,
    #[serde(rename = "G")]
    groups: Option<String>,
    #[serde(rename = "L")]
    delay: Option<u32>,
    #[serde(rename = "M", borrow, default)]
    elements: Vec<&'a RawValue>,
}

/// All that an answer can have but `T`, the stack of an error, which only a server in debugging
/// shows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer<'a> {
    #[serde(rename = "S", borrow)]
    state: Option<&'a RawValue>,
    #[serde(rename = "R", borrow)]
    result: Option<&'a RawValue>,
    #[serde(rename = "I")]
    id: Option<String>,
    #[serde(rename = "P", borrow)]
    progress: Option<Progress<'a>>,
    #[serde(rename = "H")]
    is_hub_exception: Option<bool>,
    #[serde(rename = "E")]
    error: Option<String>,
    #[serde(rename = "D", borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Progress<'a> {
    #[serde(rename = "I")]
    id: String,
    #[serde(rename = "D", borrow)]
    value: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Invocation<'a> {
    #[serde(rename = "H")]
    hub: String,
    #[serde(rename = "M")]
    method: String,
    #[serde(rename = "A", borrow)]
    arguments: &'a RawValue,
    #[serde(rename = "S", borrow)]
    state: Option<&'a RawValue>,
}

/// Whether the elements of an envelope belong to hubs, or are whatever the app sends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Elements {
    OfHubs,
    OfTheApp,
}

/// What our writers make of an envelope's parts, and what was recorded with our cursor in it.
pub(crate) fn envelope(json: &str, of: Elements) -> (String, String) {
    let parsed: Response<'_> = serde_json::from_str(json).unwrap();
    let elements: Vec<Vec<u8>> = parsed
        .elements
        .iter()
        .map(|raw| match of {
            Elements::OfHubs => element(raw.get()).into_bytes(),
            Elements::OfTheApp => raw.get().as_bytes().to_vec(),
        })
        .collect();
    let envelope = Envelope {
        init: parsed.init.is_some_and(|flag| flag != 0),
        reconnect: parsed.reconnect.is_some_and(|flag| flag != 0),
        groups: parsed.groups.as_deref(),
        delay: parsed.delay,
        ..Envelope::at(HERE)
    };
    let ours = written(|out| envelope.write(out, elements.iter().map(Vec::as_slice)));
    assert_eq!(envelope_cursor(ours.as_bytes()), Some(HERE), "{ours}");
    assert_eq!(envelope_groups(ours.as_bytes()), envelope.groups, "{ours}");
    let inside = response_elements(ours.as_bytes());
    let cheap = envelope_elements(ours.as_bytes());
    assert_eq!(cheap, inside.map(str::as_bytes), "{ours}");
    let cursor = |text: &str| format!("{{\"C\":\"{text}\"");
    let theirs = parsed.cursor.unwrap_or_default();
    let recorded = json.replacen(&cursor(&theirs), &cursor(&HERE.to_string()), 1);
    (ours, recorded)
}

/// An element of an envelope, written again.
fn element(json: &str) -> String {
    if AnswerHead::parse(json.as_bytes()).is_some() {
        return answer(json);
    }
    let parsed: Invocation<'_> = serde_json::from_str(json).unwrap();
    let hub = invocation_hub(json.as_bytes());
    assert_eq!(hub.as_deref(), Some(&*parsed.hub), "{json}");
    let Invocation { hub, method, .. } = &parsed;
    let arguments = parsed.arguments.get();
    let state = parsed.state.map(RawValue::get);
    let whole = written(|out| write_invocation(out, hub, method, arguments, state));
    if state.is_none() {
        let arguments: Vec<&RawValue> = serde_json::from_str(arguments).unwrap();
        let arguments = arguments.iter().map(|raw| raw.get().as_bytes());
        let one_by_one = written(|out| write_invocation_of(out, hub, method, arguments));
        assert_eq!(one_by_one, whole);
    }
    whole
}

/// An answer or progress, written again.
pub(crate) fn answer(json: &str) -> String {
    let parsed: Answer<'_> = serde_json::from_str(json).unwrap();
    let head = AnswerHead::parse(json.as_bytes()).unwrap();
    assert_eq!(head.id.as_deref(), parsed.id.as_deref(), "{json}");
    assert_eq!(head.is_progress, parsed.progress.is_some(), "{json}");
    if let Some(Progress { id, value }) = parsed.progress {
        return written(|out| write_progress(out, &id, value.get()));
    }
    let outcome = match (parsed.error.as_deref(), parsed.result) {
        (Some(text), None) if parsed.is_hub_exception == Some(true) => HubOutcome::HubException {
            text,
            data: parsed.data.map(RawValue::get),
        },
        (Some(text), None) => HubOutcome::Error(text),
        (None, Some(value)) => HubOutcome::Value(value.get()),
        (None, None) => HubOutcome::Nothing,
        (Some(_), Some(_)) => panic!("an error with a result: {json}"),
    };
    let answer = HubAnswer {
        state: parsed.state.map(RawValue::get),
        id: parsed.id.as_deref(),
        outcome,
    };
    written(|out| answer.write(out))
}

/// An error for the whole connection, written again.
pub(crate) fn error(json: &str) -> String {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Parsed {
        #[serde(rename = "E")]
        text: String,
    }
    let parsed: Parsed = serde_json::from_str(json).unwrap();
    written(|out| write_error(out, &parsed.text))
}

/// The answer to `/negotiate`, written again for a client that named this version.
pub(crate) fn negotiation(json: &str, client_protocol: Option<&str>) -> String {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "PascalCase")]
    struct Parsed {
        url: String,
        connection_token: String,
        connection_id: String,
        keep_alive_timeout: Option<f64>,
        disconnect_timeout: f64,
        connection_timeout: f64,
        try_web_sockets: bool,
        #[serde(rename = "ProtocolVersion")]
        _protocol_version: String,
        transport_connect_timeout: f64,
        long_poll_delay: f64,
    }
    let parsed: Parsed = serde_json::from_str(json).unwrap();
    let negotiation = Negotiation {
        url: &parsed.url,
        connection_token: &parsed.connection_token,
        connection_id: &parsed.connection_id,
        keep_alive_timeout: parsed.keep_alive_timeout.map(Duration::from_secs_f64),
        disconnect_timeout: Duration::from_secs_f64(parsed.disconnect_timeout),
        connection_timeout: Duration::from_secs_f64(parsed.connection_timeout),
        try_web_sockets: parsed.try_web_sockets,
        protocol: ClientProtocol::parse(client_protocol),
        transport_connect_timeout: Duration::from_secs_f64(parsed.transport_connect_timeout),
        long_poll_delay: Duration::from_secs_f64(parsed.long_poll_delay),
    };
    written(|out| negotiation.write(out))
}
