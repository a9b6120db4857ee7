//! The sections of the table of vectors on hubs.

use heliograph_protocol::legacy::proxy_script::{hub_property, method_property};
use heliograph_protocol::legacy::{
    AnswerHead, CallFault, HubAnswer, HubCall, HubOutcome, write_progress,
};
use serde_json::Value;

use crate::rewrite::{Elements, answer, envelope};
use crate::support::{HERE, rows, text, written};
use crate::vectors::section;

#[test]
fn calls_of_every_client_are_read() {
    for row in rows(&section("hub")["clientToServer"]) {
        let json = text(row, "json");
        let value: Value = serde_json::from_str(json).unwrap();
        let call = HubCall::parse(json.as_bytes()).unwrap();
        assert_eq!(
            (&*call.hub, &*call.method),
            (text(&value, "H"), text(&value, "M"))
        );
        let arguments: Value = serde_json::from_str(call.arguments).unwrap();
        assert_eq!(arguments, value["A"]);
        let id = value["I"]
            .as_str()
            .map_or_else(|| value["I"].to_string(), str::to_owned);
        assert_eq!(call.id.as_deref(), Some(&*id));
        let state = call
            .state
            .map(|state| serde_json::from_str::<Value>(state).unwrap());
        assert_eq!(state.as_ref(), value.get("S"));
    }
}

#[test]
fn limits_of_calls_are_those_of_the_table() {
    let hub = section("hub");
    let call = |arguments: &str, state: &str| {
        let text = format!("{{\"H\":\"h\",\"M\":\"m\",\"I\":1,\"A\":{arguments},\"S\":{state}}}");
        HubCall::parse(text.as_bytes()).map(drop).map_err(|error| {
            assert_eq!(error.id(), Some("1"));
            error.fault()
        })
    };
    let longest = usize::try_from(hub["stateMaxChars"].as_u64().unwrap()).unwrap();
    // A character counts as one, or two where .NET needs two, but never as many as its bytes.
    let state = |length: usize| format!("{{\"a\":\"{}😀\"}}", "ü".repeat(length - 10));
    assert_eq!(call("[]", &state(longest)), Ok(()));
    assert_eq!(
        call("[]", &state(longest + 1)),
        Err(CallFault::StateTooLong)
    );
    let deepest = usize::try_from(hub["jsonMaxDepth"].as_u64().unwrap()).unwrap();
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let arguments = |depth| format!("[1,{},\"[\\\"[\",{}]", nested(3), nested(depth));
    assert_eq!(call(&arguments(deepest), "{}"), Ok(()));
    assert_eq!(
        call(&arguments(deepest + 1), "{}"),
        Err(CallFault::TooDeep("A"))
    );
    let state = |depth| format!("{{\"a\":{}}}", nested(depth - 1));
    assert_eq!(call("[]", &state(deepest)), Ok(()));
    assert_eq!(
        call("[]", &state(deepest + 1)),
        Err(CallFault::TooDeep("S"))
    );
}

#[test]
fn answers_are_written() {
    let hub = section("hub");
    for row in rows(&hub["results"]) {
        let json = text(row, "json");
        if text(row, "case") == "exception, details on, debug on" {
            // By our own choice no stack is ever shown; that of an app passes through.
            let head = AnswerHead::parse(json.as_bytes()).unwrap();
            assert_eq!((head.id.as_deref(), head.is_progress), (Some("4"), false));
            continue;
        }
        assert_eq!(answer(json), json);
    }
    // The members that never meet in the rows come in the order of the table too.
    let order: Vec<_> = rows(&hub["resultKeyOrder"])
        .iter()
        .map(|key| key.as_str().unwrap())
        .collect();
    let answer = |outcome| HubAnswer {
        state: Some("0"),
        id: Some(""),
        outcome,
    };
    let exception = HubOutcome::HubException {
        text: "",
        data: Some("0"),
    };
    for answer in [answer(HubOutcome::Value("0")), answer(exception)] {
        let json = written(|out| answer.write(out));
        let place = |key: &str| json.find(&format!("\"{key}\":"));
        let places: Vec<_> = order.iter().filter_map(|key| place(key)).collect();
        assert!(places.is_sorted() && places.len() >= 3, "{json}");
    }
    let progress = written(|out| write_progress(out, "a\"b", "null"));
    assert_eq!(progress, r#"{"I":"P|a\"b","P":{"I":"a\"b","D":null}}"#);
}

#[test]
fn calls_of_clients_are_written() {
    for row in rows(&section("hub")["serverToClient"]) {
        let json = format!("{{\"C\":\"{HERE}\",\"M\":[{}]}}", text(row, "json"));
        let (ours, recorded) = envelope(&json, Elements::OfHubs);
        assert_eq!(ours, recorded);
    }
}

#[test]
fn proxies_are_named_after_classes_and_methods() {
    for row in rows(&section("proxyNames")) {
        let property = if let Some(class) = row["hubClass"].as_str() {
            let attribute = row["hubNameAttribute"].as_str();
            attribute.map_or_else(|| hub_property(class), str::to_owned)
        } else {
            let attribute = row["hubMethodNameAttribute"].as_str();
            attribute.map_or_else(|| method_property(text(row, "method")), str::to_owned)
        };
        assert_eq!(property, text(row, "property"), "{row}");
    }
}
