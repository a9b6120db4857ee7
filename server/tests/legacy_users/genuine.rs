//! A genuine ASP.NET Core app whose hubs serve legacy clients, when one is at hand: by itself, and
//! as an app server with the Azure SDK.

use std::net::SocketAddr;

use heliograph::config::HubSettings;
use serde_json::{Value, json};

use crate::client::{Client, Said, Who};
use crate::http::request;
use crate::socket::Socket;
use crate::stage::{KEY, Stage, asked, listener};
use crate::support::coreapp::CoreApp;

const HUBS: [&str; 2] = ["TestHub", "SecretHub"];
const HEADER: &str = "X-Test-User";

/// A Core client on a WebSocket.
struct Core(Socket);

impl Core {
    async fn open(address: SocketAddr, target: &str) -> Self {
        let mut socket = Socket::open(address, target, &[]).await.unwrap();
        socket
            .send("{\"protocol\":\"json\",\"version\":1}\u{1e}")
            .await;
        assert_eq!(socket.text().await, "{}\u{1e}");
        Self(socket)
    }

    async fn call(&mut self, target: &str, arguments: Value) {
        let call =
            json!({"type": 1, "invocationId": "1", "target": target, "arguments": arguments});
        self.0.send(&format!("{call}\u{1e}")).await;
        while self.next().await["type"] != 3 {}
    }

    /// The next message that is no ping.
    async fn next(&mut self) -> Value {
        loop {
            let text = self.0.text().await;
            let message: Value = serde_json::from_str(text.trim_end_matches('\u{1e}')).unwrap();
            if message["type"] != 6 {
                return message;
            }
        }
    }

    /// The next message, which is a call: its text.
    async fn told(&mut self) -> String {
        let call = self.next().await;
        assert_eq!(call["target"], "Message", "{call}");
        call["arguments"][0].as_str().unwrap().to_owned()
    }
}

