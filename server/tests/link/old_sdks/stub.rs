//! A connection of an SDK before 1.26, which writes and reads its own bytes: short forms, no
//! types, no protocol key, pieces of any size.

use std::collections::VecDeque;

use futures_util::{SinkExt as _, StreamExt as _};
use http::HeaderValue;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::support::service::Service;
use crate::support::soon;

/// A MessagePack value, of the kinds that the service protocol has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Nil,
    Bool(bool),
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Self>),
    Map(Vec<(Self, Self)>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

/// The payloads of a send, by protocol.
pub(super) fn payloads(by_protocol: &[(&str, &[u8])]) -> Value {
    let pairs = by_protocol
        .iter()
        .map(|(protocol, payload)| (Value::from(*protocol), Value::Bytes(payload.to_vec())));
    Value::Map(pairs.collect())
}

impl Value {
    fn write(&self, out: &mut Vec<u8>) {
        // Short values only.
        let short = |len: usize, limit: usize| {
            assert!(len < limit, "too long for this test");
            u8::try_from(len).unwrap()
        };
        match self {
            Self::Nil => out.push(0xc0),
            Self::Bool(value) => out.push(0xc2 + u8::from(*value)),
            Self::Int(number) => out.push(short(usize::try_from(*number).unwrap(), 128)),
            Self::Text(text) => {
                out.extend([0xd9, short(text.len(), 256)]);
                out.extend(text.as_bytes());
            }
            Self::Bytes(bytes) => {
                out.extend([0xc4, short(bytes.len(), 256)]);
                out.extend(bytes);
            }
            Self::List(items) => {
                out.push(0x90 + short(items.len(), 16));
                items.iter().for_each(|item| item.write(out));
            }
            Self::Map(pairs) => {
                out.push(0x80 + short(pairs.len(), 16));
                for (key, value) in pairs {
                    key.write(out);
                    value.write(out);
                }
            }
        }
    }

    fn read(bytes: &mut &[u8]) -> Self {
        let first = number(bytes, 1);
        match first {
            0..=0x7f => Self::Int(i64::try_from(first).unwrap()),
            0x80..=0x8f => Self::map(bytes, first & 15),
            0x90..=0x9f => Self::list(bytes, first & 15),
            0xa0..=0xbf => Self::text(bytes, first & 31),
            0xc0 => Self::Nil,
            0xc2 | 0xc3 => Self::Bool(first == 0xc3),
            0xc4..=0xc6 => {
                let len = number(bytes, 1 << (first - 0xc4));
                Self::Bytes(take(bytes, len).to_vec())
            }
            0xcc..=0xce => Self::Int(i64::try_from(number(bytes, 1 << (first - 0xcc))).unwrap()),
            0xd9..=0xdb => {
                let len = number(bytes, 1 << (first - 0xd9));
                Self::text(bytes, len)
            }
            0xdc => {
                let len = number(bytes, 2);
                Self::list(bytes, len)
            }
            0xde => {
                let len = number(bytes, 2);
                Self::map(bytes, len)
            }
            other => panic!("MessagePack type {other:#x}"),
        }
    }

    fn text(bytes: &mut &[u8], len: usize) -> Self {
        Self::Text(String::from_utf8(take(bytes, len).to_vec()).unwrap())
    }

    fn list(bytes: &mut &[u8], len: usize) -> Self {
        Self::List((0..len).map(|_| Self::read(bytes)).collect())
    }

    fn map(bytes: &mut &[u8], len: usize) -> Self {
        Self::Map(
            (0..len)
                .map(|_| (Self::read(bytes), Self::read(bytes)))
                .collect(),
        )
    }
}

fn take<'a>(bytes: &mut &'a [u8], len: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(len);
    *bytes = rest;
    taken
}

fn number(bytes: &mut &[u8], width: usize) -> usize {
    let taken = take(bytes, width).iter();
    taken.fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}

/// A server connection of an old SDK.
pub(super) struct OldSdk {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    received: Vec<u8>,
    frames: VecDeque<Vec<u8>>,
}

impl OldSdk {
    /// Connects with this handshake request and gives the answer.
    pub(super) async fn connect(service: &Service, handshake: &[u8]) -> (Self, Vec<Value>) {
        let url = format!("ws://{}/server/?hub=chat&cid=old", service.address);
        let mut request = url.into_client_request().unwrap();
        // The oldest name their server in the token alone.
        let bearer = format!("Bearer {}", service.token("chat", "old-server"));
        let bearer = HeaderValue::from_str(&bearer).unwrap();
        request.headers_mut().insert("authorization", bearer);
        let (socket, _) = soon("connect", connect_async(request)).await.unwrap();
        let mut sdk = Self {
            socket,
            received: Vec::new(),
            frames: VecDeque::new(),
        };
        sdk.send_bytes(handshake).await;
        let answer = sdk.next().await;
        (sdk, answer)
    }

