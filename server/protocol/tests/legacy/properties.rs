//! What must hold for all messages and for all bytes.

use std::time::Duration;

use heliograph_protocol::legacy::framing::{
    frame_id, is_callback, write_event, write_frame_message, write_jsonp,
};
use heliograph_protocol::legacy::{
    AnswerHead, AppNegotiation, ClientProtocol, Cursor, Envelope, HubAnswer, HubCall, HubOutcome,
    LegacyTransport, Negotiation, connection_data, envelope_cursor, envelope_elements,
    envelope_groups, invocation_hub, proxy_script, response_elements, write_error,
    write_invocation, write_invocation_of, write_progress,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::written;

/// Text with many of the characters that are written in a way of their own.
fn words() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        any::<char>(),
        proptest::sample::select(vec![
            '\u{85}', '\u{2028}', '\u{2029}', '\u{2027}', '\u{84}', '\u{c2}'
        ]),
        proptest::sample::select(vec![
            '"', '\\', '<', '>', '&', '/', '\n', '\r', '\u{7f}', '\0'
        ]),
        proptest::char::range('a', 'z'),
    ];
    prop::collection::vec(character, 0..12).prop_map(String::from_iter)
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        words().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(words(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn values() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(value(), 0..4)
}

fn state() -> impl Strategy<Value = Option<Value>> {
    let object = prop::collection::hash_map(words(), value(), 0..3)
        .prop_map(|map| Value::Object(map.into_iter().collect()));
    prop::option::of(object)
}

fn cursor() -> impl Strategy<Value = Cursor> {
    (any::<u32>(), any::<u64>()).prop_map(|(epoch, number)| Cursor { epoch, number })
}

/// Bytes that get further into a parser than any would.
fn nearly_json() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..64),
        "[\\[\\]{}\":,HMAISCPGLE01\\\\\u{2028} u-]{0,48}".prop_map(String::into_bytes),
        (value(), any::<usize>()).prop_map(|(value, cut)| {
            let mut bytes = value.to_string().into_bytes();
            bytes.truncate(cut % (bytes.len() + 1));
            bytes
        }),
    ]
}

/// Reads JSON that must have nothing in it that ends a line of a script.
fn read(json: &str) -> Value {
    assert!(!json.contains(['\u{85}', '\u{2028}', '\u{2029}']), "{json}");
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"))
}

