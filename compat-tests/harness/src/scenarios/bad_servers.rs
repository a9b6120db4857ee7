//! App servers that break the rules.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use heliograph_protocol::service::{Extensions, Message, Payloads};
use serde_json::json;

use super::kit::{App, Hub, Meters, Protocol, Stub, Transport, client_token, resident_kib};
use super::until;
use crate::backend::service;
use crate::process::Server;

scenarios! {
    "bad-app-servers",
    "app servers that send nonsense or nothing lose their link; other hubs do not notice",
    bad_servers();
    "app-server-ignores-clients",
    "an app server that answers no handshake and no end of a client holds nothing back",
    ignores_clients();
    "app-server-stops-reading",
    "an app server that stops reading stops its own clients; memory stays bounded",
    stops_reading();
    "app-server-loops",
    "an app server that connects and leaves again and again leaves nothing behind",
    loops();
}

/// A good app with a client, beside the bad one.
struct Bystander {
    service: Server,
    _app: App,
    hub: Hub,
}

impl Bystander {
    async fn start(settings: &[&str]) -> Result<Self> {
        let service = service(settings).await?;
        let app = App::start(&service, &[]).await?;
        let hub = Hub::connect(&app.url("/testhub")).await?;
        Ok(Self {
            service,
            _app: app,
            hub,
        })
    }

    /// Served as ever, and nothing of the hub `stub` is left.
    async fn check_unharmed(mut self) -> Result<()> {
        until("the end of all links", Duration::from_secs(10), || async {
            let meters = Meters::read(&self.service).await?;
            let left = (meters.links(Stub::HUB), meters.clients());
            Ok((left == (0.0, 1.0)).then_some(()))
        })
        .await?;
        let links = Meters::read(&self.service).await?.links("testhub");
        ensure!(links == 5.0, "the other app has {links} links");
        let echo = self.hub.invoke("Echo", json!(["still here"])).await?;
        ensure!(echo == "still here", "the other client got {echo}");
        Ok(())
    }

    async fn client(&self) -> Result<Hub> {
        self.client_by(Transport::WebSockets).await
    }

    async fn client_by(&self, transport: Transport) -> Result<Hub> {
        let url = format!("{}/client/?hub=stub", self.service.url());
        let token = client_token(self.service.url(), Stub::HUB)?;
        Hub::open_at(&url, Some(&token), transport, Protocol::Json, &[]).await
    }
}

