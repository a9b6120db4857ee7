//! Pings and the watch on silent clients, for hubs that leave them to the door.

use std::time::{Duration, Instant};

use heliograph::backend::KeepAlive;
use heliograph_relay::CloseReason;

use crate::http::Exchange;
use crate::stage::{CLOSE_WITH_ERROR, Events, PING, Stage, echo, echoed};

/// Server pings, one a second, in which a client that is watched would be closed.
const LONG: usize = 4;
const STALL: &str = "{\"type\":1,\"target\":\"Stall\",\"arguments\":[]}\u{1e}";

fn stage() -> Stage {
    Stage::with_rule(|rule| {
        rule.keep_alive = Some(KeepAlive {
            interval: Duration::from_secs(1),
            client_timeout: Duration::from_secs(1),
        });
    })
}

#[tokio::test]
async fn clients_are_pinged_and_those_that_never_pinged_may_be_silent() {
    let stage = stage();
    let (mut socket, _) = stage.connected().await;
    let (_, mut events, _) = stage.streaming().await;
    let (ids, _) = stage.polling().await;
    let poll = stage.begin(&ids.target(), &[]).await;
    for _ in 0..4 {
        assert_eq!(socket.text().await, PING);
        assert_eq!(events.next().await.as_deref(), Some(PING));
    }
    assert!(stage.hub.closed().is_empty());
    // Nothing came for the poll: a hub message is the first that it sees.
    let mut poll = poll;
    assert_eq!(stage.post(&ids.target(), &echo(1, "a")).await.status, 200);
    assert_eq!(poll.answer("GET").await.text(), echoed(1, "a"));
}

#[tokio::test]
async fn a_client_that_pinged_once_and_is_silent_then_is_closed() {
    let stage = stage();
    let (mut socket, _) = stage.connected().await;
    let (mut lively, _) = stage.connected().await;
    let started = Instant::now();
    socket.send(PING).await;
    lively.send(PING).await;
    loop {
        let text = socket.text().await;
        lively.send(PING).await;
        if text == CLOSE_WITH_ERROR {
            break;
        }
        assert_eq!(text, PING);
    }
    assert!(started.elapsed() >= Duration::from_secs(1));
    socket.closed(1000).await;
    assert_eq!(stage.hub.end().await, CloseReason::ClientTimeout);
}

#[tokio::test]
async fn a_polling_client_that_pings_is_not_watched() {
    let stage = stage();
    let (ids, opened) = stage.polling().await;
    assert_eq!(stage.post(&ids.target(), PING).await.status, 200);
    // Two pings to another client: more than the limit has passed.
    let (mut socket, _) = stage.connected().await;
    for _ in 0..3 {
        assert_eq!(socket.text().await, PING);
    }
    assert!(!opened.client.outbox().is_closing());
}

#[tokio::test]
async fn a_client_whose_hub_stalls_is_not_silent() {
    let stage = stage();
    let (mut socket, _) = stage.connected().await;
    socket.send(PING).await;
    stage.hub.fed_count(1).await;
    stage.hub.stall(true);
    socket.send(&echo(1, "a")).await;
    for _ in 0..LONG {
        assert_eq!(socket.text().await, PING);
    }
    stage.hub.stall(false);
    let mut text = socket.text().await;
    while text == PING {
        text = socket.text().await;
    }
    assert_eq!(text, echoed(1, "a"));
    // Its time counts again.
    let mut pings = 0;
    while socket.text().await != CLOSE_WITH_ERROR {
        pings += 1;
        assert!(pings <= LONG, "still open");
    }
    assert_eq!(stage.hub.end().await, CloseReason::ClientTimeout);
}

#[tokio::test]
async fn a_posting_client_whose_hub_stalls_is_not_silent() {
    let stage = stage();
    let (ids, mut events, _) = stage.streaming().await;
    assert_eq!(stage.post(&ids.target(), PING).await.status, 200);
    stage.hub.stall(true);
    let body = echo(1, "a");
    let mut post = posting(&stage, &ids.target(), &body).await;
    for _ in 0..LONG {
        assert_eq!(events.next().await.as_deref(), Some(PING));
    }
    stage.hub.stall(false);
    assert_eq!(post.answer("POST").await.status, 200);
    let mut event = events.next().await;
    while event.as_deref() == Some(PING) {
        event = events.next().await;
    }
    assert_eq!(event, Some(echoed(1, "a")));
    closed_as_silent(&mut events).await;
    assert_eq!(stage.hub.end().await, CloseReason::ClientTimeout);
}

#[tokio::test]
async fn a_client_that_left_its_post_to_a_stalling_hub_is_watched_after_the_stall() {
    let stage = stage();
    let (ids, mut events, _) = stage.streaming().await;
    assert_eq!(stage.post(&ids.target(), PING).await.status, 200);
    // The hub has the message, and the post waits until it takes another.
    let post = posting(&stage, &ids.target(), STALL).await;
    stage.hub.fed_count(2).await;
    drop(post);
    for _ in 0..LONG {
        assert_eq!(events.next().await.as_deref(), Some(PING));
    }
    stage.hub.stall(false);
    closed_as_silent(&mut events).await;
    assert_eq!(stage.hub.end().await, CloseReason::ClientTimeout);
}

/// The client is watched: it sees the end before many pings.
async fn closed_as_silent(events: &mut Events) {
    for _ in 0..=LONG {
        match events.next().await {
            Some(event) if event == PING => {}
            end => return assert_eq!(end.as_deref(), Some(CLOSE_WITH_ERROR)),
        }
    }
    panic!("still open after {LONG} pings");
}

/// Starts a POST whose answer is awaited later.
async fn posting(stage: &Stage, target: &str, body: &str) -> Exchange {
    Exchange::send(stage.address, "POST", target, &[], Some(body.as_bytes())).await
}
