//! The same conversation with the reference server and with us: what the client receives is
//! compared message by message.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::kit::{Hub, Protocol, Transport};
use crate::backend::Backend;

scenarios! {
    "oracle-json",
    "a JSON client receives from us what it receives from the reference server",
    json();
    "oracle-messagepack",
    "a MessagePack client receives from us what it receives from the reference server",
    messagepack();
}

/// One message as it came.
#[derive(Debug)]
struct Received {
    message: Value,
    bytes: Vec<u8>,
}

async fn json() -> Result<()> {
    compare(Protocol::Json).await
}

async fn messagepack() -> Result<()> {
    compare(Protocol::MessagePack).await
}

async fn compare(protocol: Protocol) -> Result<()> {
    let expected = record("self", protocol).await.context("self")?;
    ensure!(expected.len() > 60, "only {} messages came", expected.len());
    for backend in ["azure", "direct"] {
        let got = record(backend, protocol).await.context(backend)?;
        for (n, (want, got)) in expected.iter().zip(&got).enumerate() {
            // The very bytes, unless they name what cannot be the same.
            let same = want.bytes == got.bytes
                || (normal(&want.message) != want.message
                    && normal(&want.message) == normal(&got.message));
            if !same {
                let (want, got) = (shown(want), shown(got));
                bail!("{backend}, message {n}:\n  {got}\ninstead of\n  {want}");
            }
        }
        ensure!(
            expected.len() == got.len(),
            "{backend}: {} messages instead of {}",
            got.len(),
            expected.len()
        );
    }
    Ok(())
}

fn shown(received: &Received) -> String {
    format!("{} ({} bytes)", received.message, received.bytes.len())
}

/// What may differ, and why.
const DIFFERENT: &[(&str, &str)] = &[
    (
        "connectionId",
        "ids have the form that the server gives them",
    ),
    ("ConnectionId", "the same, in MessagePack"),
];

/// A message with everything that may differ replaced.
fn normal(message: &Value) -> Value {
    match message {
        Value::Array(values) => values.iter().map(normal).collect(),
        Value::Object(pairs) => {
            let pairs = pairs.iter().map(|(key, value)| {
                let differs = DIFFERENT.iter().any(|(name, _)| key == name);
                let value = if differs { json!("*") } else { normal(value) };
                (key.clone(), value)
            });
            Value::Object(pairs.collect())
        }
        other => other.clone(),
    }
}

/// Calls that are complete when their completion has come, in the order of the script.
fn script() -> Vec<(u8, &'static str, Value)> {
    vec![
        (
            1,
            "Echo",
            json!(["text with \"quotes\", \\, <tags> & é € 😀 \u{7}"]),
        ),
        (1, "Echo", json!([""])),
        (1, "Add", json!([2, -3])),
        (
            1,
            "EchoAny",
            json!([{"a": [1, 2.5, null, true], "b": {"c": "d"}}]),
        ),
        (1, "EchoAny", json!([null])),
        (1, "EchoAny", json!([-1_234_567_890_123_i64])),
        (1, "Length", json!(["x".repeat(20_000)])),
        (1, "Big", json!([70_000])),
        (1, "Nothing", json!([])),
        (1, "Null", json!([])),
        (1, "Slow", json!([20])),
        (1, "Query", json!(["group"])),
        (1, "UserId", json!([])),
        (1, "ToCaller", json!(["to the caller"])),
        (1, "ToAll", json!(["to all"])),
        (1, "ToOthers", json!(["not to us"])),
        (1, "Join", json!(["g"])),
        (1, "ToGroup", json!(["g", "to the group"])),
        (1, "ToGroups", json!([["g", "g2"], "to groups"])),
        (1, "ToOthersInGroup", json!(["g", "not to us"])),
        (1, "Leave", json!(["g"])),
        (1, "ToGroup", json!(["g", "not to us"])),
        (1, "ToUser", json!(["amy", "to the user"])),
        (1, "ToUsers", json!([["bob", "amy"], "to users"])),
        (1, "Many", json!([10])),
        (1, "AskMe", json!(["question"])),
        (4, "Stream", json!([])),
        (4, "EmptyStream", json!([])),
        (4, "Counter", json!([5, 0])),
        (4, "StreamThrowException", json!(["stream failed"])),
        (1, "ThrowException", json!(["failed"])),
        (1, "ThrowHubException", json!(["failed on purpose"])),
        (1, "NoSuchMethod", json!([])),
        (1, "Echo", json!([])),
        (1, "Echo", json!(["one", "two"])),
        (1, "Add", json!(["no number", 1])),
        (1, "Stream", json!([])),
        (4, "Echo", json!(["no stream"])),
    ]
}

async fn record(backend: &str, protocol: Protocol) -> Result<Vec<Received>> {
    let backend = Backend::start(backend).await?;
    let url = format!("{}/testhub?user=amy&group=first", backend.url());
    let mut hub = Hub::connect_by(&url, Transport::WebSockets, protocol, &[]).await?;
    let mut all = Vec::new();
    for (kind, target, arguments) in script() {
        let id = hub.begin(kind, target, arguments).await?;
        // What a call sends to its own client may come before or after its completion.
        let mut of_call = Vec::new();
        follow_call(&mut hub, &id, &mut of_call)
            .await
            .with_context(|| target.to_owned())?;
        all.extend(of_call);
    }
    hub.send(&json!({"type": 1, "target": "AbortMe", "arguments": []}))
        .await?;
    while let Ok((message, bytes)) = hub.next_raw().await {
        if message["type"] != 6 {
            all.push(Received { message, bytes });
        }
    }
    Ok(all)
}

/// Takes everything up to a call's end and up to the echo of a marker behind it.
async fn follow_call(hub: &mut Hub, id: &str, all: &mut Vec<Received>) -> Result<()> {
    let mut wanted = id.to_owned();
    let mut is_marker = false;
    loop {
        let (message, bytes) = hub.next_raw().await?;
        if message["type"] == 6 {
            continue;
        }
        let asked = &message["invocationId"];
        if message["type"] == 1 && asked.is_string() {
            // The id of a question is the server's own.
            let answer = json!({"type": 3, "invocationId": asked, "result": "an answer"});
            hub.send(&answer).await?;
            let message = json!({"question": message["arguments"], "target": message["target"]});
            let bytes = message.to_string().into_bytes();
            all.push(Received { message, bytes });
            continue;
        }
        let done = message["type"] == 3 && *asked == wanted.as_str();
        all.push(Received { message, bytes });
        if done && is_marker {
            return Ok(());
        }
        if done {
            wanted = hub.begin(1, "Echo", json!(["marker"])).await?;
            is_marker = true;
        }
    }
}
