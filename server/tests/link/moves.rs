//! What a client that is moved to another app server has under way.

use heliograph::backend::link;
use heliograph::front::service;
use heliograph_protocol::hub::MessageType;
use heliograph_protocol::service::{Extensions, Message};

use crate::support::app_server::{AppServer, Hello, payloads, purpose};
use crate::support::client::{FakeClient, Who};
use crate::support::service::{Service, quick};

type Settings = (service::Options, link::Options);

const UPLOAD: &str =
    "{\"type\":1,\"target\":\"Upload\",\"arguments\":[],\"streamIds\":[\"u\"]}\u{1e}";
const ITEM: &str = "{\"type\":2,\"invocationId\":\"u\",\"item\":1}\u{1e}";
const LAST: &str = "{\"type\":3,\"invocationId\":\"u\"}\u{1e}";
const QUESTION: &str =
    "{\"type\":1,\"invocationId\":\"q\",\"target\":\"Ask\",\"arguments\":[]}\u{1e}";

const MOVABLE: Hello = Hello {
    kind: heliograph_protocol::service::ConnectionType::Default,
    migration_level: 1,
    stateful: false,
};

async fn connected(service: &Service, app: &mut AppServer) -> FakeClient {
    let client = FakeClient::open(service, Who::json("c")).await.unwrap();
    app.opened().await;
    app.answer("c").await;
    client.frame().await;
    client
}

/// Another app server comes, and this one leaves.
async fn relieve(service: &Service, old: &mut AppServer) -> AppServer {
    let new = AppServer::start_with(service, "new", MOVABLE).await;
    old.send_ping(&["shutdown", "fin:1"]).await;
    assert_eq!(purpose(&old.next().await), "FinAck");
    new
}

/// A service with one app server and one client.
async fn scene((door, backend): Settings) -> (Service, AppServer, FakeClient) {
    let service = Service::start_with(door, backend).await;
    let mut old = AppServer::start_with(&service, "old", MOVABLE).await;
    let client = connected(&service, &mut old).await;
    (service, old, client)
}

/// Settings of a real service, whose grace time no test outlives.
fn patient() -> Settings {
    Default::default()
}

fn ask(caller: &str) -> Message<'_> {
    Message::ClientInvocation {
        invocation_id: "q",
        connection_id: "c",
        caller_server_id: caller,
        payloads: payloads(QUESTION, b""),
        extensions: Extensions::default(),
    }
}

#[tokio::test]
async fn an_upload_without_an_answer_ends_before_its_client_moves() {
    let (service, mut old, mut client) = scene(patient()).await;
    client.feed(UPLOAD, MessageType::Invocation).await;
    assert_eq!(old.data("c").await.0, UPLOAD);
    let mut new = relieve(&service, &mut old).await;
    client.feed(ITEM, MessageType::StreamItem).await;
    client.feed(LAST, MessageType::Completion).await;
    for framed in [ITEM, LAST] {
        assert_eq!(old.data("c").await.0, framed);
    }
    assert_eq!(new.opened().await.0, "c");
}

#[tokio::test]
async fn an_upload_that_outlives_the_grace_time_keeps_its_client() {
    let (service, mut old, mut client) = scene(quick()).await;
    client.feed(UPLOAD, MessageType::Invocation).await;
    old.data("c").await;
    // An idle client beside it: it has moved, and the grace time is over, when the other is looked
    // at for the last time.
    let mut idle = FakeClient::open(&service, Who::json("idle")).await.unwrap();
    old.opened().await;
    old.answer("idle").await;
    idle.frame().await;
    idle.feed(QUESTION, MessageType::Invocation).await;
    old.data("idle").await;
    let mut new = relieve(&service, &mut old).await;
    assert_eq!(new.opened().await.0, "idle");
    old.closed("idle").await;
    client.feed(ITEM, MessageType::StreamItem).await;
    assert_eq!(old.data("c").await.0, ITEM);
    assert!(!client.client.outbox().is_closing());
}

#[tokio::test]
async fn a_client_moves_once_it_has_answered_what_it_was_asked() {
    let (service, mut old, client) = scene(patient()).await;
    old.send(&ask("old")).await;
    assert_eq!(client.text().await, QUESTION);
    let mut new = relieve(&service, &mut old).await;
    old.barrier().await;
    old.send(&Message::ClientCompletion {
        invocation_id: "q",
        connection_id: "c",
        caller_server_id: "old",
        protocol: "json",
        payload: b"",
        extensions: Extensions::default(),
    })
    .await;
    assert_eq!(new.opened().await.0, "c");
}

#[tokio::test]
async fn who_waits_too_long_for_a_result_is_told_of_the_move() {
    let (service, mut old, client) = scene(quick()).await;
    old.send(&ask("old")).await;
    assert_eq!(client.text().await, QUESTION);
    let mut new = relieve(&service, &mut old).await;
    assert_eq!(new.opened().await.0, "c");
    loop {
        let frame = old.next().await;
        if let Message::ErrorCompletion { error, .. } = frame.message() {
            assert_eq!(error, "Connection 'c' was moved to another server.");
            return;
        }
    }
}
