//! Stateful reconnect.

use std::time::Duration;

use heliograph::front::core::Options;
use heliograph_relay::CloseReason;

use crate::hub::{Rule, flushed};
use crate::socket::Frame;
use crate::stage::{
    ACCEPTED, CLOSE, CLOSE_WITH_ERROR, HANDSHAKE, HANDSHAKE_2, PING, Stage, echo, echoed,
};

fn ack(number: u32) -> String {
    format!("{{\"type\":8,\"sequenceId\":{number}}}\u{1e}")
}

fn sequence(number: u32) -> String {
    format!("{{\"type\":9,\"sequenceId\":{number}}}\u{1e}")
}

fn quick() -> Options {
    Options {
        disconnect_timeout: Duration::from_millis(300),
        ..Options::default()
    }
}

/// The next message that is no acknowledgement.
async fn next(socket: &mut crate::socket::Socket) -> String {
    loop {
        let text = socket.text().await;
        if !text.starts_with("{\"type\":8,") {
            return text;
        }
    }
}

#[tokio::test]
async fn what_the_client_did_not_get_comes_again_and_what_it_repeats_is_skipped() {
    let stage = Stage::start();
    let (ids, mut socket, opened) = stage.connected_stateful().await;
    for id in 1..=3 {
        socket.send(&echo(id, "a")).await;
        assert_eq!(next(&mut socket).await, echoed(id, "a"));
    }
    socket.send(&(PING.to_owned() + &ack(1))).await;
    stage.hub.fed_count(4).await;
    socket.reset();
    // Sent while there is no link.
    opened.push(&echoed(9, "meanwhile"));
    let mut socket = stage.socket_of(&ids).await.unwrap();
    assert_eq!(next(&mut socket).await, sequence(2));
    assert_eq!(next(&mut socket).await, echoed(2, "a"));
    assert_eq!(next(&mut socket).await, echoed(3, "a"));
    assert_eq!(next(&mut socket).await, echoed(9, "meanwhile"));
    let again = sequence(2) + &echo(2, "a") + &echo(3, "a") + &echo(4, "new");
    socket.send(&again).await;
    assert_eq!(next(&mut socket).await, echoed(4, "new"));
    let calls: Vec<_> = stage.hub.fed().into_iter().filter(|m| m != PING).collect();
    let expected = [echo(1, "a"), echo(2, "a"), echo(3, "a"), echo(4, "new")];
    assert_eq!(calls, expected);
    assert_eq!(stage.hub.resumed_count(), 1);
    assert!(stage.hub.closed().is_empty());
    assert_eq!(stage.hub.open_count(), 1);
}

#[tokio::test]
async fn what_came_is_acknowledged_within_seconds_and_once() {
    let stage = Stage::start();
    let (_, mut socket, _) = stage.connected_stateful().await;
    let calls: String = (1..=3).map(|id| echo(id, "a")).collect();
    socket.send(&calls).await;
    for id in 1..=3 {
        assert_eq!(socket.text().await, echoed(id, "a"));
    }
    assert_eq!(socket.text().await, ack(3));
    socket.send(PING).await;
    socket.send(&echo(4, "b")).await;
    assert_eq!(socket.text().await, echoed(4, "b"));
    assert_eq!(socket.text().await, ack(4));
}

#[tokio::test]
async fn half_a_message_on_a_lost_link_is_forgotten() {
    let stage = Stage::start();
    let (ids, mut socket, _) = stage.connected_stateful().await;
    let call = echo(1, "a");
    socket.send(&(echo(0, "z") + &call[..20])).await;
    assert_eq!(next(&mut socket).await, echoed(0, "z"));
    socket.reset();
    let mut socket = stage.socket_of(&ids).await.unwrap();
    assert_eq!(next(&mut socket).await, sequence(1));
    assert_eq!(next(&mut socket).await, echoed(0, "z"));
    socket.send(&(sequence(2) + &call)).await;
    assert_eq!(next(&mut socket).await, echoed(1, "a"));
}

#[tokio::test]
async fn the_newest_link_wins_while_the_old_one_stands() {
    let stage = Stage::start();
    let (ids, mut old, opened) = stage.connected_stateful().await;
    old.send(PING).await;
    stage.hub.fed_count(1).await;
    let mut new = stage.socket_of(&ids).await.unwrap();
    assert_eq!(next(&mut new).await, sequence(1));
    assert_eq!(old.next().await, Frame::Close(1000));
    // Whatever the old one says now.
    old.send(&echo(7, "old")).await;
    old.closed_by_peer().await;
    opened.push(&echoed(1, "pushed"));
    assert_eq!(next(&mut new).await, echoed(1, "pushed"));
    new.send(&echo(2, "new")).await;
    assert_eq!(next(&mut new).await, echoed(2, "new"));
    assert_eq!(stage.hub.fed(), [PING.to_owned(), echo(2, "new")]);
    assert!(stage.hub.closed().is_empty());
}

#[tokio::test]
async fn a_sequence_from_the_future_is_fatal_and_kills_the_token() {
    let stage = Stage::start();
    let (ids, socket, _) = stage.connected_stateful().await;
    socket.reset();
    let mut socket = stage.socket_of(&ids).await.unwrap();
    assert_eq!(next(&mut socket).await, sequence(1));
    socket.send(&sequence(9)).await;
    assert_eq!(next(&mut socket).await, CLOSE_WITH_ERROR);
    socket.closed(1000).await;
    assert_eq!(stage.socket_of(&ids).await.err().unwrap().status, 404);
    let reason = stage.hub.end().await;
    assert!(matches!(reason, CloseReason::ResumeFailed(_)), "{reason:?}");
    stage.empty().await;
}

