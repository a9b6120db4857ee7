//! The bytes that clients exchange with the hub `bench`, as a real server has shown them.

use anyhow::Result;
use load::{Peer, Script, frame};

/// The argument of every call.
pub(crate) const TEXT: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// The two conversations with a hub.
pub(crate) struct Scripts {
    pub(crate) echo: Script,
    pub(crate) broadcast: Script,
    /// Length of the completion that the sender of a broadcast gets besides the message.
    pub(crate) completion: usize,
}

impl Scripts {
    /// Asks a hub once, so that everybody else moves exactly the same bytes.
    pub(crate) async fn learn(address: &str, target: &str) -> Result<Self> {
        let (mut peer, echo) = begin(address, target).await?;
        let call = frame(call("Broadcast").as_bytes());
        peer.send(&call).await?;
        // The message to all, this caller included, and the shorter completion.
        let (one, two) = (peer.frame_len().await?, peer.frame_len().await?);
        let broadcast = Script {
            call,
            answer: one.max(two),
            ..echo.clone()
        };
        Ok(Self {
            echo,
            broadcast,
            completion: one.min(two),
        })
    }
}

/// The same for echoes alone. `target` is the path of the hub, with its query.
pub(crate) async fn learn_echo(address: &str, target: &str) -> Result<Script> {
    Ok(begin(address, target).await?.1)
}

async fn begin(address: &str, target: &str) -> Result<(Peer, Script)> {
    let connect = connect(target);
    let (mut peer, connected) = Peer::learn(address, &connect).await?;
    let call = frame(call("Echo").as_bytes());
    peer.send(&call).await?;
    let answer = peer.frame_len().await?;
    let script = Script {
        connect,
        connected,
        call,
        answer,
    };
    Ok((peer, script))
}

fn connect(target: &str) -> Vec<u8> {
    let upgrade = format!(
        "GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         User-Agent: bench\r\n\r\n"
    );
    let mut bytes = upgrade.into_bytes();
    bytes.extend(frame(b"{\"protocol\":\"json\",\"version\":1}\x1e"));
    bytes
}

fn call(method: &str) -> String {
    format!(
        "{{\"type\":1,\"invocationId\":\"1\",\"target\":\"{method}\",\"arguments\":[\"{TEXT}\"]}}\x1e"
    )
}
