//! Exchanges with our server: one TCP connection each, and nothing between.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{Method, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::ext::ReasonPhrase;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::lines::{End, Headers, Lines, Part};

/// Frames that wait for a socket.
const WAITING: usize = 64;

/// What is sent.
#[derive(Clone, Debug)]
pub(crate) struct Sending {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// A request, and what has come of it so far.
#[derive(Debug)]
pub(crate) struct Exchange {
    seen: Arc<Seen>,
    frames: mpsc::Sender<Message>,
    carrier: JoinHandle<()>,
}

#[derive(Debug)]
struct Seen {
    lines: Mutex<Lines>,
    changed: Notify,
}

impl Seen {
    fn add(&self, part: Part) {
        self.lines.lock().add(part);
        self.changed.notify_one();
    }
}

impl Exchange {
    /// Sends a request; its answer is read into `lines`.
    pub(crate) fn begin(address: SocketAddr, sending: Sending, lines: Lines) -> Self {
        let seen = Arc::new(Seen {
            lines: Mutex::new(lines),
            changed: Notify::new(),
        });
        let (frames, queue) = mpsc::channel(WAITING);
        let carrier = tokio::spawn(carry(address, sending, Arc::clone(&seen), queue));
        Self {
            seen,
            frames,
            carrier,
        }
    }

    pub(crate) fn lines(&self) -> Lines {
        self.seen.lines.lock().clone()
    }

    /// Waits until there are so many lines and answers or nothing more comes. False if it took too
    /// long.
    pub(crate) async fn reach(&self, count: [usize; 2], patience: Duration) -> bool {
        let until = Instant::now() + patience;
        loop {
            {
                let lines = self.seen.lines.lock();
                let there = lines.count();
                if (there[0] >= count[0] && there[1] >= count[1]) || lines.ended {
                    return true;
                }
            }
            if timeout_at(until, self.seen.changed.notified())
                .await
                .is_err()
            {
                return false;
            }
        }
    }

    pub(crate) async fn send(&self, message: Message) {
        // A server that has closed the socket hears no more.
        _ = self.frames.send(message).await;
    }

    /// Breaks off, without a word.
    pub(crate) fn leave(&self) {
        self.carrier.abort();
        self.seen.add(Part::End(End::ByClient));
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.carrier.abort();
    }
}

async fn carry(
    address: SocketAddr,
    sending: Sending,
    seen: Arc<Seen>,
    frames: mpsc::Receiver<Message>,
) {
    let end = exchange(address, sending, &seen, frames).await;
    seen.add(Part::End(end));
}

async fn exchange(
    address: SocketAddr,
    sending: Sending,
    seen: &Seen,
    frames: mpsc::Receiver<Message>,
) -> End {
    let Ok(tcp) = TcpStream::connect(address).await else {
        return End::BrokenOff;
    };
    tcp.set_nodelay(true).unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(tcp)).await.unwrap();
    // Ends with this exchange.
    let mut driver = JoinSet::new();
    driver.spawn(connection.with_upgrades());
    let mut request = http::Request::builder()
        .method(sending.method.parse::<Method>().unwrap())
        .uri(&sending.target);
    for (name, value) in &sending.headers {
        request = request.header(name, value);
    }
    let body = Full::new(Bytes::from(sending.body));
    let Ok(response) = sender.send_request(request.body(body).unwrap()).await else {
        return End::BrokenOff;
    };
    let reason = response.extensions().get::<ReasonPhrase>();
    let reason = reason.map(|reason| String::from_utf8_lossy(reason.as_bytes()).into_owned());
    let canonical = || response.status().canonical_reason().unwrap_or_default();
    seen.add(Part::Head {
        status: response.status().as_u16(),
        reason: reason.unwrap_or_else(|| canonical().to_owned()),
        headers: Headers::read(|name| response.headers().get(name)?.to_str().ok()),
    });
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let upgraded = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
        let config = WebSocketConfig::default();
        let socket = WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(config)).await;
        return talk(socket, seen, frames).await;
    }
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        match frame.map(hyper::body::Frame::into_data) {
            Ok(Ok(piece)) => {
                let text = String::from_utf8(piece.to_vec()).unwrap();
                seen.add(Part::Piece(text));
            }
            Ok(Err(_)) => {}
            Err(_) => return End::BrokenOff,
        }
    }
    End::Complete
}

async fn talk(
    mut socket: WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>,
    seen: &Seen,
    mut frames: mpsc::Receiver<Message>,
) -> End {
    loop {
        tokio::select! {
            Some(frame) = frames.recv() => {
                // What it comes to shows in what is read.
                _ = socket.send(frame).await;
            }
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => seen.add(Part::Text(text.to_string())),
                Some(Ok(Message::Close(frame))) => {
                    let code = frame.map(|frame| u16::from(frame.code));
                    seen.add(Part::Close(code));
                }
                Some(Ok(other)) => seen.add(Part::Text(format!("{other:?}"))),
                Some(Err(_)) | None => return End::Closed,
            },
        }
    }
}
