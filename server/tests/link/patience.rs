//! App servers that leave things undone: results that they never pass on, ends that they announce
//! and never come to.

use std::time::Duration;

use heliograph::backend::OpenError;
use heliograph_protocol::hub::MessageType;
use heliograph_protocol::service::{DataMessageType, Extensions, Message};
use heliograph_relay::CloseReason;

use crate::support::app_server::{AppServer, payloads, purpose};
use crate::support::client::{FakeClient, Who};
use crate::support::service::{Service, quick};
use crate::support::soon;

const QUESTION: &str =
    "{\"type\":1,\"invocationId\":\"i\",\"target\":\"Ask\",\"arguments\":[]}\u{1e}";
const ANSWER: &str = "{\"type\":3,\"invocationId\":\"i\",\"result\":1}\u{1e}";
const CALL: &str = "{\"type\":1,\"target\":\"t\",\"arguments\":[]}\u{1e}";

async fn connected(service: &Service, app: &mut AppServer, id: &'static str) -> FakeClient {
    let client = FakeClient::open(service, Who::json(id)).await.unwrap();
    assert_eq!(app.opened().await.0, id);
    app.answer(id).await;
    assert_eq!(client.text().await, "{}\u{1e}");
    client
}

/// A client of `far` that `caller` has asked for a result, and that has given it to `far`.
async fn answered(service: &Service) -> (AppServer, AppServer, FakeClient) {
    let mut far = AppServer::start(service, "far").await;
    let mut client = connected(service, &mut far, "c").await;
    let mut caller = AppServer::start(service, "caller").await;
    caller
        .send(&Message::ClientInvocation {
            invocation_id: "i",
            connection_id: "c",
            caller_server_id: "caller",
            payloads: payloads(QUESTION, b""),
            extensions: Extensions::default(),
        })
        .await;
    let mapping = caller.next().await;
    assert!(matches!(mapping.message(), Message::ServiceMapping { .. }));
    let registered = far.next().await;
    assert!(matches!(
        registered.message(),
        Message::ClientInvocation { .. }
    ));
    assert_eq!(client.text().await, QUESTION);
    client.feed(ANSWER, MessageType::Completion).await;
    assert_eq!(far.data("c").await.0, ANSWER);
    (far, caller, client)
}

/// The error that comes in place of a result.
async fn failure(caller: &mut AppServer) -> String {
    let frame = caller.next().await;
    let Message::ErrorCompletion {
        invocation_id,
        connection_id,
        error,
        ..
    } = frame.message()
    else {
        panic!("{:?}", frame.message())
    };
    assert_eq!((invocation_id, connection_id), ("i", "c"));
    error.to_owned()
}

#[tokio::test]
async fn a_result_that_its_app_server_never_passes_on_is_given_up_in_time() {
    let (door, mut backend) = quick();
    backend.result_lifetime = Duration::from_millis(300);
    let service = Service::start_with(door, backend).await;
    let (mut far, mut caller, client) = answered(&service).await;
    assert_eq!(
        failure(&mut caller).await,
        "The client did not answer in time."
    );
    assert!(service.backend.results().is_empty());
    // What comes too late is nobody's, and nobody is harmed.
    far.send(&Message::ClientCompletion {
        invocation_id: "i",
        connection_id: "c",
        caller_server_id: "far",
        protocol: "json",
        payload: ANSWER.as_bytes(),
        extensions: Extensions {
            protocol: Some("json"),
            ..Extensions::default()
        },
    })
    .await;
    far.barrier().await;
    caller.barrier().await;
    assert!(!client.client.outbox().is_closing());
}

#[tokio::test]
async fn a_result_whose_app_server_is_lost_before_it_passes_it_on_fails() {
    let service = Service::start().await;
    let (far, mut caller, client) = answered(&service).await;
    drop(far);
    let reason = client.end().await;
    assert_eq!(reason, CloseReason::BackendLost);
    client.gone(&reason);
    assert!(failure(&mut caller).await.contains("'c'"));
    assert!(service.backend.results().is_empty());
}

#[tokio::test]
async fn an_app_server_that_says_it_leaves_and_stays_gets_no_new_clients_and_keeps_its_own() {
    let (door, backend) = quick();
    let service = Service::start_with(door, backend).await;
    let mut staying = AppServer::start(&service, "staying").await;
    let mut client = connected(&service, &mut staying, "c").await;
    // As often as it likes.
    for fin in ["fin:2", "fin:2", "fin:0"] {
        staying.send_ping(&["shutdown", fin]).await;
        assert_eq!(purpose(&staying.next().await), "FinAck");
    }
    // Ours to say, not its own.
    staying.send_ping(&["shutdown", "finack"]).await;
    staying.barrier().await;
    let refused = FakeClient::open(&service, Who::json("early")).await;
    assert_eq!(refused.err(), Some(OpenError::NoServer("chat".into())));

    let mut other = AppServer::start(&service, "other").await;
    let mut new = Vec::new();
    for id in ["d", "e", "f"] {
        new.push(connected(&service, &mut other, id).await);
    }
    client.feed(CALL, MessageType::Invocation).await;
    assert_eq!(staying.data("c").await.0, CALL);
    staying
        .send_data("c", ANSWER, DataMessageType::Invocation)
        .await;
    assert_eq!(client.text().await, ANSWER);
    client.gone(&CloseReason::ClientClosed(None));
    staying.closed("c").await;
    staying.barrier().await;
}

#[tokio::test]
async fn an_app_server_that_never_leaves_does_not_hold_up_our_own_end() {
    let (mut door, backend) = quick();
    door.close_timeout = Duration::from_millis(200);
    let service = Service::start_with(door, backend).await;
    let mut staying = AppServer::start(&service, "staying").await;
    let client = connected(&service, &mut staying, "c").await;
    staying.send_ping(&["shutdown", "fin:2"]).await;
    assert_eq!(purpose(&staying.next().await), "FinAck");
    // From here on it does not even read.
    soon("the drain", service.door.drain()).await;
    assert_eq!(client.end().await, CloseReason::BackendLost);
    assert!(service.hub().links().is_empty());
    drop(staying);
}
