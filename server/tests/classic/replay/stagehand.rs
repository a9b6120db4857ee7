//! Plays a recording: the app server, the clients and a small model of who gets what. The model
//! reads the recording's decoded form and none of our code.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::select_all;
use heliograph_protocol::service::{AckStatus, Message};
use serde_json::Value;

use super::departures::{Departure, Met};
use super::opening::{Opening, compare};
use super::recording::{bytes, events, json, pairs, text, texts, with_ids};
use crate::client::{Client, Said};
use crate::http::request;
use crate::soon;
use crate::stage::{Settings, Stage};
use crate::support::app_server::{AppServer, Frame, ping_values};

/// The hub of the app's clients.
const APP: &str = "helioapp_helioapp";
/// What hubs of the app begin with.
const PREFIX: &str = "helioapp_";

/// A service under replay.
pub(super) struct Stagehand {
    stage: Stage,
    /// Those of the app, by their numbers in the recording.
    links: BTreeMap<u64, Link>,
    clients: BTreeMap<String, Played>,
    /// Ids here by ids in the recording, also of clients that are gone.
    ids: BTreeMap<String, String>,
    /// Acks of the service by their ids.
    acks: BTreeMap<i64, AckStatus>,
    pub(super) met: Met,
    pub(super) counts: Counts,
}

/// What was compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Messages that the recorded service sent.
    pub(super) recorded: usize,
    /// Messages that ours sent in the same place.
    pub(super) sent: usize,
    /// Messages of the app.
    pub(super) played: usize,
    /// Messages, answers and ends that clients were due.
    pub(super) read: usize,
}

struct Link {
    hub: String,
    app: AppServer,
}

/// A client as the model knows it.
struct Played {
    client: Client,
    opening: Opening,
    has_started: bool,
    /// The number of the link that it is on; `None` while it is on none.
    link: Option<u64>,
    /// That of the recorded service, which has its own ways to choose.
    recorded_link: u64,
    groups: BTreeSet<String>,
}

impl Stagehand {
    pub(super) fn new() -> Self {
        let mut settings = Settings::default();
        settings.servers.ping_interval = Duration::from_millis(10);
        // The tokens of the recording are good for an hour of long ago.
        settings.tokens.clock_skew = Duration::from_secs(100 * 365 * 86_400);
        Self {
            stage: Stage::start_with(settings),
            links: BTreeMap::new(),
            clients: BTreeMap::new(),
            ids: BTreeMap::new(),
            acks: BTreeMap::new(),
            met: Met::default(),
            counts: Counts::default(),
        }
    }

    /// Plays one recording, at whose end all clients leave.
    pub(super) async fn play(&mut self, part: &str) {
        for event in events(part) {
            let kind = event["type"].as_str();
            match (event["dir"].as_str(), kind) {
                (Some("app>svc"), Some(kind)) => {
                    self.counts.played += 1;
                    self.app_says(&event, kind).await;
                }
                (Some("svc>app"), Some(kind)) => {
                    self.counts.recorded += 1;
                    self.service_says(&event, kind).await;
                }
                _ if event.get("connect").is_some() => self.connect(&event).await,
                _ if event.get("closed").is_some() => self.link_ends(&event).await,
                // What was looked up elsewhere, and attempts that the stub refused.
                _ => {}
            }
        }
        for _ in 0..self.acks.len() {
            self.met.note(Departure::AckOfAll);
        }
        self.acks.clear();
        for id in self.clients.keys().cloned().collect::<Vec<_>>() {
            self.leave(&id).await;
        }
    }

    async fn connect(&mut self, event: &Value) {
        let path = text(&event["connect"]);
        let headers = event["headers"].as_object().unwrap().iter();
        let headers: Vec<_> = headers
            .filter(|(name, _)| *name != "host")
            .map(|(name, value)| (name.as_str(), text(value)))
            .collect();
        let app = AppServer::dial(self.stage.address, path, &headers).await;
        let hub = path.split(['=', '&']).nth(1).unwrap().to_owned();
        let link = Link {
            hub,
            app: app.ok().unwrap(),
        };
        self.links.insert(event["conn"].as_u64().unwrap(), link);
    }

