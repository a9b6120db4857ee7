//! What an app sends reaches those for whom it is meant, with its JSON untouched.

use heliograph_protocol::service::{Extensions, Message, Payloads};

use crate::app::{App, broadcast, received, response, tell, tell_user};
use crate::client::{Client, Said, Who};
use crate::stage::Stage;

const END: &str = r#"{"H":"Chat","M":"end","A":[]}"#;

/// Tells all of the app's clients, here on its first connection, that nothing else comes.
async fn end(app: &mut App, clients: &[&Client]) {
    for client in clients {
        app.tell(&client.id, &response(END)).await;
    }
}

async fn reads(client: &mut Client, expected: &[&str]) {
    for expected in expected.iter().chain([&END]) {
        assert_eq!(client.message().await, *expected);
    }
}

#[tokio::test]
async fn a_hub_sends_to_those_who_listen_to_it() {
    let stage = Stage::start();
    let mut app = App::start(&stage, &["Chat", "Stock"]).await;
    let mut both = stage
        .client(app.link(), stage.who(&["stock", "Chat"]))
        .await;
    let mut chat = stage.client(app.link(), stage.who(&["chat"])).await;
    let mut none = stage
        .client(app.link(), stage.who(&["chat", "stock"]))
        .await;
    let (of_chat, of_stock) = (received("Chat", "c"), received("Stock", "s"));
    broadcast(app.hub("Chat"), &response(&of_chat), &[&none.id, "ghost"]).await;
    app.hub("Chat").barrier().await;
    broadcast(app.hub("Stock"), &response(&of_stock), &[&none.id]).await;
    app.hub("Stock").barrier().await;
    end(&mut app, &[&both, &chat, &none]).await;
    reads(&mut both, &[&of_chat, &of_stock]).await;
    reads(&mut chat, &[&of_chat]).await;
    reads(&mut none, &[]).await;
}

#[tokio::test]
async fn a_user_is_whom_the_token_names() {
    let stage = Stage::start();
    let mut app = App::start(&stage, &["Chat", "Stock"]).await;
    let mut alice = stage
        .client(app.link(), stage.user("alice", &["chat"]))
        .await;
    let upper = stage.user("Alice", &["chat"]);
    let mut upper = stage.client(app.link(), upper).await;
    let elsewhere = stage.user("alice", &["stock"]);
    let mut elsewhere = stage.client(app.link(), elsewhere).await;
    let mut nobody = stage.client(app.link(), stage.who(&["chat"])).await;
    let message = received("Chat", "to alice");
    tell_user(app.hub("Chat"), "alice", &response(&message)).await;
    app.hub("Chat").barrier().await;
    end(&mut app, &[&alice, &upper, &nobody]).await;
    reads(&mut alice, &[&message]).await;
    reads(&mut upper, &[]).await;
    reads(&mut nobody, &[]).await;
    let end = response(&received("Stock", "end"));
    app.tell(&elsewhere.id, &end).await;
    assert_eq!(elsewhere.message().await, received("Stock", "end"));
}

#[tokio::test]
async fn any_connection_of_the_app_reaches_a_client() {
    let stage = Stage::start();
    let mut app = App::start(&stage, &["Chat"]).await;
    let mut client = stage.client(app.link(), stage.who(&["chat"])).await;
    app.add(&stage).await;
    let id = client.id.clone();
    for (number, link) in ["0", "1"].iter().zip(&mut app.main) {
        tell(link, &id, &response(&received("Chat", number))).await;
        assert_eq!(client.message().await, received("Chat", number));
    }
    tell(app.hub("Chat"), &id, &response(&received("Chat", "hub"))).await;
    assert_eq!(client.message().await, received("Chat", "hub"));
}

