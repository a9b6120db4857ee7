//! Which app server gets a client, and what happens where there is none.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use serde_json::json;

use super::kit::{App, Hub, Meters, Protocol, Stub, Transport, client_token, follow};
use super::until;
use crate::backend::service;

scenarios! {
    "five-links",
    "an app server's five links all come up, and clients spread over links evenly",
    five_links();
    "link-count-zero",
    "an app without links of its own sends its clients to the app servers that have some",
    link_count_zero();
    "no-server",
    "a client of a hub without app server is refused after the wait, with the hub's name",
    no_server();
    "server-comes-late",
    "an app server that comes while a client waits takes the client",
    server_comes_late();
    "sticky-required",
    "clients go to the app server that they negotiated with, and to no other when it is gone",
    sticky_required();
    "sticky-preferred",
    "clients go to the app server that they negotiated with, and to another one when it is gone",
    sticky_preferred();
    "many-clients",
    "200 clients at once: each is served, reached, and missed when it leaves",
    many_clients();
}

async fn five_links() -> Result<()> {
    let service = service(&[]).await?;
    let _app = App::start(&service, &["--links", "5"]).await?;
    until(
        "five links of each hub",
        Duration::from_secs(10),
        || async {
            let meters = Meters::read(&service).await?;
            let links = ["testhub", "secrethub", "bench"].map(|hub| meters.links(hub));
            Ok((links == [5.0; 3]).then_some(()))
        },
    )
    .await?;
    let mut stubs = Vec::new();
    for _ in 0..5 {
        stubs.push(Stub::start(&service).await?);
    }
    let url = format!("{}/client/?hub=stub", service.url());
    let token = client_token(service.url(), Stub::HUB)?;
    let clients = async {
        let mut hubs = Vec::new();
        for _ in 0..10 {
            hubs.push(Hub::connect_at(&url, Some(&token)).await?);
        }
        anyhow::Ok(hubs)
    };
    // Two clients for each link, no matter in which order.
    let links = stubs.iter_mut().map(|stub| async {
        stub.accept().await?;
        stub.accept().await
    });
    let (_hubs, taken) = tokio::join!(clients, try_join_all(links));
    taken.context("a link has fewer than two of ten clients")?;
    Ok(())
}

async fn link_count_zero() -> Result<()> {
    let service = service(&[]).await?;
    let serving = App::start(&service, &[]).await?;
    let negotiating = App::start(&service, &["--links", "0"]).await?;
    let mut hub = Hub::connect(&negotiating.url("/testhub?user=amy")).await?;
    let server = hub.invoke("Server", json!([])).await?;
    ensure!(server == serving.process()?, "the client is on {server}");
    let user = hub.invoke("UserId", json!([])).await?;
    ensure!(user == "amy", "the user is {user}");
    let links = Meters::read(&service).await?.links("testhub");
    ensure!(links == 5.0, "there are {links} links");
    Ok(())
}

async fn no_server() -> Result<()> {
    let service = service(&["timeouts.wait_for_server=\"1s\""]).await?;
    let token = client_token(service.url(), "lonely")?;
    let url = format!("{}/client/?hub=lonely", service.url());
    for transport in Transport::ALL {
        let (token, protocol) = (Some(token.as_str()), Protocol::Json);
        let mut hub = Hub::open_at(&url, token, transport, protocol, &[]).await?;
        let start = Instant::now();
        let answer = hub.handshake().await?;
        let took = start.elapsed();
        ensure!(
            answer.contains("\"error\"") && answer.contains("lonely"),
            "{transport:?}: the answer was {answer}"
        );
        ensure!(
            (900..4000).contains(&took.as_millis()),
            "{transport:?}: the wait was {took:?}"
        );
        hub.ended().await?;
    }
    // It comes to us on a way of its own, later perhaps than the clients' end.
    until("three words in the log", Duration::from_secs(5), || async {
        let log = service.log();
        let said = log
            .lines()
            .filter(|line| line.contains("WARN") && line.contains("hub=\"lonely\""));
        Ok((said.count() == 3).then_some(()))
    })
    .await?;
    until("the clients' end", Duration::from_secs(5), || async {
        Ok((Meters::read(&service).await?.clients() == 0.0).then_some(()))
    })
    .await
}