/// All that reads what others wrote.
fn read_everything(bytes: &[u8]) {
    let _ = HubCall::parse(bytes).map_err(|error| error.to_string());
    let _ = AnswerHead::parse(bytes);
    let _ = AppNegotiation::parse(bytes).map_err(|error| error.to_string());
    let _ = (invocation_hub(bytes), response_elements(bytes));
    let _ = (
        envelope_cursor(bytes),
        envelope_groups(bytes),
        envelope_elements(bytes),
    );
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = connection_data(text).map_err(|error| error.to_string());
        let _ = (
            ClientProtocol::parse(Some(text)),
            LegacyTransport::parse(text),
        );
        let _ = (Cursor::parse(text), frame_id(text), is_callback(text));
        let _ = (
            proxy_script::hub_property(text),
            proxy_script::method_property(text),
        );
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in nearly_json()) {
        read_everything(&bytes);
    }

    #[test]
    fn no_truncated_message_makes_a_reader_panic(hub in words(), values in values(), place in cursor()) {
        let arguments = Value::from(values).to_string();
        let element = written(|out| write_invocation(out, &hub, "m", &arguments, Some("{}")));
        let envelope = Envelope { init: true, groups: Some(&hub), ..Envelope::at(place) };
        let whole = written(|out| envelope.write(out, [element.as_bytes()]));
        for end in 0..whole.len() {
            read_everything(&whole.as_bytes()[..end]);
            prop_assert_eq!(response_elements(&whole.as_bytes()[..end]), None);
        }
    }

    #[test]
    fn call_is_read_as_any_reader_of_json_does(
        hub in words(), method in words(), values in values(), id in prop_oneof![
            Just(Value::Null), any::<i64>().prop_map(Value::from), words().prop_map(Value::from),
        ],
        state in state(),
    ) {
        let call = json!({ "H": hub, "m": method, "A": values, "i": id, "S": state, "x": [{}] });
        let text = call.to_string();
        let read = HubCall::parse(text.as_bytes()).unwrap();
        prop_assert_eq!(&*read.hub, hub);
        prop_assert_eq!(&*read.method, method);
        prop_assert_eq!(read.arguments, Value::from(values).to_string());
        let text = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        prop_assert_eq!(read.id.as_deref(), Some(&*text).filter(|_| !id.is_null()));
        let state = state.as_ref().map(Value::to_string);
        prop_assert_eq!(read.state, state.as_deref());
    }

    #[test]
    fn answer_says_what_it_was_given(
        state in state(), id in prop::option::of(words()), text in words(), value in value(),
    ) {
        let json = value.to_string();
        let changed = state.as_ref().map(Value::to_string);
        for (outcome, mut expected) in [
            (HubOutcome::Nothing, json!({})),
            (HubOutcome::Value(&json), json!({ "R": value })),
            (HubOutcome::Error(&text), json!({ "E": text })),
            (HubOutcome::HubException { text: &text, data: None }, json!({ "H": true, "E": text })),
            (
                HubOutcome::HubException { text: &text, data: Some(&json) },
                json!({ "H": true, "E": text, "D": value }),
            ),
        ] {
            let answer = HubAnswer { state: changed.as_deref(), id: id.as_deref(), outcome };
            let answer = written(|out| answer.write(out));
            let members = expected.as_object_mut().unwrap();
            members.retain(|name, value| name != "R" || !value.is_null());
            members.insert("I".to_owned(), json!(id));
            members.extend(state.iter().map(|state| ("S".to_owned(), state.clone())));
            prop_assert_eq!(read(&answer), expected);
            let head = AnswerHead::parse(answer.as_bytes()).unwrap();
            prop_assert_eq!((head.id.as_deref(), head.is_progress), (id.as_deref(), false));
        }
        let id = id.unwrap_or_default();
        let progress = written(|out| write_progress(out, &id, &json));
        let outer = format!("P|{id}");
        prop_assert_eq!(read(&progress), json!({ "I": outer, "P": { "I": id, "D": value } }));
        let head = AnswerHead::parse(progress.as_bytes()).unwrap();
        prop_assert_eq!((head.id.as_deref(), head.is_progress), (Some(&*outer), true));
    }

    #[test]
    fn call_of_a_client_says_what_it_was_given(
        hub in words(), method in words(), values in values(), state in state(),
    ) {
        let arguments = Value::from(values.clone()).to_string();
        let changed = state.as_ref().map(Value::to_string);
        let whole =
            written(|out| write_invocation(out, &hub, &method, &arguments, changed.as_deref()));
        let mut expected = json!({ "H": hub, "M": method, "A": values });
        let one_by_one: Vec<_> = values.iter().map(|value| value.to_string().into_bytes()).collect();
        let one_by_one = one_by_one.iter().map(Vec::as_slice);
        let one_by_one = written(|out| write_invocation_of(out, &hub, &method, one_by_one));
        prop_assert_eq!(read(&one_by_one), expected.clone());
        expected.as_object_mut().unwrap().extend(state.map(|state| ("S".to_owned(), state)));
        prop_assert_eq!(read(&whole), expected);
        let found = invocation_hub(whole.as_bytes());
        prop_assert_eq!(found.as_deref(), Some(&*hub));
        // Any order of members will do.
        let reordered = json!({ "M": method, "A": [{ "H": 1 }], "H": hub }).to_string();
        let found = invocation_hub(reordered.as_bytes());
        prop_assert_eq!(found.as_deref(), Some(&*hub));
    }

    #[test]
    fn envelope_gives_back_what_it_holds(
        place in cursor(), flags in any::<(bool, bool, bool)>(), delay in prop::option::of(1..u32::MAX),
        groups in prop::option::of("[A-Za-z0-9_-]{0,8}"), values in values(),
    ) {
        let (init, disconnect, reconnect) = flags;
        let groups = groups.as_deref();
        let envelope = Envelope { cursor: place, init, disconnect, reconnect, groups, delay };
        let elements: Vec<_> = values.iter().map(Value::to_string).collect();
        let elements = elements.iter().map(String::as_bytes);
        let json = written(|out| envelope.write(out, elements));
        let mut expected = json!({ "C": place.to_string(), "M": values });
        let members = expected.as_object_mut().unwrap();
        members.extend(init.then(|| ("S".to_owned(), json!(1))));
        members.extend(disconnect.then(|| ("D".to_owned(), json!(1))));
        members.extend(reconnect.then(|| ("T".to_owned(), json!(1))));
        members.extend(groups.map(|groups| ("G".to_owned(), json!(groups))));
        members.extend(delay.map(|delay| ("L".to_owned(), json!(delay))));
        prop_assert_eq!(read(&json), expected);
        prop_assert_eq!(envelope_cursor(json.as_bytes()), Some(place));
        prop_assert_eq!(envelope_groups(json.as_bytes()), groups);
        let elements = envelope_elements(json.as_bytes()).unwrap();
        prop_assert_eq!(response_elements(json.as_bytes()), std::str::from_utf8(elements).ok());
        // What came in one envelope goes into the next as it is.
        let again = written(|out| envelope.write(out, (!values.is_empty()).then_some(elements)));
        prop_assert_eq!(again, json);
    }

    #[test]
    fn cursor_is_read_only_where_it_would_be_written(place in cursor(), text in "[0-9a-fA-F+ -]{0,12}") {
        prop_assert_eq!(Cursor::parse(&place.to_string()), Some(place));
        if let Some(read) = Cursor::parse(&text) {
            prop_assert_eq!(read.to_string(), text);
        }
    }

    #[test]
    fn version_is_echoed_once_and_for_all(text in "[0-3](\\.[0-9]{1,2}){0,4}") {
        let protocol = ClientProtocol::parse(Some(&text));
        let echo = protocol.to_string();
        prop_assert_eq!(ClientProtocol::parse(Some(&echo)).to_string(), &*echo);
        prop_assert_eq!(ClientProtocol::parse(Some(&protocol.asked().to_string())), protocol);
        prop_assert_eq!(protocol.has_start(), ClientProtocol::parse(Some(&echo)).has_start());
    }

    #[test]
    fn list_of_hubs_is_read(names in prop::collection::hash_set("[a-z\"\\\\\u{2028}]{0,6}", 0..6)) {
        let names: Vec<_> = names.into_iter().collect();
        let hubs: Vec<_> = names.iter().map(|name| json!({ "x": [name], "nAmE": name })).collect();
        let text = Value::from(hubs).to_string();
        prop_assert_eq!(connection_data(&text).unwrap(), names);
    }

    #[test]
    fn no_payload_breaks_out_of_its_frame(value in value(), callback in "x[a-z0-9$_]{0,7}(\\.x[a-z0-9]{0,3})?") {
        let compact = value.to_string();
        let pretty = serde_json::to_string_pretty(&value).unwrap().replace('\n', "\r\n");
        for payload in [compact.as_bytes(), pretty.as_bytes()] {
            let event = written(|out| write_event(out, payload));
            let line = event.strip_prefix("data: ").unwrap().strip_suffix("\n\n").unwrap();
            prop_assert!(!line.contains(['\r', '\n']));
            prop_assert_eq!(read(line), value.clone());

            let message = written(|out| write_frame_message(out, payload));
            let inside = message.strip_prefix("<script>r(c, ").unwrap();
            let inside = inside.strip_suffix(");</script>\r\n").unwrap();
            prop_assert!(!inside.contains(['<', '>']));
            prop_assert_eq!(read(inside), value.clone());

            prop_assert!(is_callback(&callback), "{}", callback);
            let script = written(|out| write_jsonp(out, &callback, payload));
            let inside = script.strip_prefix(&format!("{callback}(")).unwrap();
            prop_assert_eq!(read(inside.strip_suffix(");").unwrap()), value.clone());
        }
    }

    #[test]
    fn negotiation_is_json_whatever_it_says(
        url in words(), token in words(), id in words(), times in any::<[u32; 5]>(), watched: bool,
    ) {
        let [keep_alive, disconnect, poll, connect, delay] =
            times.map(|millis| Duration::from_millis(millis.into()));
        let negotiation = Negotiation {
            url: &url,
            connection_token: &token,
            connection_id: &id,
            keep_alive_timeout: watched.then_some(keep_alive),
            disconnect_timeout: disconnect,
            connection_timeout: poll,
            try_web_sockets: watched,
            protocol: ClientProtocol::parse(Some("2.1")),
            transport_connect_timeout: connect,
            long_poll_delay: delay,
        };
        let json = written(|out| negotiation.write(out));
        let expected = json!({
            "Url": url,
            "ConnectionToken": token,
            "ConnectionId": id,
            "KeepAliveTimeout": watched.then_some(keep_alive.as_secs_f64()),
            "DisconnectTimeout": disconnect.as_secs_f64(),
            "ConnectionTimeout": poll.as_secs_f64(),
            "TryWebSockets": watched,
            "ProtocolVersion": "2.0",
            "TransportConnectTimeout": connect.as_secs_f64(),
            "LongPollDelay": delay.as_secs_f64(),
        });
        prop_assert_eq!(read(&json), expected);
        let told = AppNegotiation::Plain {
            connection_id: id.into(),
            connection_token: token.into(),
        };
        prop_assert_eq!(AppNegotiation::parse(json.as_bytes()), Ok(told));
    }

    #[test]
    fn error_is_json_whatever_it_says(text in words()) {
        let json = written(|out| write_error(out, &text));
        prop_assert_eq!(read(&json), json!({ "E": text }));
    }
}

#[test]
fn callbacks_are_names_and_nothing_more() {
    for good in ["a", "jQuery1_2", "$", "_.b.c9", "ünï", "of"] {
        assert!(is_callback(good), "{good}");
    }
    let bad = [
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "1a",
        "a b",
        "a-b",
        "a(b",
        "a[0]",
        "alert(1);a",
        "a\u{2028}",
        "if",
        "a.class",
        "null",
        "</script>",
        "a/*",
        "eval",
    ];
    for bad in bad {
        assert!(!is_callback(bad), "{bad}");
    }
}
