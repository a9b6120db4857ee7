//! Clients that fall silent, vanish or read no more.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use serde_json::json;

use super::kit::{App, Hub, Meters, Protocol, Relay, Transport, follow, resident_kib};
use super::until;
use crate::backend::service;
use crate::process::Server;

scenarios! {
    "silent-client",
    "a client that has pinged and falls silent is closed by its app's time limit, once",
    silent_client();
    "client-without-pings",
    "a client that never pings nor answers a ping stays for as long as its network does",
    without_pings();
    "vanished-client",
    "a client whose network went away without a word is gone for the app once, and counted out",
    vanished_client();
    "slow-client",
    "a client that stops reading is closed at the limit, memory stays bounded, others go on",
    slow_client();
}

const PING: &str = "{\"type\":6}\u{1e}";
const SOON: Duration = Duration::from_secs(12);

async fn no_clients(service: &Server) -> Result<()> {
    until("the last client's end", SOON, || async {
        Ok((Meters::read(service).await?.clients() == 0.0).then_some(()))
    })
    .await
}

async fn silent_client() -> Result<()> {
    let service = service(&[]).await?;
    let app = App::start(&service, &["--client-timeout", "3", "--keepalive", "1"]).await?;
    let mut hub = Hub::connect(&app.url("/testhub")).await?;
    // Apps time only those clients that have pinged.
    hub.send_text(PING).await?;
    let start = Instant::now();
    app.happened("disconnected", &hub.connection_id, SOON)
        .await?;
    let after = start.elapsed();
    ensure!(
        (2000..9000).contains(&after.as_millis()),
        "closed after {after:?}"
    );
    no_clients(&service).await?;
    ensure!(
        app.count("disconnected", &hub.connection_id).await? == 1,
        "reported twice"
    );
    Ok(())
}

async fn without_pings() -> Result<()> {
    let service = service(&[]).await?;
    let app = App::start(&service, &["--client-timeout", "3", "--keepalive", "1"]).await?;
    let mut hubs = Vec::new();
    for transport in Transport::ALL {
        let url = app.url("/testhub");
        hubs.push(Hub::connect_by(&url, transport, Protocol::Json, &[]).await?);
    }
    // Twice its app's time limit, by its app's own clock. A poll is answered with one ping each.
    let pinged = hubs.iter_mut().map(|hub| async {
        let mut pings = 0;
        while pings < 6 {
            let (message, _) = hub.next_raw().await?;
            ensure!(message["type"] == 6, "got {message} instead of a ping");
            pings += 1;
        }
        anyhow::Ok(())
    });
    try_join_all(pinged).await?;
    for (hub, transport) in hubs.iter_mut().zip(Transport::ALL) {
        let echo = hub.invoke("Echo", json!(["still here"])).await?;
        ensure!(echo == "still here", "{transport:?}: got {echo}");
        let ends = app.count("disconnected", &hub.connection_id).await?;
        ensure!(ends == 0, "{transport:?}: {ends} ends were reported");
    }
    Ok(())
}

async fn vanished_client() -> Result<()> {
    let service = service(&[]).await?;
    let app = App::start(&service, &["--client-timeout", "3", "--keepalive", "1"]).await?;
    let relay = Relay::start(service.address()).await?;
    let (url, token) = follow(&app.url("/testhub")).await?;
    let url = url.replace(service.address(), relay.address());
    let mut hub = Hub::connect_at(&url, token.as_deref()).await?;
    hub.send_text(PING).await?;
    hub.invoke("Echo", json!(["hello"])).await?;
    relay.go_silent();
    app.happened("disconnected", &hub.connection_id, SOON)
        .await?;
    no_clients(&service).await?;
    ensure!(
        app.count("disconnected", &hub.connection_id).await? == 1,
        "reported twice"
    );
    Ok(())
}

async fn slow_client() -> Result<()> {
    let service = service(&["limits.outbox_bytes=1048576"]).await?;
    let app = App::start(&service, &[]).await?;
    let mut other = Hub::connect(&app.url("/testhub")).await?;
    let mut slow = Hub::connect(&app.url("/testhub")).await?;
    let before = resident_kib(service.id()?)?;
    // 32 MiB, which no socket holds.
    for _ in 0..64 {
        slow.begin(1, "Big", json!([524_288])).await?;
    }
    let mut most = before;
    until("the slow client's end", SOON, || {
        let now = resident_kib(service.id().unwrap_or_default());
        most = most.max(now.unwrap_or_default());
        async {
            let meters = Meters::read(&service).await?;
            Ok((meters.clients() == 1.0).then_some(()))
        }
    })
    .await?;
    let closes = Meters::read(&service)
        .await?
        .sum("signalr_server_connections_closed", &["slow_client"]);
    ensure!(closes == 1.0, "{closes} clients were closed as too slow");
    ensure!(
        most - before < 24 * 1024,
        "memory grew from {before} to {most} KiB"
    );
    app.happened("disconnected", &slow.connection_id, SOON)
        .await?;
    let echo = other.invoke("Echo", json!(["still here"])).await?;
    ensure!(echo == "still here", "the other client got {echo}");
    Ok(())
}
