//! Legacy clients in a hub that an app server runs.

use std::sync::Arc;

use heliograph::backend::link;
use heliograph::bridge::{BridgedHub, Casing, Names, Users};
use heliograph::front::service;
use heliograph_protocol::service::{DataMessageType, Extensions, Message, Payloads};
use heliograph_relay::CloseReason;

use crate::stage::{Legacy, Stage, request};
use crate::support::app_server::{AppServer, payloads};
use crate::support::client::{FakeClient, Who};
use crate::support::service::{Service, quick};

/// An app server, a bridge to its hub, and a legacy client there.
struct Scene {
    service: Service,
    stage: Stage,
    app: AppServer,
    client: Legacy,
}

fn bridged(service: &Service, names: Names) -> Stage {
    Stage::of(
        &service.relay,
        BridgedHub {
            name: "Chat".into(),
            hub: service.hub(),
            backend: Arc::clone(&service.backend) as _,
            users: Users::Request,
            names,
            own_ids: true,
            methods: Vec::new(),
        },
    )
}

impl Scene {
    async fn new() -> Self {
        Self::with(quick(), Names::default()).await
    }

    async fn with((door, backend): (service::Options, link::Options), names: Names) -> Self {
        let service = Service::start_with(door, backend).await;
        let stage = bridged(&service, names);
        let mut app = AppServer::start(&service, "s").await;
        let mut client = stage.open("a", &["chat"]).await;
        let (id, _) = app.opened().await;
        assert_eq!(id, "a");
        app.answer(&id).await;
        client.ready().await;
        Self {
            service,
            stage,
            app,
            client,
        }
    }

    /// Sends a record to the client alone.
    async fn says(&mut self, record: &str) {
        let framed = format!("{record}\u{1e}");
        self.app
            .send_data("a", &framed, DataMessageType::Invocation)
            .await;
    }
}

const CALL: &str =
    "{\"type\":1,\"target\":\"m\",\"arguments\":[{\"userName\":\"a\u{2028}b\"}]}\u{1e}";
const MESSAGEPACK: &[u8] = &[2, 0x91, 1];

