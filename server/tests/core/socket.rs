//! WebSockets of the tests: frames by hand, so that nothing is joined, split or answered by itself.

use std::net::SocketAddr;

use http::HeaderMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::http::{Answer, Exchange};
use crate::soon;

pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;

/// What asks for a WebSocket.
pub(crate) const UPGRADE: [(&str, &str); 4] = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

/// A client's WebSocket.
pub(crate) struct Socket {
    tcp: TcpStream,
    buffer: Vec<u8>,
}

/// What came from the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Text(String),
    Binary(Vec<u8>),
    Pong(Vec<u8>),
    Close(u16),
    End,
}

impl Socket {
    /// Opens a WebSocket, or gives the answer that refuses it.
    pub(crate) async fn open(
        address: SocketAddr,
        target: &str,
        headers: &[(&str, &str)],
    ) -> Result<Self, Answer> {
        let mut all = UPGRADE.to_vec();
        all.extend_from_slice(headers);
        let mut exchange = Exchange::send(address, "GET", target, &all, None).await;
        let answer = exchange.answer("GET").await;
        if answer.status != 101 {
            return Err(answer);
        }
        Ok(Self::after(exchange, &answer.headers))
    }

    /// The WebSocket behind an exchange that was answered with 101.
    pub(crate) fn after(exchange: Exchange, headers: &HeaderMap) -> Self {
        assert_eq!(headers["upgrade"], "websocket");
        let (tcp, buffer) = exchange.into_parts();
        Self { tcp, buffer }
    }

    /// Sends a text frame.
    pub(crate) async fn send(&mut self, text: &str) {
        self.send_frame(TEXT, true, text.as_bytes()).await;
    }

    pub(crate) async fn send_frame(&mut self, opcode: u8, fin: bool, payload: &[u8]) {
        let bytes = frame(opcode, fin, payload);
        self.send_bytes(&bytes).await;
    }

    pub(crate) async fn send_close(&mut self, code: u16) {
        self.send_frame(CLOSE, true, &code.to_be_bytes()).await;
    }

    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        soon("a write", self.tcp.write_all(bytes)).await.unwrap();
    }

    /// As [`Socket::send_bytes`], for a server that may have gone. False when it has.
    pub(crate) async fn try_send_bytes(&mut self, bytes: &[u8]) -> bool {
        soon("a write", self.tcp.write_all(bytes)).await.is_ok()
    }

    /// The next frame. The server never fragments.
    pub(crate) async fn next(&mut self) -> Frame {
        loop {
            if let Some((frame, size)) = self.parse() {
                self.buffer.drain(..size);
                return frame;
            }
            let mut piece = vec![0; 16 * 1024];
            let read = soon("a frame", self.tcp.read(&mut piece)).await;
            match read {
                Ok(0) | Err(_) => return Frame::End,
                Ok(read) => self.buffer.extend_from_slice(&piece[..read]),
            }
        }
    }

    /// The next frame, which is text.
    pub(crate) async fn text(&mut self) -> String {
        match self.next().await {
            Frame::Text(text) => text,
            other => panic!("no text but {other:?}"),
        }
    }

    /// What follows is a close frame with this code and, once it is answered, the end.
    pub(crate) async fn closed(mut self, code: u16) {
        assert_eq!(self.next().await, Frame::Close(code));
        self.try_send_bytes(&frame(CLOSE, true, &code.to_be_bytes()))
            .await;
        assert_eq!(self.next().await, Frame::End);
    }

    /// The server's close frame was read: answers it and waits for the end.
    pub(crate) async fn closed_by_peer(mut self) {
        self.try_send_bytes(&frame(CLOSE, true, &1000_u16.to_be_bytes()))
            .await;
        assert_eq!(self.next().await, Frame::End);
    }

    /// Vanishes with a reset.
    pub(crate) fn reset(self) {
        socket2::SockRef::from(&self.tcp)
            .set_linger(Some(std::time::Duration::ZERO))
            .unwrap();
    }

    fn parse(&self) -> Option<(Frame, usize)> {
        let bytes = self.buffer.as_slice();
        let (&[first, second], _) = bytes.split_first_chunk::<2>()?;
        assert_eq!(first & 0xf0, 0x80, "whole frames, no extension");
        let (len, at) = match second {
            126 => {
                let len = bytes.get(2..4)?.try_into().unwrap();
                (usize::from(u16::from_be_bytes(len)), 4)
            }
            127 => {
                let len = bytes.get(2..10)?.try_into().unwrap();
                (usize::try_from(u64::from_be_bytes(len)).unwrap(), 10)
            }
            len => (usize::from(len), 2),
        };
        let payload = bytes.get(at..at + len)?.to_vec();
        let frame = match first & 15 {
            TEXT => Frame::Text(String::from_utf8(payload).unwrap()),
            BINARY => Frame::Binary(payload),
            CLOSE => {
                assert_eq!(payload.len(), 2, "no reason");
                Frame::Close(u16::from_be_bytes([payload[0], payload[1]]))
            }
            10 => Frame::Pong(payload),
            other => panic!("opcode {other}"),
        };
        Some((frame, at + len))
    }
}

/// A masked frame.
pub(crate) fn frame(opcode: u8, fin: bool, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![opcode | if fin { 0x80 } else { 0 }];
    match u16::try_from(payload.len()) {
        Ok(len @ ..126) => bytes.push(0x80 | u8::try_from(len).unwrap()),
        Ok(len) => {
            bytes.push(0x80 | 126);
            bytes.extend(len.to_be_bytes());
        }
        Err(_) => {
            bytes.push(0x80 | 127);
            bytes.extend((payload.len() as u64).to_be_bytes());
        }
    }
    let mask = [0x12, 0x34, 0x56, 0x78];
    bytes.extend(mask);
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(b, m)| b ^ m));
    bytes
}