#[tokio::test]
async fn apps_do_not_reach_each_others_clients() {
    let stage = Stage::start();
    // The name of one begins as that of the other with a hub.
    let mut one = App::start_with(&stage, "App", 1, &["Chat"]).await;
    let mut other = App::start_with(&stage, "App_Chat", 1, &["Chat"]).await;
    let mut mine = stage.client(one.link(), stage.who(&["chat"])).await;
    let token = stage.client_token("app_chat", None);
    let mut theirs = stage.client(other.link(), Who::new(token, &["chat"])).await;
    let (of_one, of_other) = (received("Chat", "one"), received("Chat", "other"));
    broadcast(one.hub("Chat"), &response(&of_one), &[]).await;
    broadcast(other.hub("Chat"), &response(&of_other), &[]).await;
    one.tell(&theirs.id, &response(&of_one)).await;
    one.hub("Chat").barrier().await;
    other.hub("Chat").barrier().await;
    one.link().barrier().await;
    end(&mut one, &[&mine]).await;
    end(&mut other, &[&theirs]).await;
    reads(&mut mine, &[&of_one]).await;
    reads(&mut theirs, &[&of_other]).await;
}

#[tokio::test]
async fn json_passes_as_it_is() {
    let stage = Stage::start();
    let mut app = App::start(&stage, &["Chat"]).await;
    for transport in ["webSockets", "serverSentEvents", "longPolling"] {
        let who = stage.who(&["chat"]).over(transport);
        let mut client = stage.client(app.link(), who).await;
        let id = client.id.clone();
        let call =
            r#"{ "I" : "07", "A":[1.0, 1e3 ,"é\u2028</script>"],"M":"x","H":"CHAT", "extra":[] }"#;
        client.send(call).await;
        assert_eq!(app.heard(&id).await, call);
        let element =
            r#"{ "H" : "Chat","M":"y" , "A" : [ 1.0, 1E3, "\u00e9\ud83d\ude00" ], "S":{"a" : 1} }"#;
        app.tell(&id, &response(element)).await;
        let answer = r#"{ "S":{"b":[ ]}, "R" : {"I":"x", "H":true} , "I":"07" }"#;
        app.tell(&id, answer).await;
        assert_eq!(client.message().await, element, "{transport}");
        assert_eq!(client.answer().await, answer, "{transport}");
    }
}

#[tokio::test]
async fn what_is_no_message_for_legacy_clients_harms_nobody() {
    let stage = Stage::start();
    let mut app = App::start(&stage, &["Chat"]).await;
    let mut client = stage.client(app.link(), stage.who(&["chat"])).await;
    let id = client.id.clone();
    let not_json = "no JSON".as_bytes();
    app.hub("Chat")
        .send(&Message::BroadcastData {
            excluded_connection_ids: Vec::new(),
            payloads: Payloads::from(vec![("messagepack", not_json)]),
            extensions: Extensions::default(),
        })
        .await;
    for payload in [
        not_json,
        b"",
        b"\x08\x94\x06\xa0",
        b"\x05\x94\x02\xa0\x80\xc0",
    ] {
        let extensions = Extensions::default();
        app.link()
            .send(&Message::ConnectionData {
                connection_id: &id,
                payload,
                extensions,
            })
            .await;
        app.hub("Chat")
            .send(&Message::BroadcastData {
                excluded_connection_ids: Vec::new(),
                payloads: Payloads::from(vec![("json", payload)]),
                extensions: Extensions::default(),
            })
            .await;
    }
    for json in [
        "",
        "[]",
        "{\"C\":\"0\",\"M\":[]}",
        "{\"C\":\"0\",\"M\":3}",
        "{\"I\":\"99\"}",
    ] {
        app.tell(&id, json).await;
        broadcast(app.hub("Chat"), json, &[]).await;
    }
    // Some clients fail at a hub that they do not know.
    app.tell(&id, &response(&received("Stock", "no"))).await;
    app.hub("Chat").barrier().await;
    end(&mut app, &[&client]).await;
    assert_eq!(client.next().await, Said::Message(END.to_owned()));
}
