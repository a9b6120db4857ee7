//! Clients that read too slowly, and more clients than there may be.

use std::time::Duration;

use heliograph::front::core::Options;
use heliograph_relay::{CloseReason, Limits};

use crate::hub::Rule;
use crate::socket::{Frame, Socket};
use crate::stage::{Ids, PING, Stage, echo, echoed};

#[tokio::test]
async fn a_client_that_does_not_read_is_closed_and_others_are_not() {
    let options = Options {
        outbox: Limits {
            bytes: 256 << 10,
            frames: 1000,
        },
        ..Options::default()
    };
    let stage = Stage::start_with(options, Rule::default());
    let (slow, opened) = stage.connected().await;
    let (mut other, _) = stage.connected().await;
    let large = format!("{{\"type\":6,\"x\":\"{}\"}}\u{1e}", "x".repeat(64 << 10));
    crate::until("a full outbox", || {
        opened.push(&large);
        assert!(opened.client.outbox().waiting_bytes() <= 256 << 10);
        opened.client.outbox().is_closing()
    })
    .await;
    assert_eq!(opened.client.outbox().waiting_bytes(), 0);
    assert_eq!(stage.hub.end().await, CloseReason::SlowClient);
    other.send(&echo(1, "a")).await;
    assert_eq!(other.text().await, echoed(1, "a"));
    drop((slow, other));
    stage.empty().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_its_last_bytes_is_not_waited_for() {
    let options = Options {
        outbox: Limits {
            bytes: 64 << 20,
            frames: 1000,
        },
        send_timeout: Duration::from_millis(100),
        ..Options::default()
    };
    let stage = Stage::start_with(options, Rule::default());
    let (_slow, opened) = stage.connected().await;
    let large = format!("{{\"type\":6,\"x\":\"{}\"}}\u{1e}", "x".repeat(1 << 20));
    for _ in 0..32 {
        opened.push(&large);
    }
    opened.close(CloseReason::BackendLost);
    assert_eq!(stage.hub.end().await, CloseReason::BackendLost);
    stage.empty().await;
}

#[tokio::test]
async fn one_connection_too_many_is_refused() {
    let options = Options {
        max_connections: 3,
        ..Options::default()
    };
    let stage = Stage::start_with(options, Rule::default());
    let (first, _) = stage.connected().await;
    let negotiated = stage.negotiate().await;
    let (_, events, _) = stage.streaming().await;
    let refused = stage.post("/testhub/negotiate", "").await;
    assert_eq!(refused.status, 503);
    let refused = Socket::open(stage.address, "/testhub", &[]).await;
    assert_eq!(refused.err().unwrap().status, 503);
    // Those that are there go on.
    assert!(stage.socket_of(&negotiated).await.is_ok());
    drop((first, events));
    crate::until("room", || stage.door.connections() < 3).await;
    let answer = stage.post("/testhub/negotiate", "").await;
    assert_eq!(answer.status, 200);
    assert_eq!(stage.get(&Ids::of(&answer).target()).await.status, 200);
}

#[tokio::test]
async fn a_connection_that_was_only_negotiated_is_forgotten_in_time() {
    let options = Options {
        disconnect_timeout: Duration::from_millis(300),
        ..Options::default()
    };
    let stage = Stage::start_with(options, Rule::default());
    let ids = stage.negotiate().await;
    let early = stage.negotiate().await;
    assert_eq!(stage.post(&early.target(), PING).await.status, 200);
    let mut used = stage.socket_of(&stage.negotiate().await).await.unwrap();
    crate::until("forgotten ids", || stage.door.connections() == 1).await;
    for ids in [ids, early] {
        let refused = stage.socket_of(&ids).await.err().unwrap();
        assert_eq!(
            (refused.status, refused.text()),
            (404, "No Connection with that ID")
        );
        assert_eq!(refused.header("content-type"), None);
        assert_eq!(stage.get(&ids.target()).await.status, 404);
    }
    used.send_close(1000).await;
    assert_eq!(used.next().await, Frame::Close(1000));
    stage.empty().await;
}
