//! A genuine ASP.NET Core app, when one is at hand: `TEST_DOTNET` names the directory of its
//! `setup.sh`, by default `../shared/dotnet` beside the repository.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use http::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::OnceCell;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::front::{Front, Visitor, options};
use crate::support::soon;

/// The app, self-hosted; it ends with the test.
struct CoreApp {
    url: String,
    process: Child,
}

impl CoreApp {
    /// Starts it; `None`, with a word why, where there is none.
    async fn start() -> Option<Self> {
        static PROGRAM: OnceCell<Result<PathBuf, String>> = OnceCell::const_new();
        let program = match PROGRAM.get_or_init(unpack).await {
            Ok(program) => program,
            Err(why) => {
                println!("skipped: {why}");
                return None;
            }
        };
        let mut process = Command::new(program)
            .args(["--urls", "http://127.0.0.1:0", "--exit-on-eof", "1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let url = soon("the app's READY", async {
            loop {
                let line = lines.next_line().await.unwrap().expect("the app started");
                if let Some(ready) = line.strip_prefix("READY ") {
                    break ready
                        .split(' ')
                        .next()
                        .unwrap()
                        .trim_end_matches('/')
                        .to_owned();
                }
            }
        })
        .await;
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Some(Self { url, process })
    }

    fn front(&self, hub: &str) -> Front {
        Front::start(options(&format!("{}/{hub}", self.url)))
    }
}

/// Unpacks the app once; takes a while the first time.
async fn unpack() -> Result<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let fixtures = match std::env::var_os("TEST_DOTNET") {
        Some(path) => PathBuf::from(path),
        None => root.join("../shared/dotnet"),
    };
    let setup = fixtures.join("setup.sh");
    if !setup.is_file() {
        return Err(format!("no {}", setup.display()));
    }
    let target = root.join("target/dotnet");
    let unpacked = Command::new("sh").arg(&setup).arg(&target).output().await;
    match unpacked {
        Ok(output) if output.status.success() => Ok(target.join("bin/coreapp")),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => Err(error.to_string()),
    }
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
    let Some(app) = CoreApp::start().await else {
        return;
    };
    let front = app.front("testhub");
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
    let Some(app) = CoreApp::start().await else {
        return;
    };
    let front = app.front("secret");
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
    let Some(app) = CoreApp::start().await else {
        return;
    };
    let front = app.front("testhub");
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
    let Some(mut app) = CoreApp::start().await else {
        return;
    };
    let front = app.front("testhub");
    let mut visitor = front.connect().await;
    assert_eq!(visitor.greet().await, "{}\u{1e}");
    assert_eq!(visitor.invoke("Echo", json!(["x"])).await, "x");
    app.process.kill().await.unwrap();
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
    let Some(app) = CoreApp::start().await else {
        return;
    };
    let front = app.front("testhub");
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
