//! The app server: its connections to the service, its clients, and what it says of them.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use contract::journal::Journal;
use heliograph_protocol::service::{
    AckStatus, Extensions, Message, Payloads, write_connection_data,
};
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;

use crate::connection::{Connection, Event};
use crate::hubs::Hub;
use crate::link::Link;

/// How long the service may take to acknowledge a change of a group.
const ACK: Duration = Duration::from_secs(10);

/// The app server.
#[derive(Debug)]
pub(crate) struct App {
    name: String,
    links: Vec<Arc<Link>>,
    random: RandomState,
    connections: Mutex<HashMap<Box<str>, Arc<Connection>>>,
    acks: Mutex<HashMap<i32, oneshot::Sender<AckStatus>>>,
    last_ack: AtomicI32,
    pub(crate) journal: Journal,
    /// Whether clients are told the texts of all errors.
    pub(crate) is_detailed: bool,
    /// Told when a connection to the service is up.
    pub(crate) changed: Notify,
}

/// For whom a message is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum To<'a> {
    All {
        except: &'a [&'a str],
    },
    Connection(&'a str),
    User(&'a str),
    Group {
        name: &'a str,
        except: &'a [&'a str],
    },
}

/// How a group changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Join,
    Leave,
}

impl App {
    pub(crate) fn new(name: &str, links: Vec<Arc<Link>>, is_detailed: bool) -> Arc<Self> {
        Arc::new(Self {
            name: name.to_owned(),
            links,
            random: RandomState::new(),
            connections: Mutex::default(),
            acks: Mutex::default(),
            last_ack: AtomicI32::new(0),
            journal: Journal::default(),
            is_detailed,
            changed: Notify::new(),
        })
    }

    /// The service's name for the connections for clients.
    pub(crate) fn app_key(name: &str) -> String {
        format!("{0}_{0}", name.to_lowercase())
    }

    /// The service's name for the connections of a hub.
    pub(crate) fn hub_key(name: &str, hub: Hub) -> String {
        format!("{}_{}", name, hub.declared()).to_lowercase()
    }

    /// Whether clients may be sent to the service.
    pub(crate) fn is_online(&self) -> bool {
        let key = Self::app_key(&self.name);
        self.links
            .iter()
            .any(|link| link.hub == key && link.is_up())
    }

    /// Waits until each hub, and the app itself, has a connection.
    pub(crate) async fn complete(&self) {
        loop {
            let changed = self.changed.notified();
            let mut all = self.links.iter();
            let has_another = |link: &Link| {
                let mut links = self.links.iter();
                links.any(|other| other.hub == link.hub && other.is_up())
            };
            if all.all(|link| has_another(link)) {
                return;
            }
            // Looked at again now and then: it may have come before we waited.
            _ = timeout(Duration::from_millis(50), changed).await;
        }
    }

    /// Takes a message of the service.
    pub(crate) fn take(self: &Arc<Self>, link: &Arc<Link>, message: &Message<'_>) {
        match message {
            Message::OpenConnection {
                connection_id,
                claims,
                headers,
                query_string,
                ..
            } => {
                let opened = Connection::open(self, link, connection_id, |connection| {
                    connection.read(claims.iter().copied(), headers, query_string);
                });
                let mut connections = self.connections.lock();
                if connections.contains_key(*connection_id) {
                    opened.refuse(format!("Duplicate connection ID {connection_id}"));
                } else {
                    connections.insert((*connection_id).into(), opened.run());
                }
            }
            Message::CloseConnection { connection_id, .. } => {
                let connection = self.on_link(link, connection_id);
                if let Some(connection) = connection {
                    self.forget(&connection);
                    connection.tell(Event::Close);
                }
            }
            Message::ConnectionData {
                connection_id,
                payload,
                ..
            } => {
                if let Some(connection) = self.on_link(link, connection_id)
                    && !connection.tell(Event::Text(payload.to_vec()))
                {
                    self.forget(&connection);
                }
            }
            Message::Ack { ack_id, status, .. } => {
                let asked = self.acks.lock().remove(ack_id);
                // Whoever asked may have given up.
                _ = asked.map(|asked| asked.send(*status));
            }
            Message::ServiceError { message } => {
                eprintln!("legacyapp: the service says: {message}");
            }
            _ => {}
        }
    }

    /// The connection with this id, if it was opened on this link.
    fn on_link(&self, link: &Link, id: &str) -> Option<Arc<Connection>> {
        let connection = self.connection(id)?;
        (connection.link.number == link.number).then_some(connection)
    }

    /// The connection with this id.
    pub(crate) fn connection(&self, id: &str) -> Option<Arc<Connection>> {
        self.connections.lock().get(id).cloned()
    }

    /// The connection is none of ours any more.
    pub(crate) fn forget(&self, connection: &Connection) {
        self.connections.lock().remove(&*connection.id);
    }