async fn bad_servers() -> Result<()> {
    let bystander = Bystander::start(&[]).await?;
    let nonsense: [(&str, &[u8]); 5] = [
        ("no MessagePack", &[3, 0xc1, 0xc1, 0xc1]),
        ("no array", &[1, 0x01]),
        ("an endless length", &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        ("a message of 2 GB", &[0xff, 0xff, 0xff, 0xff, 0x07]),
        (
            "an array of 4 billion",
            &[6, 0xdd, 0xff, 0xff, 0xff, 0xff, 0x06],
        ),
    ];
    for (what, bytes) in nonsense {
        let mut stub = Stub::connect(&bystander.service).await?;
        stub.send_bytes(bytes).await?;
        stub.ended()
            .await
            .with_context(|| format!("{what}, first"))?;
        let mut stub = Stub::start(&bystander.service).await?;
        stub.send_bytes(bytes).await?;
        stub.ended().await.with_context(|| what.to_owned())?;
    }
    // What is merely too large is passed over, and nothing is kept of it.
    let mut stub = Stub::start(&bystander.service).await?;
    let before = resident_kib(bystander.service.id()?)?;
    // The prefix of 200 MiB.
    stub.send_bytes(&[0x80, 0x80, 0x80, 0x64]).await?;
    for _ in 0..64 {
        stub.send_bytes(&vec![0xc1; 1 << 20]).await?;
    }
    until("a word in the log", Duration::from_secs(5), || async {
        let log = bystander.service.log();
        let said = log.contains("message of an app server not delivered");
        Ok((said && log.contains("hub=\"stub\"")).then_some(()))
    })
    .await?;
    let after = resident_kib(bystander.service.id()?)?;
    ensure!(
        after < before + 16 * 1024,
        "memory grew from {before} to {after} KiB"
    );
    drop(stub);
    until("the end of that link", Duration::from_secs(10), || async {
        let links = Meters::read(&bystander.service).await?.links(Stub::HUB);
        Ok((links == 0.0).then_some(()))
    })
    .await?;
    // What names nobody is no reason to end.
    let mut stub = Stub::start(&bystander.service).await?;
    stub.send_data("nobody", "{\"type\":6}\u{1e}").await?;
    stub.send(&Message::CloseConnection {
        connection_id: "nobody",
        error: "",
        headers: Vec::new(),
        extensions: Extensions::default(),
    })
    .await?;
    // A message of unknown type.
    stub.send_bytes(&[3, 0x92, 0x7f, 0xc0]).await?;
    let (client, id) = tokio::join!(connected(&bystander), stub.accept());
    let (mut client, id) = (client?, id?);
    // What no client can read, but is carried as it is.
    stub.send_data(
        &id,
        "{\"type\":1,\"target\":\"Message\",\"arguments\":[\"fine\"]}\u{1e}",
    )
    .await?;
    client.message("fine").await?;
    // One that never shakes hands.
    let mut silent = Stub::connect(&bystander.service).await?;
    drop(stub);
    let close = client.close_message().await?;
    ensure!(close["allowReconnect"] == true, "closed with {close}");
    silent.ended().await.context("no handshake")?;
    bystander.check_unharmed().await
}

async fn connected(bystander: &Bystander) -> Result<Hub> {
    let mut hub = bystander.client().await?;
    hub.shake_hands().await?;
    Ok(hub)
}

async fn ignores_clients() -> Result<()> {
    let bystander = Bystander::start(&["timeouts.handshake=\"2s\""]).await?;
    let mut stub = Stub::start(&bystander.service).await?;
    // No answer to the handshake: the client that stays is told by whom it was let down.
    for transport in Transport::ALL {
        let mut client = bystander.client_by(transport).await?;
        let start = Instant::now();
        client.begin_handshake().await?;
        let id = stub.opened().await?;
        let answer = client.handshake_answer().await?;
        ensure!(
            answer == "{\"error\":\"Hub 'stub' did not answer the handshake in time.\"}",
            "{transport:?}: the answer was {answer}"
        );
        let took = start.elapsed();
        ensure!(
            (1_900..6_000).contains(&took.as_millis()),
            "{transport:?}: the answer came after {took:?}"
        );
        client.ended().await?;
        stub.closed(&id).await?;
    }
    let closes = Meters::read(&bystander.service).await?;
    let failed = closes.closed(Stub::HUB, "handshake_failed");
    ensure!(failed == 3.0, "{failed} failed handshakes are counted");
    // One that leaves meanwhile.
    let mut client = bystander.client().await?;
    client.begin_handshake().await?;
    let id = stub.opened().await?;
    drop(client);
    stub.closed(&id)
        .await
        .context("a client that left in its handshake")?;
    // No acknowledgement of its end, and no answer to a leaving client.
    let (client, id) = tokio::join!(connected(&bystander), stub.accept());
    drop(client?);
    stub.closed(&id?).await?;
    // The link still carries others.
    let (client, id) = tokio::join!(connected(&bystander), stub.accept());
    let mut client = client?;
    stub.send_data(
        &id?,
        "{\"type\":1,\"target\":\"Message\",\"arguments\":[\"hi\"]}\u{1e}",
    )
    .await?;
    client.message("hi").await?;
    drop((client, stub));
    bystander.check_unharmed().await
}

async fn stops_reading() -> Result<()> {
    let mut bystander = Bystander::start(&[]).await?;
    let mut stub = Stub::start(&bystander.service).await?;
    let (client, id) = tokio::join!(connected(&bystander), stub.accept());
    let mut client = client?;
    id?;
    let process = bystander.service.id()?;
    let before = resident_kib(process)?;
    let text = "x".repeat(500_000);
    let flood = async {
        for _ in 0..400 {
            client.begin(1, "Echo", json!([text])).await?;
        }
        anyhow::Ok(())
    };
    // 200 MB have no place to go: the client is held up.
    let held = tokio::time::timeout(Duration::from_secs(4), flood).await;
    ensure!(held.is_err(), "the client could send everything: {held:?}");
    let after = resident_kib(process)?;
    ensure!(
        after - before < 64 * 1024,
        "memory grew from {before} to {after} KiB"
    );
    let echo = bystander.hub.invoke("Echo", json!(["still here"])).await?;
    ensure!(echo == "still here", "the other client got {echo}");
    drop((client, stub));
    bystander.check_unharmed().await
}

async fn loops() -> Result<()> {
    let bystander = Bystander::start(&[]).await?;
    let process = bystander.service.id()?;
    let mut before = 0;
    for n in 0..300 {
        let mut stub = Stub::start(&bystander.service).await?;
        let payload = "{\"type\":6}\u{1e}";
        stub.send(&Message::BroadcastData {
            excluded_connection_ids: Vec::new(),
            payloads: Payloads::from(vec![("json", payload.as_bytes())]),
            extensions: Extensions::default(),
        })
        .await?;
        if n % 30 == 0 {
            let (client, id) = tokio::join!(connected(&bystander), stub.accept());
            id?;
            drop(stub);
            let close = client?.close_message().await?;
            ensure!(close["allowReconnect"] == true, "closed with {close}");
        }
        if n == 100 {
            before = resident_kib(process)?;
        }
    }
    let after = resident_kib(process)?;
    ensure!(
        after < before + 8 * 1024,
        "memory grew from {before} to {after} KiB"
    );
    bystander.check_unharmed().await
}