    /// Connects as SDK 1.0 did.
    pub(super) async fn start(service: &Service) -> Self {
        let (sdk, answer) = Self::connect(service, &[3, 0x92, 1, 1]).await;
        assert_eq!(answer[..2], [Value::Int(2), Value::from("")]);
        sdk
    }

    pub(super) async fn send(&mut self, elements: Vec<Value>) {
        let mut body = Vec::new();
        Value::List(elements).write(&mut body);
        let mut framed = Vec::new();
        let mut len = body.len();
        while len >= 0x80 {
            framed.push(u8::try_from(len & 0x7f).unwrap() | 0x80);
            len >>= 7;
        }
        framed.push(u8::try_from(len).unwrap());
        framed.extend(body);
        self.send_bytes(&framed).await;
    }

    async fn send_bytes(&mut self, bytes: &[u8]) {
        let message = Message::binary(bytes.to_vec());
        soon("send", self.socket.send(message)).await.unwrap();
    }

    /// Sends a piece of what a client is to get.
    pub(super) async fn send_data(&mut self, id: &str, piece: &[u8]) {
        let data = vec![6.into(), id.into(), Value::Bytes(piece.to_vec())];
        self.send(data).await;
    }

    /// The bytes of the next message that is no sign of life, without their length.
    pub(super) async fn next_bytes(&mut self) -> Vec<u8> {
        loop {
            match self.frames.pop_front() {
                Some(frame) if frame == [0x91, 3] => {}
                Some(frame) => return frame,
                None => self.receive().await,
            }
        }
    }

    /// The elements of the next message that is no sign of life.
    pub(super) async fn next(&mut self) -> Vec<Value> {
        let bytes = self.next_bytes().await;
        let mut rest = bytes.as_slice();
        let Value::List(elements) = Value::read(&mut rest) else {
            panic!("no array: {bytes:x?}")
        };
        assert!(rest.is_empty(), "{bytes:x?}");
        elements
    }

    async fn receive(&mut self) {
        match soon("a message for the app", self.socket.next()).await {
            Some(Ok(Message::Binary(bytes))) => self.received.extend_from_slice(&bytes),
            Some(Ok(_)) => {}
            end => panic!("no message but {end:?}"),
        }
        while let Some((frame, size)) = self.frame() {
            self.received.drain(..size);
            self.frames.push_back(frame);
        }
    }

    fn frame(&self) -> Option<(Vec<u8>, usize)> {
        let prefix = self.received.iter().position(|byte| byte & 0x80 == 0)? + 1;
        let digits = self.received.get(..prefix)?.iter().rev();
        let len = digits.fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7f));
        let body = self.received.get(prefix..prefix + len)?;
        Some((body.to_vec(), prefix + len))
    }

    /// Everything sent before has been executed once this returns.
    pub(super) async fn barrier(&mut self) {
        self.send(vec![3.into(), "status".into(), "1".into()]).await;
        let answer = self.next().await;
        assert_eq!(answer[..2], [Value::Int(3), Value::from("status")]);
    }

    /// A client comes, in the words of an old reader: the first elements, and in the map at the
    /// end nothing that it could not skip. Gives the id and the handshake record.
    pub(super) async fn opened(&mut self) -> (String, Vec<u8>) {
        let open = self.next().await;
        assert_eq!(open[0], Value::Int(4), "{open:?}");
        let [_, Value::Text(id), Value::Map(claims), rest @ ..] = open.as_slice() else {
            panic!("{open:?}")
        };
        assert!(!claims.is_empty(), "{open:?}");
        let [Value::Map(_), Value::Text(_), Value::Map(extensions)] = rest else {
            panic!("{open:?}")
        };
        let keys: Vec<_> = extensions.iter().map(|(key, _)| key).collect();
        assert_eq!(keys, [&Value::Int(3)]);
        let handshake = self.data(id).await;
        (id.clone(), handshake)
    }

    /// The next message, which is data of this client.
    pub(super) async fn data(&mut self, id: &str) -> Vec<u8> {
        let data = self.next().await;
        let [
            Value::Int(6),
            Value::Text(of),
            Value::Bytes(payload),
            Value::Map(extensions),
        ] = data.as_slice()
        else {
            panic!("{data:?}")
        };
        assert_eq!(of, id);
        let keys: Vec<_> = extensions.iter().map(|(key, _)| key).collect();
        assert_eq!(keys, [&Value::Int(5)]);
        payload.clone()
    }
}
