//! An app server's connection is lost, and its clients go on.

use std::time::Duration;

use heliograph_protocol::service::AckStatus;

use crate::app::{
    App, broadcast, close, heard, join, opened, received, response, tell, tell_group,
};
use crate::client::{Client, Said};
use crate::stage::{Settings, Stage};
use crate::support::app_server::AppServer;
use crate::until;

const TRANSPORTS: [&str; 3] = ["webSockets", "serverSentEvents", "longPolling"];
const ECHO: &str = r#"{"H":"chat","M":"Echo","A":["x"],"I":3}"#;
const LOST: &str = r#"{"I":"3","E":"the app server went away"}"#;

/// Calls, and the app on this connection answers.
async fn echoes(client: &mut Client, link: &mut AppServer) {
    client.send(ECHO).await;
    assert_eq!(heard(link, &client.id).await, ECHO);
    tell(link, &client.id, "{\"R\":\"x\",\"I\":\"3\"}").await;
    assert_eq!(client.answer().await, "{\"R\":\"x\",\"I\":\"3\"}");
}

#[tokio::test]
async fn a_client_goes_on_with_another_connection_of_its_app() {
    let stage = Stage::start();
    for transport in TRANSPORTS {
        let mut app = App::start(&stage, &["Chat"]).await;
        let who = stage.who(&["chat"]).over(transport);
        let mut client = stage.client(app.link(), who).await;
        let id = client.id.clone();
        assert_eq!(join(app.link(), &id, "hg-Chat.g").await, AckStatus::Ok);
        client.send(ECHO).await;
        app.heard(&id).await;
        app.add(&stage).await;
        drop(app.main.remove(0));
        // The call is over, the client and its group are not.
        assert_eq!(client.answer().await, LOST, "{transport}");
        assert_eq!(app.opened().await, id);
        let message = received("Chat", "to g");
        tell_group(app.link(), "hg-Chat.g", &response(&message), &[]).await;
        assert_eq!(client.message().await, message);
        echoes(&mut client, app.link()).await;
        client.stop().await;
        assert_eq!(app.link().closed(&id).await, "");
    }
}

