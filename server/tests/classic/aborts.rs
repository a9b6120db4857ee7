//! Clients below 1.4, which abort before each of their reconnects.

use std::time::Duration;

use heliograph_protocol::service::AckStatus;
use tokio::time::{sleep, timeout};

use crate::app::{App, close, join, received, response, tell_group};
use crate::client::{Client, Said};
use crate::stage::Stage;
use crate::until;

const TRANSPORTS: [&str; 3] = ["webSockets", "serverSentEvents", "longPolling"];
/// Within which the hubs hear of a stop.
const STOP: Duration = Duration::from_secs(1);
/// Longer than a connection waits after an abort.
const LONGER: Duration = Duration::from_millis(700);

/// A client that says its version when it negotiates and no more.
async fn old(stage: &Stage, app: &mut App, transport: &str) -> Client {
    let who = stage.who(&["chat"]).over(transport).version("1.3");
    let (id, token) = who.negotiate(stage.address).await.unwrap();
    let client = Client::connect_as(stage.address, who.version(""), id, token).await;
    let client = client.unwrap();
    assert_eq!(app.opened().await, client.id);
    client
}

/// Aborts; its channel ends at once. One that polls has a poll on its way.
async fn abort(client: &mut Client) {
    let waiting = match &*client.who.transport {
        "longPolling" => Some(client.poll().await),
        _ => None,
    };
    // For the poll to have arrived.
    sleep(Duration::from_millis(50)).await;
    let answer = client.request_abort().await;
    assert_eq!((answer.status, answer.text()), (200, ""));
    match waiting {
        Some(mut poll) => assert_empty(poll.answer("POST").await.text()),
        None => assert_eq!(client.next().await, Said::End),
    }
}

fn assert_empty(envelope: &str) {
    let is_empty = envelope.starts_with("{\"C\":") && envelope.ends_with(",\"M\":[]}");
    assert!(is_empty && !envelope.contains("\"D\""), "{envelope}");
}

async fn stopped(app: &mut App, id: &str) {
    let closed = timeout(STOP, app.link().closed(id)).await;
    assert_eq!(closed.unwrap(), "");
}

#[tokio::test]
async fn one_that_reconnects_after_its_abort_goes_on() {
    let stage = Stage::start();
    let mut app = App::start(&stage, &["Chat"]).await;
    for transport in TRANSPORTS {
        let mut client = old(&stage, &mut app, transport).await;
        let id = client.id.clone();
        assert_eq!(join(app.link(), &id, "hg-Chat.g").await, AckStatus::Ok);
        client.groups().await;
        for text in ["one", "two"] {
            abort(&mut client).await;
            let message = received("Chat", text);
            tell_group(app.link(), "hg-Chat.g", &response(&message), &[]).await;
            app.link().barrier().await;
            client.reconnect().await.unwrap();
            assert_eq!(client.message().await, message, "{transport}");
            assert_eq!(app.heard(&id).await, "asrs:reconnect", "{transport}");
        }
        sleep(LONGER).await;
        app.link().barrier().await;
        abort(&mut client).await;
        stopped(&mut app, &id).await;
    }
    until("no connection", || stage.door.connections() == 0).await;
}

#[tokio::test]
async fn one_that_stops_has_stopped_within_a_second_whatever_else_comes() {
    let stage = Stage::start();
    let mut app = App::start(&stage, &["Chat"]).await;
    for transport in TRANSPORTS {
        let mut client = old(&stage, &mut app, transport).await;
        let id = client.id.clone();
        abort(&mut client).await;
        // Once more harms nothing, and a poll that was on its way is no reconnect.
        assert_eq!(client.request_abort().await.status, 200);
        client.who = client.who.clone().over("longPolling");
        let mut poll = client.poll().await;
        stopped(&mut app, &id).await;
        assert_empty(poll.answer("POST").await.text());
        assert_eq!(client.request_abort().await.status, 200);
        app.link().barrier().await;
    }
}

