//! Recorded conversations with a genuine server: our reading of what the clients sent must end in
//! what the server did, and our writing of what the server sent must give its bytes.

use heliograph_protocol::hub::negotiate::{NegotiateError, NegotiateRequest};
use heliograph_protocol::hub::{
    Close, DeframeError, Deframer, Encoding, HandshakeError, HandshakeRequest, HandshakeResponse,
    Message, TransferFormat, parse, scan, write,
};
use serde_json::Value;

use crate::support::{read, unhex};

/// What a close of the server's own making says, which no frame of the client explains.
const APPLICATION_ERROR: &str =
    "Connection closed with an error. InvalidOperationException: no entry";

/// The limit of the recorded server.
const LIMIT: usize = 32_768;

/// The exchanges of a recording.
pub(crate) fn exchanges(file: &Value) -> impl Iterator<Item = &Value> {
    let links = file["links"].as_array().unwrap().iter();
    links.flat_map(|link| link["exchanges"].as_array().unwrap())
}

/// The payload of a data frame; what was cut off is filled up with its last byte.
pub(crate) fn payload(frame: &Value) -> Option<Vec<u8>> {
    if frame["op"] == "close" {
        return None;
    }
    let mut payload = frame["text"].as_str().map(|text| text.as_bytes().to_vec());
    payload = payload.or_else(|| frame["hex"].as_str().map(unhex));
    let mut payload = payload?;
    if let Some(length) = frame["length"].as_u64() {
        payload.resize(usize::try_from(length).unwrap(), *payload.last().unwrap());
    }
    Some(payload)
}

/// What the server makes of the bytes of one client.
struct Session {
    deframer: Deframer,
    encoding: Option<Encoding>,
    ended: Option<End>,
}

enum End {
    /// With a handshake response.
    Refused(String),
    /// With a Close that bears this error.
    Closed(String),
    /// The client closed.
    ByClient,
}

impl Session {
    fn new() -> Self {
        Self {
            deframer: Deframer::new(Encoding::Json, LIMIT),
            encoding: None,
            ended: None,
        }
    }

    fn feed(&mut self, mut input: &[u8]) {
        while self.ended.is_none() {
            match self.deframer.next_frame(&mut input) {
                Ok(None) => return,
                Ok(Some(frame)) => self.take(&frame),
                Err(error) if self.encoding.is_none() => {
                    assert_eq!(error, DeframeError::TooLarge { limit: LIMIT });
                    self.ended = Some(End::Refused(HandshakeError::CANCELED.to_owned()));
                }
                Err(error) => self.close(&error.detail()),
            }
        }
    }

    fn take(&mut self, frame: &[u8]) {
        let Some(encoding) = self.encoding else {
            match HandshakeRequest::parse(frame) {
                Ok(request) => {
                    match request.accept(&[TransferFormat::Text, TransferFormat::Binary]) {
                        Ok(accepted) => {
                            self.encoding = Some(accepted.encoding);
                            self.deframer.switch_to(accepted.encoding);
                        }
                        Err(refusal) => self.ended = Some(End::Refused(refusal.to_string())),
                    }
                }
                Err(error) => self.ended = Some(End::Refused(error.detailed())),
            }
            return;
        };
        match parse(encoding, frame) {
            Ok(message) => {
                assert_eq!(scan(encoding, frame), Ok(message.message_type()));
                if matches!(message, Message::Close(_)) {
                    self.ended = Some(End::ByClient);
                }
            }
            Err(error) => self.close(&error.detail()),
        }
    }

    fn close(&mut self, detail: &str) {
        let close = Close::failed(Some(detail));
        self.ended = Some(End::Closed(close.error.unwrap().into_owned()));
    }
}

/// Follows every WebSocket of a recording and returns how many a bad frame has ended.
fn follow(name: &str) -> usize {
    let file = read(&format!("core-live/{name}.json"));
    let mut ended_by_error = 0;
    for exchange in exchanges(&file) {
        let Some(frames) = exchange["frames"].as_array() else {
            continue;
        };
        if is_lost(frames) {
            continue;
        }
        let mut session = Session::new();
        let mut answers = Vec::new();
        for frame in frames {
            let Some(payload) = payload(frame) else {
                continue;
            };
            if frame["from"] == "client" {
                session.feed(&payload);
            } else if frame.get("cutTo").is_none() {
                answers.extend(payload);
            }
        }
        ended_by_error += usize::from(matches!(session.ended, Some(End::Closed(_))));
        check_answers(&session, &answers);
    }
    ended_by_error
}

