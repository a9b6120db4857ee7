//! Sends, groups, questions, closings.

use heliograph_protocol::service::{
    AckStatus, Extensions, GroupMember, GroupMembers, Message, Payloads,
};
use heliograph_relay::CloseReason;

use crate::support::app_server::{AppServer, payloads};
use crate::support::client::{FakeClient, Who};
use crate::support::service::Service;

/// Two users with two clients each, one client of them reading MessagePack, on two app servers.
struct Scene {
    service: Service,
    app: AppServer,
    _other: AppServer,
    clients: Vec<FakeClient>,
}

const JSON: &str = "{\"type\":1}\u{1e}";
const MESSAGEPACK: &[u8] = &[2, 0x91, 1];

fn both() -> Payloads<'static> {
    payloads(JSON, MESSAGEPACK)
}

const NONE: Extensions<'static> = Extensions {
    tracing_id: None,
    ttl: None,
    protocol: None,
    filter: None,
    data_type: None,
    partial: false,
};

impl Scene {
    async fn new() -> Self {
        let service = Service::start().await;
        let mut app = AppServer::start(&service, "a").await;
        let mut other = AppServer::start(&service, "b").await;
        let mut clients = Vec::new();
        for who in [
            Who::json("a1").user("alice"),
            Who::json("a2").user("alice"),
            Who::json("b1").user("bob"),
            Who::messagepack("b2").user("bob"),
        ] {
            let client = FakeClient::open(&service, who).await.unwrap();
            let (app, id) = tokio::select! {
                (id, _) = app.opened() => (&mut app, id),
                (id, _) = other.opened() => (&mut other, id),
            };
            app.answer(&id).await;
            assert_eq!(client.text().await, "{}\u{1e}");
            clients.push(client);
        }
        Self {
            service,
            app,
            _other: other,
            clients,
        }
    }

    /// Sends a message with [`both`] payloads and returns the ids of the clients that got it.
    async fn reaches(&mut self, message: Message<'_>) -> Vec<String> {
        self.app.send(&message).await;
        self.app.barrier().await;
        let mut got = Vec::new();
        for client in &self.clients {
            let mut frames = Vec::new();
            client.client.outbox().try_take(usize::MAX, &mut frames);
            let id = client.client.id().as_str();
            let expected = if id == "b2" {
                MESSAGEPACK
            } else {
                JSON.as_bytes()
            };
            for frame in frames {
                assert_eq!(frame.payload(), expected);
                got.push(id.to_owned());
            }
        }
        got
    }

    async fn broadcast(&mut self, except: &[&str]) -> Vec<String> {
        self.reaches(Message::BroadcastData {
            excluded_connection_ids: except.to_vec(),
            payloads: both(),
            extensions: NONE,
        })
        .await
    }

    async fn group(&mut self, group: &str) -> Vec<String> {
        self.reaches(Message::MultiGroupBroadcastData {
            groups: vec![group, group, "nobody"],
            payloads: both(),
            extensions: NONE,
        })
        .await
    }

    /// Sends a message with ack id 7 and returns the status and payload of its one ack.
    async fn ack(&mut self, message: Message<'_>) -> (AckStatus, Option<Vec<u8>>) {
        self.app.send(&message).await;
        let frame = self.app.next().await;
        let Message::Ack {
            ack_id,
            status,
            payload,
            ..
        } = frame.message()
        else {
            panic!("{:?}", frame.message())
        };
        assert_eq!(ack_id, 7);
        let answer = (status, payload.map(<[u8]>::to_vec));
        self.app.barrier().await;
        answer
    }

    async fn status(&mut self, message: Message<'_>) -> AckStatus {
        let (status, payload) = self.ack(message).await;
        assert_eq!(payload, None);
        status
    }
}