#[tokio::test]
async fn an_abort_that_its_reconnect_has_overtaken_leaves_the_channel_unless_the_client_does() {
    let stage = Stage::start();
    let mut app = App::start(&stage, &["Chat"]).await;
    for transport in ["webSockets", "serverSentEvents"] {
        let mut client = old(&stage, &mut app, transport).await;
        let id = client.id.clone();
        for stays in [true, false] {
            client.lose();
            client.reconnect().await.unwrap();
            assert_eq!(app.heard(&id).await, "asrs:reconnect", "{transport}");
            assert_eq!(client.request_abort().await.status, 200);
            if stays {
                sleep(LONGER).await;
                let message = received("Chat", "there");
                app.tell(&id, &response(&message)).await;
                assert_eq!(client.message().await, message, "{transport}");
            }
        }
        client.lose();
        stopped(&mut app, &id).await;
    }
}

#[tokio::test]
async fn from_1_4_on_an_abort_is_the_end() {
    let stage = Stage::start();
    let mut app = App::start(&stage, &["Chat"]).await;
    for (version, expected) in [("1.4", None), ("2.1", Some("This connection is over."))] {
        for transport in TRANSPORTS {
            let who = stage.who(&["chat"]).over(transport).version(version);
            let mut client = stage.client(app.link(), who).await;
            client.request_abort().await;
            let closed = app.link().closed(&client.id);
            let at_once = timeout(Duration::from_millis(300), closed).await;
            assert_eq!(at_once.unwrap(), "", "{transport}");
            let again = client.reconnect().await;
            match expected {
                None => assert_eq!(again.unwrap_err().status, 404, "{transport}"),
                Some(text) => assert_eq!(client.next().await, Said::Error(text.to_owned())),
            }
        }
    }
}

#[tokio::test]
async fn the_version_is_that_of_the_request_else_the_one_that_was_negotiated() {
    let stage = Stage::start();
    let mut app = App::start(&stage, &["Chat"]).await;
    let error = Said::Error("This connection is over.".to_owned());
    for (negotiated, named, expected) in [
        ("2.1", "", &error),
        ("1.3", "2.1", &error),
        ("1.3", "", &Said::Disconnect),
        ("2.1", "1.3", &Said::Disconnect),
    ] {
        let who = stage.who(&["chat"]).version(negotiated);
        let (id, token) = who.negotiate(stage.address).await.unwrap();
        let client = Client::connect_as(stage.address, who.version(named), id, token).await;
        let mut client = client.unwrap();
        assert_eq!(app.opened().await, client.id);
        client.request_abort().await;
        stopped(&mut app, &client.id).await;
        client.reconnect().await.unwrap();
        assert_eq!(client.next().await, *expected, "{negotiated} {named}");
    }
}

#[tokio::test]
async fn one_whose_connection_is_over_is_told_so_where_it_comes_back() {
    let stage = Stage::start();
    let mut app = App::start(&stage, &["Chat"]).await;
    for transport in TRANSPORTS {
        let mut client = old(&stage, &mut app, transport).await;
        let id = client.id.clone();
        close(app.link(), &id, "secret").await;
        if transport == "longPolling" {
            assert_eq!(client.next().await, Said::Disconnect);
        }
        assert_eq!(client.next().await, Said::End);
        until("no connection", || stage.door.connections() == 0).await;
        client.reconnect().await.unwrap();
        assert_eq!(client.next().await, Said::Disconnect, "{transport}");
        assert_eq!(client.next().await, Said::End, "{transport}");
        // Elsewhere than on a channel, and to one that begins, it is a status.
        client.send_late("{}", 404).await;
        let Client { who, token, .. } = client;
        let begun = Client::connect_as(stage.address, who.clone(), id, token.clone()).await;
        assert_eq!(begun.err().unwrap().status, 404, "{transport}");
        let forged = [("connectionToken", &*format!("x{token}"))];
        let answer = who.get(stage.address, "reconnect", &forged).await;
        assert_eq!(answer.status, 400, "{transport}");
    }
}
