//! Plays a recording of the genuine server's clients to the door and compares the answers.

pub(crate) mod timed;

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use http::HeaderMap;
use serde_json::Value;

use crate::http::Exchange;
use crate::socket::{BINARY, CLOSE, CONTINUATION, Frame, PING, Socket, TEXT};
use crate::stage::Stage;

/// The longest pause of a client's that is kept. What the recording's client waited for is shorter;
/// what it waited for of the server is waited for here.
const LONGEST_PAUSE: Duration = Duration::from_millis(60);

/// Headers that say something about the answer.
const COMPARED: [&str; 12] = [
    "content-type",
    "content-encoding",
    "cache-control",
    "pragma",
    "expires",
    "upgrade",
    "sec-websocket-accept",
    "sec-websocket-protocol",
    "sec-websocket-extensions",
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "vary",
];

pub(crate) fn load(name: &str) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let own = root.join(format!("tests/data/core-live/{name}.json"));
    let shared = root.join(format!("protocol/vectors/core-live/{name}.json"));
    let path = if own.exists() { own } else { shared };
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// One thing that happened on a link.
#[derive(Clone, Copy)]
enum Event<'a> {
    Request(&'a Value),
    Head(&'a Value),
    Body(&'a Value),
    Frame(&'a Value),
    Gone(&'a str),
}

struct Link {
    exchange: Option<Exchange>,
    method: String,
    target: String,
    socket: Option<Socket>,
    streams: bool,
    /// What the server wrote on a WebSocket and was not compared yet.
    text: String,
    ended: bool,
}

struct Player<'a> {
    stage: &'a Stage,
    links: HashMap<u64, Link>,
    /// Ids and tokens of the recording, and ours.
    ids: Vec<(String, String)>,
}

/// Plays those links of a recording that `wanted` names, all of them when it is empty.
pub(crate) async fn play(stage: &Stage, name: &str, wanted: impl Fn(u64) -> bool) {
    let recording = load(name);
    let events = events(&recording, wanted);
    assert!(!events.is_empty(), "{name}");
    let mut player = Player::new(stage);
    let mut before = 0;
    for (at, link, _, event) in events {
        if let Event::Request(_) | Event::Frame(_) | Event::Gone(_) = event {
            let pause = Duration::from_millis(at.saturating_sub(before));
            tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
        }
        before = at;
        let what = format!("{name}, link {link}, t {at}");
        player.step(link, event, &what).await;
    }
}

/// When something happened, on which link, and after how much else there.
type Noted<'a> = (u64, u64, usize, Event<'a>);

/// What happened on those links of a recording that `wanted` names, in order.
fn events(recording: &Value, wanted: impl Fn(u64) -> bool) -> Vec<Noted<'_>> {
    let mut events = Vec::new();
    for link in recording["links"].as_array().unwrap() {
        let number = link["link"].as_u64().unwrap();
        if wanted(number) {
            collect(link, number, &mut events);
        }
    }
    events.sort_by_key(|(at, link, order, _)| (*at, *link, *order));
    events
}

fn collect<'a>(link: &'a Value, number: u64, events: &mut Vec<Noted<'a>>) {
    let time = |value: &Value| value["t"].as_u64().unwrap();
    let mut order = 0;
    let mut add = |at: u64, event| {
        order += 1;
        events.push((at, number, order, event));
    };
    for exchange in link["exchanges"].as_array().unwrap() {
        add(time(exchange), Event::Request(&exchange["request"]));
        let response = &exchange["response"];
        if response.is_null() {
            continue;
        }
        add(time(response), Event::Head(response));
        if let Some(ended) = response["ended"].as_u64() {
            add(ended, Event::Body(response));
        }
        for frame in exchange["frames"].as_array().into_iter().flatten() {
            add(time(frame), Event::Frame(frame));
        }
    }
    let ended = &link["ended"];
    if ended["by"] == "client" || ended["by"] == "proxy" {
        add(time(ended), Event::Gone(ended["how"].as_str().unwrap()));
    }
}

