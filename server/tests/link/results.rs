//! Results from clients, and moving clients to another app server.

use std::time::{Duration, Instant};

use heliograph_protocol::hub::MessageType;
use heliograph_protocol::service::{DataMessageType, Extensions, Message, Payloads, Sticky};
use heliograph_relay::CloseReason;

use crate::support::app_server::{AppServer, Hello, payloads, purpose};
use crate::support::client::{FakeClient, Who};
use crate::support::service::{Service, quick};
use crate::support::until;

const QUESTION: &str =
    "{\"type\":1,\"invocationId\":\"i\",\"target\":\"Ask\",\"arguments\":[]}\u{1e}";
const ANSWER: &str = "{\"type\":3,\"invocationId\":\"i\",\"result\":1}\u{1e}";

fn ask<'a>(client: &'a str, caller: &'a str) -> Message<'a> {
    Message::ClientInvocation {
        invocation_id: "i",
        connection_id: client,
        caller_server_id: caller,
        payloads: payloads(QUESTION, b""),
        extensions: Extensions::default(),
    }
}

fn completion<'a>(server: &'a str, payload: &'a str) -> Message<'a> {
    Message::ClientCompletion {
        invocation_id: "i",
        connection_id: "c",
        caller_server_id: server,
        protocol: "json",
        payload: payload.as_bytes(),
        extensions: Extensions {
            protocol: Some("json"),
            ..Extensions::default()
        },
    }
}

async fn connected(service: &Service, app: &mut AppServer, who: Who) -> FakeClient {
    let client = FakeClient::open(service, who).await.unwrap();
    let (id, _) = app.opened().await;
    app.answer(&id).await;
    assert_eq!(client.text().await, "{}\u{1e}");
    client
}

async fn failure(app: &mut AppServer) -> String {
    let frame = app.next().await;
    let Message::ErrorCompletion {
        invocation_id,
        error,
        ..
    } = frame.message()
    else {
        panic!("{:?}", frame.message())
    };
    assert_eq!(invocation_id, "i");
    error.to_owned()
}

#[tokio::test]
async fn a_server_asks_its_own_client() {
    let service = Service::start().await;
    let mut app = AppServer::start(&service, "s").await;
    let mut client = connected(&service, &mut app, Who::json("c")).await;
    app.send(&ask("c", "s")).await;
    assert_eq!(client.text().await, QUESTION);
    assert_eq!(service.backend.results().len(), 1);
    client.feed(ANSWER, MessageType::Completion).await;
    assert_eq!(app.data("c").await.0, ANSWER);
    app.send(&completion("s", "")).await;
    app.barrier().await;
    assert!(service.backend.results().is_empty());
}

#[tokio::test]
async fn an_answer_waits_until_the_server_listens() {
    let (mut door, mut backend) = quick();
    door.silence_limit = Duration::from_secs(60);
    backend.result_hold = Duration::from_millis(100);
    let service = Service::start_with(door, backend).await;
    let mut app = AppServer::start(&service, "s").await;
    let mut client = connected(&service, &mut app, Who::json("c")).await;
    app.send(&ask("c", "s")).await;
    client.text().await;
    let asked = Instant::now();
    client.feed(ANSWER, MessageType::Completion).await;
    assert!(asked.elapsed() >= Duration::from_millis(90));
}

#[tokio::test]
async fn a_server_asks_the_client_of_another() {
    let service = Service::start().await;
    let mut far = AppServer::start(&service, "far").await;
    let mut client = connected(&service, &mut far, Who::json("c")).await;
    let mut caller = AppServer::start(&service, "caller").await;
    caller.send(&ask("c", "caller")).await;
    let mapping = caller.next().await;
    let Message::ServiceMapping { instance_id, .. } = mapping.message() else {
        panic!()
    };
    assert_eq!(instance_id, "node-1");
    let registered = far.next().await;
    let Message::ClientInvocation {
        caller_server_id,
        payloads,
        ..
    } = registered.message()
    else {
        panic!()
    };
    assert_eq!(
        (caller_server_id, payloads),
        ("caller", Payloads::default())
    );
    assert_eq!(client.text().await, QUESTION);
    client.feed(ANSWER, MessageType::Completion).await;
    assert_eq!(far.data("c").await.0, ANSWER);
    far.send(&completion("far", ANSWER)).await;
    let result = caller.next().await;
    let Message::ClientCompletion {
        connection_id,
        protocol,
        payload,
        ..
    } = result.message()
    else {
        panic!()
    };
    assert_eq!(
        (connection_id, protocol, payload),
        ("c", "json", ANSWER.as_bytes())
    );
    // Known to nobody any more: ignored.
    far.send(&completion("far", ANSWER)).await;
    far.barrier().await;
    caller.barrier().await;
}

#[tokio::test]
async fn a_question_fails_when_the_client_is_unknown_or_goes() {
    let service = Service::start().await;
    let mut app = AppServer::start(&service, "s").await;
    app.send(&ask("nobody", "s")).await;
    assert!(!failure(&mut app).await.is_empty());
    let client = connected(&service, &mut app, Who::json("c")).await;
    app.send(&ask("c", "s")).await;
    client.text().await;
    client.gone(&CloseReason::TransportLost);
    app.closed("c").await;
    assert!(failure(&mut app).await.contains("'c'"));
    assert!(service.backend.results().is_empty());
    let _client = connected(&service, &mut app, Who::messagepack("m")).await;
    app.send(&Message::ClientInvocation {
        invocation_id: "i",
        connection_id: "m",
        caller_server_id: "s",
        payloads: Payloads::from(vec![("json", b"x".as_slice())]),
        extensions: Extensions::default(),
    })
    .await;
    failure(&mut app).await;
    assert!(service.backend.results().is_empty());
}

