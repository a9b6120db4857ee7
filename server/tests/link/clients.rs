//! The life of a client on a link.

use std::sync::Arc;

use heliograph::auth::Identity;
use heliograph::backend::{Backend as _, OpenError};
use heliograph_protocol::hub::MessageType;
use heliograph_protocol::service::{DataMessageType, Extensions, Message, Sticky};
use heliograph_relay::{CloseReason, FrameClass};
use http::{HeaderMap, HeaderValue};

use crate::support::app_server::{AppServer, Hello};
use crate::support::client::{FakeClient, Who};
use crate::support::service::{Service, quick};

const PING: &str = "{\"type\":6}\u{1e}";
const CLOSE: &str = "{\"type\":7}\u{1e}";
const CALL: &str =
    "{\"type\":1,\"invocationId\":\"1\",\"target\":\"Echo\",\"arguments\":[1]}\u{1e}";
const RESULT: &str = "{\"type\":3,\"invocationId\":\"1\",\"result\":1}\u{1e}";

async fn connected(service: &Service, app: &mut AppServer, id: &'static str) -> FakeClient {
    let client = FakeClient::open(service, Who::json(id)).await.unwrap();
    assert_eq!(app.opened().await.0, id);
    app.answer(id).await;
    assert_eq!(
        client.frame().await,
        ("{}\u{1e}".to_owned(), FrameClass::Handshake)
    );
    client
}

#[tokio::test]
async fn a_client_is_opened_fed_answered_and_closed() {
    let service = Service::start().await;
    let mut app = AppServer::start(&service, "s").await;
    let mut client = connected(&service, &mut app, "c").await;
    for (framed, kind, data_type) in [
        (CALL, MessageType::Invocation, DataMessageType::Invocation),
        (PING, MessageType::Ping, DataMessageType::Other),
        (RESULT, MessageType::Completion, DataMessageType::Invocation),
        (CLOSE, MessageType::Close, DataMessageType::Close),
    ] {
        client
            .feed("{\"type\":99}\u{1e}", MessageType::Unknown(99))
            .await;
        client.feed(framed, kind).await;
        assert_eq!(app.data("c").await, (framed.to_owned(), Some(data_type)));
    }
    for (framed, data_type, class) in [
        (RESULT, DataMessageType::Invocation, FrameClass::Counted),
        (PING, DataMessageType::Other, FrameClass::Control),
        (CLOSE, DataMessageType::Close, FrameClass::Close),
    ] {
        app.send_data("c", framed, data_type).await;
        assert_eq!(client.frame().await, (framed.to_owned(), class));
    }
    app.send_data("nobody", PING, DataMessageType::Other).await;
    client.gone(&CloseReason::ClientClosed(None));
    assert_eq!(app.closed("c").await, "");
    app.barrier().await;
    assert_eq!(service.hub().links().all()[0].clients(), 0);
}

#[tokio::test]
async fn the_app_server_is_told_who_comes() {
    let service = Service::start().await;
    let mut app = AppServer::start(&service, "s").await;
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("user-agent", "test"),
        ("x-twice", "1"),
        ("x-twice", "2"),
        ("x-forwarded-for", "203.0.113.9"),
        ("asrs-migrate-from", "evil"),
        ("authorization", "Bearer secret"),
    ] {
        headers.append(name, HeaderValue::from_static(value));
    }
    let claim = |kind: &str, value: &str| (kind.to_owned(), value.to_owned());
    let claims = vec![
        claim("role", "a"),
        claim("role", "b"),
        claim("asrs.s.uid", "u"),
    ];
    let mut identity = Identity {
        claims,
        ..Identity::default()
    };
    identity.service.diagnostic = true;
    let who = Who {
        headers,
        identity,
        query: "hub=chat&x=%20",
        ..Who::messagepack("c")
    };
    let _client = FakeClient::open(&service, who).await.unwrap();
    let (_, open) = app.opened().await;
    let Message::OpenConnection {
        claims,
        headers,
        query_string,
        extensions,
        ..
    } = open.message()
    else {
        panic!()
    };
    assert_eq!(claims, [("role", "a"), ("role", "b"), ("asrs.s.uid", "u")]);
    assert_eq!(query_string, "?hub=chat&x=%20");
    let expected = Extensions {
        protocol: Some("messagepack"),
        ..Extensions::default()
    };
    assert_eq!(extensions, expected);
    assert_eq!(
        headers,
        [
            ("user-agent", vec!["test"]),
            ("x-twice", vec!["1", "2"]),
            ("X-Forwarded-For", vec!["192.0.2.7"]),
            ("Asrs-Instance-Id", vec!["node-1"]),
            ("Asrs-Is-Diagnostic-Client", vec!["true"]),
        ]
    );
}

