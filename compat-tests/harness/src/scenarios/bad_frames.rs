//! Connections that break the rules.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::kit::{App, Hub, Meters, Socket, client_token, follow, masked};
use super::until;
use crate::backend::service;
use crate::process::Server;

scenarios! {
    "bad-websocket-frames",
    "broken WebSocket frames end their connection and harm nobody",
    bad_frames();
    "interleaved-frames",
    "a message in fragments with pings between them is one message",
    interleaved();
    "bad-hub-messages",
    "garbage, unknown protocols and oversized messages end their connection and harm nobody",
    bad_messages();
}

const HANDSHAKE: &[u8] = b"{\"protocol\":\"json\",\"version\":1}\x1e";

/// A bare connection to the hub at the app.
async fn socket(app: &App, service: &Server) -> Result<Socket> {
    let (url, token) = follow(&app.url("/testhub")).await?;
    let path = url.split_once("/client/").context("no client path")?.1;
    let token = token.context("no token")?;
    let path = format!("/client/{path}&access_token={token}");
    Socket::upgrade(service.address(), &path).await
}

async fn bad_frames() -> Result<()> {
    let service = service(&["timeouts.handshake=\"2s\""]).await?;
    let app = App::start(&service, &[]).await?;
    let mut other = Hub::connect(&app.url("/testhub")).await?;
    let huge = [
        0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4,
    ];
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("not masked", [&[0x81, 5], b"hello".as_slice()].concat()),
        ("reserved bits", masked(0xf1, b"hello")),
        ("unknown opcode", masked(0x83, b"hello")),
        ("continuation of nothing", masked(0x80, b"hello")),
        ("fragmented ping", masked(0x09, b"hello")),
        ("long ping", masked(0x89, &[b'x'; 200])),
        ("text that is no text", masked(0x81, b"\xff\xfe\x1e")),
        ("close with one byte", masked(0x88, b"x")),
        (
            "close with a forbidden code",
            masked(0x88, &1005_u16.to_be_bytes()),
        ),
        ("a length of 2^63 - 1", huge.to_vec()),
        ("handshake that never comes", Vec::new()),
        ("half a frame", vec![0x81, 0xa0, 1, 2, 3]),
    ];
    for (what, bytes) in cases {
        let mut socket = socket(&app, &service).await?;
        socket.send(&bytes).await?;
        let end = socket.read_to_end().await.context(what)?;
        ensure!(
            !end.windows(2).any(|two| two == b"{}"),
            "{what}: the handshake was answered"
        );
    }
    only_one_left(&service, &mut other).await
}

async fn interleaved() -> Result<()> {
    let service = service(&[]).await?;
    let app = App::start(&service, &[]).await?;
    let mut socket = socket(&app, &service).await?;
    let (first, rest) = HANDSHAKE.split_at(7);
    socket.send(&masked(0x01, first)).await?;
    socket.send(&masked(0x89, b"ping")).await?;
    // Byte by byte.
    for byte in masked(0x80, rest) {
        socket.send(&[byte]).await?;
    }
    socket.until("{}").await?;
    let call = b"{\"type\":1,\"invocationId\":\"7\",\"target\":\"Echo\",\"arguments\":[\"in pieces\"]}\x1e";
    let mut pieces = call.chunks(3).peekable();
    let mut opcode = 0x01;
    while let Some(piece) = pieces.next() {
        let last = if pieces.peek().is_none() { 0x80 } else { 0 };
        socket.send(&masked(last | opcode, piece)).await?;
        socket.send(&masked(0x8a, b"pong")).await?;
        opcode = 0;
    }
    socket.until("\"result\":\"in pieces\"").await?;
    Ok(())
}

async fn bad_messages() -> Result<()> {
    let service = service(&["limits.max_message_bytes=100000"]).await?;
    let app = App::start(&service, &[]).await?;
    let mut other = Hub::connect(&app.url("/testhub")).await?;
    let handshakes = [
        ("no JSON", "this is no JSON\u{1e}".to_owned()),
        ("no object", "[]\u{1e}".to_owned()),
        ("no protocol", "{}\u{1e}".to_owned()),
        (
            "unknown protocol",
            "{\"protocol\":\"morse\",\"version\":1}\u{1e}".to_owned(),
        ),
        (
            "unknown version",
            "{\"protocol\":\"json\",\"version\":77}\u{1e}".to_owned(),
        ),
        ("no end", "x".repeat(200_000)),
    ];
    for (what, text) in handshakes {
        let (url, token) = follow(&app.url("/testhub")).await?;
        let mut hub = Hub::open_silently(&url, token.as_deref()).await?;
        hub.send_text(&text).await?;
        match hub.next_message().await {
            Ok(answer) => {
                ensure!(!answer["error"].is_null(), "{what}: answered with {answer}");
                hub.ended().await.context(what)?;
            }
            Err(error) => ensure!(!error.to_string().contains("in time"), "{what}: {error:#}"),
        }
    }
    let messages = [
        ("no JSON", "this is no JSON\u{1e}".to_owned()),
        ("no object", "[1, 2]\u{1e}".to_owned()),
        ("type of text", "{\"type\":\"one\"}\u{1e}".to_owned()),
        ("deep", format!("{}\u{1e}", "[".repeat(50_000))),
        (
            "too long",
            format!(
                "{{\"type\":1,\"target\":\"Length\",\"arguments\":[\"{}\"]}}\u{1e}",
                "x".repeat(200_000)
            ),
        ),
        ("no end", "x".repeat(200_000)),
    ];
    for (what, text) in messages {
        let mut hub = Hub::connect(&app.url("/testhub")).await?;
        // The end may come while it is still being sent.
        _ = hub.send_text(&text).await;
        match hub.next_message().await {
            Ok(close) => {
                ensure!(close["type"] == 7, "{what}: {close}");
                hub.ended().await.context(what)?;
            }
            Err(error) => ensure!(!error.to_string().contains("in time"), "{what}: {error:#}"),
        }
        app.happened("disconnected", &hub.connection_id, Duration::from_secs(5))
            .await
            .context(what)?;
    }
    let mut unknown = Hub::connect(&app.url("/testhub")).await?;
    unknown
        .send_text("{\"type\":99,\"more\":[1]}\u{1e}")
        .await?;
    let echo = unknown.invoke("Echo", json!(["unharmed"])).await?;
    ensure!(echo == "unharmed", "a message of unknown type: {echo}");
    drop(unknown);
    // Garbage where a token is good but the hub has nobody.
    let token = client_token(service.url(), "nobody")?;
    let path = format!("/client/?hub=nobody&access_token={token}");
    let mut socket = Socket::upgrade(service.address(), &path).await?;
    socket.send(&masked(0x82, &[0xff; 64])).await?;
    drop(socket);
    only_one_left(&service, &mut other).await
}

/// Nothing is left of the bad ones, and the good one is served.
async fn only_one_left(service: &Server, other: &mut Hub) -> Result<()> {
    until("the end of all others", Duration::from_secs(10), || async {
        Ok((Meters::read(service).await?.clients() == 1.0).then_some(()))
    })
    .await?;
    let echo = other.invoke("Echo", json!(["still here"])).await?;
    ensure!(echo == "still here", "the other client got {echo}");
    Ok(())
}
