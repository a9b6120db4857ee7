//! App servers that share a hub, stall and die.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use serde_json::json;

use super::kit::{App, Hub, Meters, Protocol, Transport};
use crate::backend::service;
use crate::process::Server;

scenarios! {
    "server-killed",
    "clients of a killed app server are closed with reconnect allowed, and only those",
    server_killed();
    "two-servers",
    "groups and users reach across two app servers of one hub",
    two_servers();
    "app-server-stalls",
    "an app server that stands still is given up after 30 s; clients of another one do not notice",
    stalls();
}

/// A client that runs on this app server and no other.
pub(super) async fn client_on(app: &App, query: &str) -> Result<Hub> {
    client_on_by(app, query, Transport::WebSockets, Protocol::Json).await
}

/// The same with a transport and a protocol.
pub(super) async fn client_on_by(
    app: &App,
    query: &str,
    transport: Transport,
    protocol: Protocol,
) -> Result<Hub> {
    let process = app.process()?;
    // New clients go to the least loaded link: those that others have got stay for a while.
    let mut others = Vec::new();
    for _ in 0..20 {
        let url = app.url(&format!("/testhub?{query}"));
        let mut hub = Hub::connect_by(&url, transport, protocol, &[]).await?;
        let id = hub.invoke("Server", json!([])).await?;
        if id == process {
            return Ok(hub);
        }
        others.push(hub);
    }
    bail!("none of 20 clients is on that app server")
}

async fn server_killed() -> Result<()> {
    let service = service(&[]).await?;
    let mut doomed = App::start(&service, &[]).await?;
    let mut on_doomed = client_on(&doomed, "").await?;
    let staying = App::start(&service, &[]).await?;
    let mut on_staying = client_on(&staying, "").await?;
    doomed.server.kill().await?;
    let close = on_doomed.close_message().await?;
    ensure!(close["allowReconnect"] == true, "closed with {close}");
    let echo = on_staying.invoke("Echo", json!(["still here"])).await?;
    ensure!(echo == "still here", "the other server's client got {echo}");
    Ok(())
}

async fn two_servers() -> Result<()> {
    let service = service(&[]).await?;
    let first = App::start(&service, &[]).await?;
    let second = App::start(&service, &[]).await?;
    let mut hubs = Vec::new();
    for n in 0..8 {
        let app = [&first, &second][n % 2];
        hubs.push(Hub::connect(&app.url(&format!("/testhub?user=user{n}"))).await?);
    }
    let mut servers = Vec::new();
    for hub in &mut hubs {
        servers.push(hub.invoke("Server", json!([])).await?);
        hub.invoke("Join", json!(["everyone"])).await?;
    }
    servers.sort_by_key(ToString::to_string);
    servers.dedup();
    ensure!(servers.len() == 2, "all clients are on one server");
    hubs[0]
        .invoke("ToGroup", json!(["everyone", "to all"]))
        .await?;
    for hub in &mut hubs {
        hub.message("to all").await?;
    }
    for n in 0..8 {
        let text = format!("to user {n}");
        hubs[(n + 1) % 8]
            .invoke("ToUser", json!([format!("user{n}"), text]))
            .await?;
        hubs[n].message(&text).await?;
    }
    Ok(())
}

async fn stalls() -> Result<()> {
    let service = service(&[]).await?;
    let stalled = App::start(&service, &[]).await?;
    let mut on_stalled = client_on(&stalled, "").await?;
    let healthy = App::start(&service, &[]).await?;
    let mut on_healthy = client_on(&healthy, "").await?;
    stalled.server.signal("STOP").await?;
    let outcome = stalled_until_given_up(&service, &mut on_healthy).await;
    // It ends like any other only when it runs.
    stalled.server.signal("CONT").await?;
    outcome?;
    let close = on_stalled.close_message().await?;
    ensure!(close["allowReconnect"] == true, "closed with {close}");
    Ok(())
}

async fn stalled_until_given_up(service: &Server, other: &mut Hub) -> Result<()> {
    let start = tokio::time::Instant::now();
    loop {
        let echo = other.invoke("Echo", json!(["here"])).await?;
        ensure!(echo == "here", "the other server's client got {echo}");
        if Meters::read(service).await?.links("testhub") == 5.0 {
            break;
        }
        ensure!(
            start.elapsed() < Duration::from_secs(45),
            "the stalled app server is still linked"
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    ensure!(
        start.elapsed() > Duration::from_secs(20),
        "given up after {:?} already",
        start.elapsed()
    );
    Ok(())
}