#[tokio::test]
async fn the_app_server_ends_a_client_after_what_it_has_queued() {
    let service = Service::start().await;
    let mut app = AppServer::start(&service, "s").await;
    let client = connected(&service, &mut app, "c").await;
    app.send_data("c", CLOSE, DataMessageType::Close).await;
    let close = Message::CloseConnection {
        connection_id: "c",
        error: "why",
        headers: vec![],
        extensions: Extensions::default(),
    };
    app.send(&close).await;
    let mut got = client.take().await;
    if got.1.is_none() {
        got.1 = client.take().await.1;
    }
    assert_eq!(got.0.len(), 1);
    let reason = CloseReason::Ended {
        error: Some("why".into()),
        allow_reconnect: false,
    };
    assert_eq!(got.1, Some(reason.clone()));
    client.gone(&reason);
    // No CloseConnection comes back: the barrier's answer is the next message.
    app.barrier().await;
}

#[tokio::test]
async fn a_lost_link_ends_its_own_clients_and_no_others() {
    let service = Service::start().await;
    let mut one = AppServer::start(&service, "s").await;
    let mut two = AppServer::start(&service, "s").await;
    let (mut on_one, mut on_two) = (Vec::new(), Vec::new());
    for id in ["a", "b", "c", "d"] {
        let client = FakeClient::open(&service, Who::json(id)).await.unwrap();
        let links = service.hub().links().all();
        assert_eq!(
            links.iter().map(|link| link.clients()).sum::<usize>(),
            on_one.len() + on_two.len() + 1
        );
        tokio::select! {
            (opened, _) = one.opened() => { assert_eq!(opened, id); on_one.push(client) }
            (opened, _) = two.opened() => { assert_eq!(opened, id); on_two.push(client) }
        }
    }
    assert_eq!(
        (on_one.len(), on_two.len()),
        (2, 2),
        "the least loaded link is chosen"
    );
    drop(one);
    for client in on_one {
        assert_eq!(client.end().await, CloseReason::BackendLost);
        client.gone(&CloseReason::BackendLost);
    }
    two.barrier().await;
    assert!(
        on_two
            .iter()
            .all(|client| !client.client.outbox().is_closing())
    );
}

#[tokio::test]
async fn a_client_waits_for_an_app_server_but_not_for_ever() {
    let (door, backend) = quick();
    let service = Service::start_with(door, backend).await;
    let Err(error) = FakeClient::open(&service, Who::json("early")).await else {
        panic!()
    };
    assert_eq!(error, OpenError::NoServer("chat".into()));

    let service = Service::start().await;
    let open = FakeClient::open(&service, Who::json("c"));
    let arrive = async {
        tokio::task::yield_now().await;
        let mut app = AppServer::start(&service, "s").await;
        app.opened().await
    };
    let (client, (id, _)) = tokio::join!(open, arrive);
    assert!(client.is_ok());
    assert_eq!(id, "c");
}

#[tokio::test]
async fn clients_in_excess_do_not_wait() {
    let (door, mut backend) = quick();
    backend.max_waiting = 0;
    backend.wait_for_server = std::time::Duration::from_secs(3600);
    let service = Service::start_with(door, backend).await;
    assert!(FakeClient::open(&service, Who::json("c")).await.is_err());
}

