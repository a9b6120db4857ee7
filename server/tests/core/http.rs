//! HTTP by hand, one connection per request.

use std::net::SocketAddr;

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::soon;

/// A request on its way, its answer not read yet.
pub(crate) struct Exchange {
    tcp: TcpStream,
    buffer: Vec<u8>,
    chunked: bool,
    left: Option<usize>,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// One request, whole.
pub(crate) async fn request(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let mut exchange = Exchange::send(address, method, target, headers, Some(body)).await;
    exchange.answer(method).await
}

impl Exchange {
    /// Sends a request; with a body its length is said, without it nothing is.
    pub(crate) async fn send(
        address: SocketAddr,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Self {
        let mut exchange = Self::connect(address).await;
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: hub.test\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(body) = body
            && !(method == "GET" && body.is_empty())
        {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(body.unwrap_or_default());
        exchange.write(&bytes).await;
        exchange
    }

    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self {
            tcp: soon("a connection", TcpStream::connect(address))
                .await
                .unwrap(),
            buffer: Vec::new(),
            chunked: false,
            left: None,
        }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        soon("a write", self.tcp.write_all(bytes)).await.unwrap();
    }

    /// Status and headers.
    pub(crate) async fn head(&mut self) -> (u16, HeaderMap) {
        let end = loop {
            let end = self.buffer.windows(4).position(|four| four == b"\r\n\r\n");
            if let Some(end) = end {
                break end;
            }
            assert!(self.fill().await, "no answer");
        };
        let head: Vec<u8> = self.buffer.drain(..end + 4).collect();
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap();
        let status = status.split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = HeaderMap::new();
        for line in lines.filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').unwrap();
            headers.append(
                name.parse::<HeaderName>().unwrap(),
                HeaderValue::from_str(value.trim()).unwrap(),
            );
        }
        let value = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
        self.chunked = value("transfer-encoding") == Some("chunked");
        self.left = value("content-length").map(|n| n.parse().unwrap());
        (status, headers)
    }

    /// The answer to its end.
    pub(crate) async fn answer(&mut self, method: &str) -> Answer {
        let (status, headers) = self.head().await;
        let mut body = Vec::new();
        if method != "HEAD" && status != 204 && status >= 200 {
            while let Some(piece) = self.piece().await {
                body.extend(piece);
            }
        }
        Answer {
            status,
            headers,
            body,
        }
    }

    /// The next piece of the body; `None` at its end.
    pub(crate) async fn piece(&mut self) -> Option<Vec<u8>> {
        if !self.chunked {
            return match &mut self.left {
                Some(0) => None,
                Some(left) if !self.buffer.is_empty() => {
                    let take = self.buffer.len().min(*left);
                    *left -= take;
                    Some(self.buffer.drain(..take).collect())
                }
                None if !self.buffer.is_empty() => Some(std::mem::take(&mut self.buffer)),
                _ => {
                    if self.fill().await {
                        Box::pin(self.piece()).await
                    } else {
                        assert!(self.left.is_none(), "the body is cut short");
                        None
                    }
                }
            };
        }
        loop {
            if let Some(at) = self.buffer.windows(2).position(|two| two == b"\r\n") {
                let size = std::str::from_utf8(&self.buffer[..at]).unwrap();
                let size = usize::from_str_radix(size, 16).unwrap();
                if self.buffer.len() >= at + 2 + size + 2 {
                    let chunk = self.buffer[at + 2..at + 2 + size].to_vec();
                    self.buffer.drain(..at + 2 + size + 2);
                    self.chunked = size > 0;
                    self.left = (size == 0).then_some(0);
                    return (size > 0).then_some(chunk);
                }
            }
            assert!(self.fill().await, "the body is cut short");
        }
    }

    /// Whether something came before the end of the connection.
    async fn fill(&mut self) -> bool {
        let mut piece = vec![0; 16 * 1024];
        let read = soon("bytes", self.tcp.read(&mut piece)).await.unwrap_or(0);
        self.buffer.extend_from_slice(&piece[..read]);
        read > 0
    }

    /// The connection, and what was read from it and not used.
    pub(crate) fn into_parts(self) -> (TcpStream, Vec<u8>) {
        (self.tcp, self.buffer)
    }

    /// Breaks the connection with a reset.
    pub(crate) fn reset(self) {
        socket2::SockRef::from(&self.tcp)
            .set_linger(Some(std::time::Duration::ZERO))
            .unwrap();
    }
}
