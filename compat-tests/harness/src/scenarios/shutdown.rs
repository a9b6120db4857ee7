//! How the service ends.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::kit::{App, Hub, Protocol, Transport, http};
use super::until;
use crate::backend::service;

scenarios! {
    "drain-sigterm",
    "SIGTERM: clients of every transport may reconnect, the app is told, the exit code is 0",
    drain();
    "second-signal",
    "a second signal ends the service at once",
    second_signal();
}

async fn drain() -> Result<()> {
    let mut service = service(&[]).await?;
    let app = App::start(&service, &[]).await?;
    let mut hubs = Vec::new();
    for transport in Transport::ALL {
        let url = app.url("/testhub");
        hubs.push(Hub::connect_by(&url, transport, Protocol::Json, &[]).await?);
    }
    let ready = format!("{}/readyz", service.url());
    ensure!(
        http("GET", &ready, &[], "").await?.status == 200,
        "it is not ready"
    );
    let start = Instant::now();
    service.signal("TERM").await?;
    // The long polling client has not asked for its end yet, so there is time to look.
    until("503 at /readyz", Duration::from_secs(5), || async {
        Ok((http("GET", &ready, &[], "").await?.status == 503).then_some(()))
    })
    .await?;
    for (hub, transport) in hubs.iter_mut().zip(Transport::ALL) {
        let close = hub.close_message().await?;
        ensure!(
            close["allowReconnect"] == true,
            "{transport:?} closed with {close}"
        );
        hub.ended().await?;
    }
    let status = service.ended(Duration::from_secs(20)).await?;
    ensure!(status.code() == Some(0), "it ended with {status}");
    let took = start.elapsed();
    ensure!(took < Duration::from_secs(10), "it took {took:?}");
    for hub in &hubs {
        app.happened("disconnected", &hub.connection_id, Duration::from_secs(5))
            .await?;
        let ends = app.count("disconnected", &hub.connection_id).await?;
        ensure!(ends == 1, "{ends} ends were reported");
    }
    Ok(())
}

async fn second_signal() -> Result<()> {
    let mut service = service(&[]).await?;
    let app = App::start(&service, &[]).await?;
    // It never fetches its end, so the service waits for it.
    let _polling = Hub::connect_by(
        &app.url("/testhub"),
        Transport::LongPolling,
        Protocol::Json,
        &[],
    )
    .await?;
    service.signal("TERM").await?;
    let ready = format!("{}/readyz", service.url());
    until("503 at /readyz", Duration::from_secs(5), || async {
        Ok((http("GET", &ready, &[], "").await?.status == 503).then_some(()))
    })
    .await?;
    service.signal("TERM").await?;
    let status = service.ended(Duration::from_secs(2)).await?;
    ensure!(status.code() == Some(1), "it ended with {status}");
    Ok(())
}
