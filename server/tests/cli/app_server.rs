//! An app server of the binary, with as much of its protocol as a test needs.

use std::time::{Duration, SystemTime};

use heliograph::auth::{AccessKey, Mint};
use heliograph::config::WELL_KNOWN_KEY;
use heliograph_protocol::service::{ConnectionType, Decoded, Message, decode, encode};
use heliograph_protocol::wire::Deframer;
use tokio_tungstenite::tungstenite;

use crate::program::{Service, Socket};

/// An app server's connection, past its handshake.
pub(crate) struct AppServer {
    socket: Socket,
}

impl AppServer {
    pub(crate) fn connect(service: &Service, hub: &str) -> Self {
        let key = AccessKey::new(WELL_KNOWN_KEY);
        let minute = Duration::from_secs(60);
        let mint = Mint::new(key, "http://localhost", SystemTime::now(), minute).unwrap();
        let bearer = format!("Bearer {}", mint.server(hub, "app").unwrap());
        let headers = [("authorization", &*bearer), ("x-asrs-server-id", "app")];
        let socket = service.socket(&format!("/server/?hub={hub}&cid=1"), &headers);
        let mut app = Self {
            socket: socket.unwrap(),
        };
        app.send(&Message::HandshakeRequest {
            version: 1,
            connection_type: ConnectionType::Default,
            target: "",
            migration_level: 0,
            allow_stateful_reconnects: false,
        });
        app.wait_for(|message| matches!(message, Message::HandshakeResponse { .. }).then_some(()));
        app
    }

    pub(crate) fn send(&mut self, message: &Message<'_>) {
        let mut bytes = Vec::new();
        encode(message, &mut bytes);
        let message = tungstenite::Message::binary(bytes);
        self.socket.send(message).unwrap();
    }

    /// The id of the next client that comes.
    pub(crate) fn opened(&mut self) -> String {
        self.wait_for(|message| match message {
            Message::OpenConnection { connection_id, .. } => Some((*connection_id).to_owned()),
            _ => None,
        })
    }

    /// The next call of a client.
    pub(crate) fn call(&mut self) -> String {
        self.wait_for(|message| match message {
            Message::ConnectionData { payload, .. } => {
                let text = String::from_utf8_lossy(payload).into_owned();
                text.contains("\"target\"").then_some(text)
            }
            _ => None,
        })
    }

    /// Reads on until a message is the one; what comes with it is not needed.
    fn wait_for<T>(&mut self, find: impl Fn(&Message<'_>) -> Option<T>) -> T {
        let mut deframer = Deframer::new(Deframer::DEFAULT_MAX_MESSAGE_BYTES);
        loop {
            let bytes = self.socket.read().unwrap().into_data();
            let mut rest = &bytes[..];
            while let Some(frame) = deframer.next_message(&mut rest).unwrap() {
                if let Ok(Decoded::Message(message)) = decode(frame)
                    && let Some(found) = find(&message)
                {
                    return found;
                }
            }
        }
    }
}
