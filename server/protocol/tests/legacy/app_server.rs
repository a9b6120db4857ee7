//! Recorded messages of a genuine app server, and what clients are to send to it.

use heliograph_protocol::legacy::{
    AnswerHead, AppNegotiation, CallFault, HubCall, invocation_hub, response_elements,
};
use serde_json::Value;

use crate::rewrite::answer;
use crate::support::{files, read, rows, text};

/// What stands at the end of a text that is not recorded whole.
const CLIPPED: &str = "…200018 characters";

/// Every text in a message.
fn texts<'a>(message: &'a Value, found: &mut Vec<&'a str>) {
    match message {
        Value::Array(elements) => elements.iter().for_each(|element| texts(element, found)),
        Value::Object(members) => {
            found.extend(members.get("text").and_then(Value::as_str));
            members.values().for_each(|value| texts(value, found));
        }
        _ => {}
    }
}

#[test]
fn everything_from_the_app_is_read() {
    let (mut responses, mut answers, mut calls, mut clipped) = (0, 0, 0, 0);
    let mut no_calls = Vec::new();
    for name in files("legacy-appserver") {
        let file = read(&name);
        for event in rows(&file["events"]) {
            let mut found = Vec::new();
            texts(&event["message"], &mut found);
            for payload in found {
                if payload.ends_with(CLIPPED) {
                    clipped += 1;
                } else if event["dir"] == "svc>app" {
                    match HubCall::parse(payload.as_bytes()) {
                        Ok(_) => calls += 1,
                        Err(error) => no_calls.push((payload.to_owned(), error.fault())),
                    }
                } else if let Some(elements) = response_elements(payload.as_bytes()) {
                    assert_eq!(format!("{{\"C\":\"0\",\"M\":[{elements}]}}"), payload);
                    let value: Value = serde_json::from_str(elements).unwrap();
                    let hub = invocation_hub(elements.as_bytes());
                    assert_eq!(hub.as_deref(), value["H"].as_str(), "{payload}");
                    responses += 1;
                } else {
                    assert_eq!(answer(payload), payload);
                    let head = AnswerHead::parse(payload.as_bytes()).unwrap();
                    assert!(!head.is_progress && head.id.is_some(), "{payload}");
                    answers += 1;
                }
            }
        }
    }
    assert_eq!((responses, answers, calls, clipped), (21, 61, 71, 1));
    let expected = ["not json", "asrs:reconnect"].map(|text| (text.to_owned(), CallFault::Json));
    assert_eq!(no_calls, expected);
}

#[test]
fn negotiation_of_the_app_is_a_redirect() {
    let file = read("legacy-appserver/negotiate.json");
    let mut redirects = 0;
    for event in rows(&file["events"]) {
        let body = text(event, "body");
        let answer = AppNegotiation::parse(body.as_bytes());
        if event["status"] != 200 || event["what"] == "proxy script" {
            assert!(answer.is_err(), "{body}");
            continue;
        }
        let Ok(AppNegotiation::Redirect { url, access_token }) = answer else {
            panic!("{body}");
        };
        let value: Value = serde_json::from_str(body).unwrap();
        assert_eq!(
            (&*url, &*access_token),
            (text(&value, "RedirectUrl"), text(&value, "AccessToken"))
        );
        redirects += 1;
    }
    assert_eq!(redirects, 10);
}
