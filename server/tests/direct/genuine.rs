//! A genuine ASP.NET Core app, when one is at hand.

use http::StatusCode;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::front::{Front, Visitor, options};
use crate::support::coreapp::CoreApp;

/// The door before a hub of the app.
fn front(app: &CoreApp, hub: &str) -> Front {
    Front::start(options(&app.url(&format!("/{hub}"))))
}

impl Visitor {
    /// The result of a call; messages before it are passed over.
    async fn invoke(&mut self, target: &str, arguments: Value) -> Value {
        let call =
            json!({"type": 1, "invocationId": "1", "target": target, "arguments": arguments});
        self.send(&format!("{call}\u{1e}")).await;
        loop {
            let text = self.text().await;
            let message: Value = serde_json::from_str(text.trim_end_matches('\u{1e}')).unwrap();
            if message["type"] == 3 {
                break message["result"].clone();
            }
        }
    }

    async fn closed_with(&mut self, message: &str) {
        let ping = "{\"type\":6}\u{1e}";
        let mut text = self.text().await;
        while text == ping {
            text = self.text().await;
        }
        assert_eq!(text, format!("{message}\u{1e}"));
        assert_eq!(self.closed().await.unwrap().code, CloseCode::Normal);
    }
}

#[tokio::test]
async fn hub_and_client_see_the_same_id_and_the_hub_sees_the_clients_request() {
    let Some(app) = CoreApp::start(&[]).await else {
        return;
    };
    let front = front(&app, "testhub");
    let headers = [
        ("user-agent", "test/1"),
        ("cookie", "a=1"),
        ("x-forwarded-for", "203.0.113.9"),
    ];
    let answer = front
        .negotiate("negotiateVersion=1&user=alice&room=1", &headers)
        .await
        .json();
    let id = answer["connectionId"].as_str().unwrap();
    let token = answer["connectionToken"].as_str().unwrap();
    let query = format!("id={token}&user=alice&room=1");
    let mut visitor = front.connect_with(&query, &headers).await;
    assert_eq!(visitor.greet().await, "{}\u{1e}");

    assert_eq!(visitor.invoke("Echo", json!(["hällo"])).await, "hällo");
    assert_eq!(visitor.invoke("GetCallerConnectionId", json!([])).await, id);
    let me = visitor.invoke("WhoAmI", json!([])).await;
    assert_eq!(me["userId"], "alice", "{me}");
    assert_eq!(me["transport"], "WebSockets");
    assert!(
        me["query"]
            .as_str()
            .unwrap()
            .ends_with("&user=alice&room=1"),
        "{me}"
    );
    for (name, value) in [
        ("user-agent", "test/1"),
        ("cookie", "a=1"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", &*front.address.to_string()),
    ] {
        let headers = me["headers"].as_object().unwrap();
        let (_, seen) = headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .unwrap();
        assert_eq!(seen[0], value, "{me}");
    }
}

#[tokio::test]
async fn the_apps_authorization_decides() {
    let Some(app) = CoreApp::start(&[]).await else {
        return;
    };
    let front = front(&app, "secret");
    let answer = front.negotiate("negotiateVersion=1", &[]).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{answer:?}");

    let header = [("authorization", "Bearer user=bob&role=admin")];
    let in_query = "access_token=user%3Dbob%26role%3Dadmin";
    for (query, headers) in [("", &header[..]), (in_query, &[])] {
        let negotiation = format!("negotiateVersion=1&{query}");
        let answer = front.negotiate(&negotiation, headers).await.json();
        let token = answer["connectionToken"].as_str().unwrap();
        let query = format!("id={token}&{query}");
        let mut visitor = front.connect_with(&query, headers).await;
        assert_eq!(visitor.greet().await, "{}\u{1e}");
        let summary = visitor.invoke("Summary", json!([])).await;
        assert_eq!(summary, "bob|bob-name|admin|");
    }
}

#[tokio::test]
async fn the_hub_may_end_a_connection() {
    let Some(app) = CoreApp::start(&[]).await else {
        return;
    };
    let front = front(&app, "testhub");
    let mut visitor = front.connect().await;
    assert_eq!(visitor.greet().await, "{}\u{1e}");
    visitor
        .send("{\"type\":1,\"target\":\"AbortMe\",\"arguments\":[]}\u{1e}")
        .await;
    visitor.closed_with("{\"type\":7}").await;

    let mut visitor = front.connect_with("onconnect=throw", &[]).await;
    assert_eq!(visitor.greet().await, "{}\u{1e}");
    visitor
        .closed_with("{\"type\":7,\"error\":\"Connection closed with an error.\"}")
        .await;
}

#[tokio::test]
async fn clients_of_a_killed_app_may_come_back() {
    let Some(mut app) = CoreApp::start(&[]).await else {
        return;
    };
    let front = front(&app, "testhub");
    let mut visitor = front.connect().await;
    assert_eq!(visitor.greet().await, "{}\u{1e}");
    assert_eq!(visitor.invoke("Echo", json!(["x"])).await, "x");
    app.kill().await;
    visitor
        .closed_with("{\"type\":7,\"allowReconnect\":true}")
        .await;
    let answer = front.negotiate("negotiateVersion=1", &[]).await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert_eq!(
        answer.body,
        "Hub 'chat' is unavailable: it cannot be reached."
    );
}

#[tokio::test]
async fn large_messages_pass_both_ways() {
    let Some(app) = CoreApp::start(&[]).await else {
        return;
    };
    let front = front(&app, "testhub");
    let mut visitor = front.connect().await;
    assert_eq!(visitor.greet().await, "{}\u{1e}");
    let large = "y".repeat(1_000_000);
    assert_eq!(visitor.invoke("Echo", json!([large])).await, large);
    let too_large = format!("\"{}\"\u{1e}", "y".repeat(1 << 20));
    visitor.send(&too_large).await;
    visitor
        .closed_with(
            "{\"type\":7,\"error\":\"Connection closed with an error.\",\"allowReconnect\":true}",
        )
        .await;
}
