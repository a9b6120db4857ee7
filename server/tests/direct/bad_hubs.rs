//! Hubs that talk nonsense: whoever asked for them is told, the log names them, and clients of
//! other hubs do not notice.

use std::time::Duration;

use futures_util::SinkExt as _;
use heliograph::backend::direct::Options;
use http::StatusCode;
use tokio_tungstenite::tungstenite::Message;

use crate::front::{Front, Visitor, options};
use crate::raw::{Raw, Says};
use crate::stub::{HubSocket, Stub, receive};
use crate::support::{log, until};

/// A good hub with a client, behind the same door as a bad one.
struct Neighbours {
    front: Front,
    /// The bad one's name.
    bad: &'static str,
    visitor: Visitor,
    socket: HubSocket,
    _stub: Stub,
}

impl Neighbours {
    async fn of(bad: &'static str, hub: &Raw, change: impl Fn(&mut Options)) -> Self {
        log::capture();
        let mut stub = Stub::start().await;
        let mut bad_options = options(&hub.url());
        change(&mut bad_options);
        let front = Front::serving(vec![(bad, bad_options), ("good", options(&stub.url()))]);
        let mut visitor = front.connect_to("good").await;
        let (answer, (socket, _)) = tokio::join!(visitor.greet(), stub.greeted());
        assert_eq!(answer, "{}\u{1e}");
        Self {
            front,
            bad,
            visitor,
            socket,
            _stub: stub,
        }
    }

    /// The log has said this, with the bad hub's name, and the good hub still serves.
    async fn check(mut self, level: &str, said: &str) {
        let mark = format!("hub=\"{}\"", self.bad);
        until(&format!("{said} in the log"), || {
            log::has(&[&mark, level, said])
        })
        .await;
        let up = "{\"type\":1,\"target\":\"up\",\"arguments\":[]}\u{1e}";
        let down = "{\"type\":1,\"target\":\"down\",\"arguments\":[]}\u{1e}";
        self.visitor.send(up).await;
        assert_eq!(receive(&mut self.socket).await, Message::text(up));
        self.socket.send(Message::text(down)).await.unwrap();
        assert_eq!(self.visitor.text().await, down);
    }
}

async fn negotiated(bad: &'static str, says: Says, status: StatusCode, why: &str) {
    let hub = Raw::negotiating(says).await;
    let neighbours = Neighbours::of(bad, &hub, |options| {
        options.negotiate_timeout = Duration::from_millis(300);
    })
    .await;
    let answer = neighbours.front.negotiate_at(bad).await;
    assert_eq!(answer.status, status, "{bad}: {answer:?}");
    assert_eq!(
        answer.body,
        format!("Hub '{bad}' is unavailable: {why}."),
        "{bad}"
    );
    neighbours.check("WARN", "hub is unavailable").await;
}

