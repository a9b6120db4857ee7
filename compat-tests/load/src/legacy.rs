//! A legacy client over WebSockets, as little of it as a load needs.

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Peer;

/// Longest answer to a request.
const LONGEST: u64 = 64 * 1024;
const CONNECTION: &str = "transport=webSockets&clientProtocol=2.1";
/// One hub, as the query has it.
const HUBS: &str = "connectionData=%5B%7B%22name%22%3A%22bench%22%7D%5D";

/// Connects a client of the hub `bench` at `/signalr`: negotiates, opens a WebSocket, starts.
///
/// # Errors
///
/// When the server does not answer as a legacy server does.
pub async fn connect(address: &str) -> Result<Peer> {
    let negotiated = get(address, &format!("negotiate?clientProtocol=2.1&{HUBS}")).await?;
    let token = member(&negotiated, "ConnectionToken").context("no connection token")?;
    let query = format!("{CONNECTION}&connectionToken={token}&{HUBS}");
    let upgrade = format!(
        "GET /signalr/connect?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nUser-Agent: bench\r\n\r\n"
    );
    let mut peer = Peer::upgrade(address, upgrade.as_bytes()).await?;
    peer.frame_len().await.context("no first message")?;
    let started = get(address, &format!("start?{query}")).await?;
    if !started.contains("started") {
        bail!("not started: {started}");
    }
    Ok(peer)
}

/// HTTP/1.0, so that the answer comes in one piece and ends with the connection.
async fn get(address: &str, what: &str) -> Result<String> {
    let mut socket = TcpStream::connect(address).await?;
    let head = format!("GET /signalr/{what} HTTP/1.0\r\nHost: {address}\r\n\r\n");
    socket.write_all(head.as_bytes()).await?;
    let mut answer = String::new();
    socket.take(LONGEST).read_to_string(&mut answer).await?;
    Ok(answer)
}

fn member<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = json.split_once(&format!("\"{name}\":\""))?;
    after.split_once('"').map(|(value, _)| value)
}