    /// The link breaks or is closed. Clients on it go on, if another takes them.
    async fn link_ends(&mut self, event: &Value) {
        let number = event["conn"].as_u64().unwrap();
        let link = self.links.remove(&number).unwrap();
        if event["closed"] == 1000 {
            self.met.note(Departure::LinkStays);
            link.app.close().await;
        } else {
            drop(link);
        }
        for played in self.clients.values_mut() {
            if played.link == Some(number) {
                played.link = None;
            }
        }
        self.rehome().await;
    }

    /// Clients whose link is lost are opened on another.
    async fn rehome(&mut self) {
        if !self.links.values().any(|link| link.hub == APP) {
            return;
        }
        let homeless = |played: &&Played| played.link.is_none();
        for _ in 0..self.clients.values().filter(homeless).count() {
            let (number, frame) = self.next_from_service().await;
            let Message::OpenConnection { connection_id, .. } = frame.message() else {
                panic!("{:?}", frame.message())
            };
            let mut clients = self.clients.values_mut();
            let played = clients.find(|played| played.client.id == connection_id);
            let played = played.unwrap();
            assert_eq!(played.link, None);
            compare(&frame.message(), &played.opening, connection_id);
            played.link = Some(number);
            self.met.note(Departure::OpenedAnew);
        }
    }

    /// The next message on any link for clients.
    async fn next_from_service(&mut self) -> (u64, Frame) {
        let links = self.links.iter_mut().filter(|(_, link)| link.hub == APP);
        let nexts = links.map(|(number, link)| {
            let number = *number;
            async move { (number, link.app.next().await) }.boxed()
        });
        select_all(nexts).await.0
    }

    async fn service_says(&mut self, event: &Value, kind: &str) {
        match kind {
            "OpenConnection" => self.open(event).await,
            "ConnectionData" => self.client_says(event).await,
            "CloseConnection" => self.client_goes(event).await,
            "Ack" => self.acknowledged(event),
            "ServiceError" => self.met.note(Departure::NoError),
            "HandshakeResponse" => {
                let link = event["conn"].as_u64().unwrap();
                let frame = self.link(link).app.next().await;
                let Message::HandshakeResponse {
                    error,
                    connection_id,
                } = frame.message()
                else {
                    panic!("{:?}", frame.message())
                };
                assert_eq!(event["message"][1], Value::Null);
                assert_eq!((error, connection_id), (Some(""), None));
                self.met.note(Departure::EmptyError);
                self.counts.sent += 1;
                self.rehome().await;
            }
            "Ping" => self.ping(event).await,
            other => panic!("{other}"),
        }
    }

    async fn ping(&mut self, event: &Value) {
        let link = self.link(event["conn"].as_u64().unwrap());
        if event["message"].as_array().unwrap().len() == 1 {
            let frame = link.app.next_of_all().await;
            assert!(ping_values(&frame).is_empty());
            self.counts.sent += 1;
            return;
        }
        assert_eq!(texts_of(&event["message"]), ["status", "1"]);
        let values = ping_values(&link.app.next().await);
        let hub = link.hub.clone();
        let is_used = self.clients.values().any(|played| played.is_in(&hub));
        assert_eq!(values[..2], ["status", if is_used { "1" } else { "0" }]);
        self.met.note(Departure::Status);
        self.counts.sent += 1;
    }

    async fn open(&mut self, event: &Value) {
        let opening = Opening::read(event);
        let address = self.stage.address;
        if self.clients.contains_key(&opening.id) {
            return self.met.note(Departure::IdOnce);
        }
        if !opening.has("connectionToken") || !opening.has("transport") {
            let target = format!("/aspnetclient/connect{}", opening.query);
            let bearer = format!("Bearer {}", opening.token);
            let headers = [("Authorization", &*bearer)];
            let answer = request(address, "GET", &target, &headers, b"").await;
            assert_eq!(answer.status, 400, "{target}");
            return self.met.note(Departure::DoorRefuses);
        }
        let client = match Client::connect(address, opening.who()).await {
            Ok(client) => client,
            Err(answer) => {
                assert!(opening.hubs.contains(&"ghost".to_owned()));
                assert_eq!(answer.status, 400);
                return self.met.note(Departure::RefusedByDoor);
            }
        };
        let recorded_link = event["conn"].as_u64().unwrap();
        let (mut link, frame) = self.next_from_service().await;
        compare(&frame.message(), &opening, &client.id);
        self.counts.sent += 1;
        let is_free =
            |played: &Played| !matches!(played.link, Some(it) if it == recorded_link || it == link);
        if link != recorded_link && self.clients.values().all(is_free) {
            // The links of an app are all the same: let it be the recorded one.
            let one = self.links.remove(&link).unwrap();
            let other = self.links.insert(recorded_link, one).unwrap();
            self.links.insert(link, other);
            link = recorded_link;
        }
        self.ids.insert(opening.id.clone(), client.id.clone());
        let played = Played {
            client,
            has_started: opening.protocol == "1.2",
            link: Some(link),
            recorded_link,
            groups: BTreeSet::new(),
            opening,
        };
        self.clients.insert(played.opening.id.clone(), played);
    }

