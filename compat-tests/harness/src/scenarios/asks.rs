//! Client results that are asked for from outside a hub, and user groups.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use heliograph_protocol::service::{Extensions, Message, Payloads};
use serde_json::json;

use super::app_servers::client_on;
use super::kit::{App, Hub, Stub, client_token};
use crate::backend::service;

scenarios! {
    "ask-from-outside",
    "a client answers the app that it is on and another one; an asked client that leaves ends it",
    ask();
    "user-groups",
    "a user's group holds the connections that the user has and will have",
    user_groups();
}

async fn ask() -> Result<()> {
    let service = service(&[]).await?;
    let near = App::start(&service, &[]).await?;
    let mut hub = client_on(&near, "").await?;
    let far = App::start(&service, &[]).await?;
    let id = hub.connection_id.clone();
    for app in [&near, &far] {
        let question = format!("/ask?id={id}&q=q");
        let (answer, replied) = tokio::join!(app.get(&question), hub.reply("Ask", json!("yes")));
        replied.context("the question did not come")?;
        let answer = answer?;
        ensure!(answer.body == "yes", "{} {}", answer.status, answer.body);
    }
    for app in [&near, &far] {
        let mut leaving = client_on(&near, "").await?;
        let question = format!("/ask?id={}&q=q", leaving.connection_id);
        let start = Instant::now();
        let (answer, asked) = tokio::join!(app.get(&question), async {
            let asked = leaving.called("Ask").await;
            drop(leaving);
            asked
        });
        asked.context("the question did not come")?;
        ensure!(answer?.status == 502, "a client that left gave an answer");
        let took = start.elapsed();
        ensure!(took < Duration::from_secs(10), "that took {took:?}");
    }
    let nobody = near.get("/ask?id=nobody&q=q&ms=5000").await?;
    ensure!(nobody.status == 502, "nobody answered {}", nobody.body);
    Ok(())
}

async fn user_groups() -> Result<()> {
    let service = service(&[]).await?;
    let mut stub = Stub::start(&service).await?;
    let url = format!("{}/client/?hub=stub", service.url());
    let token = client_token(service.url(), Stub::HUB)?;
    let join = Message::UserJoinGroup {
        user_id: "harness",
        group: "g",
        extensions: Extensions::default(),
    };
    let mut hubs = Vec::new();
    for n in 0..3 {
        let (hub, id) = tokio::join!(Hub::connect_at(&url, Some(&token)), stub.accept());
        hubs.push(hub?);
        id?;
        if n == 1 {
            stub.send(&join).await?;
        }
    }
    send_to_group(&mut stub, "joined").await?;
    for hub in &mut hubs {
        hub.message("joined").await?;
    }
    stub.send(&Message::UserLeaveGroup {
        user_id: "harness",
        group: Some("g"),
        extensions: Extensions::default(),
    })
    .await?;
    send_to_group(&mut stub, "left").await?;
    let marker = call("marker");
    stub.send(&Message::BroadcastData {
        excluded_connection_ids: Vec::new(),
        payloads: Payloads::from(vec![("json", marker.as_bytes())]),
        extensions: Extensions::default(),
    })
    .await?;
    for hub in &mut hubs {
        let next = hub.next_message().await?;
        ensure!(next["arguments"][0] == "marker", "got {next}");
    }
    Ok(())
}

fn call(text: &str) -> String {
    format!("{{\"type\":1,\"target\":\"Message\",\"arguments\":[\"{text}\"]}}\u{1e}")
}

async fn send_to_group(stub: &mut Stub, text: &str) -> Result<()> {
    let payload = call(text);
    stub.send(&Message::GroupBroadcastData {
        group: "g",
        excluded_connection_ids: Vec::new(),
        payloads: Payloads::from(vec![("json", payload.as_bytes())]),
        extensions: Extensions::default(),
        excluded_user_ids: Vec::new(),
        caller_user_id: None,
    })
    .await
}
