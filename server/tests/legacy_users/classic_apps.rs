//! Classic apps that say who their clients are, and which hubs let them in.

use heliograph::config::Settings;
use heliograph_protocol::service::Message;
use http::request::Parts;

use crate::app::{App, broadcast, received, response, tell_user};
use crate::client::{Client, Who};
use crate::stage::{KEY, Stage, classic_redirect, mint, status, user};
use crate::stub::{Stub, header};
use crate::support::soon;

/// A service in front of the app.
fn stage(app: &Stub) -> Stage {
    let url = app.url();
    Stage::with(Vec::new(), |settings: &mut Settings| {
        settings.legacy.app_url = Some(url);
        settings.legacy.forward_headers = vec!["x-tenant".to_owned()];
    })
}

/// The hubs that a question lists.
fn listed(question: &Parts) -> Vec<String> {
    let query = question.uri.query().unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let (_, data) = pairs.find(|(name, _)| name == "connectionData").unwrap();
    let hubs: Vec<serde_json::Value> = serde_json::from_str(&data).unwrap();
    let name = |hub: &serde_json::Value| hub["name"].as_str().unwrap().to_owned();
    hubs.iter().map(name).collect()
}

/// Lets everybody into all hubs but `guarded`, and there nobody in but alice; has a hub `chat`
/// besides.
fn answer(question: &Parts) -> axum::response::Response {
    let user = user(question);
    let may_enter = |hub: &String| hub != "guarded" || user.as_deref() == Some("alice");
    let hubs = listed(question);
    if hubs
        .iter()
        .any(|hub| !["chat", "guarded"].contains(&&**hub))
    {
        return status(500);
    }
    if !hubs.is_empty() && !hubs.iter().any(may_enter) {
        return status(if user.is_some() { 403 } else { 401 });
    }
    classic_redirect("App", user.as_deref())
}

async fn open(stage: &Stage, app: &mut App, who: Who) -> Client {
    let opened = app.opened();
    let (client, id) = tokio::join!(Client::start(stage.address, who), opened);
    assert_eq!(client.id, id);
    client
}

