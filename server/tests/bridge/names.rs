//! Names and casing at the border.

use heliograph::backend::embedded::{Caller, EmbeddedHub, Progress};
use heliograph::backend::legacy::LegacyBackend;
use heliograph::bridge::{BridgedHub, Casing, Names};
use serde_json::{Value, json};

use crate::stage::{Stage, builder, request};

fn hub() -> EmbeddedHub {
    builder("Chat")
        .method("NewName", |_: Caller, (value,): (Value,)| async move {
            Ok(value)
        })
        .method(
            "Tell",
            |caller: Caller, (value, progress): (Value, Progress<Value>)| async move {
                progress.report(&value)?;
                caller
                    .clients()
                    .all()
                    .send("newReceived", (&value,))
                    .await?;
                caller
                    .clients()
                    .caller()
                    .send("newReceived", (&value,))
                    .await?;
                Ok(value)
            },
        )
        .build()
}

#[tokio::test]
async fn by_default_nothing_is_touched() {
    let hub = hub();
    let stage = Stage::new(&[&hub]);
    let mut client = stage.open("a", &["chat"]).await;
    let value = r#"{"X y":[{"aB":"c: \"D\""}],"userName":{"ID":1}}"#;
    let call = format!(r#"{{"H":"chat","M":"newname","A":[{value}],"I":0}}"#);
    assert_eq!(
        client.call(&call).await,
        format!(r#"{{"R":{value},"I":"0"}}"#)
    );
}

#[tokio::test]
async fn methods_and_members_have_their_old_names_on_the_legacy_side() {
    let hub = hub();
    let names = Names::default()
        .method("OldName", "NewName")
        .client_method("NewReceived", "oldReceived")
        .casing_to_hub(Casing::Camel)
        .casing_to_clients(Casing::Pascal);
    let stage = Stage::with(&[&hub], |hub| BridgedHub {
        names: names.clone(),
        ..hub
    });
    let mut client = stage.open("a", &["chat"]).await;
    let answer = client
        .call(r#"{"H":"chat","M":"oldname","A":[{"UserName":{"ID":1}}],"I":0}"#)
        .await;
    // To the hub `userName` and `id`, and back.
    assert_eq!(answer, r#"{"R":{"UserName":{"Id":1}},"I":"0"}"#);
    client
        .send(r#"{"H":"chat","M":"Tell","A":[{"a":{"b":"c"}}],"I":0}"#)
        .await
        .unwrap();
    let value = r#"{"A":{"B":"c"}}"#;
    assert_eq!(
        client.message().await,
        format!(r#"{{"I":"P|0","P":{{"I":"0","D":{value}}}}}"#)
    );
    for _ in ["all", "caller"] {
        assert_eq!(
            client.message().await,
            format!(r#"{{"H":"Chat","M":"oldReceived","A":[{value}]}}"#)
        );
    }
    assert_eq!(client.answer().await, format!(r#"{{"R":{value},"I":"0"}}"#));
    let sent = hub.handle();
    sent.clients()
        .all()
        .send("other", (json!({"x": 1}),))
        .await
        .unwrap();
    assert_eq!(
        client.message().await,
        r#"{"H":"Chat","M":"other","A":[{"X":1}]}"#
    );
}

#[tokio::test]
async fn the_script_has_the_hubs_and_their_methods() {
    let (chat, second) = (hub(), builder("SecondHub").build());
    let stage = Stage::new(&[&chat, &second]);
    let script = stage
        .bridge
        .script(&request(None), "/old/signalr")
        .await
        .unwrap();
    let script = String::from_utf8(script).unwrap();
    for part in [
        r#"add("chat""#,
        r#"add("secondHub""#,
        r#""newName": function () {"#,
        r#"$invoke("NewName", arguments)"#,
        r#"$.hubConnection("/old/signalr""#,
    ] {
        assert!(script.contains(part), "{part} is not in\n{script}");
    }
}

#[tokio::test]
async fn of_two_hubs_with_one_name_the_first_counts() {
    let (one, two) = (hub(), builder("CHAT").build());
    let stage = Stage::new(&[&one, &two]);
    let mut client = stage.open("a", &["ChAt"]).await;
    let answer = client.call(r#"{"H":"chat","M":"NewName","A":[1],"I":0}"#);
    assert_eq!(answer.await, r#"{"R":1,"I":"0"}"#);
}
