//! The same conversation with the reference server and with us: what the client receives is
//! compared message by message.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::kit::{Hub, Protocol, Transport};
use crate::backend::{BACKENDS, Backend, REFERENCE};
use crate::world::World;

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
    compare(Protocol::Json, &Transport::ALL).await
}

async fn messagepack() -> Result<()> {
    let binary = [Transport::WebSockets, Transport::LongPolling];
    compare(Protocol::MessagePack, &binary).await
}

async fn compare(protocol: Protocol, transports: &[Transport]) -> Result<()> {
    let expected = record(REFERENCE.name, protocol, transports).await?;
    for all in &expected {
        ensure!(all.len() > 90, "only {} messages came", all.len());
    }
    for kind in BACKENDS.iter().filter(|kind| kind.world == World::Core) {
        let backend = kind.name;
        let got = record(backend, protocol, transports).await?;
        for ((expected, got), transport) in expected.iter().zip(&got).zip(transports) {
            same(expected, got, backend).with_context(|| format!("{backend}, {transport:?}"))?;
        }
    }
    Ok(())
}

fn same(expected: &[Received], got: &[Received], backend: &str) -> Result<()> {
    // Our own hubs write the same values in other words: which characters are escaped, how wide a
    // number is.
    let by_bytes = backend != "embedded";
    for (n, (want, got)) in expected.iter().zip(got).enumerate() {
        // The very bytes, unless they name what cannot be the same.
        let may_differ = !by_bytes || normal(&want.message) != want.message;
        let same = want.bytes == got.bytes
            || (may_differ && normal(&want.message) == normal(&got.message));
        if !same {
            let (want, got) = (shown(want), shown(got));
            bail!("message {n}:\n  {got}\ninstead of\n  {want}");
        }
    }
    ensure!(
        expected.len() == got.len(),
        "{} messages instead of {}",
        got.len(),
        expected.len()
    );
    Ok(())
}

fn shown(received: &Received) -> String {
    format!("{} ({} bytes)", received.message, received.bytes.len())
}

/// What may differ, and why; in MessagePack the same begins with a capital.
const DIFFERENT: &[(&str, &str)] = &[
    (
        "connectionId",
        "ids have the form that the server gives them",
    ),
    (
        "features",
        "names of .NET types, fewer where another program holds the connection",
    ),
    (
        "headers",
        "those of the hop, and those that a hop adds; scenarios of their own look at them",
    ),
    (
        "transport",
        "an app sees that of its own connections, or none",
    ),
];

/// A message with everything that may differ replaced.
fn normal(message: &Value) -> Value {
    match message {
        Value::Array(values) => values.iter().map(normal).collect(),
        Value::Object(pairs) => {
            let pairs = pairs.iter().map(|(key, value)| {
                let is = |name: &str| key.eq_ignore_ascii_case(name);
                let value = match value.as_str() {
                    _ if DIFFERENT.iter().any(|(name, _)| is(name)) => json!("*"),
                    Some(query) if is("query") => own_parameters(query).into(),
                    Some(error) if is("error") => without_reason(error).into(),
                    None if is("claims") => long_names(value),
                    _ => normal(value),
                };
                (key.clone(), value)
            });
            Value::Object(pairs.collect())
        }
        other => other.clone(),
    }
}

/// Claims without those that come twice, since a token has short names for long ones: the genuine
/// service tells an app both, too.
fn long_names(claims: &Value) -> Value {
    let short = ["nameid", "unique_name", "role"];
    let is_long = |claim: &&Value| !short.iter().any(|name| claim[0] == *name);
    let claims = claims.as_array().into_iter().flatten();
    claims.filter(is_long).cloned().collect()
}

/// A text that says why a value was not read, without the words of the one who read it.
fn without_reason(error: &str) -> &str {
    const READ: &str = "Error trying to deserialize result to String.";
    match error.find(READ) {
        Some(at) => error.get(..at + READ.len()).unwrap_or(error),
        None => error,
    }
}

/// A query without what clients and the service put in.
fn own_parameters(query: &str) -> String {
    let is_own = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        !name.starts_with("asrs") && !["id", "hub", "negotiateVersion"].contains(&name)
    };
    let pairs = query.trim_start_matches('?').split('&').filter(is_own);
    pairs.collect::<Vec<_>>().join("&")
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
        (1, "WhoAmI", json!([])),
        (1, "AskMe", json!(["question"])),
        (1, "AskMe", json!(["fail"])),
        (1, "AskMe", json!(["number"])),
        (1, "AskMe", json!(["nothing"])),
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

/// Calls with a stream from the client: its items and how it ends.
fn uploads() -> Vec<(u8, &'static str, Vec<Value>, Value)> {
    let texts = || ["a", "", "ö€😀"].map(Value::from).to_vec();
    vec![
        (1, "StreamingConcat", texts(), json!({})),
        (1, "StreamingConcat", Vec::new(), json!({})),
        (1, "StreamingConcat", texts(), json!({"error": "enough"})),
        (1, "StreamingConcat", vec![json!({"no": "text"})], json!({})),
        (
            1,
            "Sum",
            (0..100).map(Value::from).collect::<Vec<_>>(),
            json!({}),
        ),
        (1, "UploadToNote", texts(), json!({})),
        (4, "EchoStream", texts(), json!({})),
        (4, "EchoStream", texts(), json!({"error": "enough"})),
    ]
}

/// What a client of each transport receives.
async fn record(
    backend: &'static str,
    protocol: Protocol,
    transports: &[Transport],
) -> Result<Vec<Vec<Received>>> {
    let running = Backend::start(backend).await.context(backend)?;
    let mut all = Vec::new();
    for transport in transports {
        let received = converse(&running, protocol, *transport).await;
        all.push(received.with_context(|| format!("{backend}, {transport:?}"))?);
    }
    Ok(all)
}

async fn converse(
    backend: &Backend,
    protocol: Protocol,
    transport: Transport,
) -> Result<Vec<Received>> {
    let url = format!(
        "{}/testhub?user=amy&role=admin&role=ops&claim=dept:r%26d&group=first",
        backend.url()
    );
    let mut hub = Hub::connect_by(&url, transport, protocol, &[]).await?;
    let mut all = Vec::new();
    for (kind, target, arguments) in script() {
        let id = hub.begin(kind, target, arguments).await?;
        // What a call sends to its own client may come before or after its completion.
        follow_call(&mut hub, &id, &mut all)
            .await
            .with_context(|| target.to_owned())?;
    }
    for (n, (kind, target, items, end)) in uploads().into_iter().enumerate() {
        let stream = format!("up{n}");
        let id = hub.begin_with(kind, target, json!([]), &[&stream]).await?;
        for item in items {
            hub.send(&json!({"type": 2, "invocationId": stream, "item": item}))
                .await?;
        }
        let mut end = end;
        end["type"] = json!(3);
        end["invocationId"] = json!(stream);
        hub.send(&end).await?;
        follow_call(&mut hub, &id, &mut all)
            .await
            .with_context(|| target.to_owned())?;
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
            let mut answer = match message["arguments"][0].as_str() {
                Some("fail") => json!({"error": "no answer"}),
                Some("number") => json!({"result": 42}),
                Some("nothing") => json!({}),
                _ => json!({"result": "an answer"}),
            };
            answer["type"] = json!(3);
            answer["invocationId"] = asked.clone();
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
