//! What an app server hears of real clients, on which of its connections, and what it does not
//! hear.

use std::time::Duration;

use heliograph::front::service::Options;
use heliograph_protocol::service::{ConnectionType, DataMessageType, Message};
use tokio::time::Instant;

use crate::support::app_server::{AppServer, Hello, ping_values};
use crate::support::service::Service;
use crate::whole::{END, Whole, WsClient};

const CALL: &str = "{\"type\":1,\"target\":\"Send\",\"arguments\":[]}\u{1e}";
const PING: &str = "{\"type\":6}\u{1e}";

fn on_demand() -> Hello {
    Hello {
        kind: ConnectionType::OnDemand,
        ..Hello::default()
    }
}

async fn connected(whole: &Whole, app: &mut AppServer) -> (WsClient, String) {
    let mut client = whole.client("ann", "json", "").await;
    let (id, _) = app.opened().await;
    app.answer(&id).await;
    assert_eq!(client.text().await, format!("{{}}{END}"));
    (client, id)
}

/// The next message of a stateful client that is no acknowledgement.
async fn next(client: &mut WsClient) -> String {
    loop {
        let text = client.text().await;
        if !text.starts_with("{\"type\":8,") {
            return text;
        }
    }
}

#[tokio::test]
async fn a_stateful_reconnect_is_told_as_a_reconnect_and_nothing_else() {
    let whole = Whole::start();
    let hello = Hello {
        stateful: true,
        ..Hello::default()
    };
    let mut app = AppServer::start_with(&whole.service, "s", hello).await;
    let stateful = "&useStatefulReconnect=true";
    let (id, token) = whole.negotiate("ann", stateful).await;
    let on_token = format!("&id={token}");
    let mut client = whole.socket("ann", &on_token).await;
    let handshake = format!("{{\"protocol\":\"json\",\"version\":2}}{END}");
    client.send(&handshake).await;
    assert_eq!(app.opened().await.0, id);
    app.answer(&id).await;
    assert_eq!(next(&mut client).await, format!("{{}}{END}"));
    client.send(CALL).await;
    assert_eq!(app.data(&id).await.0, CALL);
    for round in 0..2 {
        client.reset();
        client = whole.socket("ann", &on_token).await;
        let sequence = next(&mut client).await;
        assert_eq!(sequence, format!("{{\"type\":9,\"sequenceId\":1}}{END}"));
        let reconnect = app.next().await;
        assert!(
            matches!(
                reconnect.message(),
                Message::ConnectionReconnect { connection_id } if connection_id == id
            ),
            "round {round}: {:?}",
            reconnect.message()
        );
        // What came before the cut is skipped, what is new goes on to the same app server.
        client
            .send(&format!("{{\"type\":9,\"sequenceId\":1}}{END}{CALL}{PING}"))
            .await;
        assert_eq!(app.data(&id).await.0, PING, "round {round}");
    }
    client.send(&format!("{{\"type\":7}}{END}")).await;
    client.close().await;
    app.data(&id).await;
    assert_eq!(app.closed(&id).await, "");
}

#[tokio::test]
async fn a_client_that_comes_back_without_a_stateful_connection_is_a_new_one() {
    let whole = Whole::start();
    let mut app = AppServer::start(&whole.service, "s").await;
    let (client, first) = connected(&whole, &mut app).await;
    client.reset();
    assert_eq!(app.closed(&first).await, "");
    let (_client, second) = connected(&whole, &mut app).await;
    assert_ne!(first, second);
}