#[tokio::test]
async fn calls_go_to_the_app_server_and_its_answers_come_back() {
    let mut scene = Scene::new().await;
    let call = r#"{"H":"chat","M":"Send","A":["x",{"A":1}],"I":"7"}"#;
    scene.client.send(call).await.unwrap();
    let (record, kind) = scene.app.data("a").await;
    let expected = "{\"type\":1,\"invocationId\":\"1\",\"target\":\"Send\",\"arguments\":[\"x\",\
                    {\"A\":1}]}\u{1e}";
    assert_eq!(record, expected);
    assert_eq!(kind, Some(DataMessageType::Invocation));
    scene.client.send(call).await.unwrap();
    assert!(
        scene
            .app
            .data("a")
            .await
            .0
            .contains("\"invocationId\":\"2\"")
    );
    // Several records may come at once, and in any order.
    let records = "{\"type\":6}\u{1e}{\"type\":3,\"invocationId\":\"2\",\"result\":[ 1 ]}\u{1e}\
                   {\"type\":1,\"target\":\"m\",\"arguments\":[1]}\u{1e}\
                   {\"type\":3,\"invocationId\":\"9\",\"result\":1}\u{1e}\
                   {\"type\":3,\"invocationId\":\"1\",\"error\":\"An unexpected error occurred \
                   invoking 'Send' on the server. HubException: no\"}";
    scene.says(records).await;
    assert_eq!(scene.client.answer().await, r#"{"R":[ 1 ],"I":"7"}"#);
    assert_eq!(
        scene.client.message().await,
        r#"{"H":"Chat","M":"m","A":[1]}"#
    );
    assert_eq!(
        scene.client.answer().await,
        r#"{"I":"7","H":true,"E":"no"}"#
    );
    scene.client.close(&CloseReason::ClientClosed(None));
    assert_eq!(scene.app.closed("a").await, "");
}

#[tokio::test]
async fn streams_are_asked_for_as_streams() {
    let names = Names::default().method("Old", "Counter").stream("counter");
    let mut scene = Scene::with(quick(), names).await;
    let call = r#"{"H":"chat","M":"old","A":[2],"I":0}"#;
    scene.client.send(call).await.unwrap();
    let expected =
        "{\"type\":4,\"invocationId\":\"1\",\"target\":\"Counter\",\"arguments\":[2]}\u{1e}";
    assert_eq!(scene.app.data("a").await.0, expected);
    scene
        .says("{\"type\":2,\"invocationId\":\"1\",\"item\":0}\u{1e}{\"type\":3,\"invocationId\":\"1\"}")
        .await;
    let element = r#"{"I":"P|0","P":{"I":"0","D":0}}"#;
    assert_eq!(scene.client.message().await, element);
    assert_eq!(scene.client.answer().await, r#"{"I":"0"}"#);
}

#[tokio::test]
async fn what_goes_to_many_is_transcoded_once_and_shared() {
    let names = Names::default()
        .client_method("M", "oldM")
        .casing_to_clients(Casing::Pascal);
    let mut scene = Scene::with(quick(), names).await;
    let mut second = scene.stage.open("b", &["CHAT"]).await;
    let core = FakeClient::open(&scene.service, Who::json("core"))
        .await
        .unwrap();
    for expected in ["b", "core"] {
        let (id, _) = scene.app.opened().await;
        assert_eq!(id, expected);
        scene.app.answer(&id).await;
    }
    assert_eq!(core.text().await, "{}\u{1e}");
    second.ready().await;
    for id in ["a", "b", "core"] {
        let join = Message::JoinGroupWithAck {
            connection_id: id,
            group: "g",
            ack_id: 1,
            extensions: Extensions::default(),
        };
        scene.app.send(&join).await;
        assert!(matches!(
            scene.app.next().await.message(),
            Message::Ack { .. }
        ));
    }
    let send = |excluded: &'static [&'static str]| Message::GroupBroadcastData {
        group: "g",
        excluded_connection_ids: excluded.to_vec(),
        payloads: payloads(CALL, MESSAGEPACK),
        extensions: Extensions::default(),
        excluded_user_ids: Vec::new(),
        caller_user_id: None,
    };
    scene.app.send(&send(&[])).await;
    let (first, other) = (scene.client.frame().await, second.frame().await);
    assert!(std::ptr::eq(first.wire(), other.wire()), "made twice");
    let text = String::from_utf8_lossy(first.payload()).into_owned();
    let element = r#""M":[{"H":"Chat","M":"oldM","A":[{"UserName":"a\u2028b"}]}]}"#;
    assert!(text.ends_with(element), "{text}");
    assert_eq!(core.text().await, CALL);
    scene.app.send(&send(&["a", "core"])).await;
    second.message().await;
    assert!(scene.client.has_nothing() && core.has_nothing());
}

#[tokio::test]
async fn what_has_no_json_is_not_for_legacy_clients() {
    let mut scene = Scene::new().await;
    let broadcast = |payloads| Message::BroadcastData {
        excluded_connection_ids: Vec::new(),
        payloads,
        extensions: Extensions::default(),
    };
    let only_binary = Payloads::from(vec![("messagepack", MESSAGEPACK)]);
    scene.app.send(&broadcast(only_binary)).await;
    scene
        .app
        .send(&broadcast(payloads(CALL, MESSAGEPACK)))
        .await;
    let element = r#"{"H":"Chat","M":"m","A":[{"userName":"a\u2028b"}]}"#;
    assert_eq!(scene.client.message().await, element);
    assert!(scene.client.has_nothing());
}

#[tokio::test]
async fn an_app_server_that_asks_a_legacy_client_hears_that_there_is_no_answer() {
    let mut scene = Scene::new().await;
    let question = "{\"type\":1,\"invocationId\":\"i\",\"target\":\"Ask\",\"arguments\":[]}";
    let framed = format!("{question}\u{1e}");
    let ask = Message::ClientInvocation {
        invocation_id: "i",
        connection_id: "a",
        caller_server_id: "s",
        payloads: payloads(&framed, b""),
        extensions: Extensions::default(),
    };
    scene.app.send(&ask).await;
    let expected = "{\"type\":3,\"invocationId\":\"i\",\"error\":\"Results are not supported by this \
                    client.\"}\u{1e}";
    assert_eq!(scene.app.data("a").await.0, expected);
    // The same, said to the client as what is for it alone.
    scene.says(question).await;
    assert_eq!(scene.app.data("a").await.0, expected);
    assert!(scene.client.has_nothing());
}

#[tokio::test]
async fn an_app_server_that_ends_a_client_ends_the_connection() {
    let mut scene = Scene::new().await;
    let close = Message::CloseConnection {
        connection_id: "a",
        error: "gone",
        headers: Vec::new(),
        extensions: Extensions::default(),
    };
    scene.app.send(&close).await;
    let expected = CloseReason::Ended {
        error: Some("gone".into()),
        allow_reconnect: false,
    };
    assert_eq!(scene.client.end().await, expected);
}

#[tokio::test]
async fn a_close_message_ends_the_connection() {
    let mut scene = Scene::new().await;
    let close = "{\"type\":7,\"error\":\"bye\"}\u{1e}";
    scene
        .app
        .send_data("a", close, DataMessageType::Close)
        .await;
    let expected = CloseReason::Ended {
        error: Some("bye".into()),
        allow_reconnect: false,
    };
    assert_eq!(scene.client.end().await, expected);
}

#[tokio::test]
async fn a_refused_handshake_ends_the_connection() {
    let service = Service::start_with(quick().0, quick().1).await;
    let stage = bridged(&service, Names::default());
    let mut app = AppServer::start(&service, "s").await;
    let client = stage.open("a", &["chat"]).await;
    app.opened().await;
    let refusal = "{\"error\":\"no json\"}\u{1e}";
    app.send_data("a", refusal, DataMessageType::Handshake)
        .await;
    assert_eq!(
        client.end().await,
        CloseReason::HandshakeFailed("no json".into())
    );
}

#[tokio::test]
async fn without_an_app_server_there_is_no_start() {
    let service = Service::start_with(quick().0, quick().1).await;
    let stage = bridged(&service, Names::default());
    let mut client = stage.connect("a", &["chat"]);
    let text = "no server is available for hub 'chat'";
    let expected = CloseReason::HandshakeFailed(text.into());
    assert_eq!(client.start().await.unwrap_err(), expected);
    client.close(&expected);
    assert!(service.hub().is_empty());
}

#[tokio::test]
async fn a_client_whose_app_server_is_lost_goes_on_with_another() {
    let (door, mut backend) = quick();
    backend.wait_for_server = crate::support::PATIENCE;
    let mut scene = Scene::with((door, backend), Names::default()).await;
    let hub = scene.service.hub();
    hub.join("a", "g");
    let call = r#"{"H":"chat","M":"Send","A":["x"],"I":7}"#;
    scene.client.send(call).await.unwrap();
    scene.app.data("a").await;
    scene.app.close().await;
    let text = "There was an error invoking Hub method 'chat.Send'.";
    let answer = format!(r#"{{"I":"7","E":"{text}"}}"#);
    assert_eq!(scene.client.answer().await, answer);
    // Nobody waits for a hub that is not there.
    assert_eq!(scene.client.call(call).await, answer);
    let mut app = AppServer::start(&scene.service, "t").await;
    let (id, _) = app.opened().await;
    assert_eq!(id, "a");
    app.answer(&id).await;
    let broadcast = Message::GroupBroadcastData {
        group: "g",
        excluded_connection_ids: Vec::new(),
        payloads: payloads(CALL, MESSAGEPACK),
        extensions: Extensions::default(),
        excluded_user_ids: Vec::new(),
        caller_user_id: None,
    };
    app.send(&broadcast).await;
    scene.client.message().await;
    let (record, _) = loop {
        // The conversation is handed over a moment after the app server has heard of it.
        scene.client.send(call).await.unwrap();
        tokio::select! {
            data = app.data("a") => break data,
            _ = scene.client.answer() => {}
        }
    };
    assert!(record.contains("\"target\":\"Send\""), "{record}");
    scene.client.close(&CloseReason::ClientClosed(None));
    assert_eq!(app.closed("a").await, "");
}

#[tokio::test]
async fn a_client_that_stops_while_its_app_server_is_away_is_gone() {
    let (door, mut backend) = quick();
    backend.wait_for_server = crate::support::PATIENCE;
    let mut scene = Scene::with((door, backend), Names::default()).await;
    scene.app.close().await;
    let call = r#"{"H":"chat","M":"Send","A":["x"],"I":7}"#;
    crate::support::until("the loss", || {
        let hub = scene.service.hub();
        hub.links().all().is_empty()
    })
    .await;
    scene.client.call(call).await;
    scene.client.close(&CloseReason::ClientClosed(None));
    assert!(scene.service.hub().is_empty());
    let mut app = AppServer::start(&scene.service, "t").await;
    // The first that it hears of is another client.
    let _other = scene.stage.connect_as("b", &["chat"], request(None), None);
    let mut other = scene.stage.open("c", &["chat"]).await;
    let (id, _) = app.opened().await;
    assert_eq!(id, "c");
    other.ready().await;
}
