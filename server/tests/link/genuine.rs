//! The genuine SDK as app server.

use std::time::{Duration, Instant};

use heliograph_protocol::hub::MessageType;
use heliograph_relay::CloseReason;

use crate::support::client::{FakeClient, Who};
use crate::support::coreapp::CoreApp;
use crate::support::service::Service;
use crate::support::{soon, until};

async fn connected(service: &Service, id: &'static str) -> FakeClient {
    let who = Who {
        hub: "testhub",
        query: "asrs.op=%2Ftesthub",
        ..Who::json(id)
    };
    let client = FakeClient::open(service, who.user("alice")).await.unwrap();
    assert_eq!(client.text().await, "{}\u{1e}");
    client
}

async fn call(client: &mut FakeClient, target: &str, arguments: &str) {
    let call = format!(
        "{{\"type\":1,\"invocationId\":\"i\",\"target\":\"{target}\",\"arguments\":{arguments}}}\u{1e}"
    );
    client.feed(&call, MessageType::Invocation).await;
}

/// The next frame with this in it; pings and others are passed over.
async fn frame_with(client: &FakeClient, part: &str) -> String {
    soon(part, async {
        loop {
            let text = client.text().await;
            if text.contains(part) {
                return text;
            }
        }
    })
    .await
}

async fn result(client: &mut FakeClient, target: &str, arguments: &str) -> String {
    call(client, target, arguments).await;
    frame_with(client, "\"type\":3").await
}

const RESULT: &str = "{\"type\":3,\"invocationId\":\"i\",\"result\":";

#[tokio::test]
async fn hubs_of_the_genuine_sdk_serve_clients() {
    let service = Service::start().await;
    let Some(app) = CoreApp::serving(&service, &["--links", "2"]).await else {
        return;
    };
    let mut one = connected(&service, "one").await;
    let two = connected(&service, "two").await;
    assert_eq!(
        result(&mut one, "Echo", "[\"hi\"]").await,
        format!("{RESULT}\"hi\"}}\u{1e}")
    );
    assert_eq!(
        result(&mut one, "Join", "[\"g\"]").await,
        format!("{RESULT}null}}\u{1e}")
    );
    assert!(service.relay.hub("testhub").group_exists("g"));
    result(&mut one, "JoinFor", "[\"two\",\"g\"]").await;
    result(&mut one, "ToOthersInGroup", "[\"g\",\"to others\"]").await;
    assert!(frame_with(&two, "\"type\":1").await.contains("to others"));
    result(&mut one, "ToClient", "[\"two\",\"to client\"]").await;
    assert!(frame_with(&two, "\"type\":1").await.contains("to client"));
    result(&mut one, "ToUser", "[\"alice\",\"to user\"]").await;
    assert!(frame_with(&two, "\"type\":1").await.contains("to user"));
    for _ in 0..20 {
        call(&mut one, "AskMe", "[\"q\"]").await;
        let question = frame_with(&one, "\"target\":\"Ask\"").await;
        let id = question
            .split("\"invocationId\":\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        let answer = format!("{{\"type\":3,\"invocationId\":\"{id}\",\"result\":\"a\"}}\u{1e}");
        one.feed(&answer, MessageType::Completion).await;
        let result = frame_with(&one, "\"invocationId\":\"i\"").await;
        assert!(result.contains("\"result\":\"a\""), "{result}");
    }
    until("results are forgotten", || {
        service.backend.results().is_empty()
    })
    .await;
    two.gone(&CloseReason::TransportLost);
    soon("the event", async {
        while !app
            .request("GET", "/events")
            .await
            .contains("\"disconnected\"")
        {}
    })
    .await;
    call(&mut one, "AbortMe", "[]").await;
    assert_eq!(
        one.end().await,
        CloseReason::Ended {
            error: None,
            allow_reconnect: false
        }
    );
    app.stopped().await;
}

#[tokio::test]
async fn each_of_five_genuine_links_carries_clients() {
    let service = Service::start().await;
    let Some(app) = CoreApp::serving(&service, &["--links", "5"]).await else {
        return;
    };
    let links = || service.relay.hub("testhub").links().all();
    until("five links", || links().len() == 5).await;
    let mut clients = Vec::new();
    for id in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"] {
        let mut client = connected(&service, id).await;
        let echo = result(&mut client, "Echo", &format!("[\"{id}\"]")).await;
        assert_eq!(echo, format!("{RESULT}\"{id}\"}}\u{1e}"));
        clients.push(client);
    }
    let spread: Vec<usize> = links().iter().map(|link| link.clients()).collect();
    assert_eq!(spread, [2; 5]);
    // Each is reached over its own link, from outside any hub too.
    result(&mut clients[0], "ToAll", "[\"to all\"]").await;
    for client in &clients[1..] {
        frame_with(client, "to all").await;
    }
    app.stopped().await;
}

#[tokio::test]
async fn the_genuine_sdk_stops_quickly_in_each_mode() {
    for mode in ["Off", "WaitForClientsClose", "MigrateClients"] {
        let service = Service::start().await;
        let Some(app) =
            CoreApp::serving(&service, &["--graceful", mode, "--graceful-timeout", "20"]).await
        else {
            return;
        };
        let client = connected(&service, "c").await;
        let mut app = app;
        app.begin_to_stop();
        if mode == "Off" {
            assert_eq!(
                frame_with(&client, "\"type\":7")
                    .await
                    .matches("allowReconnect")
                    .count(),
                1
            );
            assert_eq!(client.end().await, CloseReason::BackendLost);
        } else {
            frame_with(&client, "server is shutting down").await;
            client.gone(&CloseReason::ClientClosed(None));
        }
        let took = app.stopped().await;
        assert!(took < Duration::from_secs(2), "{mode}: {took:?}");
        until("no link is left", || {
            service.relay.hub("testhub").links().is_empty()
        })
        .await;
    }
}

#[tokio::test]
async fn clients_move_from_one_genuine_app_server_to_another() {
    let service = Service::start().await;
    let Some(old) = CoreApp::serving(&service, &["--graceful", "MigrateClients"]).await else {
        return;
    };
    let mut client = connected(&service, "c").await;
    let Some(new) = CoreApp::serving(&service, &["--graceful", "MigrateClients"]).await else {
        return;
    };
    let before = result(&mut client, "Server", "[]").await;
    let took = old.stopped().await;
    let after = result(&mut client, "Server", "[]").await;
    assert_ne!(before, after);
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert!(
        new.request("GET", "/events")
            .await
            .contains("\"migrated-in\"")
    );
    client.gone(&CloseReason::ClientClosed(None));
    new.stopped().await;
}

#[tokio::test]
#[ignore = "takes 40 s"]
async fn links_of_the_genuine_sdk_stay_up() {
    let service = Service::start().await;
    let Some(app) = CoreApp::serving(&service, &["--links", "2"]).await else {
        return;
    };
    let mut client = connected(&service, "c").await;
    let links = || {
        let links = service.relay.hub("testhub").links().all();
        links
            .iter()
            .map(|link| link.id().to_owned())
            .collect::<Vec<_>>()
    };
    let before = links();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(40) {
        // Clients ping too, else their app server takes them for dead.
        client.feed("{\"type\":6}\u{1e}", MessageType::Ping).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    assert_eq!(links(), before);
    assert_eq!(before.len(), 2);
    let echo = result(&mut client, "Echo", "[\"still\"]").await;
    assert!(echo.contains("still"));
    app.stopped().await;
}
