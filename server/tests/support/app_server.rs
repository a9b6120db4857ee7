//! A stub of an app server: one connection of the kind that the Azure SDK opens.

use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use heliograph_protocol::service::{
    ConnectionType, DataMessageType, Decoded, Extensions, Message, Payloads, Ping, decode, encode,
};
use heliograph_protocol::wire::Deframer;
use http::{HeaderName, HeaderValue, StatusCode};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Error};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use super::service::Service;
use super::soon;

/// One message from the service, undecoded.
#[derive(Clone)]
pub(crate) struct Frame(Vec<u8>);

/// An app server's connection.
pub(crate) struct AppServer {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    deframer: Deframer,
    frames: std::collections::VecDeque<Frame>,
}

/// What the handshake request says.
#[derive(Clone, Copy)]
pub(crate) struct Hello {
    pub(crate) kind: ConnectionType,
    pub(crate) migration_level: i32,
    pub(crate) stateful: bool,
}

impl Default for Hello {
    fn default() -> Self {
        Self {
            kind: ConnectionType::Default,
            migration_level: 0,
            stateful: false,
        }
    }
}

impl Frame {
    pub(crate) fn message(&self) -> Message<'_> {
        match decode(&self.0) {
            Ok(Decoded::Message(message)) => message,
            other => panic!("not a message: {other:?}"),
        }
    }
}

impl AppServer {
    /// Connects and shakes hands.
    pub(crate) async fn start(service: &Service, server: &str) -> Self {
        Self::start_with(service, server, Hello::default()).await
    }

    pub(crate) async fn start_with(service: &Service, server: &str, hello: Hello) -> Self {
        let mut app = Self::connect(service, server).await;
        app.send(&Message::HandshakeRequest {
            version: 1,
            connection_type: hello.kind,
            target: "",
            migration_level: hello.migration_level,
            allow_stateful_reconnects: hello.stateful,
        })
        .await;
        let answer = app.next().await;
        let Message::HandshakeResponse { error, .. } = answer.message() else {
            panic!("{:?}", answer.message())
        };
        assert_eq!(error, Some(""));
        app
    }

    /// Connects and says nothing.
    pub(crate) async fn connect(service: &Service, server: &str) -> Self {
        let token = service.token("chat", server);
        let path = format!("/server/?hub=chat&cid={server}-{:p}", &raw const token);
        Self::request(service, &path, Some(&token), Some(server))
            .await
            .unwrap()
    }

    /// Connects with any request; the status of the answer otherwise.
    pub(crate) async fn request(
        service: &Service,
        path: &str,
        token: Option<&str>,
        server: Option<&str>,
    ) -> Result<Self, StatusCode> {
        let token = token.map(|token| format!("Bearer {token}"));
        let token = token.as_deref().map(|token| ("authorization", token));
        let server = server.map(|server| ("x-asrs-server-id", server));
        let headers: Vec<_> = token.into_iter().chain(server).collect();
        Self::dial(service.address, path, &headers).await
    }

    /// Connects with these headers, wherever the service is.
    pub(crate) async fn dial(
        address: SocketAddr,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Self, StatusCode> {
        let url = format!("ws://{address}{path}");
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            let value = HeaderValue::from_str(value).unwrap();
            request.headers_mut().insert(name, value);
        }
        match soon("connect", connect_async_with_config(request, None, true)).await {
            Ok((socket, _)) => Ok(Self {
                socket,
                deframer: Deframer::new(Deframer::DEFAULT_MAX_MESSAGE_BYTES),
                frames: std::collections::VecDeque::new(),
            }),
            Err(Error::Http(response)) => Err(response.status()),
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) async fn send(&mut self, message: &Message<'_>) {
        let mut bytes = Vec::new();
        encode(message, &mut bytes);
        self.send_bytes(&bytes).await;
    }

    /// Sends bytes of the stream in a WebSocket message of their own.
    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        let message = tungstenite::Message::binary(bytes.to_vec());
        soon("send", self.socket.send(message)).await.unwrap();
    }

    pub(crate) async fn send_ping(&mut self, values: &[&str]) {
        self.send(&Message::Ping {
            values: values.to_vec(),
        })
        .await;
    }

    /// Sends a hub message to a client of this connection.
    pub(crate) async fn send_data(&mut self, id: &str, payload: &str, kind: DataMessageType) {
        let extensions = Extensions {
            data_type: Some(kind),
            ..Extensions::default()
        };
        let payload = payload.as_bytes();
        self.send(&Message::ConnectionData {
            connection_id: id,
            payload,
            extensions,
        })
        .await;
    }

    /// Answers a client's handshake.
    pub(crate) async fn answer(&mut self, id: &str) {
        self.send_data(id, "{}\u{1e}", DataMessageType::Handshake)
            .await;
    }

