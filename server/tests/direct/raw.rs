//! A hub as bytes on a connection.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::stub::OFFER;

/// What a hub does on a connection after it has read the head of a request.
#[derive(Clone, Debug)]
pub(crate) enum Says {
    /// These bytes, and then nothing: the connection stays open.
    AndWaits(Vec<u8>),
    /// These bytes, and then the connection ends.
    AndLeaves(Vec<u8>),
}

/// A hub at `/chat`.
pub(crate) struct Raw {
    pub(crate) address: SocketAddr,
}

/// An accepted negotiation.
pub(crate) fn offer() -> Says {
    let length = OFFER.len();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{OFFER}");
    Says::AndLeaves(head.into_bytes())
}

impl Raw {
    /// A hub that says this to negotiations.
    pub(crate) async fn negotiating(says: Says) -> Self {
        Self::start(says, |_| Says::AndLeaves(Vec::new())).await
    }

    /// A hub that accepts negotiations and says this to upgrades.
    pub(crate) async fn upgrading(says: Says) -> Self {
        Self::start(offer(), move |_| says.clone()).await
    }

    /// A hub that accepts upgrades and says this on its WebSockets, whatever it is sent.
    pub(crate) async fn after_upgrade(says: Says) -> Self {
        Self::start(offer(), move |head| {
            let accepted = accepted(head);
            match says.clone() {
                Says::AndWaits(bytes) => Says::AndWaits([accepted, bytes].concat()),
                Says::AndLeaves(bytes) => Says::AndLeaves([accepted, bytes].concat()),
            }
        })
        .await
    }

    async fn start(
        negotiation: Says,
        upgrade: impl Fn(&str) -> Says + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let upgrade = Arc::new(upgrade);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (negotiation, upgrade) = (negotiation.clone(), Arc::clone(&upgrade));
                tokio::spawn(serve(stream, negotiation, upgrade));
            }
        });
        Self { address }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/chat", self.address)
    }
}

async fn serve(
    mut stream: TcpStream,
    negotiation: Says,
    upgrade: Arc<impl Fn(&str) -> Says + Send + Sync>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let says = if head.starts_with("POST") {
        negotiation
    } else {
        upgrade(&head)
    };
    // Whoever has heard enough need not listen to the end.
    match says {
        Says::AndWaits(bytes) => {
            let _ = stream.write_all(&bytes).await;
            // Until the other side ends it.
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
        Says::AndLeaves(bytes) => {
            let _ = stream.write_all(&bytes).await;
        }
    }
}

/// The answer that accepts an upgrade.
fn accepted(head: &str) -> Vec<u8> {
    let key = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"))
        .map(|(_, value)| value.trim())
        .unwrap();
    let digest = Sha1::digest(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
    let accept = STANDARD.encode(digest);
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
    .into_bytes()
}
