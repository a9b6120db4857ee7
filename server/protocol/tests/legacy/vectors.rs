//! The table of vectors. Its sections on requests, statuses, tokens and redirect queries concern
//! HTTP and tokens, which this crate does not know.

use heliograph_protocol::legacy::framing::{
    FRAME_KEEP_ALIVE, SSE_START, frame_id, write_event, write_frame_message, write_frame_start,
    write_jsonp,
};
use heliograph_protocol::legacy::{
    AnswerHead, AppNegotiation, ClientProtocol, ConnectionDataError, Cursor, Envelope, HubCall,
    KEEP_ALIVE, PONG, STARTED, connection_data, envelope_elements, invocation_hub,
    response_elements,
};
use serde_json::Value;

use crate::rewrite::{Elements, answer, envelope, error, negotiation};
use crate::support::{HERE, read, rows, target, text, written};

/// A section of the table.
pub(crate) fn section(name: &str) -> Value {
    read("legacy.json")[name].take()
}

#[test]
fn versions_are_echoed() {
    let versions = section("protocolVersions");
    for row in rows(&versions["cases"]) {
        let protocol = ClientProtocol::parse(row["clientProtocol"].as_str());
        assert_eq!(protocol.to_string(), text(row, "reply"), "{row}");
        assert_eq!(protocol.has_start(), row["delayedStart"], "{row}");
    }
}

#[test]
fn every_client_gets_a_version_that_it_accepts() {
    let versions = section("protocolVersions");
    for client in rows(&versions["clientAccepts"]) {
        for sent in rows(&client["sends"]) {
            let sent = match sent.as_str().unwrap() {
                "caller chooses" => continue,
                "none" => None,
                version => Some(version),
            };
            let protocol = ClientProtocol::parse(sent);
            assert_eq!(protocol.has_errors(), client.get("redirect").is_some());
            let reply = protocol.to_string();
            let accepts = |accepted: &Value| match accepted.as_str().unwrap() {
                "any" => true,
                one => one.split_once("..").map_or(one == reply, |(least, most)| {
                    (least..=most).contains(&reply.as_str())
                }),
            };
            assert!(rows(&client["accepts"]).iter().any(accepts), "{client}");
        }
    }
}

#[test]
fn lists_of_hubs_are_read() {
    for row in rows(&section("connectionData")) {
        // Whether to ask at all, and whether a hub exists, is the caller's affair.
        let Some(decoded) = row["decoded"].as_str() else {
            continue;
        };
        let hubs = connection_data(decoded);
        match row["error"].as_str() {
            Some("Duplicate Hub names found.") => {
                assert_eq!(hubs, Err(ConnectionDataError::Twice));
            }
            Some(_) => assert_eq!(hubs.unwrap(), ["nope"]),
            None => assert_eq!(serde_json::to_value(hubs.unwrap()).unwrap(), row["hubs"]),
        }
    }
}

#[test]
fn responses_are_written() {
    let responses = section("responses");
    let body = |name: &str| text(&responses[name], "body").to_owned();
    assert_eq!(
        negotiation(&body("negotiate"), Some("1.5")),
        body("negotiate")
    );
    assert_eq!(STARTED, body("start"));
    assert_eq!(PONG, body("ping"));
    let (_, query) = target("?callback=jQuery1_2");
    let jsonp = written(|out| write_jsonp(out, &query["callback"], PONG.as_bytes()));
    assert_eq!(jsonp, body("pingJsonp"));
    assert_eq!(answer(&body("sendHubVoid")), body("sendHubVoid"));
}