impl<'a> Player<'a> {
    fn new(stage: &'a Stage) -> Self {
        Self {
            stage,
            links: HashMap::new(),
            ids: Vec::new(),
        }
    }

    async fn step(&mut self, number: u64, event: Event<'_>, what: &str) {
        match event {
            Event::Request(request) => self.request(number, request).await,
            Event::Head(response) => self.head(number, response, what).await,
            Event::Body(response) => self.body(number, response, what).await,
            Event::Frame(frame) => self.frame(number, frame, what).await,
            Event::Gone(how) => {
                let Some(link) = self.links.remove(&number) else {
                    return;
                };
                match (how, link.socket, link.exchange) {
                    ("fin", _, _) => {}
                    (_, Some(socket), _) => socket.reset(),
                    (_, None, Some(exchange)) => exchange.reset(),
                    _ => {}
                }
            }
        }
    }

    /// The recording's ids replaced by ours.
    fn ours(&self, text: &str) -> String {
        let replace = |text: String, (theirs, ours): &(String, String)| text.replace(theirs, ours);
        self.ids.iter().fold(text.to_owned(), replace)
    }

    async fn request(&mut self, number: u64, request: &Value) {
        let method = request["method"].as_str().unwrap();
        let target = self.ours(request["target"].as_str().unwrap());
        let headers: Vec<(&str, &str)> = request["headers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap()))
            .filter(|(name, _)| !["Host", "Content-Length"].contains(name))
            .collect();
        let body = payload(&request["body"]);
        let body = (method != "GET").then_some(body.as_slice());
        let exchange = Exchange::send(self.stage.address, method, &target, &headers, body).await;
        let link = Link {
            exchange: Some(exchange),
            method: method.to_owned(),
            target,
            socket: None,
            streams: false,
            text: String::new(),
            ended: false,
        };
        self.links.insert(number, link);
    }

    async fn head(&mut self, number: u64, response: &Value, what: &str) {
        let link = self.links.get_mut(&number).unwrap();
        let exchange = link.exchange.as_mut().unwrap();
        let (status, headers) = exchange.head().await;
        assert_eq!(
            status,
            response["status"].as_u64().unwrap() as u16,
            "{what}"
        );
        compare_headers(&headers, response, what);
        if status == 101 {
            let exchange = link.exchange.take().unwrap();
            link.socket = Some(Socket::after(exchange, &headers));
        }
        link.streams = headers
            .get("content-type")
            .is_some_and(|kind| kind == "text/event-stream");
    }

    async fn body(&mut self, number: u64, response: &Value, what: &str) {
        let link = self.links.get_mut(&number).unwrap();
        let exchange = link.exchange.as_mut().unwrap();
        let mut body = Vec::new();
        if link.method != "HEAD" && response["status"] != 204 {
            while let Some(piece) = exchange.piece().await {
                body.extend(piece);
            }
        }
        let expected = match response["chunks"].as_array() {
            Some(chunks) => chunks.iter().flat_map(payload).collect(),
            None => payload(&response["body"]),
        };
        let (body, expected) = (
            String::from_utf8(body).unwrap(),
            String::from_utf8(expected).unwrap(),
        );
        if response["status"] == 405 && expected.is_empty() {
            // The genuine server says nothing here.
            assert_eq!(body.is_empty(), link.method == "HEAD", "{what}: {body}");
        } else if link.streams {
            assert_eq!(messages(&body), messages(&expected), "{what}");
        } else if let Ok(negotiated) = serde_json::from_str::<Value>(&expected) {
            let ours: Value = serde_json::from_str(&body).unwrap();
            self.learn(&negotiated, &ours);
            assert_eq!(body, self.ours(&expected), "{what}");
        } else {
            let mut body = body;
            // A poll may come back before all is there: the client polls again.
            while body.ends_with('\u{1e}') && body.len() < expected.len() {
                let target = self.links[&number].target.clone();
                body += self.stage.get(&target).await.text();
            }
            assert_eq!(body, expected, "{what}");
        }
        self.links.remove(&number);
    }

    fn learn(&mut self, theirs: &Value, ours: &Value) {
        for key in ["connectionId", "connectionToken"] {
            if let (Some(theirs), Some(ours)) = (theirs[key].as_str(), ours[key].as_str()) {
                assert_eq!(ours.len(), theirs.len());
                self.ids.push((theirs.to_owned(), ours.to_owned()));
            }
        }
    }

    async fn frame(&mut self, number: u64, frame: &Value, what: &str) {
        let Some(link) = self.links.get_mut(&number) else {
            return;
        };
        let socket = link.socket.as_mut().unwrap();
        let opcode = match frame["op"].as_str().unwrap() {
            "text" => TEXT,
            "binary" => BINARY,
            "continuation" => CONTINUATION,
            "ping" => PING,
            "pong" => 10,
            "close" => CLOSE,
            other => panic!("{other}"),
        };
        if frame["from"] == "client" {
            if !link.ended || opcode == CLOSE {
                let payload = match frame["code"].as_u64() {
                    Some(code) => (code as u16).to_be_bytes().to_vec(),
                    None => payload(frame),
                };
                let fin = frame["fin"] != false;
                socket.send_frame(opcode, fin, &payload).await;
            }
            return;
        }
        match opcode {
            CLOSE => {
                let code = frame["code"].as_u64().unwrap() as u16;
                assert_eq!(link.text, "", "{what}");
                assert_eq!(socket.next().await, Frame::Close(code), "{what}");
                link.ended = true;
            }
            10 => assert_eq!(socket.next().await, Frame::Pong(payload(frame)), "{what}"),
            _ => {
                // Several messages may share a frame there and not here.
                let expected = String::from_utf8(payload(frame)).unwrap();
                while link.text.len() < expected.len() {
                    match (opcode, socket.next().await) {
                        (TEXT, Frame::Text(text)) => link.text.push_str(&text),
                        (BINARY, Frame::Binary(bytes)) => {
                            link.text.push_str(std::str::from_utf8(&bytes).unwrap());
                        }
                        (_, other) => panic!("{what}: {expected:?} but {other:?}"),
                    }
                }
                let rest = link.text.strip_prefix(expected.as_str());
                link.text = rest
                    .unwrap_or_else(|| panic!("{what}: {}", link.text))
                    .to_owned();
            }
        }
    }
}

fn compare_headers(headers: &HeaderMap, response: &Value, what: &str) {
    let recorded = response["headers"].as_array().unwrap();
    for name in COMPARED {
        let expected = recorded
            .iter()
            .find(|pair| pair[0].as_str().unwrap().eq_ignore_ascii_case(name))
            .map(|pair| pair[1].as_str().unwrap());
        let found = headers.get(name).map(|value| value.to_str().unwrap());
        assert_eq!(found, expected, "{what}: {name}");
    }
}

/// A payload, made up to its length when the recording cut it.
fn payload(value: &Value) -> Vec<u8> {
    let mut bytes = match (value["text"].as_str(), value["hex"].as_str()) {
        (Some(text), _) => text.as_bytes().to_vec(),
        (None, Some(hex)) => (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect(),
        (None, None) => Vec::new(),
    };
    if let Some(length) = value["length"].as_u64() {
        bytes.resize(length as usize, b'x');
    }
    bytes
}

/// The hub messages of an event stream: how many share an event is up to the server.
fn messages(stream: &str) -> Vec<String> {
    let events = stream.strip_prefix(":\r\n").unwrap();
    let payloads = events
        .split_terminator("\r\n\r\n")
        .map(|event| event.strip_prefix("data: ").unwrap());
    payloads
        .flat_map(|payload| payload.split_terminator('\u{1e}'))
        .map(str::to_owned)
        .collect()
}
