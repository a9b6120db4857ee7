//! Bytes on a TCP connection, for what no library would send.

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::http::WAIT;

/// A connection to the service.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    /// Bytes behind the answer's head.
    rest: Vec<u8>,
}

impl Socket {
    pub(crate) async fn connect(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            rest: Vec::new(),
        })
    }

    /// Opens a WebSocket by hand.
    pub(crate) async fn upgrade(address: &str, path: &str) -> Result<Self> {
        let mut socket = Self::connect(address).await?;
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        socket.send(head.as_bytes()).await?;
        let answer = socket.head().await?;
        if !answer.starts_with("HTTP/1.1 101") {
            bail!("the upgrade was answered with {answer}");
        }
        Ok(socket)
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(bytes).await?)
    }

    /// The head of an HTTP answer.
    pub(crate) async fn head(&mut self) -> Result<String> {
        let mut bytes = Vec::new();
        loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                self.rest = bytes.split_off(end + 4);
                return Ok(String::from_utf8_lossy(&bytes).into_owned());
            }
            let mut buffer = [0; 4096];
            let count = timeout(WAIT, self.stream.read(&mut buffer))
                .await
                .context("no answer in time")??;
            if count == 0 {
                bail!(
                    "the connection ended after {:?}",
                    String::from_utf8_lossy(&bytes)
                );
            }
            bytes.extend(buffer.iter().take(count));
        }
    }

    /// Reads until `text` has come.
    pub(crate) async fn until(&mut self, text: &str) -> Result<()> {
        let mut seen = std::mem::take(&mut self.rest);
        let mut buffer = [0; 4096];
        while !String::from_utf8_lossy(&seen).contains(text) {
            let count = timeout(WAIT, self.stream.read(&mut buffer))
                .await
                .with_context(|| format!("{text} did not come in time"))??;
            if count == 0 {
                bail!("the end came before {text}");
            }
            seen.extend(buffer.iter().take(count));
        }
        Ok(())
    }

    /// Everything up to the end of the connection.
    pub(crate) async fn read_to_end(&mut self) -> Result<Vec<u8>> {
        let mut bytes = std::mem::take(&mut self.rest);
        let read = timeout(WAIT, self.stream.read_to_end(&mut bytes)).await;
        match read.context("the connection was not ended in time")? {
            Ok(_) => Ok(bytes),
            // A reset is an end too.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => Ok(bytes),
            Err(error) => Err(error.into()),
        }
    }
}

/// A whole frame as a client sends it; opcode with the bit for the last fragment.
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x11, 0x22, 0x33, 0x44];
    let mut frame = vec![first];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ ..126), _) => frame.push(0x80 | length),
        (_, Ok(length)) => {
            frame.push(0x80 | 126);
            frame.extend(length.to_be_bytes());
        }
        _ => {
            frame.push(0x80 | 127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend(mask);
    let bytes = payload.iter().zip(mask.iter().cycle());
    frame.extend(bytes.map(|(byte, mask)| byte ^ mask));
    frame
}
