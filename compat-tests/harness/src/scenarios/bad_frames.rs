//! Connections that break the rules.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::kit::{App, Hub, Meters, Socket, client_token, follow, http, masked};
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

/// A bare connection behind its handshake, and its id.
async fn greeted(app: &App, service: &Server) -> Result<(Socket, String)> {
    let (url, token) = follow(&app.url("/testhub")).await?;
    let bearer = format!("Bearer {}", token.as_deref().context("no token")?);
    let negotiate = url.replacen("/client/?", "/client/negotiate?negotiateVersion=1&", 1);
    let offer = http("POST", &negotiate, &[("authorization", &bearer)], "").await?;
    let offer = offer.json()?;
    let text = |name: &str| offer[name].as_str().map(str::to_owned).context("no id");
    let path = url.split_once("/client/").context("no client path")?.1;
    let path = format!(
        "/client/{path}&id={}&access_token={}",
        text("connectionToken")?,
        token.unwrap_or_default()
    );
    let mut socket = Socket::upgrade(service.address(), &path).await?;
    socket.send(&masked(0x81, HANDSHAKE)).await?;
    socket.until("{}").await?;
    Ok((socket, text("connectionId")?))
}

/// RFC 6455, section 7.4.1.
const PROTOCOL_ERROR: Option<u16> = Some(1002);
const NO_TEXT: Option<u16> = Some(1007);

/// Broken frames with the close codes that they deserve; `None` where nothing is wrong yet and
/// time has to end it.
fn broken() -> Vec<(&'static str, Vec<u8>, Option<u16>)> {
    let huge = [[0x81, 0xff, 0x7f].as_slice(), &[0xff; 7], &[1, 2, 3, 4]].concat();
    let forbidden = masked(0x88, &1005_u16.to_be_bytes());
    vec![
        ("not masked", b"\x81\x05hello".to_vec(), PROTOCOL_ERROR),
        ("reserved bits", masked(0xf1, b"hello"), PROTOCOL_ERROR),
        ("unknown opcode", masked(0x83, b"hello"), PROTOCOL_ERROR),
        (
            "continuation of nothing",
            masked(0x80, b"hello"),
            PROTOCOL_ERROR,
        ),
        ("fragmented ping", masked(0x09, b"hello"), PROTOCOL_ERROR),
        ("long ping", masked(0x89, &[b'x'; 200]), PROTOCOL_ERROR),
        (
            "text that is no text",
            masked(0x81, b"\xff\xfe\x1e"),
            NO_TEXT,
        ),
        ("close with one byte", masked(0x88, b"x"), PROTOCOL_ERROR),
        ("close with a forbidden code", forbidden, PROTOCOL_ERROR),
        ("a length of 2^63 - 1", huge, None),
        ("half a frame", vec![0x81, 0xa0, 1, 2, 3], None),
        ("nothing at all", Vec::new(), None),
    ]
}

async fn bad_frames() -> Result<()> {
    let service = service(&["timeouts.handshake=\"2s\""]).await?;
    let app = App::start(&service, &[]).await?;
    let mut other = Hub::connect(&app.url("/testhub")).await?;
    let mut open = Vec::new();
    for (what, bytes, code) in broken() {
        for is_path_hub in [false, true] {
            let mut socket = if is_path_hub {
                Socket::upgrade(service.address(), "/chat").await?
            } else {
                socket(&app, &service).await?
            };
            socket.send(&bytes).await?;
            open.push((what, socket, code));
        }
    }
    // An answer to a handshake in a frame of text, and a normal close behind it.
    let late = "{\"error\":\"Handshake was canceled.\"}\u{1e}";
    let head = [0x81, u8::try_from(late.len())?];
    let late = [&head[..], late.as_bytes(), &[0x88, 2, 0x03, 0xe8]].concat();
    for (what, mut socket, code) in open {
        let end = socket.read_to_end().await.context(what)?;
        let Some(code) = code else {
            let text = String::from_utf8_lossy(&end);
            ensure!(end == late, "{what}: the end was {text}");
            continue;
        };
        let close = [[0x88, 2].as_slice(), &code.to_be_bytes()].concat();
        ensure!(end == close, "{what}: the end was {end:?}");
    }
    // The same in the middle of a conversation.
    let mut kinds = 0.0;
    for (what, bytes, code) in broken() {
        let Some(code) = code else { continue };
        let (mut socket, id) = greeted(&app, &service).await?;
        socket.send(&bytes).await?;
        let end = socket.read_to_end().await.context(what)?;
        let close = [[0x88, 2].as_slice(), &code.to_be_bytes()].concat();
        ensure!(end.ends_with(&close), "{what}: the end was {end:?}");
        app.happened("disconnected", &id, Duration::from_secs(5))
            .await
            .context(what)?;
        kinds += 1.0;
    }
    // Half a frame, and the network is gone.
    for half in [vec![0x81, 0xa0, 1, 2, 3], vec![0x81], vec![0x82, 0xfe, 1]] {
        let (mut socket, id) = greeted(&app, &service).await?;
        socket.send(&half).await?;
        drop(socket);
        app.happened("disconnected", &id, Duration::from_secs(5))
            .await
            .context("half a frame")?;
    }
    let meters = Meters::read(&service).await?;
    let broken = meters.closed("testhub", "protocol_error");
    let lost = meters.closed("testhub", "transport_lost");
    ensure!(
        (broken, lost) == (2.0 * kinds, 3.0),
        "{broken} clients were closed for what they sent, {lost} were lost"
    );
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
    let unexpected = "An unexpected error occurred during connection handshake.";
    let handshakes = [
        ("no JSON", "this is no JSON\u{1e}".to_owned(), unexpected),
        ("no object", "[]\u{1e}".to_owned(), unexpected),
        ("no protocol", "{}\u{1e}".to_owned(), unexpected),
        (
            "unknown protocol",
            "{\"protocol\":\"morse\",\"version\":1}\u{1e}".to_owned(),
            "The protocol 'morse' is not supported.",
        ),
        (
            "unknown version",
            "{\"protocol\":\"json\",\"version\":77}\u{1e}".to_owned(),
            "The server does not support version 77 of the 'json' protocol.",
        ),
        ("no end", "x".repeat(200_000), "Handshake was canceled."),
    ];
    let count = handshakes.len();
    for (what, text, why) in handshakes {
        let (url, token) = follow(&app.url("/testhub")).await?;
        let mut hub = Hub::open_silently(&url, token.as_deref()).await?;
        hub.send_text(&text).await?;
        let answer = hub.next_message().await.context(what)?;
        ensure!(
            answer == json!({ "error": why }),
            "{what}: answered with {answer}"
        );
        hub.ended().await.context(what)?;
    }
    let meters = Meters::read(&service).await?;
    let failed = meters.closed("testhub", "handshake_failed");
    ensure!(failed == count as f64, "{failed} handshakes have failed");
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
        let close = hub.next_message().await.context(what)?;
        let expected = json!({"type": 7, "error": "Connection closed with an error.",
            "allowReconnect": true});
        ensure!(close == expected, "{what}: {close}");
        hub.ended().await.context(what)?;
        app.happened("disconnected", &hub.connection_id, Duration::from_secs(5))
            .await
            .context(what)?;
    }
    // What cannot be cut into messages is ours to refuse, the rest the app's.
    let meters = Meters::read(&service).await?;
    let closed = ["protocol_error", "ended_by_hub"].map(|why| meters.closed("testhub", why));
    ensure!(closed == [2.0, 4.0], "closed are {closed:?}");
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