#[tokio::test]
async fn clients_that_follow_no_redirect_are_served_in_place() {
    let mut asked = Stub::answering(answer).await;
    let stage = stage(&asked);
    let mut app = App::start(&stage, &["chat", "guarded"]).await;
    for protocol in ["1.2", "1.4", "1.5", "2.1"] {
        let mut who = Who::direct(&["chat"])
            .version(protocol)
            .header("Cookie", "user=alice")
            .header("X-Tenant", "7");
        who.query = "room=a&tid=4".to_owned();
        let mut client = if protocol == "1.2" {
            // It has no start.
            let (client, _) = tokio::join!(Client::connect(stage.address, who), app.opened());
            client.unwrap()
        } else {
            open(&stage, &mut app, who).await
        };
        for _ in 0..2 {
            let question = asked.request().await;
            assert_eq!(question.method, http::Method::GET);
            assert_eq!(question.uri.path(), "/chat/negotiate");
            assert_eq!(
                question.uri.query().unwrap(),
                "clientProtocol=2.1&connectionData=%5B%7B%22name%22%3A%22chat%22%7D%5D&room=a"
            );
            assert_eq!(header(&question, "cookie"), "user=alice");
            assert_eq!(header(&question, "x-tenant"), "7");
        }
        let call = r#"{"H":"chat","M":"Echo","A":["x"],"I":0}"#;
        client.send(call).await;
        let id = client.id.clone();
        assert_eq!(app.heard(&id).await, call);
        app.tell(&id, r#"{"R":"x","I":"0"}"#).await;
        assert_eq!(client.answer().await, r#"{"R":"x","I":"0"}"#);
        let text = response(&received("Chat", "hello"));
        tell_user(app.hub("chat"), "alice", &text).await;
        assert_eq!(client.message().await, received("Chat", "hello"));
        client.request_abort().await;
        app.link().closed(&id).await;
    }
}

#[tokio::test]
async fn of_several_hubs_each_is_asked_for_and_one_that_refuses_is_left_out() {
    for hubs in [["guarded", "chat"], ["chat", "guarded"]] {
        let mut asked = Stub::answering(answer).await;
        let stage = stage(&asked);
        let mut app = App::start(&stage, &["chat", "guarded"]).await;
        let mut client = open(&stage, &mut app, Who::direct(&hubs)).await;
        for _ in 0..2 {
            assert_eq!(listed(&asked.request().await), [hubs[0]]);
            assert_eq!(listed(&asked.request().await), [hubs[1]]);
        }
        let secret = response(&received("guarded", "secret"));
        broadcast(app.hub("guarded"), &secret, &[]).await;
        app.hub("guarded").barrier().await;
        let open_to_all = response(&received("chat", "for all"));
        broadcast(app.hub("chat"), &open_to_all, &[]).await;
        assert_eq!(client.message().await, received("chat", "for all"));

        let alice = Who::direct(&hubs).header("Cookie", "user=alice");
        let mut alice = open(&stage, &mut app, alice).await;
        broadcast(app.hub("guarded"), &secret, &[]).await;
        assert_eq!(alice.message().await, received("guarded", "secret"));
    }
}

#[tokio::test]
async fn who_may_not_enter_and_what_is_no_hub_is_told() {
    let asked = Stub::answering(answer).await;
    let stage = stage(&asked);
    let _app = App::start(&stage, &["chat", "guarded"]).await;
    let bob = |hubs: &[&str]| Who::direct(hubs).header("Cookie", "user=bob");
    for (who, expected) in [
        (Who::direct(&["guarded"]), (401, "")),
        (bob(&["guarded"]), (403, "")),
        (bob(&["nope"]), (400, "There is no hub 'nope'.")),
        (bob(&["chat", "nope"]), (400, "There is no hub 'nope'.")),
        (bob(&["nope", "chat"]), (400, "There is no hub 'nope'.")),
    ] {
        let refused = who.negotiate(stage.address).await.unwrap_err();
        assert_eq!((refused.status, refused.text()), expected, "{who:?}");
    }
    // Without a hub it is who it is.
    bob(&[]).negotiate(stage.address).await.unwrap();
}

#[tokio::test]
async fn another_user_cannot_go_on_with_a_connection() {
    let asked = Stub::answering(answer).await;
    let stage = stage(&asked);
    let mut app = App::start(&stage, &["chat"]).await;
    let who = |user: &str| Who::direct(&["chat"]).header("Cookie", &format!("user={user}"));
    let (id, token) = who("alice").negotiate(stage.address).await.unwrap();
    let other = Client::connect_as(stage.address, who("bob"), id, token).await;
    let text = "Unrecognized user identity.  The user identity cannot change during an active \
                SignalR connection.";
    let refused = other.err().unwrap();
    assert_eq!((refused.status, refused.text()), (403, text));
    let mut client = open(&stage, &mut app, who("alice")).await;
    client.lose();
    client.who = who("bob");
    let refused = client.reconnect().await.unwrap_err();
    assert_eq!((refused.status, refused.text()), (403, text));
    client.who = who("alice");
    client.reconnect().await.unwrap();
    soon("the return", app.heard(&client.id.clone())).await;
    let text = response(&received("chat", "x"));
    broadcast(app.hub("chat"), &text, &[]).await;
    assert_eq!(client.message().await, received("chat", "x"));
}

/// A client that the app sent here with a token.
fn redirected(app: &str, user: Option<&str>, hubs: &[&str]) -> Who {
    let claims = [("asrs.s.apn".to_owned(), app.to_owned())];
    let mint = mint(KEY, std::time::Duration::from_secs(60));
    Who::new(mint.legacy_client(user, &claims).unwrap(), hubs)
}

#[tokio::test]
async fn redirected_clients_of_several_hubs_are_asked_for_too() {
    let mut asked = Stub::answering(answer).await;
    let stage = stage(&asked);
    let mut app = App::start(&stage, &["chat", "guarded"]).await;
    let hubs = ["chat", "guarded"];
    let secret = response(&received("guarded", "secret"));
    let open_to_all = response(&received("chat", "for all"));

    // The app's cookies do not come here: only what is open to all is certain.
    let mut nobody = open(&stage, &mut app, redirected("App", Some("alice"), &hubs)).await;
    let cookie = redirected("App", Some("alice"), &hubs).header("Cookie", "user=alice");
    let mut alice = open(&stage, &mut app, cookie).await;
    broadcast(app.hub("guarded"), &secret, &[]).await;
    app.hub("guarded").barrier().await;
    broadcast(app.hub("chat"), &open_to_all, &[]).await;
    assert_eq!(nobody.message().await, received("chat", "for all"));
    assert_eq!(alice.message().await, received("guarded", "secret"));
    for _ in 0..4 {
        let question = asked.request().await;
        assert_eq!(listed(&question).len(), 1);
        // The token is ours.
        assert_eq!(header(&question, "authorization"), "");
    }

    // What the app says of somebody else says nothing of this one.
    let other = redirected("App", Some("alice"), &hubs).header("Cookie", "user=bob");
    let refused = other.negotiate(stage.address).await.unwrap_err();
    assert_eq!((refused.status, refused.text()), (403, ""));
}

#[tokio::test]
async fn redirected_clients_of_one_hub_have_the_apps_word_already() {
    let asked = Stub::answering(|_| status(500)).await;
    let stage = stage(&asked);
    let mut app = App::start(&stage, &["chat"]).await;
    for hubs in [&["chat"][..], &[]] {
        let client = redirected("App", None, hubs);
        open(&stage, &mut app, client).await;
    }
    let message = app.link();
    drop(asked);
    message.barrier().await;
}

#[tokio::test]
async fn an_app_that_did_not_send_the_client_has_no_say() {
    let asked = Stub::answering(|_| classic_redirect("Other", None)).await;
    let stage = stage(&asked);
    let _app = App::start(&stage, &["chat", "guarded"]).await;
    let who = redirected("App", None, &["chat", "guarded"]);
    let refused = who.negotiate(stage.address).await.unwrap_err();
    assert_eq!(refused.status, 503);
}

#[tokio::test]
async fn the_apps_word_is_with_what_it_opens() {
    let asked = Stub::answering(answer).await;
    let stage = stage(&asked);
    let mut app = App::start(&stage, &["chat"]).await;
    let who = Who::direct(&["chat"]).header("Cookie", "user=alice");
    let start = tokio::spawn(Client::start(stage.address, who));
    let frame = app.link().next().await;
    let Message::OpenConnection {
        claims, headers, ..
    } = frame.message()
    else {
        panic!("{:?}", frame.message())
    };
    assert!(claims.contains(&("asrs.s.uid", "alice")), "{claims:?}");
    assert!(claims.contains(&("asrs.s.apn", "App")), "{claims:?}");
    let cookie = ("cookie", vec!["user=alice"]);
    assert!(headers.contains(&cookie), "{headers:?}");
    soon("the start", start).await.unwrap();
}
