//! Several hubs of one client, each with its own word on who that is.

use heliograph::config::LegacyUsers;
use http::request::Parts;

use crate::client::{Client, Who};
use crate::core_apps::{tell_all, tell_user, told};
use crate::stage::{Stage, asked, redirect, served, status, user, user_of};
use crate::stub::Stub;

#[tokio::test]
async fn hubs_of_two_apps_know_a_client_by_two_users() {
    let first = Stub::answering(|request| redirect("chat", user(request).as_deref())).await;
    let second = Stub::answering(|_| redirect("stock", Some("Account 7"))).await;
    let stage = Stage::start(vec![
        ("chat", asked(&first.url())),
        ("stock", asked(&second.url())),
    ]);
    let mut chat = stage.app_server("chat").await;
    let mut stock = stage.app_server("stock").await;
    let who = Who::direct(&["chat", "stock"]).header("Cookie", "user=alice");
    let opening = async {
        let (id, frame) = chat.opened().await;
        chat.answer(&id).await;
        let (other, other_frame) = stock.opened().await;
        stock.answer(&other).await;
        assert_ne!(id, other);
        [user_of(&frame), user_of(&other_frame)]
    };
    let (mut client, users) = tokio::join!(Client::start(stage.address, who), opening);
    assert_eq!(users, [Some("alice".into()), Some("Account 7".into())]);
    tell_user(&mut stock, "alice", "nobody").await;
    tell_user(&mut stock, "Account 7", "to the account").await;
    assert_eq!(client.message().await, told("stock", "to the account"));
    tell_user(&mut chat, "Account 7", "nobody").await;
    tell_user(&mut chat, "alice", "to alice").await;
    assert_eq!(client.message().await, told("chat", "to alice"));

    // It may come back as who it is in the first hub.
    client.lose();
    client.reconnect().await.unwrap();
    tell_user(&mut chat, "alice", "again").await;
    assert_eq!(client.message().await, told("chat", "again"));
}

#[tokio::test]
async fn a_hub_that_refuses_the_client_is_left_out() {
    let open = Stub::answering(|_| redirect("open", None)).await;
    let guarded = Stub::answering(|request: &Parts| match user(request) {
        None => status(401),
        user => redirect("guarded", user.as_deref()),
    })
    .await;
    let stage = Stage::start(vec![
        ("guarded", asked(&guarded.url())),
        ("open", asked(&open.url())),
    ]);
    let mut guarded_link = stage.app_server("guarded").await;
    let mut link = stage.app_server("open").await;
    let who = Who::direct(&["guarded", "open"]);
    let (mut client, _) = crate::core_apps::open(&stage, &mut link, who).await;
    tell_all(&mut guarded_link, "secret").await;
    guarded_link.barrier().await;
    tell_all(&mut link, "for all").await;
    assert_eq!(client.message().await, told("open", "for all"));
    // Not even by a call does it get in.
    client.send(r#"{"H":"guarded","M":"x","I":0}"#).await;
    let text = "There was an error invoking Hub method 'guarded.x'.";
    let answer = format!(r#"{{"I":"0","E":"{text}"}}"#);
    assert_eq!(client.answer().await, answer);
    tell_all(&mut link, "still").await;
    assert_eq!(client.message().await, told("open", "still"));
}

#[tokio::test]
async fn a_hub_that_is_called_and_not_listed_is_asked_too() {
    let mut app = Stub::answering(|request| redirect("chat", user(request).as_deref())).await;
    let stage = Stage::start(vec![
        ("chat", asked(&app.url())),
        ("open", served(LegacyUsers::Anonymous)),
    ]);
    let mut chat = stage.app_server("chat").await;
    let mut link = stage.app_server("open").await;
    let who = Who::direct(&["open"]).header("Cookie", "user=alice");
    let (mut client, frame) = crate::core_apps::open(&stage, &mut link, who).await;
    assert_eq!(user_of(&frame), None);
    client.send(r#"{"H":"chat","M":"x","A":[],"I":0}"#).await;
    app.negotiation().await;
    let (id, frame) = chat.opened().await;
    chat.answer(&id).await;
    assert_eq!(user_of(&frame).as_deref(), Some("alice"));
    assert!(chat.data(&id).await.0.contains("\"target\":\"x\""));
    // It does not listen there.
    tell_user(&mut chat, "alice", "nobody").await;
    tell_all(&mut chat, "nobody").await;
    chat.barrier().await;
    tell_all(&mut link, "for all").await;
    assert_eq!(client.message().await, told("open", "for all"));

    // The other way about nobody inherits a name.
    let who = Who::direct(&["chat"]).header("Cookie", "user=alice");
    let (mut client, _) = crate::core_apps::open(&stage, &mut chat, who).await;
    client.send(r#"{"H":"open","M":"x","A":[],"I":0}"#).await;
    let (_, frame) = link.opened().await;
    assert_eq!(user_of(&frame), None);
}

#[tokio::test]
async fn a_client_that_every_hub_refuses_is_refused() {
    for (first, second, expected) in [(401, 401, 401), (401, 403, 403), (403, 401, 403)] {
        let one = Stub::answering(move |_| status(first)).await;
        let two = Stub::answering(move |_| status(second)).await;
        let stage = Stage::start(vec![("one", asked(&one.url())), ("two", asked(&two.url()))]);
        let who = Who::direct(&["one", "two"]);
        let refused = who.negotiate(stage.address).await.unwrap_err();
        assert_eq!((refused.status, refused.text()), (expected, ""));
    }
}
