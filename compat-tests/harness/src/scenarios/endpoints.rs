//! One app with several services, as the SDK's endpoints.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::kit::{App, Hub, Meters, follow};
use super::until;
use crate::backend::{connection_string, service};

scenarios! {
    "several-endpoints",
    "two primary services and a secondary one: sends, groups and questions reach clients of all",
    several();
}

/// A client of the service at `address`; the SDK picks one of the primary ones.
async fn client_at(app: &App, address: &str, query: &str) -> Result<Hub> {
    let url = app.url(&format!("/testhub?{query}"));
    let (url, token) = until(
        "a client of that service",
        Duration::from_secs(20),
        || async {
            let (place, token) = follow(&url).await?;
            Ok(place.contains(address).then_some((place, token)))
        },
    )
    .await?;
    Hub::connect_at(&url, token.as_deref()).await
}

async fn several() -> Result<()> {
    let (first, second, backup) = (
        service(&[]).await?,
        service(&[]).await?,
        service(&[]).await?,
    );
    let strings = [&second, &backup].map(connection_string);
    let app = App::start(
        &first,
        &["--azure2", &strings[0], "--azure-secondary", &strings[1]],
    )
    .await?;
    // An app of its own for the backup: weak links take no clients.
    let other = App::start(&backup, &[]).await?;
    until("all links", Duration::from_secs(20), || async {
        let mut links = Vec::new();
        for service in [&first, &second, &backup] {
            links.push(Meters::read(service).await?.links("testhub"));
        }
        Ok((links == [5.0, 5.0, 10.0]).then_some(()))
    })
    .await?;

    let mut hubs = vec![
        client_at(&app, first.address(), "user=amy").await?,
        client_at(&app, second.address(), "user=amy").await?,
    ];
    for _ in 0..6 {
        let mut hub = Hub::connect(&other.url("/testhub?user=amy")).await?;
        let server = hub.invoke("Server", json!([])).await?;
        ensure!(server == other.process()?, "a client is on a weak link");
        hubs.push(hub);
    }
    for hub in &mut hubs {
        hub.invoke("Join", json!(["g"])).await?;
    }
    app.send("all", &[], "to all").await?;
    app.send("groups", &["g"], "to the group").await?;
    app.send("users", &["amy"], "to the user").await?;
    for hub in &mut hubs {
        for text in ["to all", "to the group", "to the user"] {
            hub.message(text).await?;
        }
    }
    for hub in &mut hubs {
        let id = hub.connection_id.clone();
        let ask = format!("/ask?id={id}&q=q");
        let (answer, replied) = tokio::join!(app.get(&ask), hub.reply("Ask", json!("an answer")));
        replied.context("the question did not come")?;
        let answer = answer?;
        ensure!(
            answer.status == 200 && answer.body == "an answer",
            "the answer was {} {}",
            answer.status,
            answer.body
        );
    }
    Ok(())
}