#[tokio::test]
async fn every_kind_of_send_reaches_those_that_it_names() {
    let mut scene = Scene::new().await;
    assert_eq!(scene.broadcast(&[]).await, ["a1", "a2", "b1", "b2"]);
    assert_eq!(scene.broadcast(&["a2", "b2", "nobody"]).await, ["a1", "b1"]);
    let got = scene.reaches(Message::MultiConnectionData {
        connection_ids: vec!["b2", "nobody", "a1"],
        payloads: both(),
        extensions: NONE,
    });
    assert_eq!(got.await, ["a1", "b2"]);
    let got = scene.reaches(Message::UserData {
        user_id: "bob",
        payloads: both(),
        extensions: NONE,
    });
    assert_eq!(got.await, ["b1", "b2"]);
    let got = scene.reaches(Message::MultiUserData {
        user_ids: vec!["alice", "Bob", "bob"],
        payloads: both(),
        extensions: NONE,
    });
    assert_eq!(got.await, ["a1", "a2", "b1", "b2"]);
    for id in ["a1", "b1", "b2"] {
        scene.service.hub().join(id, "g");
    }
    assert_eq!(scene.group("g").await, ["a1", "b1", "b2"]);
    let got = scene.reaches(Message::GroupBroadcastData {
        group: "g",
        excluded_connection_ids: vec!["a1"],
        payloads: both(),
        extensions: NONE,
        excluded_user_ids: vec!["carol"],
        caller_user_id: Some("alice"),
    });
    assert_eq!(got.await, ["b1", "b2"]);
    let got = scene.reaches(Message::GroupBroadcastData {
        group: "g",
        excluded_connection_ids: vec![],
        payloads: both(),
        extensions: NONE,
        excluded_user_ids: vec!["bob"],
        caller_user_id: None,
    });
    assert_eq!(got.await, ["a1"]);
}

#[tokio::test]
async fn a_filtered_send_reaches_nobody_and_a_missing_protocol_skips_its_readers() {
    let mut scene = Scene::new().await;
    let got = scene.reaches(Message::BroadcastData {
        excluded_connection_ids: vec![],
        payloads: both(),
        extensions: Extensions {
            filter: Some("userId eq 'x'"),
            ..NONE
        },
    });
    assert_eq!(got.await, [""; 0]);
    let json_only = Message::BroadcastData {
        excluded_connection_ids: vec![],
        payloads: Payloads::from(vec![("JSON", b"x".as_slice())]),
        extensions: NONE,
    };
    scene.app.send(&json_only).await;
    scene.app.barrier().await;
    assert_eq!(scene.clients[0].text().await, "x");
    assert!(scene.clients[3].has_nothing());
}

#[tokio::test]
async fn a_send_waits_for_the_answer_to_the_handshake() {
    let service = Service::start().await;
    let mut app = AppServer::start(&service, "a").await;
    let client = FakeClient::open(&service, Who::json("c")).await.unwrap();
    app.opened().await;
    let send = Message::MultiConnectionData {
        connection_ids: vec!["c"],
        payloads: payloads("early", b""),
        extensions: NONE,
    };
    app.send(&send).await;
    app.barrier().await;
    assert!(client.has_nothing());
    app.answer("c").await;
    assert_eq!(client.text().await, "{}\u{1e}");
    assert_eq!(client.text().await, "early");
}