#[tokio::test]
async fn a_client_waits_for_the_next_connection_of_its_app() {
    let stage = Stage::start();
    let mut app = App::start(&stage, &["Chat"]).await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(stage.client(app.link(), stage.who(&["chat"])).await);
    }
    app.main.clear();
    until("a lost link", || {
        let hub = stage.relay.find("aspnetserver/app_app").unwrap();
        hub.links().is_empty()
    })
    .await;
    let calls: Vec<_> = (0..5)
        .map(|number| format!("{{\"H\":\"chat\",\"M\":\"Echo\",\"A\":[],\"I\":{number}}}"))
        .collect();
    for client in &mut clients {
        for call in &calls {
            client.send(call).await;
        }
    }
    // A broadcast reaches them meanwhile.
    let message = received("Chat", "all");
    broadcast(app.hub("Chat"), &response(&message), &[]).await;
    for client in &mut clients {
        assert_eq!(client.message().await, message);
    }
    app.add(&stage).await;
    let mut said = std::collections::BTreeMap::<String, Vec<String>>::new();
    for _ in 0..clients.len() * (1 + calls.len()) {
        let frame = app.link().next().await;
        match frame.message() {
            heliograph_protocol::service::Message::OpenConnection { connection_id, .. } => {
                assert!(said.insert(connection_id.to_owned(), Vec::new()).is_none());
            }
            heliograph_protocol::service::Message::ConnectionData {
                connection_id,
                payload,
                ..
            } => {
                let text = String::from_utf8(payload.to_vec()).unwrap();
                said.get_mut(connection_id).unwrap().push(text);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(said.len(), clients.len());
    assert!(said.values().all(|said| *said == calls), "{said:?}");
    for client in clients {
        let id = client.id.clone();
        client.stop().await;
        assert_eq!(app.link().closed(&id).await, "");
    }
}

#[tokio::test]
async fn a_client_ends_when_its_app_does_not_come_back() {
    let mut settings = Settings::default();
    settings.links.wait_for_server = Duration::from_millis(300);
    let stage = Stage::start_with(settings);
    for transport in TRANSPORTS {
        for version in ["2.1", "1.5"] {
            let mut app = App::start(&stage, &["Chat"]).await;
            let who = stage.who(&["chat"]).over(transport).version(version);
            let mut client = stage.client(app.link(), who).await;
            client.send(ECHO).await;
            let id = client.id.clone();
            app.heard(&id).await;
            app.main.clear();
            assert_eq!(client.answer().await, LOST, "{transport}");
            if transport != "webSockets" {
                // Held until it is clear that nobody answers.
                client.send(ECHO).await;
            }
            if version == "2.1" {
                let error = Said::Error("The server went away.".to_owned());
                assert_eq!(client.next().await, error, "{transport}");
            }
            assert_eq!(client.next().await, Said::End, "{transport}");
            if transport != "webSockets" {
                assert_eq!(client.answer().await, LOST, "{transport}");
            }
        }
    }
    until("no connection", || stage.door.connections() == 0).await;
}

#[tokio::test]
async fn a_client_that_leaves_meanwhile_is_opened_nowhere() {
    let stage = Stage::start();
    let mut app = App::start(&stage, &["Chat"]).await;
    let client = stage.client(app.link(), stage.who(&["chat"])).await;
    let mut stays = stage.client(app.link(), stage.who(&["chat"])).await;
    app.main.clear();
    until("a lost link", || {
        let hub = stage.relay.find("aspnetserver/app_app").unwrap();
        hub.links().is_empty()
    })
    .await;
    client.stop().await;
    until("one client", || stage.door.connections() == 1).await;
    app.add(&stage).await;
    assert_eq!(app.opened().await, stays.id);
    echoes(&mut stays, app.link()).await;
}

#[tokio::test]
async fn an_app_that_has_the_client_still_is_asked_again() {
    let stage = Stage::start();
    let mut app = App::start(&stage, &["Chat"]).await;
    let mut client = stage.client(app.link(), stage.who(&["chat"])).await;
    let id = client.id.clone();
    app.add(&stage).await;
    drop(app.main.remove(0));
    for _ in 0..2 {
        assert_eq!(app.opened().await, id);
        close(app.link(), &id, &format!("Duplicate connection ID {id}")).await;
    }
    assert_eq!(app.opened().await, id);
    echoes(&mut client, app.link()).await;
    // It has it now: whatever that means, the client is not to blame.
    close(app.link(), &id, &format!("Duplicate connection ID {id}")).await;
    echoes(&mut client, app.link()).await;
}

#[tokio::test]
async fn an_app_that_never_takes_the_client_loses_it() {
    let stage = Stage::start();
    let mut app = App::start(&stage, &["Chat"]).await;
    let mut client = stage.client(app.link(), stage.who(&["chat"])).await;
    let id = client.id.clone();
    app.add(&stage).await;
    drop(app.main.remove(0));
    let refuse = async {
        loop {
            opened(&mut app.main[0]).await;
            close(&mut app.main[0], &id, "Duplicate connection ID").await;
        }
    };
    let end = Said::Error("The server went away.".to_owned());
    tokio::select! {
        said = client.next() => assert_eq!(said, end),
        () = refuse => {}
    }
    until("no connection", || stage.door.connections() == 0).await;
}

#[tokio::test]
async fn a_client_may_come_before_its_app() {
    let mut settings = Settings::default();
    settings.links.wait_for_server = Duration::from_secs(5);
    let stage = Stage::start_with(settings);
    let (ids, mut app) = tokio::join!(
        async {
            let who = stage.who(&["chat"]);
            who.negotiate(stage.address).await.unwrap()
        },
        async {
            until("someone who waits", || true).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
            App::start(&stage, &["Chat"]).await
        }
    );
    // The connection for clients is lost between negotiate and connect.
    app.main.clear();
    until("a lost link", || {
        let hub = stage.relay.find("aspnetserver/app_app").unwrap();
        hub.links().is_empty()
    })
    .await;
    let (client, ()) = tokio::join!(
        Client::connect_as(stage.address, stage.who(&["chat"]), ids.0, ids.1),
        async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            app.add(&stage).await;
        }
    );
    assert_eq!(app.opened().await, client.unwrap().id);
}

#[tokio::test]
async fn a_hub_whose_connection_is_lost_keeps_its_clients() {
    let stage = Stage::start();
    let mut app = App::start(&stage, &["Chat"]).await;
    let mut one = stage.client(app.link(), stage.who(&["chat"])).await;
    app.lose_hub("Chat");
    until("a lost link", || {
        let hub = stage.relay.find("aspnetserver/app_chat").unwrap();
        hub.links().is_empty()
    })
    .await;
    echoes(&mut one, app.link()).await;
    // A new one is let in: the hub's clients are on the app's own connections.
    let mut two = stage.client(app.link(), stage.who(&["chat"])).await;
    let mut again = crate::app::link(&stage, "App_Chat").await;
    let message = received("Chat", "back");
    broadcast(&mut again, &response(&message), &[]).await;
    assert_eq!(one.message().await, message);
    assert_eq!(two.message().await, message);
}