async fn server_comes_late() -> Result<()> {
    let service = service(&["timeouts.wait_for_server=\"10s\""]).await?;
    let token = client_token(service.url(), Stub::HUB)?;
    let url = format!("{}/client/?hub=stub", service.url());
    let mut hub = Hub::open_silently(&url, Some(&token)).await?;
    hub.begin_handshake().await?;
    let early = tokio::time::timeout(Duration::from_millis(500), hub.handshake_answer()).await;
    ensure!(early.is_err(), "the client does not wait: {early:?}");
    let mut stub = Stub::start(&service).await?;
    let id = stub.accept().await?;
    let answer = hub.handshake_answer().await?;
    ensure!(answer == "{}", "the handshake's answer is {answer}");
    let call = "{\"type\":1,\"target\":\"Message\",\"arguments\":[\"hi\"]}\u{1e}";
    stub.send_data(&id, call).await?;
    hub.message("hi").await
}

async fn sticky_required() -> Result<()> {
    let service = service(&["timeouts.wait_for_server=\"1s\""]).await?;
    let options = ["--sticky", "Required"];
    let mut first = App::start(&service, &options).await?;
    let second = App::start(&service, &options).await?;
    all_stick([&first, &second]).await?;
    let (url, token) = follow(&first.url("/testhub")).await?;
    first.server.kill().await?;
    let refused = Hub::connect_at(&url, token.as_deref()).await;
    ensure!(refused.is_err(), "another app server took the client");
    Ok(())
}

async fn sticky_preferred() -> Result<()> {
    let service = service(&[]).await?;
    let options = ["--sticky", "Preferred"];
    let mut first = App::start(&service, &options).await?;
    let second = App::start(&service, &options).await?;
    all_stick([&first, &second]).await?;
    let (url, token) = follow(&first.url("/testhub")).await?;
    first.server.kill().await?;
    let mut hub = Hub::connect_at(&url, token.as_deref()).await?;
    let server = hub.invoke("Server", json!([])).await?;
    ensure!(server == second.process()?, "the client is on {server}");
    Ok(())
}

async fn all_stick(apps: [&App; 2]) -> Result<()> {
    let mut hubs = Vec::new();
    for n in 0..16 {
        let app = apps[usize::from(n >= 12)];
        let mut hub = Hub::connect(&app.url("/testhub")).await?;
        let server = hub.invoke("Server", json!([])).await?;
        ensure!(server == app.process()?, "client {n} is on {server}");
        hubs.push(hub);
    }
    Ok(())
}

async fn many_clients() -> Result<()> {
    const COUNT: usize = 200;
    let service = service(&[]).await?;
    let app = App::start(&service, &[]).await?;
    let url = app.url("/testhub");
    let clients = (0..COUNT).map(|n| {
        let url = &url;
        async move {
            let mut hub = Hub::connect(url).await?;
            let echo = hub.invoke("Echo", json!([n.to_string()])).await?;
            ensure!(
                echo.as_str() == Some(n.to_string().as_str()),
                "client {n} got {echo}"
            );
            Ok(hub)
        }
    });
    let mut hubs = try_join_all(clients).await?;
    let clients = Meters::read(&service).await?.clients();
    ensure!(clients == 200.0, "{clients} clients are counted");
    app.send("all", &[], "to all").await?;
    for hub in &mut hubs {
        hub.message("to all").await?;
    }
    drop(hubs);
    until("the end of all", Duration::from_secs(10), || async {
        let connections = app.get("/connections").await?.json()?;
        let none = connections.as_array().is_some_and(Vec::is_empty);
        let clients = Meters::read(&service).await?.clients();
        Ok((none && clients == 0.0).then_some(()))
    })
    .await?;
    let events = app.get("/events").await?.json()?;
    let ends = events.as_array().map_or(0, |events| {
        events
            .iter()
            .filter(|e| e["event"] == "disconnected")
            .count()
    });
    ensure!(ends == COUNT, "{ends} ends were reported");
    Ok(())
}