#[tokio::test]
async fn sticky_clients_go_to_their_server() {
    let (door, backend) = quick();
    let service = Service::start_with(door, backend).await;
    let mut one = AppServer::start(&service, "one").await;
    let who = |id, sticky, server: &str| {
        let mut who = Who::json(id);
        who.identity.service.sticky = sticky;
        who.identity.service.server_name = Some(server.to_owned());
        who
    };
    let mut clients = Vec::new();
    for id in ["a", "b"] {
        let _two = AppServer::start(&service, "two").await;
        clients.push(
            FakeClient::open(&service, who(id, Sticky::Required, "one"))
                .await
                .unwrap(),
        );
        assert_eq!(one.opened().await.0, id);
    }
    let client = FakeClient::open(&service, who("c", Sticky::Preferred, "gone")).await;
    assert!(client.is_ok());
    let refused = FakeClient::open(&service, who("d", Sticky::Required, "gone")).await;
    assert!(refused.is_err());
}

#[tokio::test]
async fn stateful_reconnect_is_allowed_when_a_link_allows_it() {
    let service = Service::start().await;
    let hub = service.hub();
    let _app = AppServer::start(&service, "s").await;
    assert!(!service.backend.rules(&hub).stateful_reconnect);
    let hello = Hello {
        stateful: true,
        ..Hello::default()
    };
    let stateful = AppServer::start_with(&service, "s", hello).await;
    assert!(service.backend.rules(&hub).stateful_reconnect);
    stateful.close().await;
    crate::support::until("the link is gone", || {
        !service.backend.rules(&hub).stateful_reconnect
    })
    .await;
}

#[tokio::test]
async fn pieces_of_old_sdks_are_put_together() {
    let service = Service::start().await;
    let mut app = AppServer::start(&service, "s").await;
    let client = FakeClient::open(&service, Who::messagepack("c"))
        .await
        .unwrap();
    app.opened().await;
    let mut stream = b"{}\x1e".to_vec();
    stream.extend_from_slice(&[2, 0x91, 6]);
    stream.extend_from_slice(&[5, 0x95, 3, 0x80, 0xa1, b'1']);
    for piece in stream.chunks(4) {
        let extensions = Extensions::default();
        app.send(&Message::ConnectionData {
            connection_id: "c",
            payload: piece,
            extensions,
        })
        .await;
    }
    assert_eq!(
        client.frame().await,
        ("{}\u{1e}".to_owned(), FrameClass::Handshake)
    );
    let (frames, _) = client.take().await;
    assert_eq!(
        (frames[0].payload(), frames[0].class()),
        (&[2, 0x91, 6][..], FrameClass::Control)
    );
    let (frames, _) = client.take().await;
    assert_eq!(frames[0].payload(), &[5, 0x95, 3, 0x80, 0xa1, b'1']);
    assert_eq!(frames[0].class(), FrameClass::Counted);
}

#[tokio::test]
async fn parts_of_a_message_become_one_frame() {
    let service = Service::start().await;
    let mut app = AppServer::start(&service, "s").await;
    let client = connected(&service, &mut app, "c").await;
    let (first, second) = RESULT.as_bytes().split_at(9);
    for (payload, partial) in [(first, true), (second, false)] {
        let data_type = Some(DataMessageType::Invocation);
        let extensions = Extensions {
            data_type,
            partial,
            ..Extensions::default()
        };
        app.send(&Message::ConnectionData {
            connection_id: "c",
            payload,
            extensions,
        })
        .await;
    }
    assert_eq!(client.text().await, RESULT);
}

#[tokio::test]
async fn a_full_link_stops_us_reading_from_its_clients() {
    let (mut door, backend) = quick();
    door.queue_high_water_bytes = 200;
    door.ping_interval = std::time::Duration::from_secs(60);
    let service = Service::start_with(door, backend).await;
    let mut app = AppServer::start(&service, "s").await;
    let mut client = connected(&service, &mut app, "c").await;
    let link = Arc::clone(&service.hub().links().all()[0]);
    // Nobody runs the link's task between these two.
    link.queue().append(|out| out.resize(out.len() + 200, 0xc1));
    assert!(client.is_held_back());
    link.queue().close();
}
