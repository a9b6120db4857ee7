//! Core apps that say who legacy clients are.

use futures_util::SinkExt as _;
use heliograph::config::{HubSettings, LegacyUsers};
use heliograph_protocol::service::{Extensions, Message};
use tokio_tungstenite::tungstenite;

use crate::client::{Client, Who};
use crate::stage::{KEY, Stage, asked, claims, mint, redirect, served, user, user_of};
use crate::stub::{self, Stub, header, receive};
use crate::support::app_server::{AppServer, Frame, payloads};
use crate::support::soon;

/// A legacy client that is connected and started, and how the app server heard of it.
pub(crate) async fn open(stage: &Stage, link: &mut AppServer, who: Who) -> (Client, Frame) {
    let opening = async {
        let (id, frame) = link.opened().await;
        link.answer(&id).await;
        frame
    };
    tokio::join!(Client::start(stage.address, who), opening)
}

/// A call of `m` at the clients of a user.
pub(crate) async fn tell_user(link: &mut AppServer, user: &str, text: &str) {
    let call = format!("{{\"type\":1,\"target\":\"m\",\"arguments\":[\"{text}\"]}}\u{1e}");
    link.send(&Message::UserData {
        user_id: user,
        payloads: payloads(&call, b""),
        extensions: Extensions::default(),
    })
    .await;
}

/// A call of `m` at all clients of a hub.
pub(crate) async fn tell_all(link: &mut AppServer, text: &str) {
    let call = format!("{{\"type\":1,\"target\":\"m\",\"arguments\":[\"{text}\"]}}\u{1e}");
    link.send(&Message::BroadcastData {
        excluded_connection_ids: vec![],
        payloads: payloads(&call, b""),
        extensions: Extensions::default(),
    })
    .await;
}

pub(crate) fn told(hub: &str, text: &str) -> String {
    format!("{{\"H\":\"{hub}\",\"M\":\"m\",\"A\":[\"{text}\"]}}")
}

#[tokio::test]
async fn the_app_is_asked_as_the_client_would_and_its_word_goes_to_the_app_server() {
    let mut app = Stub::answering(|request| redirect("chat", user(request).as_deref())).await;
    let stage = Stage::with(vec![("chat", asked(&app.url()))], |settings| {
        settings.trusted_proxies = vec!["127.0.0.1".to_owned()];
    });
    let mut link = stage.app_server("chat").await;
    let mut who = Who::direct(&["Chat"])
        .header("Cookie", "a=1; user=alice")
        .header("Authorization", "Basic eDp5")
        .header("User-Agent", "old/1")
        .header("X-Tenant", "7")
        .header("X-Other", "8")
        .header("X-Forwarded-For", "203.0.113.9")
        .header("X-Forwarded-Proto", "https")
        .header("X-Forwarded-Host", "shop.test");
    who.query = "room=a%20b&_=17&access_token=t".to_owned();
    let (mut client, open) = open(&stage, &mut link, who).await;

    // At negotiate and at connect.
    for _ in 0..2 {
        let question = app.negotiation().await;
        assert_eq!(
            question.uri.query(),
            Some("negotiateVersion=1&room=a%20b&access_token=t")
        );
        for (name, value) in [
            ("cookie", "a=1; user=alice"),
            ("authorization", "Basic eDp5"),
            ("user-agent", "old/1"),
            ("x-tenant", "7"),
            ("x-other", ""),
            ("x-forwarded-for", "203.0.113.9, 127.0.0.1"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "shop.test"),
            ("x-requested-with", "XMLHttpRequest"),
            ("content-length", "0"),
        ] {
            assert_eq!(header(&question, name), value, "{name}");
        }
    }
    let known = claims(&open);
    for (kind, value) in [
        ("asrs.s.uid", "alice"),
        ("dept", "r&d"),
        ("role", "a"),
        ("role", "b"),
    ] {
        let is_it = |(known, found): &(String, String)| known == kind && found == value;
        assert!(known.iter().any(is_it), "{kind}: {known:?}");
    }
    let Message::OpenConnection {
        headers,
        query_string,
        ..
    } = open.message()
    else {
        panic!()
    };
    let value = |wanted: &str| {
        let mut headers = headers.iter();
        headers.find_map(|(name, values)| (*name == wanted).then(|| values.join(", ")))
    };
    assert_eq!(value("cookie").as_deref(), Some("a=1; user=alice"));
    assert_eq!(value("x-other").as_deref(), Some("8"));
    assert_eq!(
        value("x-forwarded-for").as_deref(),
        Some("203.0.113.9, 127.0.0.1")
    );
    assert!(query_string.contains("room=a%20b"), "{query_string}");
    assert!(!query_string.contains("access_token"), "{query_string}");

    tell_user(&mut link, "bob", "for bob").await;
    tell_user(&mut link, "alice", "for alice").await;
    assert_eq!(client.message().await, told("chat", "for alice"));
}