    /// The next message that is no sign of life.
    pub(crate) async fn next(&mut self) -> Frame {
        loop {
            let frame = self.next_of_all().await;
            let is_ping = matches!(frame.message(), Message::Ping { values } if values.is_empty());
            if !is_ping {
                return frame;
            }
        }
    }

    /// The next message, signs of life included.
    pub(crate) async fn next_of_all(&mut self) -> Frame {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                return frame;
            }
            match soon("a message", self.socket.next()).await {
                Some(Ok(tungstenite::Message::Binary(bytes))) => self.take(&bytes),
                Some(Ok(_)) => {}
                end => panic!("no message but {end:?}"),
            }
        }
    }

    fn take(&mut self, mut bytes: &[u8]) {
        while let Some(frame) = self.deframer.next_message(&mut bytes).unwrap() {
            self.frames.push_back(Frame(frame.to_vec()));
        }
    }

    /// Opens of a client: its id, with OpenConnection and the handshake record behind it.
    pub(crate) async fn opened(&mut self) -> (String, Frame) {
        let open = self.next().await;
        let Message::OpenConnection { connection_id, .. } = open.message() else {
            panic!("{:?}", open.message())
        };
        let id = connection_id.to_owned();
        let data = self.data(&id).await;
        assert!(data.0.starts_with("{\"protocol\""), "{}", data.0);
        assert_eq!(data.1, Some(DataMessageType::Handshake));
        (id, open)
    }

    /// The next message, which is data of this client.
    pub(crate) async fn data(&mut self, id: &str) -> (String, Option<DataMessageType>) {
        let frame = self.next().await;
        let Message::ConnectionData {
            connection_id,
            payload,
            extensions,
        } = frame.message()
        else {
            panic!("{:?}", frame.message())
        };
        assert_eq!(connection_id, id);
        (
            String::from_utf8_lossy(payload).into_owned(),
            extensions.data_type,
        )
    }

    /// The next message, which closes this client: its error text.
    pub(crate) async fn closed(&mut self, id: &str) -> String {
        let frame = self.next().await;
        let Message::CloseConnection {
            connection_id,
            error,
            ..
        } = frame.message()
        else {
            panic!("{:?}", frame.message())
        };
        assert_eq!(connection_id, id);
        error.to_owned()
    }

    /// Everything sent before has been executed once this returns.
    pub(crate) async fn barrier(&mut self) {
        self.send_ping(&["status", "1"]).await;
        let frame = self.next().await;
        assert!(
            matches!(frame.message(), Message::Ping { .. }),
            "{:?}",
            frame.message()
        );
    }

    /// Reads to the end: the close code, and the texts of service errors before it.
    pub(crate) async fn end(&mut self) -> (Option<u16>, Vec<String>) {
        let (mut code, mut errors) = (None, Vec::new());
        loop {
            while let Some(frame) = self.frames.pop_front() {
                match frame.message() {
                    Message::ServiceError { message } => errors.push(message.to_owned()),
                    Message::HandshakeResponse { error, .. } => {
                        errors.push(error.unwrap_or_default().to_owned());
                    }
                    _ => {}
                }
            }
            match soon("the end", self.socket.next()).await {
                Some(Ok(tungstenite::Message::Binary(bytes))) => self.take(&bytes),
                // Read on: that answers the close frame.
                Some(Ok(tungstenite::Message::Close(frame))) => {
                    code = frame.map(|frame| frame.code.into());
                }
                Some(Ok(_)) => {}
                _ => return (code, errors),
            }
        }
    }

    pub(crate) async fn close(mut self) {
        let frame = tungstenite::protocol::CloseFrame {
            code: tungstenite::protocol::frame::coding::CloseCode::Normal,
            reason: "".into(),
        };
        soon("close", self.socket.close(Some(frame))).await.unwrap();
        while soon("the end", self.socket.next()).await.is_some() {}
    }
}

/// A payload for clients that read JSON, and another for those that read MessagePack.
pub(crate) fn payloads<'a>(json: &'a str, messagepack: &'a [u8]) -> Payloads<'a> {
    Payloads::from(vec![
        ("json", json.as_bytes()),
        ("messagepack", messagepack),
    ])
}

/// The values of a ping.
pub(crate) fn ping_values(frame: &Frame) -> Vec<String> {
    match frame.message() {
        Message::Ping { values } => values.into_iter().map(str::to_owned).collect(),
        other => panic!("{other:?}"),
    }
}

/// The purpose of a ping from the service.
pub(crate) fn purpose(frame: &Frame) -> String {
    match frame.message() {
        Message::Ping { values } => {
            format!(
                "{:?}",
                Ping::parse(&values, heliograph_protocol::service::Sender::Service)
            )
        }
        other => panic!("{other:?}"),
    }
}