    async fn client_says(&mut self, event: &Value) {
        let message = &event["message"];
        let said = text(&message[2]["text"]);
        let Some(played) = self.clients.get_mut(text(&message[1])) else {
            return self.met.note(Departure::NeverHere);
        };
        if event["conn"] != played.recorded_link {
            return self.met.note(Departure::OnItsLink);
        }
        if !played.has_started {
            let answer = played.client.request_start().await;
            assert_eq!(answer.status, 200);
            played.has_started = true;
        }
        let is_ghost = said.contains("\"H\":\"ghost\"");
        if is_ghost || said == "not json" {
            // The app would not answer. The next comparison shows that it hears nothing.
            played.client.send(said).await;
            if is_ghost {
                let answer = played.client.answer().await;
                let expected = "{\"I\":\"95\",\"E\":\"there is no hub 'ghost'\"}";
                assert_eq!(answer, expected);
            }
            return self.met.note(Departure::NoCall);
        }
        if said == "asrs:reconnect" {
            played.client.lose();
            played.client.reconnect().await.unwrap();
        } else {
            played.client.send(said).await;
        }
        let (id, link) = (played.client.id.clone(), played.link.unwrap());
        let (got, kind) = self.link(link).app.data(&id).await;
        assert_eq!((&*got, kind), (said, None));
        self.counts.sent += 1;
    }

    async fn client_goes(&mut self, event: &Value) {
        let message = &event["message"];
        let id = text(&message[1]);
        if !self.clients.contains_key(id) {
            return self.met.note(Departure::ToldOnce);
        }
        if message[2] != "" {
            self.met.note(Departure::NoText);
        }
        self.counts.sent += 1;
        self.leave(id).await;
    }

    /// The client stops, if its app server is there; its end is known otherwise.
    async fn leave(&mut self, id: &str) {
        let mut played = self.clients.remove(id).unwrap();
        let Some(link) = played.link else {
            let error = Said::Error("The server went away.".to_owned());
            assert_eq!(played.client.next().await, error);
            assert_eq!(played.client.next().await, Said::End);
            self.counts.read += 1;
            return;
        };
        let id = played.client.id.clone();
        played.client.stop().await;
        let frame = self.link(link).app.next().await;
        let Message::CloseConnection {
            connection_id,
            error,
            headers,
            ..
        } = frame.message()
        else {
            panic!("{:?}", frame.message())
        };
        assert_eq!((connection_id, error, headers.len()), (&*id, "", 0));
    }

    fn acknowledged(&mut self, event: &Value) {
        let message = &event["message"];
        let status = self.acks.remove(&message[1].as_i64().unwrap());
        assert_eq!(status, Some(AckStatus::Ok));
        self.counts.sent += 1;
        if message[2] == 1 {
            assert_eq!(message[3], "");
        } else {
            self.met.note(Departure::AckWithReason);
        }
    }

    async fn app_says(&mut self, event: &Value, kind: &str) {
        let message = &event["message"];
        let named = self.clients.get(text_or_empty(&message[1]));
        let mut link = event["conn"].as_u64().unwrap();
        if let Some(played) = named
            && self.links[&link].hub == APP
        {
            link = played.link.unwrap();
        }
        let bytes = with_ids(&bytes(event), &self.ids);
        self.link(link).app.send_bytes(&bytes).await;
        match kind {
            // The answer is the next of the service's messages.
            "HandshakeRequest" => return,
            "Ping" if message.as_array().unwrap().len() > 1 => return,
            "JoinGroupWithAck" | "LeaveGroupWithAck" => self.group_changes(link, message).await,
            _ => {}
        }
        self.link(link).app.barrier().await;
        if kind == "CloseConnection" {
            return self.app_closes(text(&message[1]), text(&message[2])).await;
        }
        self.deliver(event, kind).await;
    }

