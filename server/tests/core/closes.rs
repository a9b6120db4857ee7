//! How each end reads on the client's side, in every transport.

use heliograph_relay::CloseReason;

use crate::socket::Frame;
use crate::stage::{CLOSE, CLOSE_AND_RECONNECT, CLOSE_WITH_ERROR, Stage, echoed};

/// Every reason that a hub or the node may have, and the last message that it makes.
fn reasons() -> Vec<(CloseReason, Option<String>)> {
    let ended = |error: Option<&str>, allow_reconnect| CloseReason::Ended {
        error: error.map(Into::into),
        allow_reconnect,
    };
    let text = |text: &str| Some(text.to_owned());
    vec![
        (CloseReason::ClientClosed(None), text(CLOSE)),
        (CloseReason::TransportLost, None),
        (ended(None, false), text(CLOSE)),
        (ended(None, true), text(CLOSE_AND_RECONNECT)),
        (
            ended(Some("no \"more\""), true),
            text("{\"type\":7,\"error\":\"no \\\"more\\\"\",\"allowReconnect\":true}\u{1e}"),
        ),
        (CloseReason::BackendLost, text(CLOSE_AND_RECONNECT)),
        (CloseReason::ClientTimeout, text(CLOSE_WITH_ERROR)),
        (
            CloseReason::ProtocolError("secret".into()),
            text(CLOSE_WITH_ERROR),
        ),
        (CloseReason::AuthExpired, text(CLOSE_AND_RECONNECT)),
        (CloseReason::Draining, text(CLOSE_AND_RECONNECT)),
        (
            CloseReason::Requested("go away".into()),
            text("{\"type\":7,\"error\":\"go away\"}\u{1e}"),
        ),
        (CloseReason::Requested("".into()), text(CLOSE)),
        (
            CloseReason::ResumeFailed("secret".into()),
            text(CLOSE_WITH_ERROR),
        ),
    ]
}

#[tokio::test]
async fn on_websockets() {
    let stage = Stage::start();
    for (reason, last) in reasons() {
        let (mut socket, opened) = stage.connected().await;
        opened.push(&echoed(1, "a"));
        opened.close(reason.clone());
        opened.push(&echoed(2, "too late"));
        assert_eq!(socket.text().await, echoed(1, "a"));
        if let Some(last) = last {
            assert_eq!(socket.text().await, last, "{reason:?}");
        }
        socket.closed(1000).await;
        crate::until("the end", || stage.hub.closed().contains(&reason)).await;
    }
    stage.hub.ends(reasons().len()).await;
    stage.empty().await;
}

#[tokio::test]
async fn on_server_sent_events() {
    let stage = Stage::start();
    for (reason, last) in reasons() {
        let (_, mut events, opened) = stage.streaming().await;
        opened.push(&echoed(1, "a"));
        opened.close(reason.clone());
        assert_eq!(events.next().await, Some(echoed(1, "a")));
        if last.is_some() {
            assert_eq!(events.next().await, last, "{reason:?}");
        }
        assert_eq!(events.next().await, None);
    }
    stage.hub.ends(reasons().len()).await;
    stage.empty().await;
}

#[tokio::test]
async fn on_long_polling() {
    let stage = Stage::start();
    for (reason, last) in reasons() {
        let (ids, opened) = stage.polling().await;
        opened.push(&echoed(1, "a"));
        opened.close(reason.clone());
        let expected = echoed(1, "a") + &last.unwrap_or_default();
        assert_eq!(
            stage.get(&ids.target()).await.text(),
            expected,
            "{reason:?}"
        );
        assert_eq!(stage.get(&ids.target()).await.status, 204);
        assert_eq!(stage.get(&ids.target()).await.status, 404);
    }
    stage.hub.ends(reasons().len()).await;
    stage.empty().await;
}

#[tokio::test]
async fn details_are_for_those_who_may_see_them() {
    let stage = Stage::with_rule(|rule| rule.detailed_errors = true);
    for (reason, detail) in [
        (CloseReason::ProtocolError("A: b".into()), "A: b"),
        (CloseReason::ResumeFailed("C: d".into()), "C: d"),
        (
            CloseReason::ClientTimeout,
            "OperationCanceledException: Client hasn't sent a message/ping within the \
             configured ClientTimeoutInterval.",
        ),
    ] {
        let (mut socket, opened) = stage.connected().await;
        opened.close(reason);
        let text = format!(
            "{{\"type\":7,\"error\":\"Connection closed with an error. {detail}\",\
             \"allowReconnect\":true}}\u{1e}"
        );
        assert_eq!(socket.text().await, text);
    }
}

#[tokio::test]
async fn a_hub_that_has_said_goodbye_itself_is_not_repeated() {
    let stage = Stage::start();
    let (mut socket, opened) = stage.connected().await;
    opened.push_as(CLOSE, heliograph_relay::FrameClass::Close);
    opened.close(CloseReason::BackendLost);
    assert_eq!(socket.text().await, CLOSE);
    socket.closed(1000).await;
}

#[tokio::test]
async fn a_draining_node_takes_nobody_and_lets_everybody_come_back() {
    let stage = Stage::start();
    let (mut socket, _) = stage.connected().await;
    let (_, mut events, _) = stage.streaming().await;
    let (polling, _) = stage.polling().await;
    let mut poll = stage.begin(&polling.target(), &[]).await;
    let waiting = stage.negotiate().await;
    let mut early = stage.socket().await;
    stage.door.drain();
    assert_eq!(socket.text().await, CLOSE_AND_RECONNECT);
    socket.closed(1000).await;
    assert_eq!(events.next().await.as_deref(), Some(CLOSE_AND_RECONNECT));
    assert_eq!(events.next().await, None);
    assert_eq!(poll.answer("GET").await.text(), CLOSE_AND_RECONNECT);
    assert_eq!(stage.get(&polling.target()).await.status, 204);
    assert_eq!(early.next().await, Frame::Close(1000));

    let refused = stage.post("/testhub/negotiate", "").await;
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (503, Some("1"))
    );
    let refused = crate::socket::Socket::open(stage.address, "/testhub", &[]).await;
    assert_eq!(refused.err().unwrap().status, 503);
    assert_eq!(stage.get(&waiting.target()).await.status, 404);
    let draining = CloseReason::Draining;
    assert_eq!(
        stage.hub.ends(3).await,
        [draining.clone(), draining.clone(), draining]
    );
    drop(early);
    stage.empty().await;
}

#[tokio::test]
async fn a_draining_node_waits_for_clients_between_two_polls_but_not_for_ever() {
    let stage = Stage::start();
    let (comes, _) = stage.polling().await;
    let (_stays_away, _) = stage.polling().await;
    stage.door.drain();
    assert_eq!(stage.hub.ends(2).await.len(), 2);
    assert_eq!(stage.door.connections(), 2);
    let last = stage.get(&comes.target()).await;
    assert_eq!(last.text(), CLOSE_AND_RECONNECT);
    assert_eq!(stage.get(&comes.target()).await.status, 204);
    assert_eq!(stage.door.connections(), 1);
    stage.empty().await;
}