fn page(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

#[tokio::test]
async fn negotiations_that_fail_are_told_and_logged() {
    use Says::{AndLeaves, AndWaits};
    let (bad_gateway, timeout) = (StatusCode::BAD_GATEWAY, StatusCode::GATEWAY_TIMEOUT);
    let unreachable = "it cannot be reached";
    let unreadable = "its answer to negotiate cannot be read";
    let late = "it did not answer in time";
    let html = "<html><body>Welcome</body></html>";
    let long_head = [b"HTTP/1.1 200 OK\r\nX: ".as_slice(), &[b'x'; 200_000]].concat();
    for (bad, says, status, why) in [
        (
            "no-http",
            AndLeaves(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()),
            bad_gateway,
            unreachable,
        ),
        ("no-answer", AndLeaves(Vec::new()), bad_gateway, unreachable),
        (
            "half-a-head",
            AndLeaves(b"HTTP/1.1 200 OK\r\nContent-Le".to_vec()),
            bad_gateway,
            unreachable,
        ),
        (
            "endless-head",
            AndWaits(long_head),
            bad_gateway,
            unreachable,
        ),
        (
            "half-a-body",
            AndLeaves(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"conn".to_vec()),
            bad_gateway,
            unreachable,
        ),
        (
            "page",
            AndLeaves(page("200 OK", html)),
            bad_gateway,
            unreadable,
        ),
        (
            "bytes",
            AndLeaves(page("200 OK", "\u{0}\u{1}\u{7f}")),
            bad_gateway,
            unreadable,
        ),
        (
            "deep",
            AndLeaves(page("200 OK", &"[".repeat(60_000))),
            bad_gateway,
            unreadable,
        ),
        (
            "broken",
            AndLeaves(page("500 Internal Server Error", html)),
            bad_gateway,
            "it answered 500 Internal Server Error",
        ),
        (
            "moved",
            AndLeaves(
                b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n".to_vec(),
            ),
            bad_gateway,
            "it answered 302 Found, and redirects are not followed",
        ),
        ("silent", AndWaits(Vec::new()), timeout, late),
        (
            "no-body",
            AndWaits(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{".to_vec()),
            timeout,
            late,
        ),
    ] {
        negotiated(bad, says, status, why).await;
    }
}

/// The handshake's answer for a client of a bad hub, which is then closed.
async fn refused(bad: &'static str, hub: &Raw, why: &str, said: &str) {
    let neighbours = Neighbours::of(bad, hub, |options| {
        options.connect_timeout = Duration::from_millis(300);
        options.handshake_timeout = Duration::from_millis(300);
        options.max_hub_message_bytes = 100_000;
    })
    .await;
    let mut visitor = neighbours.front.connect_to(bad).await;
    assert_eq!(
        visitor.greet().await,
        format!("{{\"error\":\"Hub '{bad}' is unavailable: {why}.\"}}\u{1e}"),
        "{bad}"
    );
    visitor.closed().await;
    neighbours.check("WARN", said).await;
}

#[tokio::test]
async fn upgrades_that_fail_are_handshake_errors() {
    let html = "<html></html>";
    let wrong_key = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
        Upgrade: websocket\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n";
    let cannot_open = "its WebSocket cannot be opened";
    for (bad, says, why) in [
        (
            "no-upgrade",
            Says::AndLeaves(page("200 OK", html)),
            "it answered 200 OK",
        ),
        (
            "upgrade-fails",
            Says::AndLeaves(page("503 Service Unavailable", html)),
            "it answered 503 Service Unavailable",
        ),
        (
            "upgrade-moved",
            Says::AndLeaves(page("307 Temporary Redirect", "")),
            "it answered 307 Temporary Redirect, and redirects are not followed",
        ),
        ("wrong-key", Says::AndWaits(wrong_key.to_vec()), cannot_open),
        (
            "upgrade-no-http",
            Says::AndLeaves(b"\x16\x03\x01\x00\x00 hello\r\n\r\n".to_vec()),
            cannot_open,
        ),
        ("upgrade-leaves", Says::AndLeaves(Vec::new()), cannot_open),
        (
            "upgrade-silent",
            Says::AndWaits(Vec::new()),
            "it did not answer in time",
        ),
    ] {
        let hub = Raw::upgrading(says).await;
        refused(bad, &hub, why, "hub is unavailable").await;
    }
}

/// A whole frame as a server sends it; opcode with the bit for the last fragment.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ ..126), _) => frame.push(length),
        (_, Ok(length)) => {
            frame.push(126);
            frame.extend(length.to_be_bytes());
        }
        _ => {
            frame.push(127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

const CLOSED: &str = "it closed the connection during the handshake";
const NO_ANSWER: &str = "its handshake answer cannot be read";

#[tokio::test]
async fn nonsense_in_place_of_a_handshake_answer_is_a_handshake_error() {
    use Says::{AndLeaves, AndWaits};
    for (bad, says, why) in [
        ("hangs-up", AndLeaves(Vec::new()), CLOSED),
        ("half-a-frame", AndLeaves(vec![0x81, 100, b'{']), CLOSED),
        (
            "reserved-bits",
            AndWaits(frame(0xf1, b"{}\x1e")),
            "what it sent is no WebSocket message",
        ),
        (
            "no-text",
            AndWaits(frame(0x81, b"\xff\xfe\x1e")),
            "what it sent is no WebSocket message",
        ),
        (
            "oversized",
            AndWaits(frame(0x81, &vec![b' '; 100_001])),
            "what it sent is no WebSocket message",
        ),
        ("garbage", AndWaits(frame(0x81, b"welcome\x1e")), NO_ANSWER),
        ("array", AndWaits(frame(0x81, b"[]\x1e")), NO_ANSWER),
        (
            "binary",
            AndWaits(frame(0x82, &[0xc1, 0x00, 0xff, 0x1e])),
            NO_ANSWER,
        ),
        (
            "endless",
            AndWaits(frame(0x81, &[b' '; 60_000]).repeat(3)),
            NO_ANSWER,
        ),
        ("silent", AndWaits(Vec::new()), "it did not answer in time"),
        (
            "half-an-answer",
            AndWaits(frame(0x81, b"{")),
            "it did not answer in time",
        ),
    ] {
        let hub = Raw::after_upgrade(says).await;
        refused(bad, &hub, why, "hub did not answer a handshake").await;
    }
}

/// A client that has had its handshake answered may come back after what its hub says then.
async fn lost(bad: &'static str, says: Says, level: &str, said: &str) {
    let answer = frame(0x81, b"{}\x1e");
    let hub = Raw::after_upgrade(match says {
        Says::AndWaits(bytes) => Says::AndWaits([answer, bytes].concat()),
        Says::AndLeaves(bytes) => Says::AndLeaves([answer, bytes].concat()),
    })
    .await;
    let neighbours = Neighbours::of(bad, &hub, |options| {
        options.max_hub_message_bytes = 100_000;
    })
    .await;
    let mut visitor = neighbours.front.connect_to(bad).await;
    assert_eq!(visitor.greet().await, "{}\u{1e}", "{bad}");
    let close = visitor.text().await;
    assert_eq!(close, "{\"type\":7,\"allowReconnect\":true}\u{1e}", "{bad}");
    visitor.closed().await;
    neighbours.check(level, said).await;
}

#[tokio::test]
async fn nonsense_in_a_conversation_lets_the_client_come_back() {
    for (bad, bytes) in [
        ("later-bits", frame(0xf1, b"{}\x1e")),
        ("later-opcode", frame(0x83, b"{}\x1e")),
        ("later-masked", vec![0x81, 0x81, 1, 2, 3, 4, 5]),
        ("later-no-text", frame(0x81, b"\xff\xfe\x1e")),
        ("later-oversized", frame(0x81, &vec![b' '; 100_001])),
        ("later-huge", [[0x82, 127].as_slice(), &[0x7f; 8]].concat()),
        ("later-endless", frame(0x81, &[b' '; 60_000]).repeat(3)),
    ] {
        let says = Says::AndWaits(bytes);
        lost(bad, says, "WARN", "what a hub sent cannot be read").await;
    }
}

#[tokio::test]
async fn a_hub_that_goes_in_mid_frame_lets_the_client_come_back() {
    let says = Says::AndLeaves(vec![0x81, 100, b'{']);
    // Whoever stops a hub need not read of each of its clients.
    lost("later-half", says, "DEBUG", "conversation ended").await;
}
