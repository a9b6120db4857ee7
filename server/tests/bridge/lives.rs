//! How legacy clients come, come back and go.

use std::sync::Arc;

use heliograph::auth::Identity;
use heliograph::backend::embedded::{Caller, EmbeddedHub, HubBuilder, HubError, Policy};
use heliograph::backend::legacy::{LegacyBackend, NotAdmitted};
use heliograph_relay::CloseReason;
use tokio::sync::{Notify, mpsc};

use crate::stage::{Core, Stage, builder, request};
use crate::support::soon;

/// A hub that tells of its clients.
fn telling(builder: HubBuilder) -> (EmbeddedHub, mpsc::Receiver<String>) {
    let (told, events) = mpsc::channel(20);
    let tell = move |event: &str, caller: &Caller| {
        told.try_send(format!("{event} {}", caller.id())).unwrap();
    };
    let (one, two, three) = (tell.clone(), tell.clone(), tell);
    let hub = builder
        .on_connected(move |caller| {
            one("connected", &caller);
            async { Ok(()) }
        })
        .on_reconnected(move |caller| {
            two("reconnected", &caller);
            async { Ok(()) }
        })
        .on_disconnected(move |caller, _| {
            let event = if caller.has_stopped() {
                "stopped"
            } else {
                "lost"
            };
            three(event, &caller);
            async {}
        })
        .build();
    (hub, events)
}

async fn next(events: &mut mpsc::Receiver<String>) -> String {
    soon("an event", events.recv()).await.unwrap()
}

#[tokio::test]
async fn hubs_hear_of_arrivals_returns_and_ends() {
    let (hub, mut events) = telling(builder("Chat"));
    let stage = Stage::new(&[&hub]);
    let mut client = stage.connect("a", &["chat"]);
    assert!(events.try_recv().is_err(), "nothing before the start");
    client.start().await.unwrap();
    assert_eq!(next(&mut events).await, "connected a");
    client.conversation.reconnected();
    assert_eq!(next(&mut events).await, "reconnected a");
    client.close(&CloseReason::ClientClosed(None));
    assert_eq!(next(&mut events).await, "stopped a");
    let client = stage.open("b", &["chat"]).await;
    assert_eq!(next(&mut events).await, "connected b");
    client.close(&CloseReason::TransportLost);
    assert_eq!(next(&mut events).await, "lost b");
    drop(stage.open("c", &["chat"]).await);
    assert_eq!(next(&mut events).await, "connected c");
    assert_eq!(next(&mut events).await, "lost c");
    drop(stage.connect("d", &["chat"]));
    hub.finished().await;
    assert!(events.try_recv().is_err(), "never started");
    assert!(stage.relay.hub("chat").is_empty());
}

