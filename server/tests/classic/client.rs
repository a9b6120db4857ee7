//! Legacy clients over real sockets, at the level of what they read and write.

use std::collections::VecDeque;
use std::net::SocketAddr;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::http::{Answer, Exchange, request};
use crate::socket::{Frame, Socket};

/// Who a client is and how it comes.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    /// Where it is served.
    pub(crate) path: &'static str,
    /// Its bearer token, if it has one.
    pub(crate) token: Option<String>,
    pub(crate) transport: String,
    pub(crate) protocol: String,
    /// The value of `connectionData`, if it has one.
    pub(crate) data: Option<String>,
    /// What else its query says, encoded.
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Who {
    /// A client of version 2.1 on a WebSocket.
    pub(crate) fn new(token: String, hubs: &[&str]) -> Self {
        let names = hubs.iter().map(|hub| format!("{{\"name\":\"{hub}\"}}"));
        Self {
            path: "/aspnetclient",
            token: Some(token),
            transport: "webSockets".to_owned(),
            protocol: "2.1".to_owned(),
            data: Some(format!("[{}]", names.collect::<Vec<_>>().join(","))),
            query: String::new(),
            headers: Vec::new(),
        }
    }

    /// The same, served without a token.
    pub(crate) fn direct(hubs: &[&str]) -> Self {
        Self {
            path: "/signalr",
            token: None,
            ..Self::new(String::new(), hubs)
        }
    }

    /// With this header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn over(self, transport: &str) -> Self {
        Self {
            transport: transport.to_owned(),
            ..self
        }
    }

    pub(crate) fn version(self, protocol: &str) -> Self {
        Self {
            protocol: protocol.to_owned(),
            ..self
        }
    }

    fn target(&self, action: &str, further: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("clientProtocol", &self.protocol);
        query.append_pair("transport", &self.transport);
        if let Some(data) = &self.data {
            query.append_pair("connectionData", data);
        }
        query.extend_pairs(further);
        let query = query.finish();
        let own = &self.query;
        let separator = if own.is_empty() { "" } else { "&" };
        format!("{}/{action}?{query}{separator}{own}", self.path)
    }

    fn all_headers(&self) -> Vec<(String, String)> {
        let bearer = self.token.iter();
        let bearer = bearer.map(|token| ("Authorization".to_owned(), format!("Bearer {token}")));
        self.headers.iter().cloned().chain(bearer).collect()
    }

    pub(crate) async fn get(
        &self,
        address: SocketAddr,
        action: &str,
        further: &[(&str, &str)],
    ) -> Answer {
        let headers = self.all_headers();
        let target = self.target(action, further);
        request(address, "GET", &target, &borrowed(&headers), b"").await
    }

    /// Negotiates: the id and the token of a connection, or another answer.
    pub(crate) async fn negotiate(&self, address: SocketAddr) -> Result<(String, String), Answer> {
        let answer = self.get(address, "negotiate", &[]).await;
        if answer.status != 200 {
            return Err(answer);
        }
        let ids: Ids = serde_json::from_slice(&answer.body).unwrap();
        Ok((ids.id, ids.token))
    }
}

#[derive(Deserialize)]
struct Ids {
    #[serde(rename = "ConnectionId")]
    id: String,
    #[serde(rename = "ConnectionToken")]
    token: String,
}

fn borrowed(headers: &[(String, String)]) -> Vec<(&str, &str)> {
    let headers = headers.iter();
    headers.map(|(name, value)| (&**name, &**value)).collect()
}

/// What a client reads on its channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// The connection begins.
    Begin,
    /// One element of `M`, as it came.
    Message(String),
    /// A groups token.
    Groups(String),
    /// An answer outside of an envelope, as it came.
    Answer(String),
    /// The connection ends with this text.
    Error(String),
    /// The connection is over, as clients below 1.4 are told it.
    Disconnect,
    /// The channel ends.
    End,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "C")]
    cursor: Option<String>,
    #[serde(rename = "S", borrow)]
    init: Option<&'a RawValue>,
    #[serde(rename = "D", borrow)]
    disconnect: Option<&'a RawValue>,
    #[serde(rename = "G")]
    groups: Option<String>,
    #[serde(rename = "M", borrow)]
    messages: Option<Vec<&'a RawValue>>,
    #[serde(rename = "E")]
    error: Option<String>,
    #[serde(rename = "I", borrow)]
    id: Option<&'a RawValue>,
}

enum Channel {
    Socket(Socket),
    Events(Exchange, String),
    Polls,
    Gone,
}

