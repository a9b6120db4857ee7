//! How clients come in and go, and calls that nobody answers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use heliograph_protocol::service::{AckStatus, Message};
use metrics_exporter_prometheus::PrometheusBuilder;

use crate::app::{App, close, join, received, response};
use crate::client::{Client, Said};
use crate::stage::{Settings, Stage};
use crate::until;

const TRANSPORTS: [&str; 3] = ["webSockets", "serverSentEvents", "longPolling"];
/// By then a channel carries its connection, or is known to be gone.
const SETTLED: Duration = Duration::from_millis(100);
const CONNECTIONS: &str = "signalr_server_legacy_connections{";
const ECHO: &str = r#"{"H":"chat","M":"Echo","A":["x"],"I":3}"#;

/// What a client reads whose app has ended it. One that polls hears of it by its next poll.
fn over(transport: &str) -> Said {
    let text = match transport {
        "longPolling" => "This connection is over.",
        _ => "The server closed the connection.",
    };
    Said::Error(text.to_owned())
}

#[tokio::test]
async fn an_app_ends_a_client_without_telling_it_why() {
    let stage = Stage::start();
    let mut app = App::start(&stage, &["Chat"]).await;
    for transport in TRANSPORTS {
        for version in ["2.1", "1.5"] {
            let who = stage.who(&["chat"]).over(transport).version(version);
            let mut client = stage.client(app.link(), who).await;
            let last = received("Chat", "last");
            app.tell(&client.id, &response(&last)).await;
            close(app.link(), &client.id, "secret").await;
            assert_eq!(client.message().await, last);
            if version == "2.1" {
                assert_eq!(client.next().await, over(transport), "{transport}");
            }
            assert_eq!(client.next().await, Said::End, "{transport}");
            let again = client.reconnect().await;
            assert!(version == "2.1" || again.is_err_and(|answer| answer.status == 404));
            // It knows already.
            app.link().barrier().await;
        }
    }
    until("an empty hub", || is_empty(&stage)).await;
}

fn is_empty(stage: &Stage) -> bool {
    stage.relay.hubs().iter().all(|hub| hub.is_empty())
}

#[tokio::test]
async fn a_client_that_the_app_refuses_is_not_started() {
    let mut settings = Settings::default();
    settings.links.objection = Duration::from_millis(500);
    let stage = Stage::start_with(settings);
    let mut app = App::start(&stage, &["Failing"]).await;
    for transport in TRANSPORTS {
        let who = stage.who(&["failing"]).over(transport);
        let mut client = Client::connect(stage.address, who).await.unwrap();
        let id = app.opened().await;
        // The one asks before the app has said a word, the other is told of the end first.
        let (answer, ()) = tokio::join!(client.request_start(), async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            close(app.link(), &id, "no entry").await;
        });
        assert_eq!((answer.status, answer.text()), (500, ""), "{transport}");
        assert_eq!(client.next().await, over(transport), "{transport}");
        assert_eq!(client.request_start().await.status, 500, "{transport}");
    }
}

#[tokio::test]
async fn the_app_hears_once_of_a_client_that_stops() {
    let stage = Stage::start();
    let mut app = App::start(&stage, &["Chat"]).await;
    for transport in TRANSPORTS {
        let who = stage.who(&["chat"]).over(transport);
        let client = stage.client(app.link(), who).await;
        let id = client.id.clone();
        assert_eq!(join(app.link(), &id, "hg-Chat.g").await, AckStatus::Ok);
        let answer = client.request_abort().await;
        assert_eq!((answer.status, answer.text()), (200, ""));
        assert_eq!(app.link().closed(&id).await, "");
        assert_eq!(client.request_abort().await.status, 200);
        client.send_late(ECHO, 404).await;
        assert_eq!(
            join(app.link(), &id, "hg-Chat.g").await,
            AckStatus::NotFound
        );
    }
    until("an empty hub", || is_empty(&stage)).await;
}

