//! Groups: they belong to the app, whose every connection may change them and send to them.

use heliograph_protocol::service::AckStatus;

use crate::app::{App, heard, join, leave, received, response, tell, tell_group};
use crate::client::Said;
use crate::stage::Stage;

const GROUP: &str = "hg-Chat.Blue Team";

/// A message, as an app server sends it and as a client reads it.
fn message(text: &str) -> (String, String) {
    let element = received("Chat", text);
    (response(&element), element)
}

#[tokio::test]
async fn members_get_what_their_group_is_sent_until_they_leave() {
    let stage = Stage::start();
    let mut app = App::start_with(&stage, "App", 1, &["Chat"]).await;
    let mut one = stage.client(app.link(), stage.who(&["chat"])).await;
    let mut two = stage.client(app.link(), stage.who(&["CHAT"])).await;
    app.add(&stage).await;
    // The second connection of the app has no client, and may say anything of them.
    let [first, second] = &mut app.main[..] else {
        panic!()
    };
    for id in [&one.id, &two.id, &one.id] {
        assert_eq!(join(second, id, GROUP).await, AckStatus::Ok);
    }
    let ((json, all), (except_two, but_two)) = (message("to all"), message("but two"));
    tell_group(first, GROUP, &json, &[]).await;
    tell_group(first, GROUP, &except_two, &[&two.id, "ghost"]).await;
    tell_group(first, &GROUP.to_uppercase(), &json, &[]).await;
    tell_group(first, "hg-Other.Blue Team", &json, &[]).await;
    first.barrier().await;
    assert_eq!(leave(first, &one.id, GROUP).await, AckStatus::Ok);
    let (json, last) = message("last");
    tell_group(second, GROUP, &json, &[]).await;
    second.barrier().await;
    for client in [&one.id, &two.id] {
        tell(first, client, &response(&received("Chat", "end"))).await;
    }
    let end = received("Chat", "end");
    for expected in [&all, &but_two, &end] {
        assert_eq!(one.message().await, *expected);
    }
    for expected in [&all, &last, &end] {
        assert_eq!(two.message().await, *expected);
    }
}

#[tokio::test]
async fn changes_of_groups_are_acknowledged_for_whomever_they_are() {
    let stage = Stage::start();
    let mut app = App::start(&stage, &["Chat", "Stock"]).await;
    let mut client = stage.client(app.link(), stage.who(&["chat"])).await;
    let link = app.link();
    assert_eq!(join(link, "ghost", GROUP).await, AckStatus::NotFound);
    assert_eq!(leave(link, "ghost", GROUP).await, AckStatus::NotFound);
    assert_eq!(leave(link, &client.id, GROUP).await, AckStatus::Ok);
    // It has called a hub that it does not listen to: nothing of that may reach it.
    client
        .send(r#"{"H":"stock","M":"Join","A":[],"I":0}"#)
        .await;
    heard(link, &client.id).await;
    assert_eq!(join(link, &client.id, "hg-Stock.all").await, AckStatus::Ok);
    let json = response(&received("Stock", "no"));
    tell_group(link, "hg-Stock.all", &json, &[]).await;
    link.barrier().await;
    tell(link, &client.id, "{\"I\":\"0\"}").await;
    assert_eq!(
        client.next().await,
        Said::Answer("{\"I\":\"0\"}".to_owned())
    );
}

#[tokio::test]
async fn groups_outlive_the_channel_and_the_service() {
    let stage = Stage::start();
    let mut app = App::start(&stage, &["Chat"]).await;
    let mut client = stage.client(app.link(), stage.who(&["chat"])).await;
    join(app.link(), &client.id, GROUP).await;
    let groups = client.groups().await;
    client.lose();
    let (json, missed) = message("missed");
    tell_group(app.link(), GROUP, &json, &[]).await;
    app.link().barrier().await;
    client.reconnect().await.unwrap();
    assert_eq!(client.message().await, missed);
    let id = client.id.clone();
    assert_eq!(app.heard(&id).await, "asrs:reconnect");

    // Another service with the same keys has never heard of it.
    let stage = Stage::start();
    let mut app = App::start(&stage, &["Chat"]).await;
    client.lose();
    client.moved_to(stage.address, &groups);
    client.reconnect().await.unwrap();
    assert_eq!(app.opened().await, id);
    let (json, after) = message("after");
    tell_group(app.link(), GROUP, &json, &[]).await;
    assert_eq!(client.message().await, after);
}
