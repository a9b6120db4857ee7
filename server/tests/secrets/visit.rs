//! Clients that leave secrets at a door.

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use futures_util::{SinkExt as _, StreamExt as _};

use crate::support::soon;

const HANDSHAKE: &str = "{\"protocol\":\"json\",\"version\":1}\u{1e}";

/// What must not be in the log, with the names it has in a failure.
#[derive(Default)]
pub(crate) struct Secrets(Vec<(String, String)>);

impl Secrets {
    pub(crate) fn add(&mut self, what: &str, secret: &str) {
        self.0.push((what.to_owned(), secret.to_owned()));
    }

    /// Neither a token as a whole nor its claims or its signature.
    pub(crate) fn add_token(&mut self, token: &str) {
        let what = "a token";
        self.add(what, token);
        for part in token.split('.').skip(1).filter(|part| !part.is_empty()) {
            self.add("a part of a token", part);
        }
    }

    pub(crate) fn assert_absent(&self, log: &str) {
        for (what, secret) in &self.0 {
            for line in log.lines() {
                assert!(!line.contains(&**secret), "{what} is in the log: {line}");
            }
        }
    }
}

/// A token and where it stands.
pub(crate) struct Credentials {
    header: Option<String>,
    query: Option<String>,
}

impl Credentials {
    pub(crate) fn header(token: &str) -> Self {
        Self {
            header: Some(format!("Bearer {token}")),
            query: None,
        }
    }

    pub(crate) fn query(token: &str) -> Self {
        Self {
            header: None,
            query: Some(format!("access_token={token}")),
        }
    }
}

/// A path of the service.
pub(crate) struct Doorway {
    address: String,
    path: String,
    query: String,
}

impl Doorway {
    pub(crate) fn new(address: &str, path: &str) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        Self {
            address: address.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
        }
    }

    fn place(&self, action: &str, parts: &[&str], credentials: &Credentials) -> String {
        let path = format!("{}{action}", self.path.trim_end_matches('/'));
        let token = credentials.query.as_deref().unwrap_or_default();
        let parts: Vec<&str> = [parts, &[&self.query, token]]
            .concat()
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect();
        format!("{}{path}?{}", self.address, parts.join("&"))
    }

    async fn request(
        &self,
        method: Method,
        place: &str,
        credentials: &Credentials,
        body: &'static str,
    ) -> (StatusCode, String) {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{place}"))
            .header("cookie", "session=cookie-secret");
        if let Some(header) = &credentials.header {
            request = request.header("authorization", header);
        }
        if body == EVENTS {
            request = request.header("accept", "text/event-stream");
        }
        let request = request.body(Full::new(Bytes::from(body))).unwrap();
        let answer = soon("an answer", client.request(request)).await.unwrap();
        let status = answer.status();
        if body == EVENTS {
            return (status, String::new());
        }
        let body = soon("a body", answer.into_body().collect()).await.unwrap();
        (status, String::from_utf8_lossy(&body.to_bytes()).into())
    }

    /// A WebSocket, if it opens.
    async fn open(&self, place: &str, credentials: &Credentials, first: Message) -> bool {
        let mut request = format!("ws://{place}").into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert("cookie", "session=cookie-secret".parse().unwrap());
        if let Some(header) = &credentials.header {
            headers.insert("authorization", header.parse().unwrap());
        }
        let Ok((mut socket, _)) = soon("an answer", connect_async(request)).await else {
            return false;
        };
        socket.send(first).await.unwrap();
        let answer = soon("an answer to the handshake", socket.next()).await;
        assert!(matches!(answer, Some(Ok(_))), "{answer:?}");
        let _ = socket.close(None).await;
        true
    }

    /// Negotiates and connects by every transport.
    pub(crate) async fn visit(
        &self,
        credentials: &Credentials,
        version: u8,
        secrets: &mut Secrets,
    ) {
        let version = format!("negotiateVersion={version}");
        for transport in ["WebSockets", "ServerSentEvents", "LongPolling"] {
            let place = self.place("/negotiate", &[&version], credentials);
            let (status, body) = self.request(Method::POST, &place, credentials, "").await;
            assert_eq!(status, 200, "{place}: {body}");
            let offer: Value = serde_json::from_str(&body).unwrap();
            // In version 0 the id is all that a client has to show.
            let what = format!("a secret of {version}, {transport} at {}", self.path);
            let secret = offer["connectionToken"].as_str();
            let secret = secret.or_else(|| offer["connectionId"].as_str()).unwrap();
            secrets.add(&what, secret);
            let id = format!("id={secret}");
            let place = self.place("", &[&id], credentials);
            match transport {
                "WebSockets" => {
                    let handshake = Message::text(HANDSHAKE);
                    assert!(self.open(&place, credentials, handshake).await, "{place}");
                }
                "ServerSentEvents" => {
                    let (status, _) = self.request(Method::GET, &place, credentials, EVENTS).await;
                    assert_eq!(status, 200);
                }
                _ => {
                    for (method, body) in [
                        (Method::GET, ""),
                        (Method::POST, HANDSHAKE),
                        (Method::GET, ""),
                        (Method::DELETE, ""),
                    ] {
                        let (status, body) = self.request(method, &place, credentials, body).await;
                        assert!(status.is_success(), "{status} {body}");
                    }
                }
            }
        }
        // Without negotiation too.
        let place = self.place("", &[], credentials);
        let handshake = Message::text(HANDSHAKE);
        assert!(self.open(&place, credentials, handshake).await, "{place}");
    }

    /// Requests whatever their answers are.
    pub(crate) async fn knock(&self, credentials: &Credentials) {
        let place = self.place("/negotiate", &["negotiateVersion=1"], credentials);
        self.request(Method::POST, &place, credentials, "").await;
        let place = self.place("", &[], credentials);
        self.request(Method::GET, &place, credentials, "").await;
        self.open(&place, credentials, Message::text(HANDSHAKE))
            .await;
    }

    /// Requests for a connection that there is not.
    pub(crate) async fn guess(&self, id: &str, credentials: &Credentials) {
        let place = self.place("", &[&format!("id={id}")], credentials);
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let (status, body) = self.request(method, &place, credentials, "").await;
            assert_eq!(status, 404, "{body}");
        }
        let opened = self.open(&place, credentials, Message::text(HANDSHAKE));
        assert!(!opened.await);
    }

    /// An app server's connection.
    pub(crate) async fn serve(&self, credentials: &Credentials) {
        let place = self.place("/", &[], credentials);
        let handshake = Message::binary(vec![7, 0x96, 1, 1, 0, 0xa0, 0, 0x80]);
        assert!(self.open(&place, credentials, handshake).await, "{place}");
    }
}

/// Stands for a body, and asks for an event stream whose end is not waited for.
const EVENTS: &str = " ";
