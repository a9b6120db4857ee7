//! WebSockets beyond what the recordings show.

use heliograph_relay::CloseReason;

use crate::hub::Welcome;
use crate::socket::{BINARY, CONTINUATION, Frame, PING, TEXT};
use crate::stage::{ACCEPTED, CLOSE, HANDSHAKE, Stage, echo, echoed};

#[tokio::test]
async fn frames_of_any_kind_and_size_carry_one_stream() {
    let stage = Stage::start();
    let mut socket = stage.socket().await;
    let stream = HANDSHAKE.to_owned() + &echo(1, "a") + &echo(2, "b");
    for byte in stream.as_bytes() {
        socket.send_frame(BINARY, true, &[*byte]).await;
    }
    let (first, last) = stream.as_bytes()[HANDSHAKE.len()..].split_at(30);
    socket.send_frame(TEXT, false, first).await;
    socket.send_frame(PING, true, b"between").await;
    socket.send_frame(CONTINUATION, false, b"").await;
    socket.send_frame(CONTINUATION, true, last).await;
    let mut texts = Vec::new();
    let mut pongs = 0;
    while texts.len() < 5 || pongs < 1 {
        match socket.next().await {
            Frame::Text(text) => texts.push(text),
            Frame::Pong(payload) => {
                assert_eq!(payload, b"between");
                pongs += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    let (a, b) = (echoed(1, "a"), echoed(2, "b"));
    assert_eq!(texts, [ACCEPTED, &a, &b, &a, &b]);
}

#[tokio::test]
async fn a_frame_larger_than_a_message_may_hold_many_messages() {
    let stage = Stage::start();
    let (mut socket, _) = stage.connected().await;
    let text = "x".repeat(1000);
    let calls: String = (0..300).map(|id| echo(id, &text)).collect();
    socket.send(&calls).await;
    for id in 0..300 {
        assert_eq!(socket.text().await, echoed(id, &text));
    }
}

#[tokio::test]
async fn unknown_types_acks_and_sequences_do_not_reach_the_hub() {
    let stage = Stage::start();
    let (mut socket, _) = stage.connected().await;
    for message in [
        "{\"type\":99}\u{1e}",
        "{\"type\":8,\"sequenceId\":1}\u{1e}",
        "{\"type\":9,\"sequenceId\":7}\u{1e}",
        "{\"x\":1,\"type\":-1}\u{1e}",
    ] {
        socket.send(message).await;
    }
    socket.send(&echo(1, "a")).await;
    assert_eq!(socket.text().await, echoed(1, "a"));
    assert_eq!(stage.hub.fed(), [echo(1, "a")]);
}

#[tokio::test]
async fn a_client_that_vanishes_ends_once() {
    let stage = Stage::start();
    let (socket, _) = stage.connected().await;
    socket.reset();
    let (socket, _) = stage.connected().await;
    drop(socket);
    let lost = CloseReason::TransportLost;
    assert_eq!(stage.hub.ends(2).await, [lost.clone(), lost]);
    stage.socket().await.reset();
    stage.hub.set(|rule| rule.welcome = Welcome::Never);
    let mut socket = stage.socket().await;
    socket.send(HANDSHAKE).await;
    crate::until("an open", || stage.hub.open_count() == 3).await;
    socket.reset();
    stage.empty().await;
    assert_eq!(stage.hub.closed().len(), 2);
}

#[tokio::test]
async fn goodbyes_on_either_level_end_once() {
    let stage = Stage::start();
    let (mut socket, _) = stage.connected().await;
    socket.send_close(3000).await;
    assert_eq!(socket.next().await, Frame::Close(1000));
    assert_eq!(socket.next().await, Frame::End);
    let (mut socket, _) = stage.connected().await;
    socket.send("{\"type\":7,\"error\":\"mine\"}\u{1e}").await;
    socket.send_close(1000).await;
    assert_eq!(socket.text().await, CLOSE);
    assert_eq!(socket.next().await, Frame::Close(1000));
    assert_eq!(
        stage.hub.ends(2).await,
        [
            CloseReason::ClientClosed(None),
            CloseReason::ClientClosed(Some("mine".into()))
        ]
    );
    stage.empty().await;
}

#[tokio::test]
async fn what_breaks_the_protocol_of_websockets_is_told_by_code() {
    let stage = Stage::start();
    for (bytes, code) in [
        // Not masked.
        (b"\x81\x01a".to_vec(), 1002),
        // A reserved bit.
        (crate::socket::frame(0x41, true, b"a"), 1002),
        (crate::socket::frame(TEXT, true, b"\xff\xfe"), 1007),
    ] {
        let (mut socket, _) = stage.connected().await;
        socket.send_bytes(&bytes).await;
        assert_eq!(socket.next().await, Frame::Close(code));
    }
    stage.hub.ends(3).await;
    stage.empty().await;
}

#[tokio::test]
async fn a_message_over_the_limit_ends_the_connection_at_the_limit() {
    let stage = Stage::with_rule(|rule| {
        rule.max_message_bytes = 1000;
        rule.detailed_errors = true;
    });
    let (mut socket, _) = stage.connected().await;
    // Its separator never comes: the limit is what ends it.
    socket.send(&"x".repeat(2000)).await;
    let text = socket.text().await;
    let detail = "InvalidDataException: The maximum message size of 1000B was exceeded. The \
                  message size can be configured in AddHubOptions.";
    assert!(text.contains(detail), "{text}");
    socket.closed(1000).await;
    let huge = crate::socket::frame(BINARY, true, &vec![b'y'; 4 << 20]);
    let (mut socket, _) = stage.connected().await;
    socket.try_send_bytes(&huge).await;
    assert!(socket.text().await.contains(detail));
    drop(socket);
    stage.hub.ends(2).await;
    stage.empty().await;
}

#[tokio::test]
async fn a_stalled_hub_is_waited_for_and_no_message_is_lost() {
    let stage = Stage::start();
    let (mut socket, _) = stage.connected().await;
    stage.hub.stall(true);
    for id in 0..100 {
        socket.send(&echo(id, "a")).await;
    }
    stage.hub.stall(false);
    for id in 0..100 {
        assert_eq!(socket.text().await, echoed(id, "a"));
    }
    stage.hub.stall(true);
    socket.send(&echo(100, "b")).await;
    stage.door.drain();
    assert_eq!(stage.hub.end().await, CloseReason::Draining);
    drop(socket);
    stage.empty().await;
}
