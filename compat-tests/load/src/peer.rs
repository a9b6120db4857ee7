//! A client that sends prepared bytes and counts what comes back.

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The bytes of one conversation, the same for all servers that are compared.
#[derive(Clone, Debug)]
pub struct Script {
    /// The WebSocket upgrade and the hub handshake.
    pub connect: Vec<u8>,
    /// Length of the answers to both.
    pub connected: usize,
    /// One call, as a masked WebSocket frame.
    pub call: Vec<u8>,
    /// Length of what comes back for it.
    pub answer: usize,
}

/// One raw connection.
#[derive(Debug)]
pub struct Peer(TcpStream);

impl Peer {
    /// Connects and goes through upgrade and handshake.
    ///
    /// # Errors
    ///
    /// When the server does not answer as the script says.
    pub async fn connect(address: &str, script: &Script) -> Result<Self> {
        let mut peer = Self::open(address).await?;
        peer.0.write_all(&script.connect).await?;
        peer.take(script.connected).await?;
        Ok(peer)
    }

    /// Connects and finds out how long the answer to `connect` is: up to and with the answer to
    /// the hub handshake.
    ///
    /// # Errors
    ///
    /// When the server does not upgrade.
    pub async fn learn(address: &str, connect: &[u8]) -> Result<(Self, usize)> {
        let mut peer = Self::open(address).await?;
        peer.0.write_all(connect).await?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"{}\x1e") {
            if peer.0.read_buf(&mut answer).await? == 0 || answer.len() > 4096 {
                bail!(
                    "no handshake answer in {:?}",
                    String::from_utf8_lossy(&answer)
                );
            }
        }
        Ok((peer, answer.len()))
    }

    /// Connects and goes through the upgrade, up to the end of its answer's head.
    ///
    /// # Errors
    ///
    /// When the server does not upgrade.
    pub async fn upgrade(address: &str, request: &[u8]) -> Result<Self> {
        let mut peer = Self::open(address).await?;
        peer.0.write_all(request).await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            // Byte by byte: what follows belongs to somebody else.
            head.push(peer.0.read_u8().await.context("no answer")?);
            if head.len() > 4096 {
                bail!("no end of {:?}", String::from_utf8_lossy(&head));
            }
        }
        if !head.starts_with(b"HTTP/1.1 101") {
            bail!("no upgrade: {:?}", String::from_utf8_lossy(&head));
        }
        Ok(peer)
    }

    /// Sends bytes.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.write_all(bytes).await.context("send")
    }

    /// Waits for one frame from the server and returns its whole length.
    ///
    /// # Errors
    ///
    /// When the connection is gone or the frame is larger than 64 KiB.
    pub async fn frame_len(&mut self) -> Result<usize> {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).await?;
        let (extra, length) = match head[1] {
            126 => (2, usize::from(self.0.read_u16().await?)),
            127 => bail!("frame too large"),
            short => (0, usize::from(short)),
        };
        self.take(length).await?;
        Ok(2 + extra + length)
    }

    /// Waits for this many bytes.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub async fn take(&mut self, mut bytes: usize) -> Result<()> {
        let mut buffer = [0; 1024];
        while bytes > 0 {
            let want = bytes.min(buffer.len());
            let count = self.0.read(&mut buffer[..want]).await.context("receive")?;
            if count == 0 {
                bail!("the server closed with {bytes} bytes still to come");
            }
            bytes -= count;
        }
        Ok(())
    }

    async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await.context("connect")?;
        stream.set_nodelay(true)?;
        Ok(Self(stream))
    }
}

/// A text frame as a client sends it. The mask is zero, which is a mask like any other.
#[must_use]
pub fn frame(payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x81];
    match u8::try_from(payload.len()) {
        Ok(short) if short < 126 => bytes.push(0x80 | short),
        _ => {
            bytes.push(0x80 | 126);
            let length = u16::try_from(payload.len()).unwrap_or(u16::MAX);
            bytes.extend_from_slice(&length.to_be_bytes());
        }
    }
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(payload);
    bytes
}
