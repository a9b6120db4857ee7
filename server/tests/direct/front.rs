//! The client door before a direct backend, and clients at it.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use heliograph::auth::Anonymous;
use heliograph::backend::direct::{Direct, Options};
use heliograph::edge::cors::Origins;
use heliograph::edge::dialects::Dialects;
use heliograph::edge::forwarded::Proxies;
use heliograph::edge::listener;
use heliograph::front::core::{self, Door, HubRoute, Routes};
use heliograph_relay::Relay;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Message, protocol::CloseFrame};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::support::soon;

/// The door, by default with one hub at `/chat`.
pub(crate) struct Front {
    pub(crate) address: SocketAddr,
}

/// What the door answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

pub(crate) fn options(url: &str) -> Options {
    Options {
        url: url.into(),
        ..Options::default()
    }
}

impl Front {
    pub(crate) fn start(options: Options) -> Self {
        Self::serving(vec![("chat", options)])
    }

    /// The door with these hubs, each at its name.
    pub(crate) fn serving(hubs: Vec<(&str, Options)>) -> Self {
        let route = |(hub, options): (&str, Options)| HubRoute {
            path: format!("/{hub}").into(),
            hub: hub.into(),
            backend: Arc::new(Direct::new(hub, options).unwrap()),
            authenticator: Arc::new(Anonymous),
            origins: Origins::Any,
            origins_setting: "none".into(),
        };
        let hubs = hubs.into_iter().map(route).collect();
        let routes = Routes::new(None, hubs, Proxies::default());
        let door = Door::new(
            core::Options::default(),
            Dialects::default(),
            Arc::new(Relay::new()),
            routes,
        );
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = listener::Listener::bind(address, listener::Options::default()).unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(Arc::clone(&door).sweep());
        let forever = std::future::pending::<tokio::time::Instant>();
        tokio::spawn(listener.serve(door.router(), forever));
        Self { address }
    }

    /// Negotiates with a query and headers.
    pub(crate) async fn negotiate(&self, query: &str, headers: &[(&str, &str)]) -> Answer {
        self.post(&format!("/chat/negotiate?{query}"), headers)
            .await
    }

    /// Negotiates with the hub of this name.
    pub(crate) async fn negotiate_at(&self, hub: &str) -> Answer {
        self.post(&format!("/{hub}/negotiate?negotiateVersion=1"), &[])
            .await
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let url = format!("http://{}{path}", self.address);
        let mut request = Request::post(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        let client = Client::builder(TokioExecutor::new()).build_http();
        let response = soon("an answer to negotiate", client.request(request));
        let (parts, body) = response.await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    /// Opens a WebSocket without negotiation.
    pub(crate) async fn connect(&self) -> Visitor {
        self.connect_with("", &[]).await
    }

    /// Opens a WebSocket to the hub of this name without negotiation.
    pub(crate) async fn connect_to(&self, hub: &str) -> Visitor {
        self.open(&format!("/{hub}"), &[]).await
    }

    pub(crate) async fn connect_with(&self, query: &str, headers: &[(&str, &str)]) -> Visitor {
        self.open(&format!("/chat?{query}"), headers).await
    }

    async fn open(&self, path: &str, headers: &[(&str, &str)]) -> Visitor {
        let url = format!("ws://{}{path}", self.address);
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            let name = http::HeaderName::try_from(*name).unwrap();
            request.headers_mut().append(name, value.parse().unwrap());
        }
        let connected = soon("an upgrade", connect_async(request)).await;
        Visitor(connected.unwrap().0)
    }
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }
}

/// A client's WebSocket.
pub(crate) struct Visitor(pub(crate) WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Visitor {
    pub(crate) async fn send(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    /// The next WebSocket message.
    pub(crate) async fn message(&mut self) -> Message {
        soon("a message for the client", self.0.next())
            .await
            .unwrap()
            .unwrap()
    }

    pub(crate) async fn text(&mut self) -> String {
        self.message().await.into_text().unwrap().to_string()
    }

    /// Sends a handshake request for JSON and takes the answer.
    pub(crate) async fn greet(&mut self) -> String {
        self.send("{\"protocol\":\"json\",\"version\":1}\u{1e}")
            .await;
        self.text().await
    }

    /// The close frame that ends the connection.
    pub(crate) async fn closed(&mut self) -> Option<CloseFrame> {
        match self.message().await {
            Message::Close(frame) => frame,
            other => panic!("{other:?}"),
        }
    }
}
