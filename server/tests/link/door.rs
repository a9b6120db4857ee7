//! Connecting, keep-alive, side channel, end.

use std::sync::Arc;
use std::time::Duration;

use heliograph_protocol::service::{ConnectionType, Message};
use heliograph_relay::CloseReason;
use http::StatusCode;

use crate::support::app_server::{AppServer, Hello, ping_values, purpose};
use crate::support::client::{FakeClient, Who};
use crate::support::service::{Service, quick};
use crate::support::{soon, until};

async fn refused(service: &Service, path: &str, token: Option<&str>) -> StatusCode {
    match AppServer::request(service, path, token, None).await {
        Ok(_) => panic!("accepted"),
        Err(status) => status,
    }
}

#[tokio::test]
async fn a_request_without_a_valid_token_gets_401_and_an_incomplete_one_400() {
    let service = Service::start().await;
    let token = service.token("chat", "s");
    let other = service.token("other", "s");
    for path in ["/server/?hub=chat&cid=1", "/server?hub=chat&cid=1"] {
        assert_eq!(refused(&service, path, None).await, 401);
        assert_eq!(refused(&service, path, Some("nonsense")).await, 401);
        assert_eq!(refused(&service, path, Some(&other)).await, 401);
    }
    assert_eq!(refused(&service, "/server/?cid=1", Some(&token)).await, 400);
    assert_eq!(
        refused(&service, "/server/?hub=chat", Some(&token)).await,
        400
    );
}

#[tokio::test]
async fn parameters_may_come_twice_and_in_any_case() {
    let service = Service::start().await;
    let token = service.token("chat", "s");
    let mut apps = Vec::new();
    for path in [
        "/server?HUB=Chat&hub=other&Cid=1&cid=2",
        "/server/?cid=3&hub=chat",
    ] {
        let mut app = AppServer::request(&service, path, Some(&token), None)
            .await
            .ok()
            .unwrap();
        app.send_bytes(&[7, 0x96, 1, 1, 0, 0xa0, 0, 0x80]).await;
        app.next().await;
        apps.push(app);
    }
    let links = service.hub().links().all();
    let mut ids: Vec<_> = links.iter().map(|link| link.id()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["1", "3"]);
    assert!(
        links.iter().all(|link| link.server() == "s"),
        "the token names the server"
    );
}

#[tokio::test]
async fn the_handshake_may_come_in_pieces_and_with_other_messages_behind_it() {
    let service = Service::start().await;
    let mut app = AppServer::connect(&service, "s").await;
    app.send_bytes(&[7, 0x96, 1]).await;
    app.send_bytes(&[1, 0, 0xa0, 0, 0x80, 11, 0x93, 3, 0xa6, b's'])
        .await;
    app.send_bytes(b"tatus\xa11").await;
    assert!(matches!(
        app.next().await.message(),
        Message::HandshakeResponse { .. }
    ));
    assert!(purpose(&app.next().await).starts_with("Status"));
}

#[tokio::test]
async fn another_version_or_first_message_is_refused_with_a_text_and_1000() {
    let service = Service::start().await;
    let hello = |version| Message::HandshakeRequest {
        version,
        connection_type: ConnectionType::Default,
        target: "",
        migration_level: 0,
        allow_stateful_reconnects: false,
    };
    for first in [hello(2), Message::Ping { values: vec![] }] {
        let mut app = AppServer::connect(&service, "s").await;
        app.send(&first).await;
        let (code, errors) = app.end().await;
        assert_eq!(code, Some(1000));
        assert!(matches!(&*errors, [text] if !text.is_empty()), "{errors:?}");
    }
    assert!(service.relay.find("chat").is_none(), "the hub is not made");
}

#[tokio::test]
async fn an_app_server_that_says_nothing_is_closed_with_1000() {
    let (door, backend) = quick();
    let service = Service::start_with(door, backend).await;
    let mut silent = AppServer::connect(&service, "s").await;
    assert_eq!(silent.end().await, (Some(1000), vec![]));

    let mut silent = AppServer::start(&service, "s").await;
    let frame = silent.next_of_all().await;
    assert!(ping_values(&frame).is_empty(), "a ping comes first");
    assert_eq!(silent.end().await, (Some(1000), vec![]));
    until("the link leaves its hub", || {
        service.hub().links().is_empty()
    })
    .await;
}

#[tokio::test]
async fn an_app_server_that_answers_pings_stays() {
    let (door, backend) = quick();
    let silence_limit = door.silence_limit;
    let service = Service::start_with(door, backend).await;
    let mut app = AppServer::start(&service, "s").await;
    let start = std::time::Instant::now();
    while start.elapsed() < silence_limit * 3 {
        app.next_of_all().await;
        app.send_ping(&["#clientInHub", "0", "#client", "0"]).await;
    }
    app.barrier().await;
}

#[tokio::test]
async fn nonsense_is_told_and_closes_this_link_alone() {
    let service = Service::start().await;
    let mut good = AppServer::start(&service, "good").await;
    for nonsense in [
        &[1, 0xc0][..],
        &[3, 0x92, 6, 6],
        &[0xff, 0xff, 0xff, 0xff, 0xff, 1],
    ] {
        let mut bad = AppServer::start(&service, "bad").await;
        bad.send_bytes(nonsense).await;
        let (code, errors) = bad.end().await;
        assert_eq!(code, Some(1000));
        assert_eq!(errors.len(), 1, "{errors:?}");
    }
    good.send_bytes(&[4, 0x92, 0xcd, 3, 0xe7]).await;
    good.barrier().await;
}

