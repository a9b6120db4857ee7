//! A client that trusts one certificate.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::{BodyExt as _, Empty};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config,
};

use crate::program::PATIENCE;

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub(crate) struct Caller {
    http: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    tls: Arc<ClientConfig>,
    /// `s` of `https` and `wss`.
    secure: &'static str,
    port: u16,
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    let limit: Duration = PATIENCE;
    timeout(limit, future).await.unwrap()
}

impl Caller {
    pub(crate) fn trusting(root: &CertificateDer<'static>, is_secure: bool, port: u16) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(root.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls.clone())
            .https_or_http()
            .enable_http1()
            .build();
        Self {
            http: Client::builder(TokioExecutor::new()).build(connector),
            tls: Arc::new(tls),
            secure: if is_secure { "s" } else { "" },
            port,
        }
    }

    /// Status and body.
    pub(crate) async fn negotiate(&self, hub: &str) -> (u16, String) {
        self.try_negotiate(hub).await.unwrap()
    }

    pub(crate) async fn try_negotiate(
        &self,
        hub: &str,
    ) -> Result<(u16, String), hyper_util::client::legacy::Error> {
        let url = format!(
            "http{}://localhost:{}{hub}/negotiate?negotiateVersion=1",
            self.secure, self.port
        );
        let request = http::Request::post(url).body(Empty::new()).unwrap();
        let answer = soon(self.http.request(request)).await?;
        let status = answer.status().as_u16();
        let body = soon(answer.into_body().collect()).await.unwrap();
        let body = String::from_utf8(body.to_bytes().to_vec()).unwrap();
        Ok((status, body))
    }

    pub(crate) async fn open(&self, path: &str, token: Option<&str>) -> Socket {
        let url = format!("ws{}://localhost:{}{path}", self.secure, self.port);
        let mut request = url.into_client_request().unwrap();
        if let Some(token) = token {
            let value = format!("Bearer {token}").parse().unwrap();
            request.headers_mut().insert("authorization", value);
        }
        let connector = Connector::Rustls(Arc::clone(&self.tls));
        let opening = connect_async_tls_with_config(request, None, true, Some(connector));
        soon(opening).await.unwrap().0
    }
}

pub(crate) async fn send(socket: &mut Socket, text: &str) {
    soon(socket.send(Message::text(text))).await.unwrap();
}

pub(crate) async fn send_bytes(socket: &mut Socket, bytes: &[u8]) {
    soon(socket.send(Message::binary(bytes.to_vec())))
        .await
        .unwrap();
}

/// The bytes of the next message.
pub(crate) async fn bytes(socket: &mut Socket) -> Vec<u8> {
    let message = soon(socket.next()).await.unwrap().unwrap();
    message.into_data().to_vec()
}

/// Sends a message; the next one that is no ping.
pub(crate) async fn asked(socket: &mut Socket, text: &str) -> String {
    send(socket, text).await;
    loop {
        let answer = String::from_utf8(bytes(socket).await).unwrap();
        if answer != "{\"type\":6}\u{1e}" {
            return answer;
        }
    }
}

/// The answer to a handshake.
pub(crate) async fn greeted(socket: &mut Socket) -> String {
    asked(socket, "{\"protocol\":\"json\",\"version\":1}\u{1e}").await
}
