//! What an app sets at the SDK and the service has to follow.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::kit::{App, Hub, Meters, follow, http};
use super::until;
use crate::backend::service;

scenarios! {
    "application-name",
    "an application's name is a prefix of its hubs; two applications do not mix",
    application_name();
    "transports",
    "clients are offered only the transports that their app allows",
    transports();
    "diagnostic-client",
    "messages of a diagnostic client, which carry tracing ids, arrive like all others",
    diagnostic_client();
    "handshake-timeout",
    "a client that does not shake hands in its app's time is closed",
    handshake_timeout();
    "max-poll",
    "a poll ends when the time that the app allows for it is over",
    max_poll();
}

async fn application_name() -> Result<()> {
    let service = service(&[]).await?;
    let named = App::start(&service, &["--app", "MyApp"]).await?;
    let plain = App::start(&service, &[]).await?;
    let (url, _) = follow(&named.url("/testhub")).await?;
    ensure!(
        url.to_lowercase().contains("hub=myapp_testhub"),
        "redirected to {url}"
    );
    let meters = Meters::read(&service).await?;
    let links = ["myapp_testhub", "testhub"].map(|hub| meters.links(hub));
    ensure!(links == [5.0; 2], "the hubs have {links:?} links");
    let mut of_named = Hub::connect(&named.url("/testhub")).await?;
    let mut of_plain = Hub::connect(&plain.url("/testhub")).await?;
    for (hub, app) in [(&mut of_named, &named), (&mut of_plain, &plain)] {
        let server = hub.invoke("Server", json!([])).await?;
        ensure!(server == app.process()?, "a client is on {server}");
    }
    plain.send("all", &[], "of the plain app").await?;
    named.send("all", &[], "of the named app").await?;
    of_plain.message("of the plain app").await?;
    let next = of_named.next_message().await?;
    ensure!(next["arguments"][0] == "of the named app", "got {next}");
    Ok(())
}

async fn transports() -> Result<()> {
    let service = service(&[]).await?;
    let app = App::start(&service, &["--transports", "WebSockets,LongPolling"]).await?;
    let (url, token) = follow(&app.url("/testhub")).await?;
    let bearer = format!("Bearer {}", token.context("no token")?);
    let url = url.replacen("/client/?", "/client/negotiate?negotiateVersion=1&", 1);
    let offer = http("POST", &url, &[("authorization", &bearer)], "")
        .await?
        .json()?;
    let names: Vec<_> = offer["availableTransports"]
        .as_array()
        .context("no transports")?
        .iter()
        .map(|transport| transport["transport"].as_str().unwrap_or_default())
        .collect();
    ensure!(
        names == ["WebSockets", "LongPolling"],
        "offered are {names:?}"
    );
    Ok(())
}

async fn diagnostic_client() -> Result<()> {
    let service = service(&[]).await?;
    let app = App::start(&service, &["--diagnostic", "1"]).await?;
    let mut traced = Hub::connect(&app.url("/testhub?diag=1&user=amy&group=g")).await?;
    let mut other = Hub::connect(&app.url("/testhub?group=g")).await?;
    let texts = ["ToAll", "ToGroup", "ToCaller"];
    traced.invoke("ToAll", json!(["ToAll"])).await?;
    traced.invoke("ToGroup", json!(["g", "ToGroup"])).await?;
    traced.invoke("ToCaller", json!(["ToCaller"])).await?;
    traced
        .invoke("ToClient", json!([other.connection_id, "ToClient"]))
        .await?;
    for text in texts {
        traced.message(text).await?;
    }
    for text in ["ToAll", "ToGroup", "ToClient"] {
        other.message(text).await?;
    }
    traced.invoke("Leave", json!(["g"])).await?;
    app.send("users", &["amy"], "ToUser").await?;
    traced.message("ToUser").await
}

async fn handshake_timeout() -> Result<()> {
    let service = service(&[]).await?;
    let app = App::start(&service, &["--handshake", "1"]).await?;
    let (url, token) = follow(&app.url("/testhub")).await?;
    let mut hub = Hub::open_silently(&url, token.as_deref()).await?;
    let start = std::time::Instant::now();
    let message = hub.next_message().await;
    ensure!(
        start.elapsed() < Duration::from_secs(5),
        "it was left open for {:?}",
        start.elapsed()
    );
    if let Ok(message) = message {
        ensure!(!message["error"].is_null(), "got {message}");
    }
    Ok(())
}

async fn max_poll() -> Result<()> {
    let service = service(&[]).await?;
    let app = App::start(&service, &["--max-poll", "2"]).await?;
    let (url, token) = follow(&app.url("/testhub")).await?;
    let bearer = format!("Bearer {}", token.context("no token")?);
    let headers = [("authorization", bearer.as_str())];
    let negotiate = url.replacen("/client/?", "/client/negotiate?negotiateVersion=1&", 1);
    let offer = http("POST", &negotiate, &headers, "").await?.json()?;
    let id = offer["connectionToken"].as_str().context("no token")?;
    let place = format!("{url}&id={id}");
    let first = http("GET", &place, &headers, "").await?;
    ensure!(first.status == 200, "the first poll gave {}", first.status);
    let handshake = "{\"protocol\":\"json\",\"version\":1}\u{1e}";
    http("POST", &place, &headers, handshake).await?;
    let answer = http("GET", &place, &headers, "").await?;
    ensure!(
        answer.body == "{}\u{1e}",
        "the handshake's answer is {}",
        answer.body
    );
    // Pings of the app may answer a poll before its time.
    until("an empty poll", Duration::from_secs(10), || async {
        let start = std::time::Instant::now();
        let poll = http("GET", &place, &headers, "").await?;
        ensure!(poll.status == 200, "a poll gave {}", poll.status);
        ensure!(
            start.elapsed() < Duration::from_secs(4),
            "it took {:?}",
            start.elapsed()
        );
        Ok(poll.body.is_empty().then_some(()))
    })
    .await
}