#[tokio::test]
async fn questions_are_bounded_in_number_and_time() {
    let (mut door, mut backend) = quick();
    door.silence_limit = Duration::from_secs(60);
    backend.max_results = 1;
    backend.result_lifetime = Duration::from_millis(1);
    let service = Service::start_with(door, backend).await;
    let mut app = AppServer::start(&service, "s").await;
    let _client = connected(&service, &mut app, Who::json("c")).await;
    app.send(&ask("c", "s")).await;
    app.send(&ask("c", "s")).await;
    failure(&mut app).await;
    failure(&mut app).await;
    until("the question has aged out", || {
        service.backend.results().is_empty()
    })
    .await;
}

const MOVABLE: fn() -> Hello = || Hello {
    migration_level: 1,
    ..Hello::default()
};

/// The next message closes a client that moves to this server.
async fn moved_out(app: &mut AppServer, to: &str) {
    let frame = app.next().await;
    let Message::CloseConnection { headers, error, .. } = frame.message() else {
        panic!("{:?}", frame.message())
    };
    assert_eq!((headers, error), (vec![("Asrs-Migrate-To", vec![to])], ""));
}

/// The next message opens a client that comes from this server.
async fn moved_in(app: &mut AppServer, from: &str) {
    let (_, open) = app.opened().await;
    let Message::OpenConnection { headers, .. } = open.message() else {
        panic!()
    };
    assert!(
        headers.contains(&("Asrs-Migrate-From", vec![from])),
        "{headers:?}"
    );
}

#[tokio::test]
async fn an_idle_client_moves_when_another_server_arrives() {
    let service = Service::start().await;
    let mut old = AppServer::start_with(&service, "old", MOVABLE()).await;
    let mut client = connected(&service, &mut old, Who::json("c")).await;
    old.send_ping(&["shutdown", "fin:1"]).await;
    assert_eq!(purpose(&old.next().await), "FinAck");
    old.send_ping(&["shutdown", "fin:1"]).await;
    assert_eq!(purpose(&old.next().await), "FinAck");
    let mut new = AppServer::start_with(&service, "new", MOVABLE()).await;
    moved_out(&mut old, "new").await;
    moved_in(&mut new, "old").await;
    // Whatever the old server still says is nobody's; the new one answers no handshake.
    old.send_data("c", "late", DataMessageType::Invocation)
        .await;
    old.barrier().await;
    client.feed(QUESTION, MessageType::Invocation).await;
    assert_eq!(new.data("c").await.0, QUESTION);
    new.send_data("c", ANSWER, DataMessageType::Invocation)
        .await;
    assert_eq!(client.text().await, ANSWER);
    old.close().await;
    new.barrier().await;
    assert!(!client.client.outbox().is_closing());
    client.gone(&CloseReason::ClientClosed(None));
    new.closed("c").await;
}

#[tokio::test]
async fn a_move_waits_for_the_calls_of_the_client() {
    let service = Service::start().await;
    let mut old = AppServer::start_with(&service, "old", MOVABLE()).await;
    let mut client = connected(&service, &mut old, Who::json("c")).await;
    client.feed(QUESTION, MessageType::Invocation).await;
    old.data("c").await;
    let mut new = AppServer::start_with(&service, "new", MOVABLE()).await;
    old.send_ping(&["shutdown", "fin:1"]).await;
    assert_eq!(purpose(&old.next().await), "FinAck");
    old.barrier().await;
    old.send_data("c", ANSWER, DataMessageType::Invocation)
        .await;
    moved_out(&mut old, "new").await;
    moved_in(&mut new, "old").await;
    assert_eq!(client.text().await, ANSWER);
}

#[tokio::test]
async fn calls_that_outlive_the_grace_time_end_with_an_error() {
    let (mut door, backend) = quick();
    door.silence_limit = Duration::from_secs(60);
    let service = Service::start_with(door, backend).await;
    let mut old = AppServer::start_with(&service, "old", MOVABLE()).await;
    let mut client = connected(&service, &mut old, Who::json("c")).await;
    client.feed(QUESTION, MessageType::Invocation).await;
    old.data("c").await;
    let mut new = AppServer::start_with(&service, "new", MOVABLE()).await;
    old.send_ping(&["shutdown", "fin:1"]).await;
    assert_eq!(purpose(&old.next().await), "FinAck");
    let error = client.text().await;
    assert!(
        error.contains("\"invocationId\":\"i\"") && error.contains("\"error\""),
        "{error}"
    );
    moved_in(&mut new, "old").await;
}

#[tokio::test]
async fn clients_bound_to_a_server_stay_with_it() {
    let service = Service::start().await;
    let mut old = AppServer::start_with(&service, "old", MOVABLE()).await;
    let mut who = Who::json("c");
    who.identity.service.sticky = Sticky::Required;
    who.identity.service.server_name = Some("old".into());
    let client = connected(&service, &mut old, who).await;
    let mut new = AppServer::start_with(&service, "new", MOVABLE()).await;
    old.send_ping(&["shutdown", "fin:1"]).await;
    assert_eq!(purpose(&old.next().await), "FinAck");
    old.barrier().await;
    new.barrier().await;
    old.send_data("c", ANSWER, DataMessageType::Invocation)
        .await;
    assert_eq!(client.text().await, ANSWER);
}
