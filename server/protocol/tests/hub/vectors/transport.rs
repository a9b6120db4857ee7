//! Rows of everything around hub messages: framing, handshake, negotiation, event streams.

use heliograph_protocol::hub::negotiate::{
    self, NegotiateAnswer, NegotiateError, NegotiateRequest, NegotiateResponse, Transport,
};
use heliograph_protocol::hub::sse::{self, EventParser};
use heliograph_protocol::hub::{Deframer, Encoding, HandshakeRequest, HandshakeResponse};
use heliograph_protocol::wire::varint;
use serde_json::json;

use super::{Row, rows};
use crate::support::{base64, frames, only_frame};

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
        let frame = only_frame(Encoding::Json, &row.bytes);
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
