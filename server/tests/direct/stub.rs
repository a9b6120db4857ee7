//! A hub as a test writes it.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use futures_util::{SinkExt as _, StreamExt as _};
use heliograph::edge::websocket::handshake;
use http::request::Parts;
use http::{Method, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::support::soon;

pub(crate) type HubSocket = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

/// A hub at `/chat` that answers negotiations as told and hands its WebSockets to the test.
pub(crate) struct Stub {
    pub(crate) address: SocketAddr,
    requests: mpsc::Receiver<Parts>,
    sockets: mpsc::Receiver<HubSocket>,
}

/// What a hub answers to a negotiation that it accepts.
pub(crate) const OFFER: &str = r#"{"negotiateVersion":1,"connectionId":"hub-id","connectionToken":"hub-token","availableTransports":[{"transport":"WebSockets","transferFormats":["Text","Binary"]}]}"#;

impl Stub {
    /// A hub that accepts everyone.
    pub(crate) async fn start() -> Self {
        Self::answering(|_| json(OFFER)).await
    }

    /// A hub whose negotiations are answered like this.
    pub(crate) async fn answering(
        answer: impl Fn(&Parts) -> Response + Send + Sync + 'static,
    ) -> Self {
        let (requests, seen) = mpsc::channel(64);
        let (sockets, opened) = mpsc::channel(64);
        let answer = Arc::new(answer);
        let router = Router::new().fallback(move |request: Request| {
            let (requests, sockets, answer) =
                (requests.clone(), sockets.clone(), Arc::clone(&answer));
            async move {
                let (mut parts, _) = request.into_parts();
                let upgrade = parts.extensions.remove::<hyper::upgrade::OnUpgrade>();
                requests.send(parts.clone()).await.unwrap();
                let accept = handshake::accept(&parts.method, parts.version, &parts.headers);
                let (Some(accept), Some(upgrade)) = (accept, upgrade) else {
                    return answer(&parts);
                };
                if parts.uri.path() != "/chat" {
                    return StatusCode::NOT_FOUND.into_response();
                }
                tokio::spawn(async move {
                    let io = TokioIo::new(upgrade.await.unwrap());
                    let socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
                    sockets.send(socket).await.unwrap();
                });
                handshake::switching_protocols(accept)
                    .map(|()| Body::empty())
                    .into_response()
            }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            address,
            requests: seen,
            sockets: opened,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/chat", self.address)
    }

    /// The next request that came.
    pub(crate) async fn request(&mut self) -> Parts {
        soon("a request at the hub", self.requests.recv())
            .await
            .unwrap()
    }

    /// The next negotiation that came.
    pub(crate) async fn negotiation(&mut self) -> Parts {
        let parts = self.request().await;
        assert_eq!(
            (&parts.method, parts.uri.path()),
            (&Method::POST, "/chat/negotiate")
        );
        parts
    }

    /// The next WebSocket that came.
    pub(crate) async fn socket(&mut self) -> HubSocket {
        soon("a WebSocket at the hub", self.sockets.recv())
            .await
            .unwrap()
    }

    /// Accepts every hub handshake from now on, and listens to what comes then.
    pub(crate) fn greet_all(mut self) -> tokio::task::JoinHandle<()> {
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = self.requests.recv() => {}
                    Some(mut socket) = self.sockets.recv() => {
                        tokio::spawn(async move {
                            let _handshake = socket.next().await;
                            let _ = socket.send(Message::text("{}\u{1e}")).await;
                            while let Some(Ok(_)) = socket.next().await {}
                        });
                    }
                }
            }
        })
    }

    /// The next WebSocket, its hub handshake accepted; and the request of that handshake.
    pub(crate) async fn greeted(&mut self) -> (HubSocket, Message) {
        let mut socket = self.socket().await;
        let handshake = receive(&mut socket).await;
        socket.send(Message::text("{}\u{1e}")).await.unwrap();
        (socket, handshake)
    }
}

/// The next message at the hub.
pub(crate) async fn receive(socket: &mut HubSocket) -> Message {
    soon("a message at the hub", socket.next())
        .await
        .unwrap()
        .unwrap()
}

pub(crate) fn json(body: &str) -> Response {
    ([("content-type", "application/json")], body.to_owned()).into_response()
}

pub(crate) fn header<'a>(parts: &'a Parts, name: &str) -> &'a str {
    parts
        .headers
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}
