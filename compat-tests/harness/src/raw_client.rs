//! A small client on a WebSocket, for what a genuine one would never send.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use heliograph_protocol::hub::negotiate::{NegotiateAnswer, parse_answer};
use heliograph_protocol::hub::{
    Close, Deframer, Encoding, HandshakeRequest, HandshakeResponse, Message, Outcome, Raw, parse,
    write,
};
use http::Request;
use http_body_util::Full;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::request;

/// How long the server may take for anything.
const LIMIT: Duration = Duration::from_secs(15);
/// Redirects that are followed.
const REDIRECTS: usize = 3;
const MAX_MESSAGE_BYTES: usize = 16 * 1024 * 1024;

/// Where a client may connect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ticket {
    /// The hub's URL, after redirects.
    pub url: String,
    /// The public id; empty from servers of version 0 that sent none.
    pub connection_id: String,
    /// The value for `?id=`.
    pub token: String,
    /// The bearer token that the redirect gave.
    pub access_token: Option<String>,
}

/// Negotiates for `hub_url` and follows redirects.
///
/// # Errors
///
/// When a server refuses or answers with something else.
pub async fn negotiate(hub_url: &str) -> Result<Ticket> {
    let mut ticket = Ticket {
        url: hub_url.to_owned(),
        ..Ticket::default()
    };
    for _ in 0..=REDIRECTS {
        let (path, query) = ticket.url.split_once('?').unwrap_or((&ticket.url, ""));
        let path = path.trim_end_matches('/');
        let url = format!("{path}/negotiate?{query}&negotiateVersion=1");
        let mut asked = Request::post(url.replace("?&", "?"));
        if let Some(token) = &ticket.access_token {
            asked = asked.header("authorization", format!("Bearer {token}"));
        }
        let answer = request::send(asked.body(Full::new(Bytes::new()))?).await?;
        if !answer.status.is_success() {
            bail!("negotiate: {} {}", answer.status, answer.text());
        }
        match parse_answer(&answer.body)? {
            NegotiateAnswer::Connect(offer) => {
                ticket.connection_id = offer.connection_id.clone().into_owned();
                offer.id().clone_into(&mut ticket.token);
                return Ok(ticket);
            }
            NegotiateAnswer::Redirect(redirect) => {
                ticket.url = redirect.url.into_owned();
                ticket.access_token = redirect.access_token.map(Cow::into_owned);
            }
            NegotiateAnswer::Error(error) => bail!("negotiate: {error}"),
        }
    }
    bail!("negotiate: redirected too often")
}

/// What a server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It called a method; arguments are there for JSON alone.
    Call {
        /// The method.
        target: String,
        /// Its arguments.
        arguments: Vec<Value>,
    },
    /// It sent a Close message.
    Close {
        /// Why.
        error: Option<String>,
        /// Whether clients may reconnect by themselves.
        allow_reconnect: bool,
    },
    /// The WebSocket ended; with its close code, if it ended in order.
    Ended(Option<u16>),
}

enum Part {
    Heard(Heard),
    Answer(String, Result<Value, String>),
}

/// One connection, after its handshake.
#[derive(Debug)]
pub struct RawClient {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    encoding: Encoding,
    deframer: Deframer,
    connection_id: String,
    calls: u64,
    waiting: VecDeque<Heard>,
}

impl RawClient {
    /// Connects to the hub at `hub_url`: negotiation, WebSocket, handshake.
    ///
    /// # Errors
    ///
    /// When one of them fails.
    pub async fn connect(hub_url: &str, encoding: Encoding) -> Result<Self> {
        let mut client = Self::open(&negotiate(hub_url).await?, encoding).await?;
        client.shake_hands().await?;
        Ok(client)
    }

    /// Opens the WebSocket and says nothing yet.
    ///
    /// # Errors
    ///
    /// When the server refuses it.
    pub async fn open(ticket: &Ticket, encoding: Encoding) -> Result<Self> {
        let (path, query) = ticket.url.split_once('?').unwrap_or((&ticket.url, ""));
        let mut url = format!("{path}?id={}", ticket.token).replacen("http", "ws", 1);
        if !query.is_empty() {
            url = format!("{url}&{query}");
        }
        if let Some(token) = &ticket.access_token {
            url = format!("{url}&access_token={token}");
        }
        let (socket, _) = timeout(LIMIT, connect_async(url))
            .await
            .context("no answer to the WebSocket")??;
        Ok(Self {
            socket,
            encoding,
            deframer: Deframer::new(Encoding::Json, MAX_MESSAGE_BYTES),
            connection_id: ticket.connection_id.clone(),
            calls: 0,
            waiting: VecDeque::new(),
        })
    }

    /// The public id that negotiation gave.
    #[must_use]
    pub fn connection_id(&self) -> &str {
        &self.connection_id
    }

