//! The hub handshake beyond what the recordings show.

use std::time::Duration;

use heliograph_relay::{CloseReason, FrameClass, Send, Target};

use crate::hub::Welcome;
use crate::socket::{BINARY, Frame};
use crate::stage::{ACCEPTED, HANDSHAKE, Stage, echo, echoed};

async fn refusal(stage: &Stage, handshake: &str) -> String {
    let mut socket = stage.socket().await;
    socket.send(handshake).await;
    let text = socket.text().await;
    socket.closed(1000).await;
    text
}

#[tokio::test]
async fn the_answer_comes_first_and_alone_and_what_waited_behind_it() {
    let stage = Stage::with_rule(|rule| rule.welcome = Welcome::Silent);
    let mut socket = stage.socket().await;
    socket.send(&(HANDSHAKE.to_owned() + &echo(1, "a"))).await;
    let opened = stage.hub.opened().await;
    assert_eq!(opened.handshake, HANDSHAKE);
    assert_eq!(opened.protocol, "json");
    opened.push("{\"type\":1,\"target\":\"all\",\"arguments\":[]}\u{1e}");
    stage.hub.fed_count(1).await;
    opened.answer();
    assert_eq!(socket.text().await, ACCEPTED);
    let mut texts = [socket.text().await, socket.text().await];
    texts.sort();
    assert!(texts[0].contains("all"), "{texts:?}");
    assert_eq!(texts[1], echoed(1, "a"));
}

#[tokio::test]
async fn what_is_sent_to_all_reaches_a_client_from_its_handshake_on() {
    struct One;
    impl heliograph_relay::Encode for One {
        fn encode(&self, dialect: heliograph_relay::Dialect) -> Option<heliograph_relay::Frame> {
            let class = FrameClass::Counted;
            Some(heliograph::edge::dialects::frame(dialect, b"{}\x1e", class))
        }
    }
    let stage = Stage::with_rule(|rule| rule.welcome = Welcome::Silent);
    let mut socket = stage.socket().await;
    socket.send(HANDSHAKE).await;
    let opened = stage.hub.opened().await;
    let mut frames = heliograph_relay::FrameSet::new(&One);
    stage.relay_hub().send(&Send::to(Target::All), &mut frames);
    opened.answer();
    assert_eq!(socket.text().await, ACCEPTED);
    assert_eq!(socket.text().await, "{}\u{1e}");
}

#[tokio::test]
async fn a_hub_that_does_not_take_the_client_is_quoted() {
    let stage = Stage::start();
    for (welcome, text) in [
        (Welcome::Refused, "The protocol 'json' is not supported."),
        (
            Welcome::NoServer,
            "No server is available for hub 'testhub'.",
        ),
    ] {
        stage.hub.set(|rule| rule.welcome = welcome);
        let error = format!("{{\"error\":\"{text}\"}}\u{1e}");
        assert_eq!(refusal(&stage, HANDSHAKE).await, error);
    }
    stage.empty().await;
    assert!(stage.hub.closed().is_empty());
}

#[tokio::test]
async fn an_end_before_the_answer_is_a_handshake_error() {
    let stage = Stage::with_rule(|rule| rule.welcome = Welcome::Silent);
    let text = |text: &str| CloseReason::Ended {
        error: Some(text.into()),
        allow_reconnect: false,
    };
    for (reason, expected) in [
        (CloseReason::BackendLost, "Handshake was canceled."),
        (CloseReason::Draining, "Handshake was canceled."),
        (text("Not today."), "Not today."),
        // Without a reason it is still no handshake that went well.
        (CloseReason::Requested("".into()), "Handshake was canceled."),
    ] {
        let mut socket = stage.socket().await;
        socket.send(HANDSHAKE).await;
        stage.hub.opened().await.close(reason);
        let error = format!("{{\"error\":\"{expected}\"}}\u{1e}");
        assert_eq!(socket.text().await, error);
        socket.closed(1000).await;
    }
    stage.empty().await;
}

#[tokio::test]
async fn nothing_follows_the_hubs_own_handshake_error() {
    let stage = Stage::with_rule(|rule| rule.welcome = Welcome::Silent);
    let mut socket = stage.socket().await;
    socket.send(HANDSHAKE).await;
    let opened = stage.hub.opened().await;
    let error = "{\"error\":\"no\"}\u{1e}";
    let dialect = opened.client.dialect();
    let class = FrameClass::Handshake;
    let frame = heliograph::edge::dialects::frame(dialect, error.as_bytes(), class);
    opened.client.outbox().answer(frame);
    opened.close(CloseReason::BackendLost);
    assert_eq!(socket.text().await, error);
    socket.closed(1000).await;
}

#[tokio::test]
async fn a_handshake_in_time_is_the_last_that_has_to_be() {
    let stage = Stage::with_rule(|rule| rule.handshake_timeout = Duration::from_millis(100));
    let mut late = stage.socket().await;
    let (mut socket, _) = stage.connected().await;
    assert_eq!(
        late.text().await,
        "{\"error\":\"Handshake was canceled.\"}\u{1e}"
    );
    late.closed(1000).await;
    // Another that came too late, so that the answered one has seen its own time pass.
    let mut later = stage.socket().await;
    later.text().await;
    socket.send(&echo(0, "a")).await;
    assert_eq!(socket.text().await, echoed(0, "a"));
}

#[tokio::test]
async fn a_hub_that_never_answers_a_handshake_costs_its_client_the_connection() {
    let stage = Stage::with_rule(|rule| {
        rule.handshake_timeout = Duration::from_millis(100);
        rule.welcome = Welcome::Silent;
    });
    let mut socket = stage.socket().await;
    socket.send(HANDSHAKE).await;
    let text = "Hub 'testhub' did not answer the handshake in time.";
    assert_eq!(
        socket.text().await,
        format!("{{\"error\":\"{text}\"}}\u{1e}")
    );
    socket.closed(1000).await;
    assert_eq!(
        stage.hub.end().await,
        CloseReason::HandshakeFailed(text.into())
    );
}

#[tokio::test]
async fn a_protocol_that_is_only_carried_is_passed_on_unread() {
    let stage = Stage::start();
    let mut socket = stage.socket().await;
    socket
        .send("{\"protocol\":\"BlazorPack\",\"version\":1}\u{1e}")
        .await;
    assert_eq!(socket.next().await, Frame::Binary(ACCEPTED.into()));
    let opened = stage.hub.opened().await;
    assert_eq!(opened.protocol, "BlazorPack");
    // A length prefix and bytes that are no message at all.
    socket.send_frame(BINARY, true, b"\x03abc\x01").await;
    socket.send_frame(BINARY, true, b"z").await;
    stage.hub.fed_count(2).await;
    assert_eq!(stage.hub.fed(), ["\x03abc", "\x01z"]);
    opened.close(CloseReason::BackendLost);
    socket.closed(1000).await;

    let text = "{\"error\":\"The server does not support version 2 of the 'blazorpack' \
                protocol.\"}\u{1e}";
    let handshake = "{\"protocol\":\"blazorpack\",\"version\":2}\u{1e}";
    assert_eq!(refusal(&stage, handshake).await, text);
}
