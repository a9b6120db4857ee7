//! A genuine ASP.NET Core app behind the bridge, when one is at hand: by itself, and as an app
//! server with the Azure SDK.

use std::sync::Arc;

use heliograph::backend::Backend;
use heliograph::backend::direct::{self, Direct};
use heliograph::bridge::{BridgedHub, Names, Users};
use heliograph_relay::{CloseReason, Hub, Relay};
use serde_json::{Value, json};

use crate::stage::{Legacy, Stage};
use crate::support::coreapp::CoreApp;
use crate::support::service::Service;

fn bridged(hub: Arc<Hub>, backend: Arc<dyn Backend>, own_ids: bool) -> BridgedHub {
    BridgedHub {
        name: "TestHub".into(),
        hub,
        backend,
        users: Users::Request,
        names: Names::default().stream("Counter"),
        own_ids,
        methods: Vec::new(),
    }
}

/// What comes for a call: its answer, and messages before it and behind it.
async fn invoke(
    client: &mut Legacy,
    method: &str,
    arguments: Value,
    messages: usize,
) -> Vec<String> {
    let call = json!({"H": "testhub", "M": method, "A": arguments, "I": "7"});
    client.send(&call.to_string()).await.unwrap();
    let mut came = Vec::new();
    for _ in 0..=messages {
        let frame = client.frame().await;
        let text = str::from_utf8(frame.payload()).unwrap();
        let elements = heliograph_protocol::legacy::envelope_elements(frame.payload());
        came.push(
            elements
                .map_or(text, |elements| str::from_utf8(elements).unwrap())
                .to_owned(),
        );
    }
    came
}

async fn scenario(stage: &Stage) {
    let mut client = stage.open("a", &["testhub"]).await;
    let mut other = stage.open("b", &["testhub"]).await;
    let received = |text: &str| format!(r#"{{"H":"TestHub","M":"Message","A":["{text}"]}}"#);
    let general = |method: &str| {
        format!(r#"{{"I":"7","E":"There was an error invoking Hub method 'testhub.{method}'."}}"#)
    };
    for (method, arguments, answer) in [
        (
            "echo",
            json!(["hällo"]),
            r#"{"R":"hällo","I":"7"}"#.to_owned(),
        ),
        ("Add", json!([1, 2]), r#"{"R":3,"I":"7"}"#.to_owned()),
        ("Nothing", json!([]), r#"{"I":"7"}"#.to_owned()),
        ("Null", json!([]), r#"{"I":"7"}"#.to_owned()),
        ("Nope", json!([]), general("Nope")),
        ("Add", json!(["x", 2]), general("Add")),
        ("Add", json!([1]), general("Add")),
        ("ThrowException", json!(["boom"]), general("ThrowException")),
        ("Stream", json!([]), general("Stream")),
        (
            "ThrowHubException",
            json!(["no: more"]),
            r#"{"I":"7","H":true,"E":"no: more"}"#.to_owned(),
        ),
    ] {
        assert_eq!(invoke(&mut client, method, arguments, 0).await, [answer]);
    }
    let progress = |number: i32| format!(r#"{{"I":"P|7","P":{{"I":"7","D":{number}}}}}"#);
    let came = invoke(&mut client, "Counter", json!([2, 0]), 2).await;
    assert_eq!(came, [progress(0), progress(1), r#"{"I":"7"}"#.to_owned()]);
    let done = r#"{"I":"7"}"#.to_owned();
    // Which of an answer and a message comes first is left open.
    let mut came = invoke(&mut client, "ToCaller", json!(["a\u{2028}b"]), 1).await;
    came.sort();
    assert_eq!(came, [received("a\\u2028b"), done.clone()]);
    invoke(&mut client, "Join", json!(["g"]), 0).await;
    invoke(&mut other, "Join", json!(["g"]), 0).await;
    let mut came = invoke(&mut client, "ToGroup", json!(["g", "x"]), 1).await;
    came.sort();
    assert_eq!(came, [received("x"), done.clone()]);
    assert_eq!(other.message().await, received("x"));
    let came = invoke(&mut client, "ToOthersInGroup", json!(["g", "y"]), 0).await;
    assert_eq!(came, [done]);
    assert_eq!(other.message().await, received("y"));
    // The hub asks, and is told that there is no answer.
    let [answer] = &invoke(&mut client, "AskMe", json!(["who?"]), 0).await[..] else {
        panic!("nothing")
    };
    assert!(
        answer.starts_with(r#"{"I":"7","#) && answer.contains(r#""E":"#),
        "{answer}"
    );
    assert!(client.has_nothing() && other.has_nothing());

    let abort = json!({"H": "testhub", "M": "AbortMe", "I": 0});
    client.send(&abort.to_string()).await.unwrap();
    let CloseReason::Ended {
        allow_reconnect: false,
        ..
    } = client.end().await
    else {
        panic!("another reason")
    };
    other.close(&CloseReason::ClientClosed(None));
}

#[tokio::test]
async fn an_app_by_itself_serves_legacy_clients() {
    let Some(app) = CoreApp::start(&[]).await else {
        return;
    };
    let options = direct::Options {
        url: app.url("/testhub"),
        ..direct::Options::default()
    };
    let backend = Arc::new(Direct::new("testhub", options).unwrap());
    let relay = Arc::new(Relay::new());
    let hub = bridged(relay.hub("testhub"), backend, false);
    scenario(&Stage::of(&relay, hub)).await;
}

#[tokio::test]
async fn an_app_server_serves_legacy_clients() {
    let service = Service::start().await;
    let Some(_app) = CoreApp::serving(&service, &[]).await else {
        return;
    };
    let backend = Arc::clone(&service.backend);
    let hub = bridged(service.relay.hub("testhub"), backend, true);
    scenario(&Stage::of(&service.relay, hub)).await;
}