    async fn group_changes(&mut self, link: u64, message: &Value) {
        let frame = self.link(link).app.next().await;
        let Message::Ack {
            ack_id,
            status,
            message: text_of_ack,
            payload,
        } = frame.message()
        else {
            panic!("{:?}", frame.message())
        };
        assert_eq!(i64::from(ack_id), message[3].as_i64().unwrap());
        assert_eq!((text_of_ack, payload), ("", None));
        self.acks.insert(ack_id.into(), status);
        let played = self.clients.get_mut(text(&message[1])).unwrap();
        let group = text(&message[2]);
        if message[0] == 18 {
            played.groups.insert(group.to_owned());
        } else {
            played.groups.remove(group);
        }
    }

    /// The app ends a client: no text of it reaches the client.
    async fn app_closes(&mut self, id: &str, why: &str) {
        if why.starts_with("Duplicate connection ID") {
            // The first one lives on, as the next messages show.
            assert!(self.clients.contains_key(id));
            return;
        }
        let Some(mut played) = self.clients.remove(id) else {
            return;
        };
        let error = Said::Error("The server closed the connection.".to_owned());
        assert_eq!(played.client.next().await, error);
        assert_eq!(played.client.next().await, Said::End);
        assert_eq!(played.client.request_start().await.status, 500);
        self.counts.read += 1;
    }

    /// Lets each client read what is for it.
    async fn deliver(&mut self, event: &Value, kind: &str) {
        let message = &event["message"];
        let payloads = match kind {
            "BroadcastData" | "UserData" => &message[2],
            "GroupBroadcastData" => &message[3],
            "ConnectionData" => {
                let Some(played) = self.clients.get_mut(text(&message[1])) else {
                    return;
                };
                played.client.gets(&json(&message[2])).await;
                self.counts.read += 1;
                return;
            }
            "Ping" | "JoinGroupWithAck" | "LeaveGroupWithAck" => return,
            other => panic!("{other}"),
        };
        let payload = pairs(payloads)
            .into_iter()
            .find(|(name, _)| *name == "json");
        let json = json(payload.unwrap().1);
        let hub = text(&event["hub"]);
        for (id, played) in &mut self.clients {
            let is_meant = match kind {
                "BroadcastData" => played.is_in(hub) && !texts(&message[1]).contains(&id.as_str()),
                "UserData" => {
                    played.is_in(hub) && played.opening.user.as_deref() == message[1].as_str()
                }
                _ => {
                    played.groups.contains(text(&message[1]))
                        && !texts(&message[2]).contains(&id.as_str())
                }
            };
            if is_meant {
                played.client.gets(&json).await;
                self.counts.read += 1;
            }
        }
    }

    fn link(&mut self, number: u64) -> &mut Link {
        self.links.get_mut(&number).unwrap()
    }
}

impl Played {
    /// Whether it is among the clients of a hub of the app, by the hub's name on the wire.
    fn is_in(&self, hub: &str) -> bool {
        let own = hub.strip_prefix(PREFIX).unwrap();
        hub == APP
            || self
                .opening
                .hubs
                .iter()
                .any(|listed| listed.to_lowercase() == own)
    }
}

impl Client {
    /// Reads what the app has said to it: a message or an answer, as it came.
    async fn gets(&mut self, json: &str) {
        let beginning = "{\"C\":\"0\",\"M\":[";
        let element = json
            .strip_prefix(beginning)
            .and_then(|rest| rest.strip_suffix("]}"));
        match element {
            Some(element) => assert_eq!(soon("a message", self.message()).await, element),
            None => assert_eq!(soon("an answer", self.answer()).await, json),
        }
    }
}

fn texts_of(message: &Value) -> Vec<&str> {
    let values = message.as_array().unwrap().iter();
    values.skip(1).map(text).collect()
}

fn text_or_empty(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
