//! Who a client is stays as it was, and its credentials may end meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use heliograph::config::{LegacyUsers, Span};

use crate::client::{Client, Who};
use crate::core_apps::{open, tell_all, told};
use crate::http::Answer;
use crate::stage::{KEY, Stage, asked, mint, redirect, served, status, user};
use crate::stub::Stub;
use crate::support::app_server::AppServer;

fn assert_another(refused: &Answer) {
    let text = "Unrecognized user identity.  The user identity cannot change during an active \
                SignalR connection.";
    assert_eq!((refused.status, refused.text()), (403, text));
}

fn alice() -> Who {
    Who::direct(&["chat"]).header("Cookie", "user=alice")
}

async fn stage_with_app() -> (Stage, AppServer, Stub) {
    let app = Stub::answering(|request| redirect("chat", user(request).as_deref())).await;
    let stage = Stage::start(vec![("chat", asked(&app.url()))]);
    let link = stage.app_server("chat").await;
    (stage, link, app)
}

#[tokio::test]
async fn another_user_cannot_go_on_with_a_connection() {
    let (stage, mut link, _app) = stage_with_app().await;
    let others = || {
        [
            Who::direct(&["chat"]).header("Cookie", "user=bob"),
            Who::direct(&["chat"]),
        ]
    };
    for transport in ["webSockets", "serverSentEvents", "longPolling"] {
        // The client of the tests does not read why it gets no stream.
        let assert_refused = |refused: &Answer| match transport {
            "serverSentEvents" => assert_eq!(refused.status, 403),
            _ => assert_another(refused),
        };
        let (id, token) = alice().negotiate(stage.address).await.unwrap();
        for other in others() {
            let who = other.over(transport);
            let refused = Client::connect_as(stage.address, who, id.clone(), token.clone()).await;
            assert_refused(&refused.err().unwrap());
        }
        let (mut client, _) = open(&stage, &mut link, alice().over(transport)).await;
        client.lose();
        tell_all(&mut link, "x").await;
        for other in others() {
            client.who = other.over(transport);
            assert_refused(&client.reconnect().await.unwrap_err());
        }
        // Case does not matter, as at the genuine server.
        client.who = Who::direct(&["chat"])
            .header("Cookie", "user=ALICE")
            .over(transport);
        client.reconnect().await.unwrap();
        assert_eq!(client.message().await, told("chat", "x"));
        client.request_abort().await;
        link.closed(&client.id).await;
    }
}

#[tokio::test]
async fn a_token_that_ends_does_not_end_its_connection() {
    let stage = Stage::with(vec![("chat", served(LegacyUsers::Token))], |settings| {
        settings.timeouts.clock_skew = Span::seconds(0);
    });
    let mut link = stage.app_server("chat").await;
    let token = |user| {
        let mint = mint(KEY, Duration::from_secs(4));
        let token = mint.client("chat", Some(user), &[]).unwrap();
        Who::direct(&["chat"]).header("Authorization", &format!("Bearer {token}"))
    };
    let bob = token("bob");
    let (mut client, _) = open(&stage, &mut link, token("alice")).await;
    crate::support::soon("the token's end", async {
        while client.who.negotiate(stage.address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    tell_all(&mut link, "x").await;
    assert_eq!(client.message().await, told("chat", "x"));
    client.send(r#"{"H":"chat","M":"x","A":[],"I":0}"#).await;
    link.data(&client.id).await;
    client.lose();
    client.reconnect().await.unwrap();
    tell_all(&mut link, "y").await;
    assert_eq!(client.message().await, told("chat", "y"));

    // A token of another is another's, whether it is good yet or has ended.
    client.lose();
    for bob in [token("bob"), bob] {
        client.who = bob;
        assert_another(&client.reconnect().await.unwrap_err());
    }
}

#[tokio::test]
async fn an_app_that_is_away_for_a_moment_loses_no_client() {
    let answer = Arc::new(AtomicU16::new(200));
    let now = Arc::clone(&answer);
    let app = Stub::answering(move |request| match now.load(Ordering::SeqCst) {
        200 => redirect("chat", user(request).as_deref()),
        failed => status(failed),
    })
    .await;
    let stage = Stage::start(vec![("chat", asked(&app.url()))]);
    let mut link = stage.app_server("chat").await;
    let (mut client, _) = open(&stage, &mut link, alice()).await;
    client.lose();
    answer.store(500, Ordering::SeqCst);
    let refused = client.reconnect().await.unwrap_err();
    let expected = (503, "The hub is not available.");
    assert_eq!((refused.status, refused.text()), expected);
    tell_all(&mut link, "missed").await;
    link.barrier().await;
    answer.store(200, Ordering::SeqCst);
    client.reconnect().await.unwrap();
    assert_eq!(client.message().await, told("chat", "missed"));
}