#[tokio::test]
async fn the_app_hears_of_a_client_that_stays_away() {
    let mut settings = Settings::default();
    settings.clients.disconnect_timeout = Duration::from_secs(1);
    let stage = Stage::start_with(settings);
    let mut app = App::start(&stage, &["Chat"]).await;
    let mut clients = Vec::new();
    for transport in TRANSPORTS {
        let who = stage.who(&["chat"]).over(transport);
        clients.push(stage.client(app.link(), who).await);
    }
    clients.iter_mut().for_each(Client::lose);
    let mut away: BTreeSet<_> = clients.into_iter().map(|client| client.id).collect();
    while !away.is_empty() {
        let frame = app.link().next().await;
        let Message::CloseConnection {
            connection_id,
            error,
            ..
        } = frame.message()
        else {
            panic!("{:?}", frame.message())
        };
        assert_eq!(error, "");
        assert!(away.remove(connection_id));
    }
}

#[tokio::test]
async fn a_call_that_the_app_does_not_answer_is_let_go() {
    let mut settings = Settings::default();
    settings.clients.send_timeout = Duration::from_millis(300);
    let stage = Stage::start_with(settings);
    let mut app = App::start(&stage, &["Chat"]).await;
    for transport in ["serverSentEvents", "longPolling"] {
        let who = stage.who(&["chat"]).over(transport);
        let mut client = stage.client(app.link(), who).await;
        let id = client.id.clone();
        client.send(ECHO).await;
        assert_eq!(app.heard(&id).await, ECHO);
        assert_eq!(client.answer().await, "", "{transport}");
        // What comes late comes as a message.
        app.tell(&id, "{\"R\":\"x\",\"I\":\"3\"}").await;
        assert_eq!(client.message().await, "{\"R\":\"x\",\"I\":\"3\"}");
        // One that is held ends with the connection.
        client.send(ECHO).await;
        app.heard(&id).await;
        client.request_abort().await;
        assert_eq!(client.answer().await, "", "{transport}");
        app.link().closed(&id).await;
    }
}

