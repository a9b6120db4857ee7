use std::time::Duration;

use axum::response::{IntoResponse as _, Response};
use futures_util::SinkExt as _;
use heliograph::backend::direct::Options;
use http::StatusCode;
use http::request::Parts;
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;

use crate::front::{Answer, Front, options};
use crate::stub::{OFFER, Stub, json, receive};

async fn negotiated(answer: impl Fn(&Parts) -> Response + Send + Sync + 'static) -> Answer {
    let stub = Stub::answering(answer).await;
    let front = Front::start(options(&stub.url()));
    front.negotiate("negotiateVersion=1", &[]).await
}

fn assert_unavailable(answer: &Answer, why: &str) {
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{answer:?}");
    assert_eq!(answer.body, format!("Hub 'chat' is unavailable: {why}."));
}

#[tokio::test]
async fn answers_of_no_hub_become_502() {
    for status in [
        StatusCode::INTERNAL_SERVER_ERROR,
        StatusCode::NOT_FOUND,
        StatusCode::FOUND,
    ] {
        let answer = negotiated(move |_| (status, "secret stack trace").into_response()).await;
        let why = if status == StatusCode::FOUND {
            ", and redirects are not followed"
        } else {
            ""
        };
        assert_unavailable(&answer, &format!("it answered {status}{why}"));
    }
    for body in ["<html></html>", "", "{}", "{\"connectionId\":\"x\"}"] {
        let answer = negotiated(move |_| json(body)).await;
        assert_unavailable(&answer, "its answer to negotiate cannot be read");
    }
    let answer = negotiated(|_| json(&OFFER.replace("WebSockets", "LongPolling"))).await;
    assert_unavailable(&answer, "it does not offer WebSockets");
}

#[tokio::test]
async fn an_endless_answer_is_not_read_to_its_end() {
    let answer = negotiated(|_| {
        let chunks =
            futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 1024]));
        axum::body::Body::from_stream(chunks).into_response()
    })
    .await;
    assert_unavailable(&answer, "its answer to negotiate is too large");
}

#[tokio::test]
async fn redirects_end() {
    let answer = negotiated(|parts| {
        let host = parts.headers["host"].to_str().unwrap();
        json(&format!(r#"{{"url":"http://{host}/chat"}}"#))
    })
    .await;
    assert_unavailable(&answer, "it redirects too often");
    let answer = negotiated(|_| json(r#"{"url":"file:///etc/passwd"}"#)).await;
    assert_unavailable(&answer, "it redirects to an unusable URL");
}

#[tokio::test]
async fn only_detailed_errors_say_why_a_hub_cannot_be_reached() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/chat", nobody.local_addr().unwrap());
    drop(nobody);
    let front = Front::start(options(&url));
    let answer = front.negotiate("negotiateVersion=1", &[]).await;
    assert_unavailable(&answer, "it cannot be reached");
    let front = Front::start(Options {
        detailed_errors: true,
        ..options(&url)
    });
    let answer = front.negotiate("negotiateVersion=1", &[]).await;
    assert!(answer.body.contains("Connection refused"), "{answer:?}");
    assert!(!answer.body.contains("127.0.0.1"), "{answer:?}");
}

#[tokio::test]
async fn a_hub_that_does_not_answer_becomes_504() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let front = Front::start(Options {
        negotiate_timeout: Duration::from_millis(50),
        ..options(&format!("http://{}/chat", silent.local_addr().unwrap()))
    });
    let answer = front.negotiate("negotiateVersion=1", &[]).await;
    assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(
        answer.body,
        "Hub 'chat' is unavailable: it did not answer in time."
    );
}

/// The handshake answer of a client whose hub sends this first.
async fn handshake_answer(first: Option<Message>) -> String {
    let mut stub = Stub::start().await;
    let mut options = options(&stub.url());
    if first.is_none() {
        options.handshake_timeout = Duration::from_millis(100);
    }
    let front = Front::start(options);
    let mut visitor = front.connect().await;
    visitor
        .send("{\"protocol\":\"json\",\"version\":1}\u{1e}")
        .await;
    let mut socket = stub.socket().await;
    receive(&mut socket).await;
    if let Some(message) = first {
        socket.send(message).await.unwrap();
    }
    let answer = visitor.text().await;
    visitor.closed().await;
    answer
}

#[tokio::test]
async fn a_handshake_that_fails_is_answered_once_and_the_connection_closed() {
    for (first, answer) in [
        (
            Some(Message::text("{\"error\":\"go away\"}\u{1e}")),
            "go away",
        ),
        (
            Some(Message::Close(None)),
            "Hub 'chat' is unavailable: it closed the connection during the handshake.",
        ),
        (
            Some(Message::text("hello\u{1e}")),
            "Hub 'chat' is unavailable: its handshake answer cannot be read.",
        ),
        (
            None,
            "Hub 'chat' is unavailable: it did not answer in time.",
        ),
    ] {
        assert_eq!(
            handshake_answer(first).await,
            format!("{{\"error\":\"{answer}\"}}\u{1e}")
        );
    }
}

#[tokio::test]
async fn a_refused_upgrade_is_a_handshake_error() {
    // Negotiates at one path and has nothing at the other.
    let target = Stub::start().await;
    let url = target.url().replace("/chat", "/gone");
    let stub = Stub::answering(move |parts| {
        if parts.uri.path().starts_with("/gone") {
            json(OFFER)
        } else {
            json(&format!(r#"{{"url":"{url}"}}"#))
        }
    })
    .await;
    let front = Front::start(options(&stub.url()));
    let mut visitor = front.connect().await;
    assert_eq!(
        visitor.greet().await,
        "{\"error\":\"Hub 'chat' is unavailable: it answered 404 Not Found.\"}\u{1e}"
    );
    visitor.closed().await;
}

#[tokio::test]
async fn a_lost_hub_lets_its_clients_come_back() {
    let mut stub = Stub::start().await;
    let front = Front::start(options(&stub.url()));
    for end in [
        None,
        Some(Message::Close(None)),
        Some(Message::text("x".repeat(2000))),
    ] {
        let front = match end {
            Some(Message::Text(_)) => &Front::start(Options {
                max_hub_message_bytes: 1000,
                ..options(&stub.url())
            }),
            _ => &front,
        };
        let mut visitor = front.connect().await;
        let (answer, (mut socket, _)) = tokio::join!(visitor.greet(), stub.greeted());
        assert_eq!(answer, "{}\u{1e}");
        match end {
            // Dropped without a goodbye.
            None => drop(socket),
            Some(message) => socket.send(message).await.unwrap(),
        }
        let close = visitor.text().await;
        assert_eq!(close, "{\"type\":7,\"allowReconnect\":true}\u{1e}");
        visitor.closed().await;
    }
}