#[test]
fn redirects_and_refusals_of_an_app_are_read() {
    let responses = section("responses");
    let body = text(&responses["negotiateRedirect"], "body").as_bytes();
    let redirect = AppNegotiation::Redirect {
        url: "https://svc.example/aspnetclient?user=bob&asrs_request_id=kZ1dAAA%3D&asrs.op=%2Fsignalr"
            .into(),
        access_token: "{jwt}".into(),
    };
    assert_eq!(AppNegotiation::parse(body), Ok(redirect));
    let body = text(&responses["negotiateError"], "body").as_bytes();
    let error = AppNegotiation::Error("Server-provided negotiate error message!".into());
    assert_eq!(AppNegotiation::parse(body), Ok(error));
    let body = text(&responses["negotiate"], "body").as_bytes();
    let plain = AppNegotiation::Plain {
        connection_id: "8fc364fb-4ec0-446c-9c9d-7ae83dcf9372".into(),
        connection_token: "{token}".into(),
    };
    assert_eq!(AppNegotiation::parse(body), Ok(plain));
}

#[test]
fn persistent_responses_are_written() {
    for row in rows(&section("persistentResponses")) {
        let json = text(row, "json");
        if row.get("keepAlive").is_some() {
            assert_eq!(json.as_bytes(), KEEP_ALIVE);
            assert_eq!(response_elements(json.as_bytes()), None);
            continue;
        }
        if row.get("globalError").is_some() {
            assert_eq!(error(json), json);
            continue;
        }
        let elements = response_elements(json.as_bytes()).unwrap();
        let elements: Vec<Value> = serde_json::from_str(&format!("[{elements}]")).unwrap();
        assert_eq!(elements.len() as u64, row["messages"].as_u64().unwrap_or(0));
        let (ours, recorded) = envelope(json, Elements::OfHubs);
        if json.starts_with("{\"C\":") {
            assert_eq!(ours, recorded);
        } else {
            // By our own choice every envelope has a cursor.
            assert_eq!(
                ours,
                recorded.replacen('{', &format!("{{\"C\":\"{HERE}\","), 1)
            );
        }
    }
}

#[test]
fn what_breaks_clients_is_never_written() {
    let never = section("neverEmit");
    let mut seen = 0;
    for row in rows(&never) {
        let Some(json) = row["json"].as_str() else {
            // What a request is answered with, and comments, for which there is no writer.
            continue;
        };
        if row.get("to").is_some() {
            for version in [None, Some("1.2"), Some("1.5"), Some("1.9")] {
                assert!(!ClientProtocol::parse(version).has_errors());
            }
        } else if json.contains("Nope") {
            // Whether the client listens is the caller's question, which this answers.
            let elements = response_elements(json.as_bytes()).unwrap();
            assert_eq!(invocation_hub(elements.as_bytes()).unwrap(), "Nope");
        } else if json.starts_with("{\"I\"") {
            assert_eq!(answer(json), "{\"I\":\"0\"}");
        } else {
            let (ours, never) = envelope(json, Elements::OfHubs);
            assert_ne!(ours, never);
            assert_eq!(ours, format!("{{\"C\":\"{HERE}\",\"M\":[]}}"));
        }
        seen += 1;
    }
    assert_eq!((seen, rows(&never).len()), (6, 8));
}

