//! Both doors on one port, and clients on real WebSockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::{SinkExt as _, StreamExt as _};
use heliograph::auth::{self, AccessKey, KeyPair, Keys, Mint, ServiceToken, Verifier};
use heliograph::backend::link::{self, LinkBackend};
use heliograph::edge::cors::Origins;
use heliograph::edge::dialects::Dialects;
use heliograph::edge::forwarded::Proxies;
use heliograph::edge::listener::{self, Listener};
use heliograph::front::{core, service};
use heliograph_relay::Relay;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::support::service::{KEY, Service};
use crate::support::soon;

/// The record that ends a JSON message.
pub(crate) const END: &str = "\u{1e}";

/// A service with both doors, as the program has them.
pub(crate) struct Whole {
    pub(crate) service: Service,
}

/// A client of the service.
pub(crate) struct WsClient {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// What a client got.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Got {
    Text(String),
    Binary(Vec<u8>),
    /// The code of the close frame.
    Close(u16),
}

impl Whole {
    pub(crate) fn start() -> Self {
        let relay = Arc::new(Relay::new());
        let backend = Arc::new(LinkBackend::new(link::Options {
            instance_id: "node-1".into(),
            ..link::Options::default()
        }));
        let keys = Keys::new(KeyPair::single(AccessKey::new(KEY)));
        let verifier = Verifier::new(keys, auth::Options::default());
        let dialects = Dialects::default();
        let servers = service::Door::new(
            service::Options::default(),
            Arc::clone(&relay),
            Arc::clone(&backend),
            Arc::new(dialects.clone()),
            verifier.clone(),
        );
        let route = core::ServiceRoute {
            backend: Arc::clone(&backend) as _,
            authenticator: Arc::new(ServiceToken(verifier)),
            origins: Origins::Any,
            origins_setting: "none".into(),
        };
        let clients = core::Door::new(
            core::Options::default(),
            dialects,
            Arc::clone(&relay),
            core::Routes::new(Some(route), Vec::new(), Proxies::default()),
        );
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = Listener::bind(address, listener::Options::default()).unwrap();
        let address = listener.local_addr().unwrap();
        let router = service::router(Arc::clone(&servers)).merge(clients.router());
        tokio::spawn(clients.sweep());
        tokio::spawn(listener.serve(router, std::future::pending()));
        let service = Service {
            address,
            relay,
            backend,
            door: servers,
        };
        Self { service }
    }

    /// A token for a client of the hub `chat`.
    pub(crate) fn client_token(&self, user: &str) -> String {
        let endpoint = format!("http://{}", self.service.address);
        let minute = Duration::from_secs(60);
        let mint = Mint::new(AccessKey::new(KEY), &endpoint, SystemTime::now(), minute).unwrap();
        mint.client("chat", Some(user), &[]).unwrap()
    }

    /// A WebSocket that has sent its handshake request; `query` goes between hub and token.
    pub(crate) async fn client(&self, user: &str, protocol: &str, query: &str) -> WsClient {
        let mut client = self.socket(user, query).await;
        let handshake = format!("{{\"protocol\":\"{protocol}\",\"version\":1}}{END}");
        client.send(&handshake).await;
        client
    }

    /// A WebSocket that has said nothing.
    pub(crate) async fn socket(&self, user: &str, query: &str) -> WsClient {
        let token = self.client_token(user);
        let address = self.service.address;
        let url = format!("ws://{address}/client/?hub=chat{query}&access_token={token}");
        let request = url.into_client_request().unwrap();
        let (socket, _) = soon("connect", connect_async(request)).await.unwrap();
        WsClient { socket }
    }

    /// The answer to a negotiation, and the connection's id and token in it.
    pub(crate) async fn negotiate(&self, user: &str, query: &str) -> (String, String) {
        let token = self.client_token(user);
        let request = format!(
            "POST /client/negotiate?hub=chat&negotiateVersion=1{query} HTTP/1.1\r\nHost: x\r\n\
             Authorization: Bearer {token}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        let mut tcp = TcpStream::connect(self.service.address).await.unwrap();
        tcp.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        soon("an answer", tcp.read_to_string(&mut answer))
            .await
            .unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
        let text = |key: &str| match body[key].as_str() {
            Some(text) => text.to_owned(),
            None => panic!("no {key}: {answer}"),
        };
        (text("connectionId"), text("connectionToken"))
    }
}

impl WsClient {
    pub(crate) async fn send(&mut self, text: &str) {
        soon("send", self.socket.send(Message::text(text)))
            .await
            .unwrap();
    }

    /// The next WebSocket message.
    pub(crate) async fn next(&mut self) -> Got {
        loop {
            match soon("a message for the client", self.socket.next()).await {
                Some(Ok(Message::Text(text))) => return Got::Text(text.as_str().to_owned()),
                Some(Ok(Message::Binary(bytes))) => return Got::Binary(bytes.to_vec()),
                Some(Ok(Message::Close(frame))) => {
                    return Got::Close(frame.map_or(1005, |frame| frame.code.into()));
                }
                Some(Ok(_)) => {}
                end => panic!("no message but {end:?}"),
            }
        }
    }

    /// The next message, which is text.
    pub(crate) async fn text(&mut self) -> String {
        match self.next().await {
            Got::Text(text) => text,
            other => panic!("no text but {other:?}"),
        }
    }

    /// Leaves as a client does that was stopped, or after the server's close frame.
    pub(crate) async fn close(mut self) {
        // An error says that the close frame was answered already.
        let _ = soon("close", self.socket.close(None)).await;
        while soon("the end", self.socket.next()).await.is_some() {}
    }

    /// Vanishes with a reset.
    pub(crate) fn reset(self) {
        let MaybeTlsStream::Plain(tcp) = self.socket.get_ref() else {
            panic!("TLS")
        };
        let linger = socket2::SockRef::from(tcp).set_linger(Some(Duration::ZERO));
        linger.unwrap();
    }
}