#[tokio::test]
async fn one_that_comes_back_unknown_reconnects_and_does_not_connect() {
    let (hub, mut events) = telling(builder("Chat"));
    let stage = Stage::new(&[&hub]);
    let mut client = stage.connect_as("a", &["chat"], request(None), Some(&[]));
    client.start().await.unwrap();
    assert_eq!(next(&mut events).await, "reconnected a");
    let answer = client.call(r#"{"H":"chat","M":"Echo","A":["x"],"I":0}"#);
    assert_eq!(answer.await, r#"{"R":"x","I":"0"}"#);
    client.close(&CloseReason::ClientClosed(None));
    assert_eq!(next(&mut events).await, "stopped a");
}

#[tokio::test]
async fn a_core_client_that_says_goodbye_has_stopped_too() {
    let (hub, mut events) = telling(builder("Chat"));
    let stage = Stage::new(&[&hub]);
    for (reason, event) in [
        (CloseReason::ClientClosed(None), "stopped core"),
        (CloseReason::ClientTimeout, "lost core"),
    ] {
        let core = Core::open(&stage, &hub, "core").await;
        assert_eq!(next(&mut events).await, "connected core");
        core.gone(&reason);
        assert_eq!(next(&mut events).await, event);
    }
}

#[tokio::test]
async fn the_start_waits_for_every_hub() {
    let gate = Arc::new(Notify::new());
    let opened = Arc::clone(&gate);
    let slow = builder("Slow")
        .on_connected(move |caller: Caller| {
            let gate = Arc::clone(&opened);
            async move {
                gate.notified().await;
                caller.clients().caller().send("hello", ()).await
            }
        })
        .build();
    let quick = builder("Quick").build();
    let stage = Stage::new(&[&slow, &quick]);
    let mut client = stage.connect("a", &["slow", "quick"]);
    {
        let mut start = std::pin::pin!(client.start());
        let waker = std::task::Waker::noop();
        let mut cx = std::task::Context::from_waker(waker);
        assert!(start.as_mut().poll(&mut cx).is_pending());
        gate.notify_one();
        start.await.unwrap();
    }
    assert_eq!(client.message().await, r#"{"H":"Slow","M":"hello","A":[]}"#);
}

#[tokio::test]
async fn a_hub_that_fails_at_the_start_ends_the_connection() {
    for waits in [false, true] {
        let failing = builder("Failing")
            .on_connected(move |_| async move {
                if waits {
                    tokio::task::yield_now().await;
                }
                Err(HubError::visible("no"))
            })
            .build();
        let (chat, mut events) = telling(builder("Chat"));
        let stage = Stage::new(&[&chat, &failing]);
        let mut client = stage.connect("a", &["chat", "failing"]);
        let reason = client.start().await.unwrap_err();
        let expected = CloseReason::Ended {
            error: Some("Connection closed with an error. HubException: no".into()),
            allow_reconnect: false,
        };
        assert_eq!(reason, expected);
        client.close(&reason);
        assert_eq!(next(&mut events).await, "connected a");
        assert_eq!(next(&mut events).await, "lost a");
        assert!(stage.relay.hubs().iter().all(|hub| hub.is_empty()));
    }
}

#[tokio::test]
async fn a_hub_that_refuses_at_the_start_ends_the_connection() {
    let hub = builder("Guarded").require(Policy::user()).build();
    let stage = Stage::new(&[&hub]);
    let mut client = stage.connect("a", &["guarded"]);
    let CloseReason::HandshakeFailed(text) = client.start().await.unwrap_err() else {
        panic!("another reason")
    };
    assert_eq!(
        &*text,
        "Hub 'Guarded' refuses the client: 401 Unauthorized."
    );
}

#[tokio::test]
async fn a_hub_that_throws_a_client_out_ends_the_connection() {
    let hub = builder("Chat")
        .method("Abort", |caller: Caller, (): ()| async move {
            caller.abort();
            Ok(())
        })
        .build();
    let stage = Stage::new(&[&hub]);
    let mut client = stage.open("a", &["chat"]).await;
    client
        .send(r#"{"H":"chat","M":"Abort","I":0}"#)
        .await
        .unwrap();
    let expected = CloseReason::Ended {
        error: None,
        allow_reconnect: false,
    };
    assert_eq!(client.end().await, expected);
}

#[tokio::test]
async fn two_connections_cannot_have_one_id() {
    let hub = builder("Chat").build();
    let stage = Stage::new(&[&hub]);
    let _first = stage.open("a", &["chat"]).await;
    let mut second = stage.connect("a", &["chat"]);
    let expected = CloseReason::HandshakeFailed("The connection id is in use.".into());
    assert_eq!(second.start().await.unwrap_err(), expected);
    second.close(&expected);
    assert_eq!(stage.relay.hub("chat").len(), 1, "the first is still there");
}

#[tokio::test]
async fn each_listed_hub_is_asked_whether_it_admits_the_client() {
    let (open, guarded) = (
        builder("Open").build(),
        builder("Guarded").require(Policy::role("admin")).build(),
    );
    let stage = Stage::new(&[&open, &guarded]);
    let known = |user: &str| {
        let mut request = request(Some(user));
        request.identity = Identity {
            claims: vec![("role".into(), user.into())],
            ..request.identity
        };
        request
    };
    let names = |hubs: &[&str]| -> Vec<Box<str>> { hubs.iter().map(|hub| (*hub).into()).collect() };
    for (request, listed, admitted) in [
        (request(None), vec!["oPen", "guarded"], vec!["oPen"]),
        (known("ann"), vec!["open", "guarded"], vec!["open"]),
        (
            known("admin"),
            vec!["open", "guarded"],
            vec!["open", "guarded"],
        ),
        (request(None), vec![], vec![]),
    ] {
        let admission = stage.bridge.admit(&request, &names(&listed)).await.unwrap();
        let into: Vec<_> = admission.hubs.into_iter().map(|hub| hub.name).collect();
        assert_eq!(into, names(&admitted));
        assert_eq!(admission.identity.user, request.identity.user);
    }
    for (request, expected) in [(request(None), false), (known("ann"), true)] {
        let refused = stage.bridge.admit(&request, &names(&["guarded"])).await;
        let Err(NotAdmitted::Unauthorized { is_known }) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(is_known, expected);
    }
    let (admin, listed) = (known("admin"), names(&["open", "Nope"]));
    let refused = stage.bridge.admit(&admin, &listed).await;
    let Err(NotAdmitted::UnknownHub(hub)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(&*hub, "Nope");
}