#[test]
fn framing_is_that_of_each_transport() {
    let framing = section("framing");
    let init = text(&framing["webSockets"], "init");
    let (ours, recorded) = envelope(init, Elements::OfHubs);
    assert_eq!(ours, recorded);
    assert_eq!(
        text(&framing["webSockets"], "keepAlive").as_bytes(),
        KEEP_ALIVE
    );

    let events = &framing["serverSentEvents"];
    assert_eq!(text(events, "first").as_bytes(), SSE_START);
    let with = |row: &Value, name: &str| text(row, name).replace("{json}", init);
    let event = written(|out| write_event(out, init.as_bytes()));
    assert_eq!(event, with(events, "message"));
    let event = written(|out| write_event(out, KEEP_ALIVE));
    assert_eq!(event, text(events, "keepAlive"));

    let jsonp = written(|out| write_jsonp(out, "a.b", init.as_bytes()));
    let message = with(&framing["longPolling"], "jsonpMessage");
    assert_eq!(jsonp, message.replace("{callback}", "a.b"));

    let frames = &framing["foreverFrame"];
    let start = written(|out| write_frame_start(out, frame_id("007").unwrap()));
    assert_eq!(start, text(frames, "first").replace("{frameId}", "7"));
    assert_eq!(text(frames, "keepAlive").as_bytes(), FRAME_KEEP_ALIVE);
    let escaped = |text: &str| {
        let escapes = frames["escapes"].as_object().unwrap().iter();
        escapes.fold(text.to_owned(), |text, (character, escape)| {
            text.replace(character, escape.as_str().unwrap())
        })
    };
    let payload = "{\"C\":\"1-1\",\"M\":[\"</script><!-- >\"]}";
    let message = written(|out| write_frame_message(out, payload.as_bytes()));
    let expected = text(frames, "message").replace("{json}", &escaped(payload));
    assert_eq!(message, expected);
    for bad in rows(&frames["badFrameId"]) {
        assert_eq!(frame_id(bad.as_str().unwrap()), None);
    }
    assert_eq!(frame_id("4294967295"), Some(u32::MAX));
    assert_eq!(frame_id("+1"), None);
}

#[test]
fn cursors_of_other_servers_are_unknown() {
    let cursors = section("cursors");
    let samples = rows(&cursors["samples"])
        .iter()
        .chain(rows(&cursors["malformed"]));
    let samples = samples.chain([&cursors["escapedSample"]["wire"]]);
    for sample in samples.map(|sample| sample.as_str().unwrap()) {
        // One of the malformed has our form by chance; there is no such epoch.
        let chance = (sample == "d-a").then_some(Cursor {
            epoch: 0xd,
            number: 0xa,
        });
        assert_eq!(Cursor::parse(sample), chance, "{sample}");
    }
}

#[test]
fn conversations_of_the_table_are_spoken() {
    let mut spoken = 0;
    for row in rows(&section("transcripts")) {
        for step in rows(&row["steps"]) {
            let step = step.as_str().unwrap();
            if let Some(call) = step.strip_prefix("client: ") {
                HubCall::parse(call.as_bytes()).unwrap();
            } else if let Some(payload) = step.strip_prefix("server: ") {
                if AnswerHead::parse(payload.as_bytes()).is_some() {
                    assert_eq!(answer(payload), payload);
                } else {
                    let (ours, recorded) = envelope(payload, Elements::OfHubs);
                    assert_eq!(ours, recorded);
                }
            } else {
                continue;
            }
            spoken += 1;
        }
    }
    assert_eq!(spoken, 6);
}

#[test]
fn envelopes_say_only_what_is_so() {
    for flags in 0..32_u8 {
        let is = |bit: u8| flags & bit != 0;
        let envelope = Envelope {
            init: is(1),
            reconnect: is(2),
            groups: is(4).then_some("g_-1"),
            delay: is(8).then_some(2000),
            disconnect: is(16),
            ..Envelope::at(HERE)
        };
        let json = written(|out| envelope.write(out, [b"1".as_slice(), b"[2]".as_slice()]));
        let mut expected = format!("{{\"C\":\"{HERE}\"");
        for (bit, member) in [
            (1, ",\"S\":1"),
            (16, ",\"D\":1"),
            (2, ",\"T\":1"),
            (4, ",\"G\":\"g_-1\""),
            (8, ",\"L\":2000"),
        ] {
            expected.extend(is(bit).then_some(member));
        }
        assert_eq!(json, expected + ",\"M\":[1,[2]]}");
        assert_eq!(
            envelope_elements(json.as_bytes()),
            Some(b"1,[2]".as_slice())
        );
    }
    let no_delay = Envelope {
        delay: Some(0),
        ..Envelope::at(HERE)
    };
    let json = written(|out| no_delay.write(out, []));
    assert_eq!(json, format!("{{\"C\":\"{HERE}\",\"M\":[]}}"));
}