    /// Sends bytes as they are, in a frame of the encoding's kind.
    ///
    /// # Errors
    ///
    /// When the connection has ended.
    pub async fn send_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        let frame = match self.encoding {
            Encoding::Json => Frame::text(String::from_utf8_lossy(bytes).into_owned()),
            Encoding::MessagePack => Frame::binary(bytes.to_vec()),
        };
        Ok(self.socket.send(frame).await?)
    }

    /// Calls a method and waits for its answer. Arguments and results travel as JSON.
    ///
    /// # Errors
    ///
    /// When the method fails, or the connection ends before the answer.
    pub async fn invoke(&mut self, target: &str, arguments: &[Value]) -> Result<Value> {
        if self.encoding != Encoding::Json {
            bail!("calls are made in JSON");
        }
        self.calls += 1;
        let id = self.calls.to_string();
        let arguments: Vec<Vec<u8>> = arguments.iter().map(|a| a.to_string().into()).collect();
        let arguments: Vec<&[u8]> = arguments.iter().map(Vec::as_slice).collect();
        let mut bytes = Vec::new();
        write::invocation(self.encoding, &mut bytes, Some(&id), target, &arguments);
        self.send_bytes(&bytes).await?;
        loop {
            for part in self.receive().await? {
                match part {
                    Part::Answer(of, result) if of == id => {
                        return result.map_err(|error| anyhow::anyhow!("{target}: {error}"));
                    }
                    Part::Answer(..) => {}
                    Part::Heard(Heard::Ended(code)) => bail!("{target}: ended with {code:?}"),
                    Part::Heard(heard) => self.waiting.push_back(heard),
                }
            }
        }
    }

    /// The next thing the server says, pings and answers apart.
    ///
    /// # Errors
    ///
    /// When it says nothing for 15 seconds, or something that cannot be read.
    pub async fn heard(&mut self) -> Result<Heard> {
        loop {
            if let Some(heard) = self.waiting.pop_front() {
                return Ok(heard);
            }
            for part in self.receive().await? {
                if let Part::Heard(heard) = part {
                    self.waiting.push_back(heard);
                }
            }
        }
    }

    async fn shake_hands(&mut self) -> Result<()> {
        let mut bytes = Vec::new();
        let request = HandshakeRequest {
            protocol: self.encoding.name().into(),
            version: 1,
        };
        request.write(&mut bytes);
        self.send_bytes(&bytes).await?;
        loop {
            let Some(piece) = self.piece().await? else {
                bail!("ended in the handshake")
            };
            let mut input = &*piece;
            if let Some(record) = self.deframer.next_frame(&mut input)? {
                if let Some(error) = HandshakeResponse::parse(&record)?.error {
                    bail!("the handshake was refused: {error}");
                }
                self.deframer.switch_to(self.encoding);
                let parts = self.read(input)?;
                self.waiting
                    .extend(parts.into_iter().filter_map(|part| match part {
                        Part::Heard(heard) => Some(heard),
                        Part::Answer(..) => None,
                    }));
                return Ok(());
            }
        }
    }

    async fn receive(&mut self) -> Result<Vec<Part>> {
        match self.piece().await? {
            Some(piece) => self.read(&piece),
            None => Ok(vec![Part::Heard(Heard::Ended(None))]),
        }
    }

    /// What the next frame carries; nothing at the end of the connection.
    async fn piece(&mut self) -> Result<Option<Bytes>> {
        loop {
            let next = timeout(LIMIT, self.socket.next()).await;
            match next.context("the server says nothing")? {
                Some(Ok(Frame::Text(text))) => return Ok(Some(text.into())),
                Some(Ok(Frame::Binary(bytes))) => return Ok(Some(bytes)),
                Some(Ok(Frame::Close(frame))) => {
                    let code = frame.map(|frame| u16::from(frame.code));
                    self.waiting.push_back(Heard::Ended(code));
                    return Ok(Some(Bytes::new()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Ok(None),
            }
        }
    }

    fn read(&mut self, mut input: &[u8]) -> Result<Vec<Part>> {
        let mut parts = Vec::new();
        while let Some(framed) = self.deframer.next_frame(&mut input)? {
            match parse(self.encoding, &framed)? {
                Message::Invocation(call) => {
                    let arguments = match (&call.arguments, self.encoding) {
                        (Ok(arguments), Encoding::Json) => arguments
                            .iter()
                            .map(Raw::decode)
                            .collect::<Result<_, _>>()?,
                        _ => Vec::new(),
                    };
                    let target = call.target.into_owned();
                    parts.push(Part::Heard(Heard::Call { target, arguments }));
                }
                Message::Completion(completion) => {
                    let result = match completion.outcome {
                        Outcome::Error(error) => Err(error.into_owned()),
                        Outcome::Void => Ok(Value::Null),
                        Outcome::Result(value) => Ok(value?.decode()?),
                    };
                    let id = completion.invocation_id.into_owned();
                    parts.push(Part::Answer(id, result));
                }
                Message::Close(Close {
                    error,
                    allow_reconnect,
                }) => parts.push(Part::Heard(Heard::Close {
                    error: error.map(Cow::into_owned),
                    allow_reconnect,
                })),
                _ => {}
            }
        }
        Ok(parts)
    }
}
