//! Server-sent events beyond what the recordings show.

use std::time::Duration;

use heliograph_relay::CloseReason;

use crate::stage::{CLOSE, CLOSE_AND_RECONNECT, EVENTS, PING, Stage, echo, echoed};

#[tokio::test]
async fn every_hub_message_is_an_event_of_its_own_to_the_byte() {
    let stage = Stage::start();
    let ids = stage.negotiate().await;
    let mut exchange = stage.begin(&ids.target(), &[EVENTS]).await;
    let (status, headers) = exchange.head().await;
    assert_eq!(status, 200);
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-cache,no-store"),
        ("pragma", "no-cache"),
        ("content-encoding", "identity"),
        ("x-accel-buffering", "no"),
        ("transfer-encoding", "chunked"),
    ] {
        assert_eq!(headers[name], value);
    }
    let body = crate::stage::HANDSHAKE.to_owned() + &echo(1, "a") + &echo(2, "b");
    assert_eq!(stage.post(&ids.target(), &body).await.status, 200);
    let expected = format!(
        ":\r\ndata: {{}}\u{1e}\r\n\r\ndata: {}\r\n\r\ndata: {}\r\n\r\n",
        echoed(1, "a"),
        echoed(2, "b")
    );
    let mut text = Vec::new();
    while text.len() < expected.len() {
        text.extend(exchange.piece().await.unwrap());
    }
    assert_eq!(String::from_utf8(text).unwrap(), expected);
}

#[tokio::test]
async fn a_payload_with_line_breaks_is_one_event_of_several_lines() {
    let stage = Stage::start();
    let (_, mut events, opened) = stage.streaming().await;
    opened.push("{\n\"type\":6}\u{1e}");
    assert_eq!(events.next().await.unwrap(), "{\r\ndata: \"type\":6}\u{1e}");
}

#[tokio::test]
async fn the_stream_ends_behind_the_last_bytes_and_the_token_is_worth_nothing() {
    let stage = Stage::start();
    let (ids, mut events, opened) = stage.streaming().await;
    opened.push(&echoed(1, "last"));
    opened.close(CloseReason::BackendLost);
    assert_eq!(events.next().await, Some(echoed(1, "last")));
    assert_eq!(events.next().await.as_deref(), Some(CLOSE_AND_RECONNECT));
    assert_eq!(events.next().await, None);
    assert_eq!(stage.post(&ids.target(), PING).await.status, 404);
    assert_eq!(stage.hub.end().await, CloseReason::BackendLost);
    stage.empty().await;
}

#[tokio::test]
async fn a_client_that_says_goodbye_is_answered() {
    let stage = Stage::start();
    let (ids, mut events, _) = stage.streaming().await;
    let close = "{\"type\":7,\"error\":\"mine\"}\u{1e}";
    assert_eq!(stage.post(&ids.target(), close).await.status, 200);
    assert_eq!(events.next().await.as_deref(), Some(CLOSE));
    assert_eq!(events.next().await, None);
    let reason = CloseReason::ClientClosed(Some("mine".into()));
    assert_eq!(stage.hub.end().await, reason);
    stage.empty().await;
}

#[tokio::test]
async fn a_client_that_vanishes_ends_once() {
    let stage = Stage::start();
    for reset in [true, false] {
        let (_, events, _) = stage.streaming().await;
        if reset {
            events.exchange.reset();
        } else {
            drop(events);
        }
    }
    let lost = CloseReason::TransportLost;
    assert_eq!(stage.hub.ends(2).await, [lost.clone(), lost]);
    stage.empty().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_given_up_and_the_hub_told() {
    let options = heliograph::front::core::Options {
        send_timeout: Duration::from_millis(100),
        ..Default::default()
    };
    let stage = Stage::start_with(options, crate::hub::Rule::default());
    let (_, _events, opened) = stage.streaming().await;
    let large = format!("{{\"type\":6,\"x\":\"{}\"}}\u{1e}", "x".repeat(1 << 20));
    crate::until("a full outbox", || {
        opened.push(&large);
        opened.client.outbox().is_closing()
    })
    .await;
    assert_eq!(opened.client.outbox().waiting_bytes(), 0);
    assert_eq!(stage.hub.end().await, CloseReason::SlowClient);
    crate::until("a forgotten token", || stage.door.connections() == 0).await;
}
