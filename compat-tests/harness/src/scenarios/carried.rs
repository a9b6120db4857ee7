//! Hub protocols that are carried and never read.

use anyhow::{Context, Result, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use heliograph_protocol::service::{DataMessageType, Extensions, Message, Payloads};
use heliograph_protocol::wire::varint;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::kit::{Claims, Hub, Protocol, Stub, Transport, WAIT};
use crate::backend::service;
use crate::process::Server;

scenarios! {
    "blazorpack",
    "a protocol that an app names is carried byte for byte, to the app server that it is bound to",
    blazorpack();
    "unnamed-protocol",
    "a protocol that the settings do not name is refused in the handshake",
    unnamed();
}

const HANDSHAKE: &[u8] = b"{\"protocol\":\"blazorpack\",\"version\":1}\x1e";

/// A length prefix and bytes that are no MessagePack.
fn framed(content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    varint::write_framed(&mut bytes, |body| body.extend_from_slice(content));
    bytes
}

/// A client token that binds to one app server.
fn bound_to(service: &Server, server: &str) -> Result<String> {
    Claims::new(service.url(), "client", Stub::HUB)
        .with("asrs.s.ssticky", json!("Required"))
        .with("asrs.s.sn", json!(server))
        .sign()
}

/// What the app server is told next: the client's protocol, or data with its kind.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Opened(String, Option<String>),
    Data(String, Vec<u8>, Option<DataMessageType>),
}

async fn told(stub: &mut Stub, what: &str) -> Result<Told> {
    stub.next(what, |message| match message {
        Message::OpenConnection {
            connection_id,
            extensions,
            ..
        } => Some(Told::Opened(
            (*connection_id).to_owned(),
            extensions.protocol.map(str::to_owned),
        )),
        Message::ConnectionData {
            connection_id,
            payload,
            extensions,
        } => Some(Told::Data(
            (*connection_id).to_owned(),
            payload.to_vec(),
            extensions.data_type,
        )),
        _ => None,
    })
    .await
}

/// Takes a client in: its id.
async fn taken_in(stub: &mut Stub) -> Result<String> {
    let opened = told(stub, "the client").await?;
    let Told::Opened(id, protocol) = opened else {
        bail!("got {opened:?} before a client")
    };
    ensure!(
        protocol.as_deref() == Some("blazorpack"),
        "the client's protocol is told as {protocol:?}"
    );
    let handshake = told(stub, "the handshake").await?;
    let expected = Told::Data(
        id.clone(),
        HANDSHAKE.to_vec(),
        Some(DataMessageType::Handshake),
    );
    ensure!(handshake == expected, "the handshake is {handshake:?}");
    stub.answer(&id).await?;
    Ok(id)
}