#[tokio::test]
async fn connections_join_and_leave_groups() {
    let mut scene = Scene::new().await;
    let (ok, not_found) = (AckStatus::Ok, AckStatus::NotFound);
    let join = |connection_id| Message::JoinGroupWithAck {
        connection_id,
        group: "g",
        ack_id: 7,
        extensions: NONE,
    };
    let leave = |connection_id, group| Message::LeaveGroupWithAck {
        connection_id,
        group,
        ack_id: 7,
        extensions: NONE,
    };
    assert_eq!(scene.status(join("a1")).await, ok);
    assert_eq!(scene.status(join("a1")).await, ok);
    assert_eq!(scene.status(join("nobody")).await, not_found);
    let silent = Message::JoinGroup {
        connection_id: "b1",
        group: "g",
        extensions: NONE,
    };
    scene.app.send(&silent).await;
    assert_eq!(scene.group("g").await, ["a1", "b1"]);
    assert_eq!(scene.status(leave("b1", Some("other"))).await, ok);
    assert_eq!(scene.status(leave("nobody", None)).await, not_found);
    assert_eq!(scene.status(leave("b1", None)).await, ok);
    assert_eq!(scene.group("g").await, ["a1"]);
    let silent = Message::LeaveGroup {
        connection_id: "a1",
        group: Some("g"),
        extensions: NONE,
    };
    scene.app.send(&silent).await;
    assert_eq!(scene.group("g").await, [""; 0]);
}

#[tokio::test]
async fn users_join_and_leave_groups_with_their_future_connections() {
    let mut scene = Scene::new().await;
    let join = Message::UserJoinGroupWithAck {
        user_id: "bob",
        group: "g",
        ack_id: 7,
        extensions: NONE,
    };
    assert_eq!(scene.status(join).await, AckStatus::Ok);
    assert_eq!(scene.group("g").await, ["b1", "b2"]);
    let silent = Message::UserJoinGroup {
        user_id: "alice",
        group: "g",
        extensions: Extensions {
            ttl: Some(3600),
            ..NONE
        },
    };
    scene.app.send(&silent).await;
    assert_eq!(scene.group("g").await, ["a1", "a2", "b1", "b2"]);
    let ended = Message::UserJoinGroup {
        user_id: "bob",
        group: "brief",
        extensions: Extensions {
            ttl: Some(0),
            ..NONE
        },
    };
    scene.app.send(&ended).await;
    scene.app.barrier().await;
    scene.service.relay.expire(std::time::Instant::now());
    assert_eq!(scene.group("brief").await, [""; 0]);
    let leave = Message::UserLeaveGroupWithAck {
        user_id: "bob",
        group: None,
        ack_id: 7,
        extensions: NONE,
    };
    assert_eq!(scene.status(leave).await, AckStatus::Ok);
    let silent = Message::UserLeaveGroup {
        user_id: "alice",
        group: Some("g"),
        extensions: NONE,
    };
    scene.app.send(&silent).await;
    assert_eq!(scene.group("g").await, [""; 0]);
}

#[tokio::test]
async fn questions_are_answered_ok_or_not_found() {
    let mut scene = Scene::new().await;
    scene.service.hub().join("a1", "g");
    let (ok, not_found) = (AckStatus::Ok, AckStatus::NotFound);
    for (id, expected) in [("a1", ok), ("nobody", not_found)] {
        let question = Message::CheckConnectionExistenceWithAck {
            connection_id: id,
            ack_id: 7,
            extensions: NONE,
        };
        assert_eq!(scene.status(question).await, expected);
    }
    for (user_id, expected) in [("bob", ok), ("carol", not_found)] {
        let question = Message::CheckUserExistenceWithAck {
            user_id,
            ack_id: 7,
            extensions: NONE,
        };
        assert_eq!(scene.status(question).await, expected);
    }
    for (group, expected) in [("g", ok), ("G", not_found)] {
        let question = Message::CheckGroupExistenceWithAck {
            group,
            ack_id: 7,
            extensions: NONE,
        };
        assert_eq!(scene.status(question).await, expected);
    }
    for (user_id, expected) in [("alice", ok), ("bob", not_found)] {
        let question = Message::CheckUserInGroupWithAck {
            user_id,
            group: "g",
            ack_id: 7,
            extensions: NONE,
        };
        assert_eq!(scene.status(question).await, expected);
    }
    let claims = Message::GetConnectionClaims {
        connection_token: "a1",
        ack_id: 7,
    };
    assert_eq!(scene.status(claims).await, not_found);
    scene
        .app
        .send(&Message::AccessKeyRequest {
            token: "t",
            key_id: None,
        })
        .await;
    let frame = scene.app.next().await;
    assert!(matches!(
        frame.message(),
        Message::AccessKeyResponse {
            error_type: Some(_),
            ..
        }
    ));
}

