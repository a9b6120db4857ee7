//! A classic app of the tests: its connections, by hand.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use heliograph_protocol::service::{AckStatus, Extensions, Message, Payloads, encode};

use crate::stage::{Stage, server_token};
use crate::support::app_server::AppServer;

/// What an app server opens each connection with.
const HELLO: [u8; 8] = [7, 0x96, 1, 1, 0, 0xa0, 0, 0x80];

static LINKS: AtomicUsize = AtomicUsize::new(0);

/// An app that runs on one server.
pub(crate) struct App {
    name: &'static str,
    /// Its connections for clients.
    pub(crate) main: Vec<AppServer>,
    hubs: BTreeMap<&'static str, AppServer>,
}

impl App {
    /// The app `App` with one connection for clients and one for each of these hubs.
    pub(crate) async fn start(stage: &Stage, hubs: &[&'static str]) -> Self {
        Self::start_with(stage, "App", 1, hubs).await
    }

    pub(crate) async fn start_with(
        stage: &Stage,
        name: &'static str,
        links: usize,
        hubs: &[&'static str],
    ) -> Self {
        let mut app = Self {
            name,
            main: Vec::new(),
            hubs: BTreeMap::new(),
        };
        for _ in 0..links {
            app.add(stage).await;
        }
        for hub in hubs {
            let link = link(stage, &format!("{name}_{hub}")).await;
            app.hubs.insert(hub, link);
        }
        app
    }

    /// Opens another connection for clients.
    pub(crate) async fn add(&mut self, stage: &Stage) {
        self.main
            .push(link(stage, &format!("{0}_{0}", self.name)).await);
    }

    /// The first connection for clients.
    pub(crate) fn link(&mut self) -> &mut AppServer {
        &mut self.main[0]
    }

    pub(crate) fn hub(&mut self, name: &str) -> &mut AppServer {
        self.hubs.get_mut(name).unwrap()
    }

    /// Loses the connection of a hub.
    pub(crate) fn lose_hub(&mut self, name: &str) {
        drop(self.hubs.remove(name).unwrap());
    }

    /// The next message on the first connection, which opens a client: its id.
    pub(crate) async fn opened(&mut self) -> String {
        opened(self.link()).await
    }

    /// The next message on the first connection, which is what this client says.
    pub(crate) async fn heard(&mut self, id: &str) -> String {
        heard(self.link(), id).await
    }

    /// Tells a client something on the first connection.
    pub(crate) async fn tell(&mut self, id: &str, json: &str) {
        tell(self.link(), id, json).await;
    }
}

/// A connection of an app server, past its handshake.
pub(crate) async fn link(stage: &Stage, hub: &str) -> AppServer {
    let hub = hub.to_lowercase();
    let bearer = format!("Bearer {}", server_token(&hub, "server"));
    let number = LINKS.fetch_add(1, Ordering::Relaxed);
    let path = format!("/aspnetserver/?hub={hub}&cid={number}");
    let headers = [("authorization", &*bearer), ("x-asrs-server-id", "server")];
    let link = AppServer::dial(stage.address, &path, &headers).await;
    let mut link = link.ok().unwrap();
    link.send_bytes(&HELLO).await;
    let frame = link.next().await;
    assert!(matches!(
        frame.message(),
        Message::HandshakeResponse {
            error: Some(""),
            ..
        }
    ));
    link
}

/// The next message, which opens a client: its id.
pub(crate) async fn opened(link: &mut AppServer) -> String {
    let frame = link.next().await;
    match frame.message() {
        Message::OpenConnection { connection_id, .. } => connection_id.to_owned(),
        other => panic!("{other:?}"),
    }
}

/// The next message, which is what this client says.
pub(crate) async fn heard(link: &mut AppServer, id: &str) -> String {
    let (text, kind) = link.data(id).await;
    assert_eq!(kind, None);
    text
}

/// Tells a client something.
pub(crate) async fn tell(link: &mut AppServer, id: &str, json: &str) {
    let payload = nested(json);
    link.send(&Message::ConnectionData {
        connection_id: id,
        payload: &payload,
        extensions: Extensions::default(),
    })
    .await;
}

/// Tells all of a hub something, but for these.
pub(crate) async fn broadcast(link: &mut AppServer, json: &str, except: &[&str]) {
    let payload = nested(json);
    link.send(&Message::BroadcastData {
        excluded_connection_ids: except.to_vec(),
        payloads: payloads(&payload),
        extensions: Extensions::default(),
    })
    .await;
}

/// Tells a group something, but for these.
pub(crate) async fn tell_group(link: &mut AppServer, group: &str, json: &str, except: &[&str]) {
    let payload = nested(json);
    link.send(&Message::GroupBroadcastData {
        group,
        excluded_connection_ids: except.to_vec(),
        payloads: payloads(&payload),
        extensions: Extensions::default(),
        excluded_user_ids: Vec::new(),
        caller_user_id: None,
    })
    .await;
}

/// Tells the clients of a user something.
pub(crate) async fn tell_user(link: &mut AppServer, user: &str, json: &str) {
    let payload = nested(json);
    link.send(&Message::UserData {
        user_id: user,
        payloads: payloads(&payload),
        extensions: Extensions::default(),
    })
    .await;
}

/// Ends a client.
pub(crate) async fn close(link: &mut AppServer, id: &str, error: &str) {
    link.send(&Message::CloseConnection {
        connection_id: id,
        error,
        headers: Vec::new(),
        extensions: Extensions::default(),
    })
    .await;
}

/// Puts a client into a group and gives the status that comes back.
pub(crate) async fn join(link: &mut AppServer, id: &str, group: &str) -> AckStatus {
    link.send(&Message::JoinGroupWithAck {
        connection_id: id,
        group,
        ack_id: 7,
        extensions: Extensions::default(),
    })
    .await;
    acknowledged(link).await
}

/// Takes a client out of a group and gives the status that comes back.
pub(crate) async fn leave(link: &mut AppServer, id: &str, group: &str) -> AckStatus {
    link.send(&Message::LeaveGroupWithAck {
        connection_id: id,
        group: Some(group),
        ack_id: 7,
        extensions: Extensions::default(),
    })
    .await;
    acknowledged(link).await
}

async fn acknowledged(link: &mut AppServer) -> AckStatus {
    let frame = link.next().await;
    match frame.message() {
        Message::Ack {
            ack_id: 7, status, ..
        } => status,
        other => panic!("{other:?}"),
    }
}

/// A call of a client's method, as an app server wraps it.
pub(crate) fn response(element: &str) -> String {
    format!("{{\"C\":\"0\",\"M\":[{element}]}}")
}

/// A call of `received` at clients of a hub.
pub(crate) fn received(hub: &str, text: &str) -> String {
    format!("{{\"H\":\"{hub}\",\"M\":\"received\",\"A\":[\"{text}\"]}}")
}

/// A payload as classic app servers have it.
fn nested(json: &str) -> Vec<u8> {
    let mut payload = Vec::new();
    let message = Message::ConnectionData {
        connection_id: "",
        payload: json.as_bytes(),
        extensions: Extensions::default(),
    };
    encode(&message, &mut payload);
    payload
}

fn payloads(payload: &[u8]) -> Payloads<'_> {
    Payloads::from(vec![("json", payload)])
}