/// A WebSocket, of which the kind of each message is seen.
struct Binary(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Binary {
    async fn open(service: &Server, token: &str) -> Result<Self> {
        let url = format!(
            "ws://{}/client/?hub=stub&access_token={token}",
            service.address()
        );
        let (socket, _) = timeout(WAIT, connect_async(url)).await??;
        Ok(Self(socket))
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        let message = tungstenite::Message::binary(bytes.to_vec());
        Ok(self.0.send(message).await?)
    }

    async fn next(&mut self) -> Result<Vec<u8>> {
        match timeout(WAIT, self.0.next()).await.context("in time")? {
            Some(Ok(tungstenite::Message::Binary(bytes))) => Ok(bytes.to_vec()),
            other => bail!("no binary message but {other:?}"),
        }
    }
}

/// Contents that any reader of MessagePack or JSON would choke on, among them those that would be
/// pings, closes or messages of unknown type in MessagePack.
fn contents() -> Vec<Vec<u8>> {
    vec![
        vec![0xc1, 0xff, 0x00, 0x1e],
        b"{\"type\":7}\x1e".to_vec(),
        vec![0x91, 0x06],
        vec![0x92, 0x07, 0xc0],
        vec![0x92, 0x08, 0x05],
        vec![0x91, 0x63],
        Vec::new(),
        (0..=255).cycle().take(300).collect(),
        vec![0xc1; 100_000],
    ]
}

async fn blazorpack() -> Result<()> {
    let service = service(&["protocols=[\"blazorpack\"]"]).await?;
    let mut named = Stub::named(&service, "named").await?;
    // Less loaded, and yet not to be chosen.
    let mut other = Stub::named(&service, "other").await?;
    let token = bound_to(&service, "named")?;
    let mut sockets = Vec::new();
    for _ in 0..3 {
        let mut socket = Binary::open(&service, &token).await?;
        socket.send(HANDSHAKE).await?;
        let id = taken_in(&mut named).await?;
        let answer = socket.next().await?;
        ensure!(answer == b"{}\x1e", "the handshake's answer is {answer:?}");
        sockets.push((socket, id));
    }
    let (mut socket, id) = sockets.remove(0);
    for content in contents() {
        let bytes = framed(&content);
        let data = Told::Data(id.clone(), bytes.clone(), Some(DataMessageType::Invocation));
        // Cut anywhere by the client: a message is whole for the app server.
        for at in [0, 1, bytes.len() / 2] {
            let (head, tail) = bytes.split_at(at);
            if !head.is_empty() {
                socket.send(head).await?;
            }
            socket.send(tail).await?;
            let got = told(&mut named, "the client's message").await?;
            ensure!(got == data, "cut at {at}, {got:?} arrived");
        }
        named.send_message(&id, &bytes).await?;
        let got = socket.next().await?;
        ensure!(got == bytes, "the client got {got:?} instead of {bytes:?}");
    }
    // Two messages of the client in one frame are two for its app server.
    let (one, two) = (framed(&[0xc1]), framed(&[0xc1, 0xc1]));
    socket.send(&[&one[..], &two].concat()).await?;
    for bytes in [one, two] {
        let got = told(&mut named, "one of two messages").await?;
        let data = Told::Data(id.clone(), bytes, Some(DataMessageType::Invocation));
        ensure!(got == data, "{got:?} arrived");
    }
    // By another transport of bytes.
    let url = format!("{}/client/?hub=stub", service.url());
    let (polls, protocol) = (Transport::LongPolling, Protocol::MessagePack);
    let mut polling = Hub::open_at(&url, Some(&token), polls, protocol, &[]).await?;
    polling.send_bytes(HANDSHAKE).await?;
    let polling_id = taken_in(&mut named).await?;
    ensure!(polling.next_bytes().await? == b"{}\x1e", "another answer");
    let bytes = framed(&[0xc1, 0xff, 0x00, 0x1e]);
    polling.send_bytes(&bytes).await?;
    let got = told(&mut named, "the polling client's message").await?;
    let data = Told::Data(polling_id, bytes.clone(), Some(DataMessageType::Invocation));
    ensure!(got == data, "{got:?} arrived");

    // A payload for readers of JSON alone reaches none of them.
    for payloads in [
        vec![("json", &b"{}\x1e"[..])],
        vec![
            ("json", &b"{}\x1e"[..]),
            ("messagepack", &[2, 0x91, 6]),
            ("blazorpack", &bytes),
        ],
    ] {
        let send = Message::BroadcastData {
            excluded_connection_ids: Vec::new(),
            payloads: Payloads::from(payloads),
            extensions: Extensions::default(),
        };
        // From whichever app server.
        other.send(&send).await?;
    }
    for (socket, _) in &mut sockets {
        let got = socket.next().await?;
        ensure!(got == bytes, "a broadcast brought {got:?}");
    }
    ensure!(socket.next().await? == bytes, "no broadcast");
    let polled = polling.next_bytes().await?;
    ensure!(polled == bytes, "a poll brought {polled:?}");

    socket.0.close(None).await?;
    named.closed(&id).await?;
    // None of them was ever put on the other one.
    let marker = Message::Ping {
        values: vec!["status", "1"],
    };
    other.send(&marker).await?;
    other
        .next("the answer to a ping", |message| match message {
            Message::OpenConnection { .. } => Some(Err(anyhow::anyhow!("a client came here"))),
            Message::Ping { values } if !values.is_empty() => Some(Ok(())),
            _ => None,
        })
        .await?
}

async fn unnamed() -> Result<()> {
    let service = service(&["protocols=[]"]).await?;
    let _named = Stub::named(&service, "named").await?;
    let token = bound_to(&service, "named")?;
    let mut socket = Binary::open(&service, &token).await?;
    socket.send(HANDSHAKE).await?;
    let answer = timeout(WAIT, socket.0.next())
        .await?
        .context("no answer")??;
    let answer = String::from_utf8(answer.into_data().to_vec())?;
    ensure!(
        answer.contains("\"error\"") && answer.contains("'blazorpack'"),
        "the answer is {answer}"
    );
    Ok(())
}