    /// A link is lost, and with it the connections that were opened on it.
    pub(crate) fn lost(&self, link: &Link) {
        let lost: Vec<_> = {
            let mut connections = self.connections.lock();
            let lost = connections.extract_if(|_, it| it.link.number == link.number);
            lost.collect()
        };
        for (_, connection) in lost {
            connection.tell(Event::Close);
        }
    }

    /// Calls clients of a hub: `element` is the call. `from` is who causes it, if a client does.
    pub(crate) async fn send(
        &self,
        hub: Hub,
        from: Option<&Connection>,
        to: To<'_>,
        element: &[u8],
    ) {
        let mut json = b"{\"C\":\"0\",\"M\":[".to_vec();
        json.extend_from_slice(element);
        json.extend_from_slice(b"]}");
        let payload = nested(&json);
        let payloads = || Payloads::from(vec![("json", &*payload)]);
        let extensions = Extensions::default();
        match to {
            To::All { except } => {
                let message = Message::BroadcastData {
                    excluded_connection_ids: except.to_vec(),
                    payloads: payloads(),
                    extensions,
                };
                self.on_hub(hub, from, &message).await;
            }
            To::User(user_id) => {
                let message = Message::UserData {
                    user_id,
                    payloads: payloads(),
                    extensions,
                };
                self.on_hub(hub, from, &message).await;
            }
            To::Group { name, except } => {
                let message = Message::GroupBroadcastData {
                    group: &group(hub, name),
                    excluded_connection_ids: except.to_vec(),
                    payloads: payloads(),
                    extensions,
                    excluded_user_ids: Vec::new(),
                    caller_user_id: None,
                };
                self.on_app(from, &message).await;
            }
            To::Connection(connection_id) => {
                let message = Message::ConnectionData {
                    connection_id,
                    payload: &payload,
                    extensions,
                };
                // Its own link if it is here.
                let here = self.connection(connection_id);
                self.on_app(here.as_deref().or(from), &message).await;
            }
        }
    }

    /// Tells a client something that is no call.
    pub(crate) async fn tell(&self, connection: &Connection, json: &[u8]) {
        let message = Message::ConnectionData {
            connection_id: &connection.id,
            payload: &nested(json),
            extensions: Extensions::default(),
        };
        connection.link.send(&message).await;
    }

    /// Changes a group of a hub. False when the service does not.
    pub(crate) async fn change_group(
        &self,
        hub: Hub,
        connection: &Connection,
        name: &str,
        change: Change,
    ) -> bool {
        let (sender, acknowledged) = oneshot::channel();
        let ack_id = self
            .last_ack
            .fetch_add(1, Ordering::Relaxed)
            .wrapping_add(1);
        self.acks.lock().insert(ack_id, sender);
        let (connection_id, group) = (&*connection.id, group(hub, name));
        let extensions = Extensions::default();
        let message = match change {
            Change::Join => Message::JoinGroupWithAck {
                connection_id,
                group: &group,
                ack_id,
                extensions,
            },
            Change::Leave => Message::LeaveGroupWithAck {
                connection_id,
                group: Some(&group),
                ack_id,
                extensions,
            },
        };
        connection.link.send(&message).await;
        let status = timeout(ACK, acknowledged).await;
        self.acks.lock().remove(&ack_id);
        matches!(status, Ok(Ok(AckStatus::Ok | AckStatus::NotFound)))
    }

    async fn on_hub(&self, hub: Hub, from: Option<&Connection>, message: &Message<'_>) {
        let key = Self::hub_key(&self.name, hub);
        if let Some(link) = self.link(&key, from) {
            link.send(message).await;
        }
    }

    async fn on_app(&self, from: Option<&Connection>, message: &Message<'_>) {
        let key = Self::app_key(&self.name);
        let own = from.map(|connection| &connection.link);
        let own = own.filter(|link| link.is_up());
        if let Some(link) = own.or_else(|| self.link(&key, from)) {
            link.send(message).await;
        }
    }

    /// A link of a hub that is up: always the same for a client, so that what it does keeps its
    /// order.
    fn link(&self, key: &str, from: Option<&Connection>) -> Option<&Arc<Link>> {
        let links = self.links.iter();
        let up: Vec<_> = links
            .filter(|link| link.hub == key && link.is_up())
            .collect();
        let hash = self.random.hash_one(from.map(|connection| &*connection.id));
        let place = usize::try_from(hash % u64::try_from(up.len().max(1)).ok()?).ok()?;
        up.get(place).copied()
    }
}

/// What a group of a hub is called at the service.
fn group(hub: Hub, name: &str) -> String {
    format!("hg-{}.{name}", hub.declared())
}

/// A payload: a message within the message.
fn nested(json: &[u8]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(json.len() + 16);
    write_connection_data(&mut payload, "", json, None);
    payload
}