/// Whether the end of a client frame was not recorded and mattered: it did not if the server found
/// the frame too large, or its length is in front.
fn is_lost(frames: &[Value]) -> bool {
    let cut = |frame: &Value| {
        frame["from"] == "client" && frame["op"] != "binary" && frame.get("cutTo").is_some()
    };
    let too_large = |frame: &Value| frame.to_string().contains("The maximum message size");
    frames.iter().any(cut) && !frames.iter().any(too_large)
}

/// The server's side: the handshake response, then messages, of which the last may be a Close.
fn check_answers(session: &Session, answers: &[u8]) {
    let mut deframer = Deframer::new(Encoding::Json, usize::MAX);
    let mut input = answers;
    let Some(response) = deframer.next_frame(&mut input).unwrap() else {
        return;
    };
    let response = HandshakeResponse::parse(&response).unwrap();
    if let Some(error) = &response.error {
        let Some(End::Refused(ours)) = &session.ended else {
            panic!("the server refused the handshake: {error}");
        };
        assert_eq!(ours, error);
        return;
    }
    let encoding = session.encoding.expect("the server accepted the handshake");
    deframer.switch_to(encoding);
    let mut close = Close::default();
    while let Some(frame) = deframer.next_frame(&mut input).unwrap() {
        let message = parse(encoding, &frame).unwrap();
        let mut written = Vec::new();
        write::message(encoding, &mut written, &message).unwrap();
        assert_eq!(written, &*frame, "{}", String::from_utf8_lossy(&frame));
        if let Message::Close(end) = message {
            close = Close {
                error: end.error.map(|error| error.into_owned().into()),
                allow_reconnect: end.allow_reconnect,
            };
        }
    }
    match (&session.ended, close.error.as_deref()) {
        (Some(End::Closed(ours)), error) => {
            assert_eq!(error, Some(&**ours));
            assert!(close.allow_reconnect);
        }
        (Some(End::Refused(text)), _) => panic!("the server accepted; we say {text}"),
        (Some(End::ByClient) | None, error) => {
            assert!(
                error.is_none_or(|error| error == APPLICATION_ERROR),
                "{error:?}"
            );
        }
    }
}

#[test]
fn json_frames_end_as_they_did_at_the_server() {
    assert_eq!(follow("shapes-detailed"), 12);
}

#[test]
fn messagepack_frames_end_as_they_did_at_the_server() {
    assert_eq!(follow("shapes-messagepack-detailed"), 16);
}

#[test]
fn connections_close_as_they_did_at_the_server() {
    assert_eq!(follow("closes-detailed"), 9);
}

#[test]
fn handshakes_are_answered_as_by_the_server() {
    assert_eq!(follow("handshake-detailed"), 0);
}

#[test]
fn negotiate_requests_are_understood_as_by_the_server() {
    let file = read("core-live/negotiate.json");
    let mut seen = 0;
    for exchange in exchanges(&file) {
        let target = exchange["request"]["target"].as_str().unwrap();
        if exchange["response"]["status"] != 200 {
            continue;
        }
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let value = |key: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs
                .find(|(name, _)| name.eq_ignore_ascii_case(key))
                .map(|(_, value)| value)
        };
        let minimum = i32::from(target.starts_with("/minversion"));
        let request = NegotiateRequest::from_query(
            value("negotiateVersion"),
            value("useStatefulReconnect"),
            minimum,
        );
        let body = exchange["response"]["body"]["text"].as_str().unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        match request {
            Ok(request) => {
                assert_eq!(body["negotiateVersion"], request.version, "{target}");
                let granted = body["useStatefulReconnect"] == true;
                assert_eq!(granted, request.use_stateful_reconnect, "{target}");
            }
            Err(error) => assert_eq!(body["error"], error.to_string(), "{target}"),
        }
        seen += 1;
    }
    assert!(seen >= 14);
}

#[test]
fn absent_version_below_the_minimum_is_quoted_as_0() {
    let error = NegotiateRequest::from_query(None, None, 1).unwrap_err();
    assert_eq!(error, NegotiateError::VersionTooLow(0));
}