#[tokio::test]
async fn an_app_that_serves_its_clients_itself_knows_them_by_the_same_request() {
    let mut app = Stub::start().await;
    let hub = HubSettings {
        url: Some(app.url()),
        ..HubSettings::default()
    };
    let stage = Stage::start(vec![("chat", hub)]);
    let who = Who::direct(&["chat"]).header("Cookie", "user=alice");
    let start = tokio::spawn(Client::start(stage.address, who));
    let (mut socket, _) = app.greeted().await;
    let mut client = soon("the start", start).await.unwrap();
    // Negotiate and connect ask the hub, and what connects asks once more.
    for _ in 0..3 {
        assert_eq!(header(&app.negotiation().await, "cookie"), "user=alice");
    }
    assert_eq!(header(&app.request().await, "cookie"), "user=alice");
    client
        .send(r#"{"H":"chat","M":"Echo","A":["x"],"I":0}"#)
        .await;
    let call = receive(&mut socket).await.into_text().unwrap();
    assert!(call.contains(r#""target":"Echo""#), "{call}");
    let answer = "{\"type\":3,\"invocationId\":\"1\",\"result\":\"x\"}\u{1e}";
    socket
        .send(tungstenite::Message::text(answer))
        .await
        .unwrap();
    assert_eq!(client.answer().await, r#"{"R":"x","I":"0"}"#);
}

#[tokio::test]
async fn an_app_server_whose_app_names_nobody_has_anonymous_clients() {
    let app = Stub::answering(|_| stub::json(stub::OFFER)).await;
    let stage = Stage::start(vec![("chat", asked(&app.url()))]);
    let mut link = stage.app_server("chat").await;
    let (_client, frame) = open(&stage, &mut link, Who::direct(&["chat"])).await;
    assert_eq!(user_of(&frame), None);
}

#[tokio::test]
async fn tokens_and_nobody_do_without_an_app() {
    let hubs = vec![
        ("chat", served(LegacyUsers::Token)),
        ("open", served(LegacyUsers::Anonymous)),
    ];
    let stage = Stage::start(hubs);
    let mut link = stage.app_server("chat").await;
    let lifetime = std::time::Duration::from_secs(60);
    let token = mint(KEY, lifetime)
        .client("chat", Some("alice"), &[])
        .unwrap();
    let with_header = Who::direct(&["chat"]).header("Authorization", &format!("Bearer {token}"));
    let mut with_query = Who::direct(&["chat"]);
    with_query.query = format!("access_token={token}");
    for who in [with_header, with_query] {
        let (_client, frame) = open(&stage, &mut link, who).await;
        assert_eq!(user_of(&frame).as_deref(), Some("alice"));
    }
    for who in [
        Who::direct(&["chat"]),
        Who::direct(&["chat"]).header("Authorization", "Bearer x"),
    ] {
        let refused = who.negotiate(stage.address).await.unwrap_err();
        assert_eq!((refused.status, refused.text()), (401, ""));
    }
    let mut link = stage.app_server("open").await;
    let who = Who::direct(&["open"]).header("Authorization", &format!("Bearer {token}"));
    let (_client, frame) = open(&stage, &mut link, who).await;
    assert_eq!(user_of(&frame), None);
}
