//! Pings and the watch on silent clients, for hubs that leave them to the door.

use std::time::{Duration, Instant};

use heliograph::backend::KeepAlive;
use heliograph_relay::CloseReason;

use crate::stage::{CLOSE_WITH_ERROR, PING, Stage, echo, echoed};

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