#[tokio::test]
async fn goodbyes_kill_the_token_before_they_are_read() {
    let stage = Stage::start();
    // The hub's own, which waits to be read.
    let (ids, mut socket, _) = stage.connected_stateful().await;
    let abort = "{\"type\":1,\"target\":\"AbortMe\",\"arguments\":[]}\u{1e}";
    socket.send(abort).await;
    assert_eq!(next(&mut socket).await, CLOSE);
    assert_eq!(stage.socket_of(&ids).await.err().unwrap().status, 404);
    drop(socket);
    // The client's.
    let (ids, mut socket, _) = stage.connected_stateful().await;
    socket.send(CLOSE).await;
    assert_eq!(next(&mut socket).await, CLOSE);
    assert_eq!(stage.socket_of(&ids).await.err().unwrap().status, 404);
    drop(socket);
    // The client's, on the level of WebSockets.
    let (ids, mut socket, _) = stage.connected_stateful().await;
    socket.send_close(1000).await;
    assert_eq!(socket.next().await, Frame::Close(1000));
    assert_eq!(stage.socket_of(&ids).await.err().unwrap().status, 404);
    drop(socket);
    stage.hub.ends(3).await;
    stage.empty().await;
}

#[tokio::test]
async fn a_lost_client_that_does_not_come_back_is_gone_in_time() {
    let stage = Stage::start_with(quick(), Rule::default());
    let (ids, socket, _) = stage.connected_stateful().await;
    socket.reset();
    assert_eq!(stage.hub.end().await, CloseReason::TransportLost);
    assert_eq!(stage.socket_of(&ids).await.err().unwrap().status, 404);
    stage.empty().await;
}

#[tokio::test]
async fn an_end_while_there_is_no_link_is_told_on_the_next_one() {
    let stage = Stage::start();
    let (ids, socket, opened) = stage.connected_stateful().await;
    socket.reset();
    // A second link that is reset at once, so that the first is known to be over.
    stage.socket_of(&ids).await.unwrap().reset();
    opened.close(CloseReason::BackendLost);
    if let Ok(mut socket) = stage.socket_of(&ids).await {
        assert_eq!(next(&mut socket).await, sequence(1));
        assert_eq!(next(&mut socket).await, crate::stage::CLOSE_AND_RECONNECT);
        socket.closed(1000).await;
    }
    assert_eq!(stage.hub.end().await, CloseReason::BackendLost);
}

#[tokio::test]
async fn version_1_though_granted_is_a_plain_connection() {
    let stage = Stage::start();
    let ids = stage.negotiate_stateful().await;
    let mut socket = stage.socket_of(&ids).await.unwrap();
    socket.send(HANDSHAKE).await;
    assert_eq!(socket.text().await, ACCEPTED);
    socket.reset();
    assert_eq!(stage.hub.end().await, CloseReason::TransportLost);
    assert_eq!(stage.socket_of(&ids).await.err().unwrap().status, 404);
    // Version 2 without the grant.
    let ids = stage.negotiate().await;
    let mut socket = stage.socket_of(&ids).await.unwrap();
    socket.send(HANDSHAKE_2).await;
    assert_eq!(socket.text().await, ACCEPTED);
    socket.send(&echo(1, "a")).await;
    assert_eq!(socket.text().await, echoed(1, "a"));
    assert_eq!(stage.socket_of(&ids).await.err().unwrap().status, 409);
    socket.reset();
    stage.hub.ends(2).await;
    stage.empty().await;
}

#[tokio::test]
async fn a_client_that_does_not_acknowledge_is_held_back_within_bounds() {
    let options = Options {
        stateful_buffer_bytes: 1000,
        ..Options::default()
    };
    let stage = Stage::start_with(options, Rule::default());
    let (_, mut socket, opened) = stage.connected_stateful().await;
    socket.send(PING).await;
    stage.hub.fed_count(1).await;
    let text = "x".repeat(600);
    for id in 1..=2 {
        opened.push(&echoed(id, &text));
        assert_eq!(next(&mut socket).await, echoed(id, &text));
    }
    opened.push(&echoed(3, &text));
    socket.send(&echo(7, "still heard")).await;
    stage.hub.fed_count(2).await;
    assert!(opened.client.outbox().waiting_bytes() > 600);
    socket.send(&ack(2)).await;
    assert_eq!(next(&mut socket).await, echoed(3, &text));
    flushed(&opened).await;
}

#[tokio::test]
async fn a_storm_of_reconnects_is_ended() {
    let stage = Stage::start();
    let (ids, socket, _) = stage.connected_stateful().await;
    socket.reset();
    let mut links = 0;
    let refused = loop {
        match stage.socket_of(&ids).await {
            Ok(mut socket) => {
                assert_eq!(next(&mut socket).await, sequence(1));
                socket.reset();
            }
            Err(refused) => break refused,
        }
        links += 1;
        assert!(links < 100);
    };
    assert_eq!(refused.status, 404);
    assert!(links >= 10, "{links}");
    let reason = stage.hub.end().await;
    assert!(matches!(reason, CloseReason::ResumeFailed(_)), "{reason:?}");
    stage.empty().await;
}
