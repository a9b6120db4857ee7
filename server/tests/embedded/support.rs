//! A server on loopback and a client that speaks frames.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use heliograph::backend::embedded::EmbeddedHub;
use heliograph::edge::listener::{self, Listener};
use heliograph::embed::HubServer;
use heliograph_protocol::hub::{Deframer, Encoding};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Hubs on a port of their own until this is dropped.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

/// Serves hubs at `/` and their names.
pub(crate) fn serve(hubs: &[&EmbeddedHub]) -> Served {
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = Listener::bind(address, listener::Options::default()).unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let builder = HubServer::builder();
    let builder = hubs
        .iter()
        .fold(builder, |b, hub| b.hub(&format!("/{}", hub.name()), hub));
    let server = builder.build();
    tokio::spawn(server.serve(listener, async { _ = stopped.await }));
    Served {
        address,
        _stop: stop,
    }
}

/// A client on a WebSocket.
pub(crate) struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    deframer: Deframer,
    messages: VecDeque<Vec<u8>>,
    pub(crate) closed: bool,
}

impl Client {
    /// Connects without a handshake.
    pub(crate) async fn connect(served: &Served, path: &str) -> Self {
        let url = format!("ws://{}{path}", served.address);
        let (socket, _) = connect_async(url).await.unwrap();
        Self {
            socket,
            deframer: Deframer::new(Encoding::Json, 1 << 20),
            messages: VecDeque::new(),
            closed: false,
        }
    }

    /// Connects to a hub in JSON.
    pub(crate) async fn open(served: &Served, path: &str) -> Self {
        let mut client = Self::connect(served, path).await;
        client.send(r#"{"protocol":"json","version":1}"#).await;
        assert_eq!(client.next().await.unwrap(), b"{}\x1e");
        client
    }

    pub(crate) fn switch_to(&mut self, encoding: Encoding) {
        self.deframer.switch_to(encoding);
    }

    /// Sends one JSON record.
    pub(crate) async fn send(&mut self, record: &str) {
        self.send_frame(Message::text(format!("{record}\x1e")))
            .await;
    }

    pub(crate) async fn send_frame(&mut self, message: Message) {
        // The server may have closed meanwhile, which the test sees when it reads.
        _ = self.socket.send(message).await;
    }

    /// The next message, framed; `None` once the server has closed.
    pub(crate) async fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(message) = self.messages.pop_front() {
                return Some(message);
            }
            let received = tokio::time::timeout(PATIENCE, self.socket.next()).await;
            let payload = match received.expect("waited in vain for a message") {
                Some(Ok(Message::Text(text))) => text.as_bytes().to_vec(),
                Some(Ok(Message::Binary(bytes))) => bytes.to_vec(),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Ok(Message::Close(_)) | Err(_)) | None => {
                    self.closed = true;
                    return None;
                }
            };
            let mut input = payload.as_slice();
            while let Some(frame) = self.deframer.next_frame(&mut input).unwrap() {
                self.messages.push_back(frame.to_vec());
            }
        }
    }

    /// The next JSON message.
    pub(crate) async fn json(&mut self) -> Value {
        let mut message = self.next().await.expect("the server closed");
        message.pop();
        serde_json::from_slice(&message).unwrap()
    }

    /// Calls a method with an id.
    pub(crate) async fn call(&mut self, id: &str, target: &str, arguments: Value) {
        let call = serde_json::json!({
            "type": 1, "invocationId": id, "target": target, "arguments": arguments,
        });
        self.send(&call.to_string()).await;
    }

    /// Says goodbye on the WebSocket level.
    pub(crate) async fn close(mut self) {
        self.socket.close(None).await.unwrap();
    }
}
