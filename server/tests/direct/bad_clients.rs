//! Clients of a hub elsewhere that talk nonsense: what is ours to judge does not reach the hub.

use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use heliograph::backend::direct::Options;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::front::{Front, Visitor, options};
use crate::stub::{HubSocket, Stub, receive};
use crate::support::soon;

#[tokio::test]
async fn handshakes_that_cannot_be_read_are_refused_before_the_hub_sees_a_connection() {
    let mut stub = Stub::start().await;
    let front = Front::start(options(&stub.url()));
    for (handshake, why) in [
        (
            "nonsense\u{1e}",
            "An unexpected error occurred during connection handshake.",
        ),
        (
            "[]\u{1e}",
            "An unexpected error occurred during connection handshake.",
        ),
        (
            "{\"protocol\":\"morse\",\"version\":1}\u{1e}",
            "The protocol 'morse' is not supported.",
        ),
        (
            "{\"protocol\":\"json\",\"version\":77}\u{1e}",
            "The server does not support version 77 of the 'json' protocol.",
        ),
    ] {
        let mut visitor = front.connect().await;
        visitor.send(handshake).await;
        let answer = visitor.text().await;
        assert_eq!(answer, format!("{{\"error\":\"{why}\"}}\u{1e}"));
        visitor.closed().await;
    }
    // It was asked whether it would take them, and that is all.
    while let Some(asked) = stub.request().now_or_never() {
        assert_eq!(asked.method, http::Method::POST);
    }
}

async fn greeted(change: impl Fn(&mut Options)) -> (Visitor, HubSocket) {
    let mut stub = Stub::start().await;
    let mut options = options(&stub.url());
    change(&mut options);
    let front = Front::start(options);
    let mut visitor = front.connect().await;
    let (answer, (socket, _)) = tokio::join!(visitor.greet(), stub.greeted());
    assert_eq!(answer, "{}\u{1e}");
    (visitor, socket)
}

/// The hub sees its client leave, and nothing before that.
async fn left(mut socket: HubSocket) {
    let end = receive(&mut socket).await;
    assert!(matches!(end, Message::Close(_)), "the hub got {end:?}");
    assert!(soon("the end", socket.next()).await.is_none());
}

#[tokio::test]
async fn a_message_that_is_too_large_ends_the_connection_and_never_reaches_the_hub() {
    let (mut visitor, socket) = greeted(|options| options.max_message_bytes = 1000).await;
    visitor.send(&"x".repeat(1001)).await;
    let close = visitor.text().await;
    assert_eq!(
        close,
        "{\"type\":7,\"error\":\"Connection closed with an error.\",\"allowReconnect\":true}\u{1e}"
    );
    visitor.closed().await;
    left(socket).await;
}

#[tokio::test]
async fn a_broken_frame_ends_the_connection_and_the_hub_sees_its_client_leave() {
    let (mut visitor, socket) = greeted(|_| {}).await;
    let reserved = Frame::message(b"hello".to_vec(), OpCode::Data(Data::Reserved(3)), true);
    visitor.0.send(Message::Frame(reserved)).await.unwrap();
    let code = loop {
        match visitor.message().await {
            Message::Close(frame) => break frame.map(|frame| u16::from(frame.code)),
            Message::Text(close) => assert!(close.starts_with("{\"type\":7,\"error\""), "{close}"),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(code, Some(1002));
    left(socket).await;
}

#[tokio::test]
async fn a_record_that_is_no_message_is_the_hubs_to_judge() {
    let (mut visitor, mut socket) = greeted(|_| {}).await;
    let goodbye = "{\"type\":7,\"error\":\"no JSON\"}\u{1e}";
    visitor.send("no JSON\u{1e}").await;
    assert_eq!(receive(&mut socket).await, Message::text("no JSON\u{1e}"));
    socket.send(Message::text(goodbye)).await.unwrap();
    assert_eq!(visitor.text().await, goodbye);
    visitor.closed().await;
    left(socket).await;
}