#[tokio::test]
async fn what_the_app_would_not_answer_is_answered_here() {
    let stage = Stage::start();
    let mut app = App::start(&stage, &["Chat"]).await;
    let bad = [
        (
            r#"{"H":"ghost","M":"Boo","A":[],"I":4}"#,
            "there is no hub 'ghost'",
        ),
        (r#"{"H":"chat","A":[],"I":"4"}"#, "the call has no M"),
    ];
    let mut client = stage.client(app.link(), stage.who(&["chat"])).await;
    for (text, why) in bad {
        client.send(text).await;
        let answer = format!("{{\"I\":\"4\",\"E\":\"{why}\"}}");
        assert_eq!(client.answer().await, answer);
    }
    for text in ["no JSON", "", "{}", "[]", "asrs:reconnect", "3"] {
        client.send(text).await;
    }
    client.send(ECHO).await;
    let id = client.id.clone();
    assert_eq!(app.heard(&id).await, ECHO);

    let who = stage.who(&["chat"]).over("longPolling");
    let mut client = stage.client(app.link(), who).await;
    for (text, _) in bad
        .into_iter()
        .chain([("no JSON", ""), ("asrs:reconnect", "")])
    {
        client.send_late(text, 400).await;
    }
    // A call of a hub that the client does not listen to is the app's business.
    client.send(ECHO).await;
    let id = client.id.clone();
    assert_eq!(app.heard(&id).await, ECHO);
}

#[tokio::test]
async fn answers_go_to_calls_in_order() {
    let stage = Stage::start();
    let mut app = App::start(&stage, &["Chat"]).await;
    let mut client = stage.client(app.link(), stage.who(&["chat"])).await;
    let id = client.id.clone();
    client.send(ECHO).await;
    app.heard(&id).await;
    // A new channel: its ids begin anew, and the answer of the old one is nobody's.
    client.lose();
    client.reconnect().await.unwrap();
    assert_eq!(app.heard(&id).await, "asrs:reconnect");
    client.send(ECHO).await;
    app.heard(&id).await;
    app.tell(&id, "{\"R\":\"old\",\"I\":\"3\"}").await;
    app.tell(&id, "{\"R\":\"new\",\"I\":\"3\"}").await;
    assert_eq!(client.answer().await, "{\"R\":\"new\",\"I\":\"3\"}");
    let nameless = r#"{"H":"chat","M":"Echo","A":["x"]}"#;
    let who = stage.who(&["chat"]).over("longPolling");
    let mut client = stage.client(app.link(), who).await;
    let id = client.id.clone();
    client.send(nameless).await;
    assert_eq!(app.heard(&id).await, nameless);
    app.tell(&id, "{\"R\":1,\"I\":null}").await;
    assert_eq!(client.answer().await, "{\"R\":1,\"I\":null}");
}

#[tokio::test]
async fn who_may_not_come_in_does_not() {
    let stage = Stage::start();
    let status =
        async |who: crate::client::Who| who.negotiate(stage.address).await.unwrap_err().status;
    assert_eq!(
        status(stage.who(&["chat"])).await,
        503,
        "the app is not here"
    );
    let mut app = App::start(&stage, &["Chat"]).await;
    assert_eq!(status(stage.who(&["ghost"])).await, 400);
    let mut forged = stage.who(&["chat"]);
    forged.token.as_mut().unwrap().push('x');
    assert_eq!(status(forged).await, 401);
    let alice = stage.user("alice", &["chat"]);
    let (id, token) = alice.negotiate(stage.address).await.unwrap();
    let bob = stage.user("bob", &["chat"]);
    let denied = Client::connect_as(stage.address, bob, id.clone(), token.clone()).await;
    assert_eq!(denied.err().unwrap().status, 403);
    let mut client = Client::connect_as(stage.address, alice, id, token)
        .await
        .unwrap();
    assert_eq!(app.opened().await, client.id);
    client.who = stage.user("bob", &["chat"]);
    client.lose();
    assert_eq!(client.reconnect().await.unwrap_err().status, 403);
    assert_eq!(client.request_abort().await.status, 403);
}

#[tokio::test]
async fn a_token_that_has_ended_speaks_for_its_user_alone() {
    let stage = Stage::start();
    let mut app = App::start(&stage, &["Chat"]).await;
    let long_ago = SystemTime::now() - Duration::from_secs(3600);
    let ended = |user| Some(stage.client_token_of(long_ago, "App", user));
    let mut late = stage.user("alice", &["chat"]);
    late.token = ended(Some("alice"));
    assert_eq!(late.negotiate(stage.address).await.unwrap_err().status, 401);
    for transport in TRANSPORTS {
        let who = stage.user("alice", &["chat"]).over(transport);
        let mut client = stage.client(app.link(), who).await;
        let mut forged = ended(Some("alice"));
        forged.as_mut().unwrap().push('x');
        for (token, status) in [(ended(Some("bob")), 403), (ended(None), 403), (forged, 401)] {
            client.who.token = token;
            client.send_late(ECHO, status).await;
            assert_eq!(client.reconnect().await.unwrap_err().status, status);
            assert_eq!(client.request_abort().await.status, status);
        }
        client.who.token = ended(Some("alice"));
        client.lose();
        // A poll with nothing to read would wait.
        client.cursor = String::new();
        client.reconnect().await.unwrap();
        assert_eq!(app.heard(&client.id).await, "asrs:reconnect");
        client.send(ECHO).await;
        assert_eq!(app.heard(&client.id).await, ECHO);
        assert_eq!(client.request_abort().await.status, 200);
        app.link().closed(&client.id).await;
    }
}

#[tokio::test]
async fn the_app_hears_once_of_a_client_that_returns() {
    let stage = Stage::start();
    let mut app = App::start(&stage, &["Chat"]).await;
    for transport in ["webSockets", "serverSentEvents"] {
        let who = stage.who(&["chat"]).over(transport);
        let mut client = stage.client(app.link(), who).await;
        let id = client.id.clone();
        // The line broke, and nobody has noticed here: the channel stands.
        let _lost = client.reconnect_beside().await;
        assert_eq!(app.heard(&id).await, "asrs:reconnect", "{transport}");
        // Further requests for the same return.
        let _second = client.reconnect_beside().await;
        tokio::time::sleep(SETTLED).await;
        let _third = client.reconnect_beside().await;
        tokio::time::sleep(SETTLED).await;
        client.send(ECHO).await;
        assert_eq!(app.heard(&id).await, ECHO, "{transport}");
        client.lose();
        tokio::time::sleep(SETTLED).await;
        client.reconnect().await.unwrap();
        assert_eq!(app.heard(&id).await, "asrs:reconnect", "{transport}");
    }
}

#[tokio::test]
async fn nothing_is_left_of_a_client_that_is_gone() {
    let stage = Stage::start();
    let mut app = App::start(&stage, &["Chat"]).await;
    let mut client = stage.client(app.link(), stage.who(&["chat"])).await;
    let id = client.id.clone();
    assert_eq!(join(app.link(), &id, "hg-Chat.g").await, AckStatus::Ok);
    client.groups().await;
    let known = ["aspnetserver/app_app", "aspnetserver/app_chat"].map(|hub| {
        let client = stage.relay.find(hub).unwrap().connection(&id);
        Arc::downgrade(&client.unwrap())
    });
    client.stop().await;
    assert_eq!(app.link().closed(&id).await, "");
    until("no client", || {
        known.iter().all(|it| it.upgrade().is_none())
    })
    .await;
}

#[tokio::test]
async fn clients_of_a_door_that_drains_come_back_to_the_next_one() {
    let (stage, next) = (Stage::start(), Stage::start());
    let mut app = App::start(&stage, &["Chat"]).await;
    let mut later = App::start(&next, &["Chat"]).await;
    let mut clients = Vec::new();
    for transport in TRANSPORTS {
        for version in ["2.1", "1.5", "1.3"] {
            let who = stage.who(&["chat"]).over(transport).version(version);
            clients.push(stage.client(app.link(), who).await);
        }
    }
    let who = stage.who(&["chat"]).over("longPolling");
    let gone = stage.client(app.link(), who).await;
    gone.request_abort().await;
    app.link().closed(&gone.id).await;

    stage.door.drain();
    until("no connection", || stage.door.connections() == 0).await;
    let polled = async |client: &Client| {
        let answer = client.poll().await.answer("POST").await;
        answer.text().to_owned()
    };
    for mut client in clients {
        let place = format!("{} {}", client.who.transport, client.who.protocol);
        let refused = client.reconnect().await.unwrap_err();
        assert_eq!(refused.status, 503, "{place}");
        client.send_late(ECHO, 503).await;
        if client.who.transport == "longPolling" {
            let cursor = &client.cursor;
            let told = format!(r#"{{"C":"{cursor}","T":1,"M":[]}}"#);
            assert_eq!(polled(&client).await, told);
            // With nothing to read the next one would wait.
            client.cursor = String::new();
        }
        client.moved_to(next.address, "");
        client.reconnect().await.unwrap();
        assert_eq!(later.opened().await, client.id, "{place}");
    }
    // One that had stopped has stopped.
    let told = r#"{"E":"This connection is over."}"#;
    assert_eq!(polled(&gone).await, told);
}

#[tokio::test]
async fn a_client_is_counted_by_the_transport_of_its_channel() {
    let recorder = PrometheusBuilder::new().build_recorder();
    // All of the service runs in this thread.
    let _here = metrics::set_default_local_recorder(&recorder);
    let counted = |transport: &str| {
        let of_it = format!("transport=\"{transport}\"}} ");
        let rendered = recorder.handle().render();
        let mut lines = rendered.lines();
        let line = lines.find(|l| l.starts_with(CONNECTIONS) && l.contains(&of_it));
        line.map_or("0", |line| line.rsplit(' ').next().unwrap())
            .to_owned()
    };
    let stage = Stage::start();
    let mut app = App::start(&stage, &["Chat"]).await;
    let mut client = stage.client(app.link(), stage.who(&["chat"])).await;
    for transport in TRANSPORTS {
        client.lose();
        client.who.transport = transport.to_owned();
        // A poll with nothing to read would wait.
        client.cursor = String::new();
        client.reconnect().await.unwrap();
        assert_eq!(app.heard(&client.id).await, "asrs:reconnect");
        let all = TRANSPORTS.map(|of| (of, counted(of)));
        let due = TRANSPORTS.map(|of| (of, u8::from(of == transport).to_string()));
        assert_eq!(all, due);
    }
    client.request_abort().await;
    app.link().closed(&client.id).await;
    assert_eq!(TRANSPORTS.map(counted), ["0", "0", "0"]);
}