#[tokio::test]
async fn on_demand_links_are_chosen_as_the_default_ones_are() {
    let whole = Whole::start();
    let mut fixed = AppServer::start(&whole.service, "a").await;
    let mut clients = vec![connected(&whole, &mut fixed).await];
    // Opened because we would have asked for it; the target in its URL is no matter.
    let token = whole.service.token("chat", "a");
    let path = "/server/?hub=chat&cid=on-demand&target=node-1";
    let on_demand_link = AppServer::request(&whole.service, path, Some(&token), Some("a")).await;
    let mut added = on_demand_link.ok().unwrap();
    added
        .send(&Message::HandshakeRequest {
            version: 1,
            connection_type: ConnectionType::OnDemand,
            target: "node-1",
            migration_level: 0,
            allow_stateful_reconnects: false,
        })
        .await;
    let answer = added.next().await;
    assert!(
        matches!(
            answer.message(),
            Message::HandshakeResponse {
                error: Some(""),
                ..
            }
        ),
        "{:?}",
        answer.message()
    );
    // The fewest clients are there, whatever the kind.
    clients.push(connected(&whole, &mut added).await);
    added.barrier().await;
    let links = whole.service.hub().links().all();
    let clients_by_link: Vec<_> = links.iter().map(|link| link.clients()).collect();
    assert_eq!(clients_by_link, [1, 1]);
}

#[tokio::test]
async fn an_on_demand_link_alone_carries_clients_until_it_leaves() {
    let whole = Whole::start();
    let mut alone = AppServer::start_with(&whole.service, "a", on_demand()).await;
    let (_client, id) = connected(&whole, &mut alone).await;
    alone.send_data(&id, PING, DataMessageType::Other).await;
    alone.send_ping(&["shutdown", "fin:2"]).await;
    assert_eq!(ping_values(&alone.next().await), ["shutdown", "finack"]);
    let mut fixed = AppServer::start(&whole.service, "b").await;
    connected(&whole, &mut fixed).await;
}

#[tokio::test]
async fn the_query_reaches_the_app_server_without_id_and_token() {
    let whole = Whole::start();
    let mut app = AppServer::start(&whole.service, "s").await;
    let (_, token) = whole.negotiate("ann", "").await;
    let query = "&asrs.op=%2Fchat&asrs_request_id=5f%2FAA%3D%3D&asrs_lang=de-DE\
                 &asrs_ui_lang=de&color=dark%20blue&color=red&empty=&ID2=1";
    let on_token = format!("{query}&id={token}");
    let _client = whole.client("ann", "json", &on_token).await;
    let (_, open) = app.opened().await;
    let Message::OpenConnection { query_string, .. } = open.message() else {
        panic!("{:?}", open.message())
    };
    assert_eq!(query_string, format!("?hub=chat{query}"));
}

#[tokio::test]
async fn app_servers_are_pinged_every_five_seconds_by_default() {
    assert_eq!(Options::default().ping_interval, Duration::from_secs(5));
    let service = Service::start().await;
    let mut app = AppServer::start(&service, "s").await;
    // From here on time passes only when all tasks wait for it.
    tokio::time::pause();
    let mut last = None;
    for _ in 0..4 {
        let ping = app.next_of_all().await;
        assert!(ping_values(&ping).is_empty(), "a ping without a purpose");
        let now = Instant::now();
        if let Some(last) = last.replace(now) {
            let gap = now - last;
            let expected = Duration::from_millis(4900)..Duration::from_millis(5100);
            assert!(expected.contains(&gap), "{gap:?}");
        }
        app.send_ping(&["#clientInHub", "0", "#client", "0"]).await;
    }
}

#[tokio::test]
async fn an_echo_that_comes_back_is_not_sent_again() {
    let whole = Whole::start();
    let mut app = AppServer::start(&whole.service, "s").await;
    // The SDK writes back all that it got, so that no other purpose beside it is its own.
    for echo in [
        &["echo", "probe"][..],
        &["echo", "probe", "status", "1"],
        &["servers", "", "echo", ""],
        &["echo", "probe", "shutdown", "fin:0"],
    ] {
        app.send_ping(echo).await;
        app.send_ping(&["status", "1"]).await;
        // The answer to that is the next message.
        assert_eq!(ping_values(&app.next().await)[0], "status", "{echo:?}");
        assert!(app_is_idle(&mut app).await, "{echo:?}");
    }
    // The last one has not made it leave.
    connected(&whole, &mut app).await;
}

/// Whether one question gets one answer.
async fn app_is_idle(app: &mut AppServer) -> bool {
    app.send_ping(&["servers", ""]).await;
    ping_values(&app.next().await)[0] == "servers"
}