#[tokio::test]
async fn group_members_come_in_pages() {
    let mut scene = Scene::new().await;
    for id in ["b2", "a1", "b1"] {
        scene.service.hub().join(id, "g");
    }
    let query = |group, top, token, size| Message::GroupMemberQuery {
        extensions: NONE,
        group,
        ack_id: 7,
        top,
        continuation_token: token,
        max_page_size: size,
    };
    let member = |connection_id, user_id| GroupMember {
        connection_id,
        user_id: Some(user_id),
    };
    for (top, token, size, expected, next) in [
        (
            None,
            None,
            None,
            vec![
                member("a1", "alice"),
                member("b1", "bob"),
                member("b2", "bob"),
            ],
            None,
        ),
        (
            None,
            None,
            Some(2),
            vec![member("a1", "alice"), member("b1", "bob")],
            Some("b1"),
        ),
        (None, Some("b1"), Some(2), vec![member("b2", "bob")], None),
        (Some(1), None, Some(2), vec![member("a1", "alice")], None),
        (
            Some(3),
            None,
            Some(1),
            vec![member("a1", "alice")],
            Some("a1"),
        ),
        (None, Some("b2"), None, vec![], None),
    ] {
        let (status, payload) = scene.ack(query("g", top, token, size)).await;
        assert_eq!(status, AckStatus::Ok);
        let payload = payload.unwrap();
        let page = GroupMembers::read(&payload).unwrap();
        assert_eq!(
            page,
            GroupMembers {
                members: expected,
                continuation_token: next
            }
        );
    }
    let (status, payload) = scene.ack(query("nobody", None, None, None)).await;
    assert_eq!(
        (status, payload),
        (AckStatus::Ok, Some(vec![0x92, 0x90, 0xc0]))
    );
}

#[tokio::test]
async fn clients_are_closed_on_demand_with_the_reason() {
    let closing = async |message: Message<'_>| {
        let mut scene = Scene::new().await;
        scene.service.hub().join("a1", "g");
        scene.service.hub().join("b1", "g");
        let status = scene.status(message).await;
        let mut closed = Vec::new();
        for client in &scene.clients {
            if let Some(reason) = client.client.outbox().close_reason() {
                assert_eq!(reason, CloseReason::Requested("why".into()));
                closed.push(client.client.id().to_string());
            }
        }
        (status, closed.join(" "))
    };
    let (reason, ack_id, extensions) = (Some("why"), 7, NONE);
    let one = |connection_id| Message::CloseConnectionWithAck {
        connection_id,
        reason,
        ack_id,
        extensions,
    };
    assert_eq!(closing(one("a2")).await, (AckStatus::Ok, "a2".to_owned()));
    assert_eq!(
        closing(one("nobody")).await,
        (AckStatus::NotFound, String::new())
    );
    let all = Message::CloseConnectionsWithAck {
        reason,
        ack_id,
        excluded_connection_ids: vec!["a1"],
        extensions,
    };
    assert_eq!(closing(all).await, (AckStatus::Ok, "a2 b1 b2".to_owned()));
    let user = Message::CloseUserConnectionsWithAck {
        user_id: "bob",
        reason,
        ack_id,
        excluded_connection_ids: vec!["b1"],
        extensions,
    };
    assert_eq!(closing(user).await, (AckStatus::Ok, "b2".to_owned()));
    let group = Message::CloseGroupConnectionsWithAck {
        group: "g",
        reason,
        ack_id,
        excluded_connection_ids: vec![],
        extensions,
    };
    assert_eq!(closing(group).await, (AckStatus::Ok, "a1 b1".to_owned()));
}