/// A client with a connection.
pub(crate) struct Client {
    address: SocketAddr,
    pub(crate) who: Who,
    pub(crate) id: String,
    pub(crate) token: String,
    channel: Channel,
    pub(crate) cursor: String,
    said: VecDeque<Said>,
    /// Calls whose answers have not been read.
    pub(crate) sends: VecDeque<Exchange>,
}

impl Client {
    /// Negotiates, connects and reads the beginning.
    pub(crate) async fn connect(address: SocketAddr, who: Who) -> Result<Self, Answer> {
        let (id, token) = who.negotiate(address).await?;
        Self::connect_as(address, who, id, token).await
    }

    pub(crate) async fn connect_as(
        address: SocketAddr,
        who: Who,
        id: String,
        token: String,
    ) -> Result<Self, Answer> {
        let mut client = Self {
            address,
            who,
            id,
            token,
            channel: Channel::Gone,
            cursor: String::new(),
            said: VecDeque::new(),
            sends: VecDeque::new(),
        };
        client.open("connect").await?;
        assert_eq!(client.next().await, Said::Begin);
        Ok(client)
    }

    /// As [`Client::connect`], past `/start`.
    pub(crate) async fn start(address: SocketAddr, who: Who) -> Self {
        let client = Self::connect(address, who).await.unwrap();
        let answer = client.request_start().await;
        assert_eq!(answer.text(), "{ \"Response\": \"started\" }");
        client
    }

    pub(crate) async fn request_start(&self) -> Answer {
        let token = [("connectionToken", &*self.token)];
        self.who.get(self.address, "start", &token).await
    }

    /// Loses its channel.
    pub(crate) fn lose(&mut self) {
        match std::mem::replace(&mut self.channel, Channel::Gone) {
            Channel::Socket(socket) => socket.reset(),
            Channel::Events(exchange, _) => exchange.reset(),
            Channel::Polls | Channel::Gone => {}
        }
    }

    /// Opens a channel for the connection that it has.
    pub(crate) async fn reconnect(&mut self) -> Result<(), Answer> {
        self.open("reconnect").await
    }

    /// The same while the channel before stands, which is given back.
    pub(crate) async fn reconnect_beside(&mut self) -> impl Sized + use<> {
        let before = std::mem::replace(&mut self.channel, Channel::Gone);
        self.reconnect().await.unwrap();
        before
    }

    async fn open(&mut self, action: &str) -> Result<(), Answer> {
        let headers = self.who.all_headers();
        let token = ("connectionToken", &*self.token);
        let cursor = ("messageId", &*self.cursor);
        let target = self.who.target(action, &[token, cursor, ("tid", "3")]);
        match &*self.who.transport {
            "webSockets" => {
                let socket = Socket::open(self.address, &target, &borrowed(&headers)).await?;
                self.channel = Channel::Socket(socket);
            }
            "serverSentEvents" => {
                let headers = borrowed(&headers);
                let mut exchange =
                    Exchange::send(self.address, "GET", &target, &headers, None).await;
                let (status, headers) = exchange.head().await;
                if status != 200 {
                    let body = Vec::new();
                    return Err(Answer {
                        status,
                        headers,
                        body,
                    });
                }
                self.channel = Channel::Events(exchange, String::new());
            }
            _ => {
                let answer = request(self.address, "POST", &target, &borrowed(&headers), b"").await;
                if answer.status != 200 {
                    return Err(answer);
                }
                self.channel = Channel::Polls;
                self.take(answer.text().trim());
            }
        }
        Ok(())
    }

    /// Sends a message. Its answer is read by [`Client::answer`].
    pub(crate) async fn send(&mut self, text: &str) {
        if let Channel::Socket(socket) = &mut self.channel {
            return socket.send(text).await;
        }
        let exchange = self.post(text).await;
        self.sends.push_back(exchange);
    }

    async fn post(&self, text: &str) -> Exchange {
        let headers = self.who.all_headers();
        let who = match &*self.who.transport {
            "webSockets" => &self.who.clone().over("longPolling"),
            _ => &self.who,
        };
        let target = who.target("send", &[("connectionToken", &self.token)]);
        let mut body = form_urlencoded::Serializer::new(String::new());
        let body = body.append_pair("data", text).finish();
        let headers = borrowed(&headers);
        Exchange::send(
            self.address,
            "POST",
            &target,
            &headers,
            Some(body.as_bytes()),
        )
        .await
    }

    /// The answer to the oldest call, as it came.
    pub(crate) async fn answer(&mut self) -> String {
        if let Some(mut exchange) = self.sends.pop_front() {
            return exchange.answer("POST").await.text().to_owned();
        }
        match self.next().await {
            Said::Answer(object) => object,
            other => panic!("no answer but {other:?}"),
        }
    }

