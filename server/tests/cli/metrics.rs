//! What `/metrics` tells of clients that come, talk and go.

use std::io::{Read as _, Write as _};

use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

use crate::program::{Service, Socket, status};

pub(crate) const HANDSHAKE: &str = "{\"protocol\":\"json\",\"version\":1}\u{1e}";
pub(crate) const ACCEPTED: &str = "{}\u{1e}";

/// The next text of a WebSocket.
pub(crate) fn next(socket: &mut Socket) -> String {
    loop {
        if let Message::Text(text) = socket.read().unwrap() {
            return text.to_string();
        }
    }
}

pub(crate) fn send(socket: &mut Socket, text: &str) {
    socket.send(Message::text(text)).unwrap();
}

/// The connection token of a fresh negotiation.
pub(crate) fn negotiate(service: &Service, path: &str) -> String {
    let answer = service.post(&format!("{path}/negotiate?negotiateVersion=1"), "", "");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let answer: Value = serde_json::from_str(body).unwrap();
    answer["connectionToken"].as_str().unwrap().to_owned()
}

/// A long-polling client past its handshake: its place.
pub(crate) fn poll(service: &Service, path: &str) -> String {
    let place = format!("{path}?id={}", negotiate(service, path));
    assert_eq!(status(&service.get(&place, "")), 200);
    assert_eq!(status(&service.post(&place, "", HANDSHAKE)), 200);
    assert!(service.get(&place, "").ends_with(ACCEPTED));
    place
}

fn connections(transport: &str) -> String {
    format!("signalr_server_active_connections{{hub=\"bench\",transport=\"{transport}\"}}")
}

fn closed(reason: &str) -> String {
    format!("signalr_server_connections_closed{{hub=\"bench\",reason=\"{reason}\"}}")
}

#[test]
fn clients_and_messages_are_counted_by_hub() {
    let service = Service::start(&["--set", "bench=true"], &[]);
    let mut socket = service.socket("/bench", &[]).unwrap();
    send(&mut socket, HANDSHAKE);
    assert_eq!(next(&mut socket), ACCEPTED);
    let place = poll(&service, "/bench");
    service.wait_for_metric(&connections("WebSockets"), 1.0);
    service.wait_for_metric(&connections("LongPolling"), 1.0);
    let place_of_events = format!("/bench?id={}", negotiate(&service, "/bench"));
    let mut events = service.connect();
    let request =
        format!("GET {place_of_events} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n");
    events.write_all(request.as_bytes()).unwrap();
    events.read_exact(&mut [0; 12]).unwrap();
    let opened = service.post(&place_of_events, "", HANDSHAKE);
    assert_eq!(status(&opened), 200);
    service.wait_for_metric(&connections("ServerSentEvents"), 1.0);
    drop(events);
    service.wait_for_metric(&connections("ServerSentEvents"), 0.0);
    service.wait_for_metric(&closed("transport_lost"), 1.0);

    let echo =
        "{\"type\":1,\"invocationId\":\"1\",\"target\":\"Echo\",\"arguments\":[\"a\"]}\u{1e}";
    // Pings are no messages of the app.
    send(&mut socket, "{\"type\":6}\u{1e}");
    for _ in 0..3 {
        send(&mut socket, echo);
        assert!(next(&mut socket).contains("\"result\":\"a\""));
    }
    service.wait_for_metric("signalr_server_messages_received{hub=\"bench\"}", 3.0);
    service.wait_for_metric("signalr_server_messages_sent{hub=\"bench\"}", 3.0);

    socket.close(None).unwrap();
    service.wait_for_metric(&closed("client_closed"), 1.0);
    service.wait_for_metric(&connections("WebSockets"), 0.0);
    assert_eq!(status(&service.request("DELETE", &place, "", "")), 202);
    service.wait_for_metric(&closed("ended_by_hub"), 1.0);
    service.wait_for_metric(&connections("LongPolling"), 0.0);
}

#[test]
fn negotiations_are_counted_by_result() {
    let settings = ["--set", "bench=true", "--set", "hubs.chat.backend=embedded"];
    let service = Service::start(&settings, &[]);
    let count = |hub: &str, result: &str| {
        service.metric(&format!(
            "signalr_server_negotiations{{hub=\"{hub}\",result=\"{result}\"}}"
        ))
    };
    negotiate(&service, "/bench");
    negotiate(&service, "/bench");
    service.post("/bench/negotiate?negotiateVersion=x", "", "");
    service.get("/bench/negotiate", "");
    service.post("/chat/negotiate", "Origin: https://page.test\r\n", "");
    for hub in ["one", "two"] {
        service.post(&format!("/client/negotiate?hub={hub}"), "", "");
    }
    let counts = [
        count("bench", "accepted"),
        count("bench", "refused"),
        count("chat", "denied"),
        // Whoever has no token may not make up names of hubs.
        count("", "denied"),
        count("one", "denied"),
    ];
    assert_eq!(counts, [2.0, 2.0, 1.0, 2.0, 0.0]);
}

#[test]
fn who_only_negotiated_never_closed() {
    let settings = ["--set", "bench=true", "--set", "timeouts.disconnect=1s"];
    let service = Service::start(&[&settings[..], &["--log-level", "debug"]].concat(), &[]);
    let forgotten = negotiate(&service, "/bench");
    let place = format!("/bench?id={forgotten}");
    // The client of a later transport is the proof that closes are counted at all.
    let silent = format!("/bench?id={}", negotiate(&service, "/bench"));
    assert_eq!(status(&service.get(&silent, "")), 200);
    service.wait_for_metric(&closed("transport_lost"), 1.0);
    while status(&service.post(&place, "", "")) != 404 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!((service.metric(&closed("transport_lost")) - 1.0).abs() < 0.1);
    service.signal("TERM");
    let (_, log) = service.wait();
    assert_eq!(log.matches("connection ended").count(), 1, "{log}");
}
