use futures_util::SinkExt as _;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::front::{Front, Visitor, options};
use crate::stub::{HubSocket, Stub, receive};

/// A client and its hub after the handshake.
async fn greeted() -> (Visitor, HubSocket) {
    let mut stub = Stub::start().await;
    let front = Front::start(options(&stub.url()));
    let mut visitor = front.connect().await;
    let (answer, (socket, _)) = tokio::join!(visitor.greet(), stub.greeted());
    assert_eq!(answer, "{}\u{1e}");
    (visitor, socket)
}

#[tokio::test]
async fn the_handshake_reaches_the_hub_unchanged() {
    let mut stub = Stub::start().await;
    let front = Front::start(options(&stub.url()));
    let mut visitor = front.connect().await;
    let handshake = "{ \"version\":1, \"more\":[], \"protocol\":\"JSON\" }\u{1e}";
    visitor.send(handshake).await;
    let (_socket, seen) = stub.greeted().await;
    assert_eq!(seen, Message::text(handshake));
    assert_eq!(visitor.text().await, "{}\u{1e}");
}

#[tokio::test]
async fn messages_of_the_hub_are_framed_anew() {
    let (mut visitor, mut socket) = greeted().await;
    let ping = "{\"type\":6}\u{1e}";
    let call = "{\"type\":1,\"target\":\"a\",\"arguments\":[\"ä\"]}\u{1e}";
    let stream = format!("{ping}{call}{ping}{call}");
    let (head, tail) = stream.split_at(15);
    let (middle, tail) = tail.split_at(40);
    for piece in [head, middle, tail] {
        socket.send(Message::text(piece)).await.unwrap();
    }
    for expected in [ping, call, ping, call] {
        assert_eq!(visitor.message().await, Message::text(expected));
    }
}

#[tokio::test]
async fn messages_of_the_client_reach_the_hub_in_order_pings_too() {
    let (mut visitor, mut socket) = greeted().await;
    let mut sent = String::from("{\"type\":6}\u{1e}");
    for number in 0..100 {
        sent.push_str(&format!(
            "{{\"type\":1,\"target\":\"t\",\"arguments\":[{number}]}}\u{1e}"
        ));
    }
    for piece in sent.as_bytes().chunks(700) {
        visitor.send(std::str::from_utf8(piece).unwrap()).await;
    }
    let mut seen = String::new();
    while seen.len() < sent.len() {
        seen.push_str(receive(&mut socket).await.to_text().unwrap());
    }
    assert_eq!(seen, sent);
}

#[tokio::test]
async fn binary_protocols_pass_as_they_are_known_or_not() {
    for (name, message) in [
        ("messagepack", &[2, 0x91, 6][..]),
        ("blazorpack", &[3, 0xff, 0xff, 0xff]),
    ] {
        let mut stub = Stub::start().await;
        let front = Front::start(options(&stub.url()));
        let mut visitor = front.connect().await;
        let handshake = format!("{{\"protocol\":\"{name}\",\"version\":1}}\u{1e}");
        let handshake = Message::binary(handshake.into_bytes());
        visitor.0.send(handshake.clone()).await.unwrap();
        let (mut socket, seen) = stub.greeted().await;
        assert_eq!(seen, handshake);
        assert_eq!(visitor.message().await, Message::binary(&b"{}\x1e"[..]));

        visitor.0.send(Message::binary(message)).await.unwrap();
        assert_eq!(receive(&mut socket).await, Message::binary(message));
        let twice = Message::binary([message, message].concat());
        socket.send(twice).await.unwrap();
        for _ in 0..2 {
            assert_eq!(visitor.message().await, Message::binary(message));
        }
    }
}

#[tokio::test]
async fn the_hubs_goodbye_is_the_last_word() {
    let (mut visitor, mut socket) = greeted().await;
    let close = "{\"type\":7,\"error\":\"enough\",\"allowReconnect\":true}\u{1e}";
    socket.send(Message::text(close)).await.unwrap();
    assert_eq!(visitor.text().await, close);
    assert_eq!(visitor.closed().await.unwrap().code, CloseCode::Normal);
    assert!(
        matches!(receive(&mut socket).await, Message::Close(Some(frame)) if frame.code == CloseCode::Normal)
    );
}

#[tokio::test]
async fn the_hub_sees_its_client_leave_after_all_it_said() {
    for goodbye in [true, false] {
        let (mut visitor, mut socket) = greeted().await;
        let call = "{\"type\":1,\"target\":\"t\",\"arguments\":[]}\u{1e}";
        let close = "{\"type\":7}\u{1e}";
        visitor.send(call).await;
        let mut expected = call.to_owned();
        if goodbye {
            visitor.send(close).await;
            expected.push_str(close);
            visitor.0.close(None).await.unwrap();
        }
        drop(visitor);
        let mut seen = String::new();
        loop {
            match receive(&mut socket).await {
                Message::Text(text) => seen.push_str(&text),
                Message::Close(frame) => break assert_eq!(frame.unwrap().code, CloseCode::Normal),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(seen, expected);
    }
}

#[tokio::test]
async fn a_ping_of_the_hubs_websocket_is_answered() {
    let (mut visitor, mut socket) = greeted().await;
    socket.send(Message::Ping("x".into())).await.unwrap();
    assert_eq!(receive(&mut socket).await, Message::Pong("x".into()));
    let ping = "{\"type\":6}\u{1e}";
    socket.send(Message::text(ping)).await.unwrap();
    assert_eq!(visitor.text().await, ping);
}

#[tokio::test]
async fn acknowledgements_are_none_of_the_hubs_to_send() {
    let (mut visitor, mut socket) = greeted().await;
    let ping = "{\"type\":6}\u{1e}";
    let ack = "{\"type\":8,\"sequenceId\":1}\u{1e}";
    socket
        .send(Message::text(format!("{ack}{ping}")))
        .await
        .unwrap();
    assert_eq!(visitor.text().await, ping);
}