    /// The next message, as it came.
    pub(crate) async fn message(&mut self) -> String {
        match self.next().await {
            Said::Message(element) => element,
            other => panic!("no message but {other:?}"),
        }
    }

    /// The next thing on the channel, but for groups tokens and signs of life.
    pub(crate) async fn next(&mut self) -> Said {
        loop {
            match self.said.pop_front() {
                Some(Said::Groups(_)) => {}
                Some(said) => return said,
                None => self.read().await,
            }
        }
    }

    async fn read(&mut self) {
        match &mut self.channel {
            Channel::Socket(socket) => match socket.next().await {
                Frame::Text(text) => self.take(&text),
                Frame::Close(_) | Frame::End => self.said.push_back(Said::End),
                other => panic!("{other:?}"),
            },
            Channel::Events(exchange, text) => {
                if let Some((event, rest)) = text.split_once("\n\n") {
                    let event = event.strip_prefix("data: ").unwrap().to_owned();
                    *text = rest.to_owned();
                    if event != "initialized" {
                        self.take(&event);
                    }
                    return;
                }
                match exchange.piece().await {
                    Some(piece) => text.push_str(std::str::from_utf8(&piece).unwrap()),
                    None => self.said.push_back(Said::End),
                }
            }
            Channel::Polls => {
                let answer = self.poll().await.answer("POST").await;
                if answer.status == 200 {
                    self.take(answer.text().trim());
                } else {
                    self.said.push_back(Said::End);
                }
            }
            Channel::Gone => panic!("there is no channel"),
        }
    }

    /// Begins a poll.
    pub(crate) async fn poll(&self) -> Exchange {
        let headers = self.who.all_headers();
        let token = ("connectionToken", &*self.token);
        let target = self
            .who
            .target("poll", &[token, ("messageId", &self.cursor)]);
        Exchange::send(
            self.address,
            "POST",
            &target,
            &borrowed(&headers),
            Some(b""),
        )
        .await
    }

    fn take(&mut self, text: &str) {
        let read: Envelope<'_> = serde_json::from_str(text).unwrap();
        if read.id.is_some() {
            return self.said.push_back(Said::Answer(text.to_owned()));
        }
        let is_over = read.disconnect.is_some_and(|flag| flag.get() == "1");
        let disconnect = is_over.then_some(Said::Disconnect);
        if let Some(last) = read.error.map(Said::Error).or(disconnect) {
            self.said.push_back(last);
            if let Channel::Polls = self.channel {
                self.channel = Channel::Gone;
                self.said.push_back(Said::End);
            }
            return;
        }
        let Some(messages) = read.messages else {
            assert_eq!(text, "{}");
            return;
        };
        self.cursor = read.cursor.unwrap();
        if read.init.is_some_and(|init| init.get() == "1") {
            self.said.push_back(Said::Begin);
        }
        self.said.extend(read.groups.map(Said::Groups));
        let messages = messages.into_iter().map(|raw| raw.get().to_owned());
        self.said.extend(messages.map(Said::Message));
    }

    /// The next thing on the channel, which is a groups token.
    pub(crate) async fn groups(&mut self) -> String {
        while self.said.is_empty() {
            self.read().await;
        }
        match self.said.pop_front() {
            Some(Said::Groups(token)) => token,
            other => panic!("no groups but {other:?}"),
        }
    }

    /// From now on another service serves the client, which knows of its groups by this token.
    pub(crate) fn moved_to(&mut self, address: SocketAddr, groups: &str) {
        self.address = address;
        let mut query = form_urlencoded::Serializer::new(String::new());
        self.who.query = query.append_pair("groupsToken", groups).finish();
    }

    pub(crate) async fn request_abort(&self) -> Answer {
        let token = [("connectionToken", &*self.token)];
        self.who.get(self.address, "abort", &token).await
    }

    /// Sends a message by a request, which is answered with this status at once.
    pub(crate) async fn send_late(&self, text: &str, status: u16) {
        let mut exchange = self.post(text).await;
        assert_eq!(exchange.answer("POST").await.status, status, "{text}");
    }

    /// Stops: nothing else comes before the end.
    pub(crate) async fn stop(mut self) {
        let waiting = match self.channel {
            Channel::Polls => Some(self.poll().await),
            _ => None,
        };
        let answer = self.request_abort().await;
        assert_eq!((answer.status, answer.text()), (200, ""));
        if let Some(mut poll) = waiting {
            let answer = poll.answer("POST").await;
            self.take(answer.text());
            while let Some(said) = self.said.pop_front() {
                assert!(matches!(said, Said::Groups(_)), "{said:?}");
            }
        } else {
            assert_eq!(self.next().await, Said::End);
        }
    }
}
