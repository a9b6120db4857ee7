//! What the genuine SDK said in recorded dialogues, said again: the effects must be the right ones.
//!
//! Each client and each app server connection of a recording is played in the recorded order. A
//! small model, which reads the recording's decoded form and none of our code, says which client
//! gets which payload.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use heliograph_protocol::hub::{Encoding, MessageType, scan};
use heliograph_protocol::service::{AckStatus, Message, Sticky};
use heliograph_relay::CloseReason;
use serde_json::Value;

use crate::support::app_server::AppServer;
use crate::support::client::{FakeClient, Who};
use crate::support::service::Service;

fn recordings() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("protocol/vectors/azure-sdk-1.34")
}

/// A recording under way.
struct Replay {
    service: Service,
    links: BTreeMap<u64, AppServer>,
    clients: BTreeMap<String, Played>,
    members: BTreeMap<String, BTreeSet<String>>,
    closed: BTreeSet<String>,
    acted: usize,
}

struct Played {
    client: FakeClient,
    link: u64,
    user: Option<&'static str>,
    protocol: &'static str,
    answered: bool,
    /// Payloads that wait for the handshake's answer.
    early: Vec<Vec<u8>>,
}

fn leak(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(text).collect()
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn bin(value: &Value) -> Vec<u8> {
    unhex(text(&value["bin"]))
}

/// The pairs of a map.
fn pairs(value: &Value) -> Vec<(&Value, &Value)> {
    value["map"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| (&pair[0], &pair[1]))
        .collect()
}

impl Replay {
    async fn run(dialogue: &[Value]) -> usize {
        let mut replay = Self {
            service: Service::start().await,
            links: BTreeMap::new(),
            clients: BTreeMap::new(),
            members: BTreeMap::new(),
            closed: BTreeSet::new(),
            acted: 0,
        };
        for entry in dialogue {
            match (entry["from"].as_str(), entry["message"].as_str()) {
                (Some("app"), Some("HandshakeRequest")) => replay.connect(entry).await,
                (Some("app"), Some(kind)) => replay.app_says(entry, kind).await,
                (Some("service"), Some("OpenConnection")) => replay.open(entry).await,
                (Some("service"), Some("ConnectionData")) => replay.client_says(entry).await,
                (Some("service"), Some("CloseConnection")) => replay.client_goes(entry).await,
                _ if entry.get("closed").is_some() => replay.link_ends(entry).await,
                _ => {}
            }
        }
        replay.acted
    }

    async fn connect(&mut self, entry: &Value) {
        let link = entry["link"].as_u64().unwrap();
        // A server of its own for each link, so that clients can be sent to the recorded one.
        let server = format!("server-{link}");
        let mut app = AppServer::connect(&self.service, &server).await;
        app.send_bytes(&unhex(text(&entry["hex"]))).await;
        let answer = app.next().await;
        assert!(matches!(
            answer.message(),
            Message::HandshakeResponse {
                error: Some(""),
                ..
            }
        ));
        self.links.insert(link, app);
    }

    async fn open(&mut self, entry: &Value) {
        let (link, decoded) = (entry["link"].as_u64().unwrap(), &entry["decoded"]);
        let Some(app) = self.links.get_mut(&link) else {
            return;
        };
        let id = leak(text(&decoded[1]));
        let user = pairs(&decoded[2])
            .into_iter()
            .find(|(kind, _)| text(kind) == "asrs.s.uid");
        let user = user.map(|(_, value)| leak(text(value)));
        let protocol = pairs(&decoded[5])
            .into_iter()
            .find(|(key, _)| key.as_u64() == Some(3));
        let protocol = match protocol.map(|(_, name)| text(name)) {
            Some(name) if name.eq_ignore_ascii_case("json") => "json",
            Some("messagepack") => "messagepack",
            // Deliberate mistakes of the recorded service.
            _ => return,
        };
        if self.service.hub().connection(id).is_some() {
            return;
        }
        let mut who = if protocol == "json" {
            Who::json(id)
        } else {
            Who::messagepack(id)
        };
        who.user = user;
        who.identity.service.sticky = Sticky::Required;
        who.identity.service.server_name = Some(format!("server-{link}"));
        let client = FakeClient::open(&self.service, who).await.unwrap();
        assert_eq!(app.opened().await.0, id);
        let played = Played {
            client,
            link,
            user,
            protocol,
            answered: false,
            early: Vec::new(),
        };
        self.clients.insert(id.to_owned(), played);
    }

    async fn client_says(&mut self, entry: &Value) {
        let decoded = &entry["decoded"];
        let Some(played) = self.clients.get_mut(text(&decoded[1])) else {
            return;
        };
        let payload = bin(&decoded[2]);
        let encoding = if played.protocol == "json" {
            Encoding::Json
        } else {
            Encoding::MessagePack
        };
        // Handshake records went out with the opening; junk would not pass the client's door.
        let Ok(kind) = scan(encoding, &payload) else {
            return;
        };
        if matches!(kind, MessageType::Unknown(_)) || !played.answered {
            return;
        }
        played.client.feed_bytes(&payload, kind).await;
        let app = self.links.get_mut(&played.link).unwrap();
        let frame = app.next().await;
        let Message::ConnectionData { payload: got, .. } = frame.message() else {
            panic!()
        };
        assert_eq!(got, payload);
        self.acted += 1;
    }

    async fn client_goes(&mut self, entry: &Value) {
        let Some(played) = self.clients.remove(text(&entry["decoded"][1])) else {
            return;
        };
        let id = played.client.client.id().to_string();
        self.members.values_mut().for_each(|members| {
            members.remove(&id);
        });
        played.client.gone(&CloseReason::TransportLost);
        let app = self.links.get_mut(&played.link).unwrap();
        assert_eq!(app.closed(&id).await, "");
        self.acted += 1;
    }

    async fn link_ends(&mut self, entry: &Value) {
        let link = entry["link"].as_u64().unwrap();
        let Some(app) = self.links.remove(&link) else {
            return;
        };
        app.close().await;
        let lost: Vec<_> = self
            .clients
            .iter()
            .filter(|(_, played)| played.link == link)
            .collect();
        for (id, played) in &lost {
            if !self.closed.contains(*id) {
                assert_eq!(played.client.end().await, CloseReason::BackendLost, "{id}");
                self.acted += 1;
            }
        }
        let ids: Vec<_> = lost.into_iter().map(|(id, _)| id.clone()).collect();
        for id in ids {
            let played = self.clients.remove(&id).unwrap();
            played.client.gone(&CloseReason::BackendLost);
        }
    }

    async fn app_says(&mut self, entry: &Value, kind: &str) {
        let (link, decoded) = (entry["link"].as_u64().unwrap(), &entry["decoded"]);
        let Some(app) = self.links.get_mut(&link) else {
            return;
        };
        // The longest messages are not recorded to their end.
        if text(&entry["hex"]).ends_with('…') {
            return;
        }
        app.send_bytes(&unhex(text(&entry["hex"]))).await;
        let exists = |id: &Value| self.service.hub().connection(text(id)).is_some();
        match kind {
            "Ping" => {
                if matches!(decoded[1].as_str(), Some("status" | "servers" | "shutdown")) {
                    assert!(matches!(app.next().await.message(), Message::Ping { .. }));
                }
            }
            "JoinGroupWithAck" | "LeaveGroupWithAck" => {
                let frame = app.next().await;
                let Message::Ack { ack_id, status, .. } = frame.message() else {
                    panic!()
                };
                let expected = if exists(&decoded[1]) {
                    AckStatus::Ok
                } else {
                    AckStatus::NotFound
                };
                assert_eq!(
                    (i64::from(ack_id), status),
                    (decoded[3].as_i64().unwrap(), expected)
                );
                let members = self
                    .members
                    .entry(text(&decoded[2]).to_owned())
                    .or_default();
                if kind == "LeaveGroupWithAck" {
                    members.remove(text(&decoded[1]));
                } else if expected == AckStatus::Ok {
                    members.insert(text(&decoded[1]).to_owned());
                }
                self.acted += 1;
            }
            "ClientInvocation" if !exists(&decoded[2]) => {
                let frame = app.next().await;
                assert!(matches!(frame.message(), Message::ErrorCompletion { .. }));
                self.acted += 1;
            }
            // Asked of a client of the app server that asks, but for the name of the server.
            "ClientInvocation" => {
                for _ in 0..2 {
                    let frame = app.next().await;
                    assert!(matches!(
                        frame.message(),
                        Message::ServiceMapping { .. } | Message::ClientInvocation { .. }
                    ));
                }
            }
            _ => {}
        }
        app.barrier().await;
        self.check(&self.expected(kind, decoded, link), kind);
        if kind == "CloseConnection"
            && let Some(played) = self.clients.get(text(&decoded[1]))
        {
            let error = Some(text(&decoded[2])).filter(|error| !error.is_empty());
            let reason = CloseReason::Ended {
                error: error.map(Into::into),
                allow_reconnect: false,
            };
            assert_eq!(played.client.client.outbox().close_reason(), Some(reason));
            self.closed.insert(text(&decoded[1]).to_owned());
            self.acted += 1;
        }
    }

    /// Which clients a message is for, and what each gets.
    fn expected(&self, kind: &str, decoded: &Value, link: u64) -> Vec<(String, Vec<u8>)> {
        if kind == "ConnectionData" {
            let id = text(&decoded[1]);
            let mine = self
                .clients
                .get(id)
                .is_some_and(|played| played.link == link);
            return if mine {
                vec![(id.to_owned(), bin(&decoded[2]))]
            } else {
                vec![]
            };
        }
        let members = |group: &str, id: &str| {
            self.members
                .get(group)
                .is_some_and(|members| members.contains(id))
        };
        let is_for = |id: &str, user: Option<&str>| match kind {
            "MultiConnectionData" => texts(&decoded[1]).contains(&id),
            "UserData" => user == Some(text(&decoded[1])),
            "MultiUserData" => user.is_some_and(|user| texts(&decoded[1]).contains(&user)),
            "BroadcastData" => !texts(&decoded[1]).contains(&id),
            "GroupBroadcastData" => {
                members(text(&decoded[1]), id) && !texts(&decoded[2]).contains(&id)
            }
            "MultiGroupBroadcastData" => texts(&decoded[1])
                .into_iter()
                .any(|group| members(group, id)),
            "ClientInvocation" => text(&decoded[2]) == id,
            _ => false,
        };
        let payloads = match kind {
            "GroupBroadcastData" => &decoded[3],
            "ClientInvocation" => &decoded[4],
            _ => &decoded[2],
        };
        let receivers = self
            .clients
            .iter()
            .filter(|(id, played)| is_for(id, played.user));
        receivers
            .filter_map(|(id, played)| {
                let payloads = pairs(payloads);
                let (_, payload) = payloads
                    .into_iter()
                    .find(|(name, _)| text(name) == played.protocol)?;
                Some((id.clone(), bin(payload)))
            })
            .collect()
    }

    fn check(&mut self, expected: &[(String, Vec<u8>)], kind: &str) {
        self.acted += expected.len();
        for (id, played) in &mut self.clients {
            let mine = expected
                .iter()
                .filter(|(to, _)| to == id)
                .map(|(_, bytes)| bytes.clone());
            let mut mine: Vec<_> = mine.collect();
            if !played.answered {
                if kind == "ConnectionData" && !mine.is_empty() {
                    played.answered = true;
                    mine.append(&mut played.early);
                } else {
                    played.early.append(&mut mine);
                }
            }
            let mut frames = Vec::new();
            while played
                .client
                .client
                .outbox()
                .try_take(usize::MAX, &mut frames)
                == Some(heliograph_relay::Taken::Frames)
            {}
            let got: Vec<_> = frames
                .iter()
                .map(|frame| frame.payload().to_vec())
                .collect();
            if !self.closed.contains(id) {
                assert_eq!(got, mine, "{kind} for {id}");
            }
        }
    }
}

#[tokio::test]
async fn recorded_dialogues_have_the_right_effects() {
    // They are no part of the repository.
    let Ok(files) = std::fs::read_dir(recordings()) else {
        println!("skipped: no recordings at {}", recordings().display());
        return;
    };
    let mut played = 0;
    for file in files {
        let path = file.unwrap().path();
        let recording: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let dialogue = recording["dialogue"].as_array().unwrap();
        let acted = Replay::run(dialogue).await;
        println!("{}: {acted} effects", path.display());
        played += acted;
    }
    assert!(played > 200, "{played}");
}
