//! App servers that stop on purpose.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::app_servers::{client_on, client_on_by};
use super::kit::{App, Hub, Protocol, Transport};
use crate::backend::service;

scenarios! {
    "restart-migrate",
    "clients of a stopping app server move to another one with their groups; open calls end first",
    migrate();
    "restart-migrate-everyone",
    "clients of every transport and protocol move; what they have asked for is answered first",
    migrate_everyone();
    "restart-wait",
    "a stopping app server keeps its clients until they leave and gets no new ones",
    wait();
    "restart-off",
    "an app server that stops at once: clients may reconnect, and it need not wait",
    off();
}

const MOVE: Duration = Duration::from_secs(15);

async fn migrate() -> Result<()> {
    let service = service(&[]).await?;
    let options = ["--graceful", "MigrateClients"];
    let mut old = App::start(&service, &options).await?;
    let mut idle = client_on(&old, "user=amy&group=g").await?;
    let mut calling = client_on(&old, "group=g").await?;
    let mut streaming = client_on(&old, "").await?;
    let mut endless = client_on(&old, "").await?;
    let new = App::start(&service, &options).await?;

    let call = calling.begin(1, "Slow", json!([1500])).await?;
    let stream = streaming.begin(4, "Counter", json!([20, 100])).await?;
    let too_long = endless.begin(4, "Counter", json!([10_000, 100])).await?;
    old.post("/shutdown").await?;

    // The old one still answers: the endless stream keeps it for its grace time.
    old.happened("migrated-out", &idle.connection_id, MOVE)
        .await?;
    new.happened("migrated-in", &idle.connection_id, MOVE)
        .await?;
    let done = calling.completion(&call).await?;
    ensure!(done["error"].is_null(), "the open call ended with {done}");
    let done = streaming.completion(&stream).await?;
    ensure!(done["error"].is_null(), "the stream ended with {done}");
    for n in 0..20 {
        streaming
            .take("an item", |m| m["type"] == 2 && m["item"] == n)
            .await?;
    }
    let done = endless.completion(&too_long).await?;
    ensure!(
        !done["error"].is_null(),
        "the endless stream ended with {done}"
    );

    let process = new.process()?;
    for hub in [&mut idle, &mut calling, &mut streaming, &mut endless] {
        new.happened("migrated-in", &hub.connection_id, MOVE)
            .await?;
        let server = hub.invoke("Server", json!([])).await?;
        ensure!(server == process, "a client is on {server}");
    }
    new.send("groups", &["g"], "to the group").await?;
    idle.message("to the group").await?;
    calling.message("to the group").await?;
    new.send("users", &["amy"], "to the user").await?;
    idle.message("to the user").await?;
    new.send("clients", &[&endless.connection_id], "to the client")
        .await?;
    endless.message("to the client").await?;
    ensure!(
        old.server.ended(MOVE).await?.success(),
        "the old app failed"
    );
    let echo = idle.invoke("Echo", json!(["afterwards"])).await?;
    ensure!(echo == "afterwards", "got {echo}");
    ensure!(
        new.count("connected", &idle.connection_id).await? == 0,
        "a moved client was taken for a new one"
    );
    Ok(())
}

async fn migrate_everyone() -> Result<()> {
    let service = service(&[]).await?;
    let options = ["--graceful", "MigrateClients"];
    let mut old = App::start(&service, &options).await?;
    let mut clients = Vec::new();
    for (transport, protocol) in [
        (Transport::WebSockets, Protocol::Json),
        (Transport::WebSockets, Protocol::MessagePack),
        (Transport::ServerSentEvents, Protocol::Json),
        (Transport::LongPolling, Protocol::Json),
        (Transport::LongPolling, Protocol::MessagePack),
    ] {
        let what = format!("{transport:?}, {protocol:?}");
        let calling = client_on_by(&old, "user=amy&group=g", transport, protocol).await?;
        let streaming = client_on_by(&old, "group=g", transport, protocol).await?;
        clients.push((what, calling, streaming));
    }
    let new = App::start(&service, &options).await?;
    let mut asked = Vec::new();
    for (what, calling, streaming) in &mut clients {
        let call = calling.begin(1, "Slow", json!([1500])).await;
        let stream = streaming.begin(4, "Counter", json!([20, 100])).await;
        asked.push((call.context(what.clone())?, stream.context(what.clone())?));
    }
    old.post("/shutdown").await?;

    let process = new.process()?;
    for ((what, calling, streaming), (call, stream)) in clients.iter_mut().zip(&asked) {
        for (hub, id) in [(&mut *calling, call), (&mut *streaming, stream)] {
            let done = hub.completion(id).await.context(what.clone())?;
            ensure!(done["error"].is_null(), "{what}: it ended with {done}");
            new.happened("migrated-in", &hub.connection_id, MOVE)
                .await
                .context(what.clone())?;
            let server = hub.invoke("Server", json!([])).await?;
            ensure!(server == process, "{what}: the client is on {server}");
        }
        for n in 0..20 {
            streaming
                .take("an item", |m| m["type"] == 2 && m["item"] == n)
                .await
                .context(what.clone())?;
        }
        // What was answered before is not open on the new one.
        let call = calling.begin(1, "Echo", json!(["again"])).await?;
        let echo = calling.completion(&call).await?;
        ensure!(echo["result"] == "again", "{what}: got {echo}");
    }
    new.send("groups", &["g"], "to the group").await?;
    new.send("users", &["amy"], "to the user").await?;
    for (what, calling, streaming) in &mut clients {
        calling
            .message("to the group")
            .await
            .context(what.clone())?;
        calling.message("to the user").await.context(what.clone())?;
        streaming
            .message("to the group")
            .await
            .context(what.clone())?;
        let first = new.count("connected", &calling.connection_id).await?;
        ensure!(first == 0, "{what}: a moved client was taken for a new one");
    }
    ensure!(
        old.server.ended(MOVE).await?.success(),
        "the old app failed"
    );
    Ok(())
}

async fn wait() -> Result<()> {
    let service = service(&[]).await?;
    let options = [
        "--graceful",
        "WaitForClientsClose",
        "--graceful-timeout",
        "40",
    ];
    let mut old = App::start(&service, &options).await?;
    let mut staying = client_on(&old, "").await?;
    let new = App::start(&service, &options).await?;
    old.post("/shutdown").await?;
    staying.message("server is shutting down").await?;

    let process = new.process()?;
    for _ in 0..10 {
        let mut hub = Hub::connect(&new.url("/testhub")).await?;
        let server = hub.invoke("Server", json!([])).await?;
        ensure!(server == process, "a new client is on {server}");
    }
    let server = staying.invoke("Server", json!([])).await?;
    ensure!(server == old.process()?, "the old client is on {server}");
    let left = Instant::now();
    drop(staying);
    ensure!(
        old.server.ended(MOVE).await?.success(),
        "the old app failed"
    );
    ensure!(
        left.elapsed() < MOVE,
        "it waited on for {:?}",
        left.elapsed()
    );
    Ok(())
}

async fn off() -> Result<()> {
    let service = service(&[]).await?;
    let mut app = App::start(&service, &[]).await?;
    let mut hub = client_on(&app, "").await?;
    let stop = Instant::now();
    app.post("/shutdown").await?;
    let close = hub.close_message().await?;
    ensure!(close["allowReconnect"] == true, "closed with {close}");
    ensure!(app.server.ended(MOVE).await?.success(), "the app failed");
    let took = stop.elapsed();
    ensure!(took < Duration::from_secs(3), "it took {took:?} to stop");
    Ok(())
}