#[tokio::test]
async fn status_and_servers_are_answered() {
    let service = Service::start().await;
    let mut one = AppServer::start(&service, "b").await;
    let _two = AppServer::start(&service, "a").await;
    let _three = AppServer::start(&service, "b").await;
    one.send_ping(&["status", "1"]).await;
    let status = ping_values(&one.next().await);
    assert_eq!(
        status,
        ["status", "0", "clientcount", "0", "servercount", "3"]
    );
    let mut last = 0;
    for _ in 0..3 {
        one.send_ping(&["servers", ""]).await;
        let values = ping_values(&one.next().await);
        let (stamp, names) = values[1].split_once(':').unwrap();
        assert_eq!(names, "a;b");
        let stamp: i64 = stamp.parse().unwrap();
        assert!(stamp > last);
        last = stamp;
    }
    let _client = FakeClient::open(&service, Who::json("c")).await.unwrap();
    let mut three = AppServer::start(&service, "c").await;
    three.send_ping(&["echo", "x"]).await;
    three.send_ping(&["status", "1"]).await;
    let status = ping_values(&three.next().await);
    assert_eq!(
        status,
        ["status", "1", "clientcount", "1", "servercount", "4"]
    );
}

#[tokio::test]
async fn a_leaving_link_is_acknowledged_at_once_and_takes_no_more_clients() {
    for fin in ["fin:0", "fin:1", "fin:2"] {
        let service = Service::start().await;
        let mut leaving = AppServer::start(&service, "a").await;
        let client = FakeClient::open(&service, Who::json("old")).await.unwrap();
        leaving.opened().await;
        leaving.send_ping(&["shutdown", fin]).await;
        assert_eq!(purpose(&leaving.next().await), "FinAck");
        let mut other = AppServer::start(&service, "b").await;
        if fin == "fin:1" {
            // Not answered yet: not to be moved.
            leaving.answer("old").await;
            leaving.closed("old").await;
            other.opened().await;
        }
        let _new = FakeClient::open(&service, Who::json("new")).await.unwrap();
        assert_eq!(other.opened().await.0, "new");
        if fin != "fin:1" {
            leaving.answer("old").await;
            assert_eq!(client.text().await, "{}\u{1e}");
        }
    }
}

#[tokio::test]
async fn weak_links_carry_no_clients() {
    let (door, backend) = quick();
    let service = Service::start_with(door, backend).await;
    let hello = Hello {
        kind: ConnectionType::Weak,
        ..Hello::default()
    };
    let _weak = AppServer::start_with(&service, "a", hello).await;
    assert!(FakeClient::open(&service, Who::json("c")).await.is_err());
}

#[tokio::test]
async fn links_beyond_the_limit_are_refused_with_503() {
    let (mut door, backend) = quick();
    door.max_links_per_hub = 1;
    door.max_handshakes = 1;
    door.handshake_timeout = Duration::from_secs(60);
    let service = Service::start_with(door, backend).await;
    let token = service.token("chat", "s");
    let waiting = AppServer::connect(&service, "s").await;
    assert_eq!(
        refused(&service, "/server/?hub=chat&cid=1", Some(&token)).await,
        503
    );
    waiting.close().await;
    let mut app = None;
    for _ in 0..100 {
        app = AppServer::request(&service, "/server/?hub=chat&cid=1", Some(&token), None)
            .await
            .ok();
        if app.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut app = app.unwrap();
    app.send_bytes(&[7, 0x96, 1, 1, 0, 0xa0, 0, 0x80]).await;
    app.next().await;
    assert_eq!(
        refused(&service, "/server/?hub=chat&cid=2", Some(&token)).await,
        503
    );
}

#[tokio::test]
async fn a_drain_writes_what_waits_and_closes_with_1000() {
    let service = Service::start().await;
    let mut app = AppServer::start(&service, "s").await;
    let greeting = AppServer::connect(&service, "s").await;
    let client = FakeClient::open(&service, Who::json("c")).await.unwrap();
    app.opened().await;
    client.gone(&CloseReason::Draining);
    let app_ends = async {
        assert_eq!(app.closed("c").await, "");
        assert_eq!(app.end().await.0, Some(1000));
    };
    let drain = soon("the drain", service.door.drain());
    tokio::join!(app_ends, drain, greeting.close());
    let token = service.token("chat", "s");
    assert_eq!(
        refused(&service, "/server/?hub=chat&cid=1", Some(&token)).await,
        503
    );
}

#[tokio::test]
async fn an_app_server_that_does_not_read_is_given_up() {
    let (mut door, backend) = quick();
    door.silence_limit = Duration::from_secs(60);
    let service = Service::start_with(door, backend).await;
    let mut app = AppServer::start(&service, "s").await;
    let client = FakeClient::open(&service, Who::json("c")).await.unwrap();
    app.opened().await;
    let link = Arc::clone(&service.hub().links().all()[0]);
    // More than the kernel keeps for a connection.
    link.queue().append(|out| out.resize(30 << 20, 0xc1));
    assert_eq!(client.end().await, CloseReason::BackendLost);
    assert!(service.hub().links().is_empty());
}

#[tokio::test]
async fn a_queue_that_overflows_ends_the_link() {
    let (mut door, backend) = quick();
    door.queue_high_water_bytes = 1000;
    let service = Service::start_with(door, backend).await;
    let mut app = AppServer::start(&service, "s").await;
    let link = Arc::clone(&service.hub().links().all()[0]);
    link.queue().append(|out| out.resize(8001, 0xc1));
    app.end().await;
    until("the link leaves its hub", || {
        service.hub().links().is_empty()
    })
    .await;
}
