//! A plain client of our own, for what a well-behaved one never does.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

const WAIT: Duration = Duration::from_secs(15);

/// An answer to an HTTP request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// Sends one HTTP request.
pub(crate) async fn http(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Answer> {
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let mut request = http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::from(body.to_owned()))?;
    let response = timeout(WAIT, client.request(request))
        .await
        .context("no answer in time")??;
    let (parts, body) = response.into_parts();
    let body = timeout(WAIT, body.collect())
        .await
        .context("no body in time")??
        .to_bytes();
    Ok(Answer {
        status: parts.status.as_u16(),
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

/// A JSON hub connection over WebSockets.
#[derive(Debug)]
pub(crate) struct Hub {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Records received and not taken yet.
    waiting: Vec<String>,
    calls: u64,
    pub(crate) connection_id: String,
}

impl Hub {
    /// Negotiates with the app at `url` (`http://host/hub?query`), follows its redirect, and
    /// completes the handshake.
    pub(crate) async fn connect(url: &str) -> Result<Self> {
        let (url, token) = follow(url).await?;
        Self::connect_at(&url, token.as_deref()).await
    }

    /// Negotiates at `url` itself and completes the handshake.
    pub(crate) async fn connect_at(url: &str, token: Option<&str>) -> Result<Self> {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let headers: Vec<(&str, &str)> = bearer
            .iter()
            .map(|bearer| ("authorization", bearer.as_str()))
            .collect();
        let answer = http("POST", &negotiate_url(url), &headers, "").await?;
        let offer: Value = serde_json::from_str(&answer.body)
            .with_context(|| format!("negotiate: {} {}", answer.status, answer.body))?;
        let id = offer["connectionToken"]
            .as_str()
            .context("no connectionToken")?;
        let separator = if url.contains('?') { '&' } else { '?' };
        let mut hub = Self::open(&format!("{url}{separator}id={id}"), token).await?;
        offer["connectionId"]
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut hub.connection_id);
        hub.send_text("{\"protocol\":\"json\",\"version\":1}\u{1e}")
            .await?;
        match hub.next_record().await?.as_str() {
            "{}" => Ok(hub),
            refused => bail!("handshake answered with {refused}"),
        }
    }

    /// Opens a WebSocket and says nothing.
    pub(crate) async fn open(url: &str, token: Option<&str>) -> Result<Self> {
        let mut request = url.replacen("http", "ws", 1).into_client_request()?;
        if let Some(token) = token {
            request
                .headers_mut()
                .insert("authorization", format!("Bearer {token}").parse()?);
        }
        let (socket, _) = timeout(WAIT, connect_async(request))
            .await
            .context("no upgrade in time")??;
        Ok(Self {
            socket,
            waiting: Vec::new(),
            calls: 0,
            connection_id: String::new(),
        })
    }

    /// Sends text as it is.
    pub(crate) async fn send_text(&mut self, text: &str) -> Result<()> {
        Ok(self.socket.send(Message::text(text)).await?)
    }

    /// Calls a hub method and gives its result.
    pub(crate) async fn invoke(&mut self, target: &str, arguments: Value) -> Result<Value> {
        self.calls += 1;
        let id = self.calls.to_string();
        let call = json!({"type": 1, "invocationId": id, "target": target, "arguments": arguments});
        self.send_text(&format!("{call}\u{1e}")).await?;
        loop {
            let message = self.next_message().await?;
            if message["type"] == 3 && message["invocationId"] == id.as_str() {
                if let Some(error) = message["error"].as_str() {
                    bail!("{target}: {error}");
                }
                return Ok(message["result"].clone());
            }
            if message["type"] == 7 {
                bail!("closed while {target} ran: {message}");
            }
            self.waiting.push(message.to_string());
        }
    }

    /// The arguments of the next call of `target` at this client.
    pub(crate) async fn called(&mut self, target: &str) -> Result<Value> {
        let held = self.waiting.iter().position(|record| {
            serde_json::from_str::<Value>(record).is_ok_and(|message| message["target"] == target)
        });
        if let Some(at) = held {
            let message: Value = serde_json::from_str(&self.waiting.remove(at))?;
            return Ok(message["arguments"].clone());
        }
        loop {
            let message = self.next_message().await?;
            if message["type"] == 1 && message["target"] == target {
                return Ok(message["arguments"].clone());
            }
            if message["type"] == 7 {
                bail!("closed before {target} was called: {message}");
            }
        }
    }

    /// The close message, past whatever comes before it.
    pub(crate) async fn close_message(&mut self) -> Result<Value> {
        loop {
            let message = self.next_message().await?;
            if message["type"] == 7 {
                return Ok(message);
            }
        }
    }

    /// The next message that is no ping.
    pub(crate) async fn next_message(&mut self) -> Result<Value> {
        loop {
            let message: Value = serde_json::from_str(&self.next_record().await?)?;
            if message["type"] != 6 {
                return Ok(message);
            }
        }
    }

    /// The next record without its separator; an error at the end of the connection.
    async fn next_record(&mut self) -> Result<String> {
        let next = timeout(WAIT, self.socket.next())
            .await
            .context("nothing came in time")?;
        match next {
            Some(Ok(Message::Text(text))) => Ok(text.trim_end_matches('\u{1e}').to_owned()),
            Some(Ok(Message::Close(_))) | None => bail!("the connection ended"),
            Some(Ok(other)) => bail!("unexpected frame {other:?}"),
            Some(Err(error)) => Err(error.into()),
        }
    }
}

/// The app's own negotiate: where it sends its clients, and with which token.
pub(crate) async fn follow(url: &str) -> Result<(String, Option<String>)> {
    let answer = http("POST", &negotiate_url(url), &[], "").await?;
    let offer: Value = serde_json::from_str(&answer.body)
        .with_context(|| format!("the app's negotiate: {} {}", answer.status, answer.body))?;
    Ok(match offer["url"].as_str() {
        Some(redirect) => (
            redirect.to_owned(),
            offer["accessToken"].as_str().map(str::to_owned),
        ),
        None => (url.to_owned(), None),
    })
}

fn negotiate_url(url: &str) -> String {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    format!(
        "{}/negotiate?negotiateVersion=1&{query}",
        path.trim_end_matches('/')
    )
}