/// The result of a call of a legacy client; messages before it are passed over.
async fn call(client: &mut Client, hub: &str, method: &str, arguments: Value) -> Value {
    let call = json!({"H": hub, "M": method, "A": arguments, "I": 0});
    client.send(&call.to_string()).await;
    loop {
        match client.next().await {
            Said::Answer(object) => return serde_json::from_str(&object).unwrap(),
            Said::Message(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// The next message of a legacy client.
async fn told(client: &mut Client) -> String {
    let message: Value = serde_json::from_str(&client.message().await).unwrap();
    assert_eq!(
        (&message["H"], &message["M"]),
        (&json!("TestHub"), &json!("Message"))
    );
    message["A"][0].as_str().unwrap().to_owned()
}

fn identified(query: &str) -> Who {
    let mut who = Who::direct(&HUBS);
    who.query = query.to_owned();
    who
}

/// Who a client is in a hub, as the hub sees it.
async fn who_am_i(client: &mut Client, hub: &str) -> Value {
    call(client, hub, "WhoAmI", json!([])).await["R"].clone()
}

async fn legacy_clients_are_known(stage: &Stage) {
    let query = "room=1&user=alice&role=admin&claim=dept:r%26d";
    let who = identified(query)
        .header("User-Agent", "old/1")
        .header("Cookie", "a=1");
    let mut alice = Client::start(stage.address, who).await;
    for hub in HUBS {
        let me = who_am_i(&mut alice, hub).await;
        assert_eq!(me["userId"], "alice", "{me}");
        assert_eq!(
            (&me["name"], &me["authenticated"]),
            (&json!("alice-name"), &json!(true))
        );
        let claims = me["claims"].as_array().unwrap();
        for (kind, value) in [("role", "admin"), ("dept", "r&d")] {
            let is_it = |claim: &Value| {
                let name = claim[0].as_str().unwrap();
                (name == kind || name.ends_with(&format!("/{kind}"))) && claim[1] == value
            };
            assert!(claims.iter().any(is_it), "{kind}: {me}");
        }
        assert!(me["query"].as_str().unwrap().contains("room=1"), "{me}");
        let headers = me["headers"].as_object().unwrap();
        for (name, value) in [("user-agent", "old/1"), ("cookie", "a=1")] {
            let mut headers = headers.iter();
            let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name));
            assert_eq!(found.unwrap().1[0], value, "{me}");
        }
    }
    let summary = call(&mut alice, "secrethub", "AdminOnly", json!([])).await;
    assert!(summary.get("E").is_none(), "{summary}");

    let who = Who::direct(&HUBS).header(HEADER, "user=bob");
    let mut bob = Client::start(stage.address, who).await;
    for hub in HUBS {
        assert_eq!(who_am_i(&mut bob, hub).await["userId"], "bob");
    }
    let refused = call(&mut bob, "secrethub", "AdminOnly", json!([])).await;
    assert!(refused.get("E").is_some(), "{refused}");

    let mut nobody = Client::start(stage.address, Who::direct(&HUBS)).await;
    let me = who_am_i(&mut nobody, "testhub").await;
    assert_eq!(
        (&me["userId"], &me["authenticated"]),
        (&json!(null), &json!(false))
    );
    let refused = call(&mut nobody, "secrethub", "Echo", json!(["x"])).await;
    assert!(refused.get("E").is_some(), "{refused}");
    let only_secret = Who::direct(&["secrethub"]).negotiate(stage.address).await;
    let refused = only_secret.unwrap_err();
    assert_eq!((refused.status, refused.text()), (401, ""));
    for client in [alice, bob, nobody] {
        client.stop().await;
    }
}

async fn both_worlds_are_one(stage: &Stage, mut carol: Core) {
    let mut alice = Client::start(stage.address, identified("user=alice")).await;
    let mut bob = Client::start(stage.address, identified("user=bob").over("longPolling")).await;
    call(&mut alice, "testhub", "Join", json!(["g"])).await;
    carol.call("Join", json!(["g"])).await;
    carol
        .call("ToOthersInGroup", json!(["g", "from carol"]))
        .await;
    assert_eq!(told(&mut alice).await, "from carol");
    call(
        &mut alice,
        "testhub",
        "ToOthersInGroup",
        json!(["g", "from alice"]),
    )
    .await;
    assert_eq!(carol.told().await, "from alice");
    carol.call("ToUser", json!(["alice", "to alice"])).await;
    assert_eq!(told(&mut alice).await, "to alice");
    call(
        &mut alice,
        "testhub",
        "ToUser",
        json!(["carol", "to carol"]),
    )
    .await;
    assert_eq!(carol.told().await, "to carol");
    call(&mut alice, "testhub", "ToOthers", json!(["to all"])).await;
    assert_eq!(
        (carol.told().await, told(&mut bob).await),
        ("to all".into(), "to all".into())
    );
    call(&mut alice, "testhub", "Leave", json!(["g"])).await;
    carol.call("ToGroup", json!(["g", "late"])).await;
    carol.call("ToUser", json!(["alice", "last"])).await;
    assert_eq!(told(&mut alice).await, "last");
}

async fn a_connection_that_comes_back_is_checked(stage: &Stage) {
    let mut alice = Client::start(stage.address, identified("user=alice")).await;
    call(&mut alice, "testhub", "Join", json!(["g"])).await;
    alice.lose();
    alice.who = identified("user=bob");
    assert_eq!(alice.reconnect().await.unwrap_err().status, 403);
    alice.who = identified("user=alice");
    alice.reconnect().await.unwrap();
    call(&mut alice, "testhub", "ToOthersInGroup", json!(["g", "x"])).await;
    alice.stop().await;
}

#[tokio::test]
async fn an_app_server_serves_legacy_clients_as_whom_its_app_names() {
    let listener = listener();
    let address = listener.local_addr().unwrap();
    let Some(app) = CoreApp::serving_at(address, KEY, &[]).await else {
        return;
    };
    let hub = |name: &str, path: &str| HubSettings {
        legacy_name: Some(name.to_owned()),
        forward_headers: vec![HEADER.to_owned()],
        ..asked(&app.url(path))
    };
    let hubs = vec![
        ("testhub", hub("TestHub", "/testhub")),
        ("secrethub", hub("SecretHub", "/secret")),
    ];
    let stage = Stage::on(listener, hubs, |_| {});
    app.connected().await;
    legacy_clients_are_known(&stage).await;

    let app_address: SocketAddr = app.url("").trim_start_matches("http://").parse().unwrap();
    let target = "/testhub/negotiate?negotiateVersion=1&user=carol";
    let answer = request(app_address, "POST", target, &[], b"").await;
    let answer: Value = serde_json::from_str(answer.text()).unwrap();
    let url = answer["url"].as_str().unwrap();
    let (_, path) = url.split_once("/client").unwrap();
    let token = answer["accessToken"].as_str().unwrap();
    let carol = Core::open(address, &format!("/client{path}&access_token={token}")).await;
    both_worlds_are_one(&stage, carol).await;
    a_connection_that_comes_back_is_checked(&stage).await;
}

#[tokio::test]
async fn an_app_by_itself_serves_legacy_clients_as_whom_it_takes_them_for() {
    let Some(app) = CoreApp::start(&[]).await else {
        return;
    };
    let hub = |name: &str, path: &str| HubSettings {
        url: Some(app.url(path)),
        legacy_name: Some(name.to_owned()),
        forward_headers: vec![HEADER.to_owned()],
        ..HubSettings::default()
    };
    let stage = Stage::start(vec![
        ("testhub", hub("TestHub", "/testhub")),
        ("secrethub", hub("SecretHub", "/secret")),
    ]);
    legacy_clients_are_known(&stage).await;
    let carol = Core::open(stage.address, "/testhub?user=carol").await;
    both_worlds_are_one(&stage, carol).await;
}
