//! Groups, broadcasts and ids of legacy clients.

use std::sync::Arc;

use heliograph::backend::embedded::Caller;
use heliograph::bridge::BridgedHub;
use heliograph_relay::{CloseReason, Send, Target};
use serde_json::json;

use crate::stage::{Core, Stage, builder};

fn groups(client: &crate::stage::Legacy) -> Option<Vec<String>> {
    let groups = client.inbox.take_groups()?;
    let mut groups: Vec<_> = groups.iter().map(ToString::to_string).collect();
    groups.sort();
    Some(groups)
}

#[tokio::test]
async fn a_group_has_members_of_both_worlds_and_a_message_is_made_once_for_each() {
    let hub = builder("Chat").build();
    let stage = Stage::new(&[&hub]);
    let mut one = stage.open("one", &["chat"]).await;
    let mut two = stage.open("two", &["Chat"]).await;
    let other = stage.open("other", &["chat"]).await;
    let mut core = Core::open(&stage, &hub, "core").await;
    for client in [&mut one, &mut two] {
        let call = r#"{"H":"chat","M":"Join","A":["g"],"I":0}"#;
        assert_eq!(client.call(call).await, r#"{"I":"0"}"#);
    }
    core.send(r#"{"type":1,"target":"Join","arguments":["g"]}"#)
        .await;
    core.send(r#"{"type":1,"target":"SendGroup","arguments":["g","a\u2028b"]}"#)
        .await;
    let (first, second) = (one.frame().await, two.frame().await);
    assert!(std::ptr::eq(first.wire(), second.wire()), "made twice");
    let text = String::from_utf8_lossy(first.payload());
    let element = r#""M":[{"H":"Chat","M":"received","A":["a\u2028b"]}]}"#;
    assert!(text.ends_with(element), "{text}");
    let record = "{\"type\":1,\"target\":\"received\",\"arguments\":[\"a\u{2028}b\"]}\u{1e}";
    assert_eq!(core.text().await, record);
    one.send(r#"{"H":"chat","M":"SendGroup","A":["g","x"],"I":1}"#)
        .await
        .unwrap();
    let record = "{\"type\":1,\"target\":\"received\",\"arguments\":[\"x\"]}\u{1e}";
    assert_eq!(core.text().await, record);
    let element = r#"{"H":"Chat","M":"received","A":["x"]}"#;
    assert_eq!(one.message().await, element);
    assert_eq!(two.message().await, element);
    assert!(other.has_nothing());
}

#[tokio::test]
async fn messages_between_connect_and_start_are_delivered() {
    let hub = builder("Chat").build();
    let stage = Stage::new(&[&hub]);
    let mut early = stage.connect("early", &["chat"]);
    let mut client = stage.open("a", &["chat"]).await;
    let call = r#"{"H":"chat","M":"SendAll","A":["x"],"I":0}"#;
    client.send(call).await.unwrap();
    let element = r#"{"H":"Chat","M":"received","A":["x"]}"#;
    assert_eq!(early.message().await, element);
    early.start().await.unwrap();
    assert!(early.has_nothing());
}

#[tokio::test]
async fn one_connection_is_in_several_hubs_and_has_the_groups_of_each() {
    let (chat, second) = (builder("Chat").build(), builder("Second").build());
    let stage = Stage::new(&[&chat, &second]);
    let mut client = stage.open("a", &["second", "chat"]).await;
    let mut both = stage.open("b", &["chat", "second"]).await;
    assert_eq!(groups(&client), None);
    for hub in ["chat", "second"] {
        let call = format!(r#"{{"H":"{hub}","M":"Join","A":["g.{hub}"],"I":0}}"#);
        client.call(&call).await;
        let call = format!(r#"{{"H":"{hub}","M":"SendGroup","A":["g.{hub}","x"],"I":0}}"#);
        both.call(&call).await;
        let name = if hub == "chat" { "Chat" } else { "Second" };
        let element = format!(r#"{{"H":"{name}","M":"received","A":["x"]}}"#);
        assert_eq!(client.message().await, element);
    }
    let names = ["Chat.g.chat", "Second.g.second"];
    assert_eq!(groups(&client).unwrap(), names);
    assert_eq!(groups(&client), None);
    // Groups of one name are two groups.
    both.call(r#"{"H":"chat","M":"SendGroup","A":["g.second","x"],"I":0}"#)
        .await;
    assert!(client.has_nothing());
    client
        .call(r#"{"H":"chat","M":"Leave","A":["g.chat"],"I":0}"#)
        .await;
    assert_eq!(groups(&client).unwrap(), ["Second.g.second"]);
}

#[tokio::test]
async fn a_client_that_comes_back_to_a_service_that_forgot_it_is_in_its_groups_again() {
    let (chat, second) = (builder("Chat").build(), builder("Second").build());
    let stage = Stage::new(&[&chat, &second]);
    let rejoins = [
        "Chat.g",
        "Chat.h.Second.x",
        "Second.g2",
        "Gone.g",
        "nonsense",
    ];
    let request = crate::stage::request(None);
    let mut client = stage.connect_as("a", &["chat", "second"], request, Some(&rejoins));
    assert_eq!(groups(&client), None, "it has its token");
    for (hub, group) in [("Chat", "g"), ("Chat", "h.Second.x"), ("Second", "g2")] {
        let members = stage.relay.hub(hub).group_members(group);
        assert_eq!(members.len(), 1, "{hub}.{group}");
    }
    client.start().await.unwrap();
    client
        .call(r#"{"H":"chat","M":"Join","A":["new"],"I":0}"#)
        .await;
    let names = ["Chat.g", "Chat.h.Second.x", "Chat.new", "Second.g2"];
    assert_eq!(groups(&client).unwrap(), names);
}

#[tokio::test]
async fn hubs_that_need_ids_of_their_own_get_them_and_know_the_plain_one_too() {
    let hub = |name: &str| {
        builder(name)
            .method("Id", |caller: Caller, (): ()| async move {
                Ok(caller.id().to_owned())
            })
            .build()
    };
    let (plain, one, two) = (hub("Plain"), hub("One"), hub("Two"));
    let stage = Stage::with(&[&plain, &one, &two], |hub| BridgedHub {
        own_ids: &*hub.name != "Plain",
        ..hub
    });
    let mut client = stage.open("a", &["plain", "one", "two"]).await;
    for (hub, id) in [("plain", "a"), ("one", "a"), ("two", "a_2")] {
        let call = format!(r#"{{"H":"{hub}","M":"Id","I":0}}"#);
        assert_eq!(
            client.call(&call).await,
            format!(r#"{{"R":"{id}","I":"0"}}"#)
        );
    }
    let hub = two.handle();
    assert!(hub.groups().add("a", "g"));
    hub.clients().group("g").send("m", (1,)).await.unwrap();
    hub.clients().client("a").send("m", (2,)).await.unwrap();
    hub.clients()
        .all_except(&["a"])
        .send("m", (3,))
        .await
        .unwrap();
    hub.clients()
        .clients(&["a", "a_2"])
        .send("m", (4,))
        .await
        .unwrap();
    for number in [1, 2, 4] {
        let element = format!(r#"{{"H":"Two","M":"m","A":[{number}]}}"#);
        assert_eq!(client.message().await, element);
    }
    assert!(client.has_nothing());
    client.close(&CloseReason::TransportLost);
    assert!(stage.relay.hubs().iter().all(|hub| hub.is_empty()));
    assert!(stage.relay.hub("two").connection("a").is_none());
}

#[tokio::test]
async fn a_user_is_one_in_both_worlds() {
    let hub = builder("Chat").build();
    let stage = Stage::new(&[&hub]);
    let mut client = stage.connect_as("a", &["chat"], crate::stage::request(Some("ann")), None);
    client.start().await.unwrap();
    let sent = hub.handle();
    sent.clients()
        .user("ann")
        .send("m", (json!({"A": 1}),))
        .await
        .unwrap();
    sent.clients().user("Ann").send("m", (2,)).await.unwrap();
    assert_eq!(
        client.message().await,
        r#"{"H":"Chat","M":"m","A":[{"A":1}]}"#
    );
    assert!(client.has_nothing());
}

#[tokio::test]
async fn without_a_bridge_a_hub_has_nothing_for_legacy_clients() {
    let relay = heliograph_relay::Relay::new();
    let hub = relay.hub("chat");
    assert!(hub.transcode().is_none());
    let stage = Stage::new(&[&builder("Chat").build()]);
    let hub = stage.relay.hub("chat");
    let transcode = hub.transcode().unwrap();
    for (message, is_sent) in [
        ("{\"type\":1,\"target\":\"m\",\"arguments\":[]}\u{1e}", true),
        (
            "{\"type\":1,\"invocationId\":\"1\",\"target\":\"m\",\"arguments\":[]}\u{1e}",
            false,
        ),
        ("{\"type\":6}\u{1e}", false),
        ("", false),
        ("{\"type\":1,\"target\":\"m\",\"arguments\":[", false),
    ] {
        let frame = transcode.transcode(message.as_bytes());
        assert_eq!(frame.is_some(), is_sent, "{message}");
    }
    assert!(
        transcode
            .transcode(b"{\"type\":1,\"target\":\"m\",\"arguments\":[\"\xff\"]}\x1e")
            .is_none()
    );
    let nobody = Send::to(Target::All);
    let mut frames = heliograph_relay::FrameSet::new(&Nothing);
    assert_eq!(hub.send(&nobody, &mut frames), 0);
    drop(Arc::clone(&hub));
}

struct Nothing;

impl heliograph_relay::Encode for Nothing {
    fn encode(&self, _dialect: heliograph_relay::Dialect) -> Option<heliograph_relay::Frame> {
        None
    }
}
