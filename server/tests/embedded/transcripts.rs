//! Sessions recorded with a genuine server, played again.

use std::path::PathBuf;

use futures_util::stream;
use heliograph::backend::embedded::{Caller, EmbeddedHub, HubBuilder, HubError, Options, Upload};
use heliograph_protocol::hub::{self, Deframer, Encoding, parse};
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Client, PATIENCE, serve};

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct InvalidOperationException(String);

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Exception(String);

/// The hub of the recordings.
pub(crate) fn test_hub(detailed_errors: bool) -> HubBuilder {
    let options = Options {
        detailed_errors,
        parallel_calls: 8,
        ..Options::default()
    };
    EmbeddedHub::builder("testhub")
        .options(options)
        .method("Join", |caller: Caller, (group,): (String,)| async move {
            caller.join(&group);
            Ok(())
        })
        .method(
            "Echo",
            |_: Caller, (text,): (String,)| async move { Ok(text) },
        )
        .method(
            "EchoNull",
            |_: Caller, (text,): (Option<String>,)| async move { Ok(text) },
        )
        .method("EchoAny", |_: Caller, (value,): (Value,)| async move {
            Ok(value)
        })
        .method(
            "Add",
            |_: Caller, (a, b): (i32, i32)| async move { Ok(a + b) },
        )
        .method(
            "ThrowHubException",
            |_: Caller, (text,): (String,)| async move { Err::<(), _>(HubError::visible(text)) },
        )
        .method(
            "ThrowException",
            |_: Caller, (text,): (String,)| async move {
                Err::<(), HubError>(InvalidOperationException(text).into())
            },
        )
        .method("AbortMe", |caller: Caller, (): ()| async move {
            caller.abort();
            Ok(())
        })
        .stream("Stream", |_: Caller, (): ()| async move {
            Ok(stream::iter(["a", "b", "c"].map(Ok)))
        })
        .stream(
            "StreamThrowException",
            |_: Caller, (text,): (String,)| async move {
                Ok(stream::iter([Err::<(), HubError>(Exception(text).into())]))
            },
        )
        .stream(
            "Counter",
            |_: Caller, (count, pause): (u32, u64)| async move {
                Ok(stream::unfold(0, move |i| async move {
                    if i > 0 {
                        tokio::time::sleep(std::time::Duration::from_millis(pause)).await;
                    }
                    (i < count).then_some((Ok(i), i + 1))
                }))
            },
        )
        .method(
            "StreamingConcat",
            |_: Caller, (mut texts,): (Upload<String>,)| async move {
                let mut all = String::new();
                while let Some(text) = texts.next().await {
                    all.push_str(&text?);
                }
                Ok(all)
            },
        )
        .method(
            "SumTwo",
            |_: Caller, (mut a, mut b): (Upload<i32>, Upload<i32>)| async move {
                let mut sum = 0;
                while let Some(number) = a.next().await {
                    sum += number?;
                }
                while let Some(number) = b.next().await {
                    sum += number?;
                }
                Ok(sum)
            },
        )
        .method(
            "AskMe",
            |caller: Caller, (question,): (String,)| async move {
                let me = caller.clients().caller();
                me.invoke::<Option<String>>("Ask", (question,), PATIENCE)
                    .await
            },
        )
        .method(
            "AskOther",
            |caller: Caller, (id, question): (String, String)| async move {
                let other = caller.clients().client(&id);
                other
                    .invoke::<Option<String>>("Ask", (question,), PATIENCE)
                    .await
            },
        )
}

fn crash() -> EmbeddedHub {
    let options = Options {
        detailed_errors: true,
        ..Options::default()
    };
    EmbeddedHub::builder("crash")
        .options(options)
        .on_connected(|_: Caller| async {
            Err(InvalidOperationException("no entry".to_owned()).into())
        })
        .build()
}

fn load(name: &str) -> Value {
    load_from("protocol/vectors/core-live", name)
}

pub(crate) fn load_from(folder: &str, name: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join(folder)
        .join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Sessions of a recording: path and frames.
pub(crate) fn sessions(recording: &Value) -> Vec<(String, Vec<Value>)> {
    let links = recording["links"].as_array().unwrap();
    let exchanges = links
        .iter()
        .flat_map(|l| l["exchanges"].as_array().unwrap());
    exchanges
        .filter_map(|exchange| {
            let frames = exchange["frames"].as_array()?.clone();
            let target = exchange["request"]["target"].as_str().unwrap();
            let path = target.split('?').next().unwrap().to_owned();
            Some((path, frames))
        })
        .collect()
}

pub(crate) fn bytes(frame: &Value) -> Vec<u8> {
    match (frame["text"].as_str(), frame["hex"].as_str()) {
        (Some(text), _) => text.as_bytes().to_vec(),
        (_, Some(hex)) => hex
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect(),
        _ => Vec::new(),
    }
}

/// The ids of calls whose answers depend on .NET types that the hub above does not have.
fn left_out(encoding: Encoding, payload: &[u8]) -> Option<String> {
    let Ok(message) = parse(encoding, payload) else {
        return None;
    };
    let (id, target) = match message {
        hub::Message::Invocation(call) => (call.invocation_id?, call.target),
        hub::Message::StreamInvocation(call) => (call.invocation_id, call.target),
        _ => return None,
    };
    let shallow = payload.len() < 100 && encoding == Encoding::MessagePack;
    let left_out = match &*target {
        "NullStream" | "EchoComplexObject" | "EchoBytes" => true,
        "EchoAny" => shallow,
        _ => false,
    };
    left_out.then(|| id.into_owned())
}

/// Where our texts cannot be those of .NET: what its JSON reader says of a value.
fn comparable(message: &[u8]) -> Vec<u8> {
    const DOTNET_DETAILS: [&str; 2] = [
        "Failed to bind Stream message.",
        "Error trying to deserialize result to ",
    ];
    let text = String::from_utf8_lossy(message);
    let cut = DOTNET_DETAILS
        .iter()
        .find_map(|known| text.find(known).map(|at| at + known.len()));
    cut.map_or_else(|| message.to_vec(), |end| text.as_bytes()[..end].to_vec())
}

/// Plays a session and gives the number of answers that were as recorded. Client result ids are
/// counted by each hub, so the hub is a new one for each session.
async fn play(path: &str, frames: &[Value]) -> usize {
    play_at(&test_hub(true).build(), path, frames).await
}

/// As [`play`], with this hub as the recording's.
pub(crate) async fn play_at(test: &EmbeddedHub, path: &str, frames: &[Value]) -> usize {
    let crash = crash();
    let served = serve(&[test, &crash]);
    let mut client = Client::connect(&served, path).await;
    let mut expected = Deframer::new(Encoding::Json, 1 << 20);
    let mut received: Vec<Vec<u8>> = Vec::new();
    let mut compared = 0;
    let mut skipped = Vec::new();
    let mut encoding = Encoding::Json;
    let mut continued = Vec::new();
    for frame in frames {
        let is_close = frame["op"] == "close";
        if frame["from"] == "client" {
            if client.closed {
                continue;
            }
            if is_close {
                client.send_frame(Message::Close(None)).await;
                continue;
            }
            assert!(frame["cutTo"].is_null(), "cannot be played");
            let payload = bytes(frame);
            let text = String::from_utf8_lossy(&payload).into_owned();
            if let Some(id) = left_out(encoding, &payload) {
                skipped.push(id);
                continue;
            }
            let message = if frame["op"] == "text" {
                Message::text(text.clone())
            } else {
                Message::binary(payload)
            };
            client.send_frame(message).await;
            if text.contains("\"messagepack\"") {
                encoding = Encoding::MessagePack;
                expected.switch_to(encoding);
            }
            continue;
        }
        if is_close {
            assert!(
                client.next().await.is_none(),
                "a message after the last one"
            );
            continue;
        }
        let mut payload = std::mem::take(&mut continued);
        payload.extend(bytes(frame));
        if frame["fin"] == false {
            continued = payload;
            continue;
        }
        if payload == b"{}\x1e" {
            assert_eq!(client.next().await.unwrap(), payload);
            client.switch_to(encoding);
            compared += 1;
            continue;
        }
        let mut input = payload.as_slice();
        while let Some(message) = expected.next_frame(&mut input).unwrap() {
            if let Ok(hub::Message::Completion(end)) = parse(encoding, &message)
                && skipped.iter().any(|id| *id == end.invocation_id)
            {
                continue;
            }
            let wanted = comparable(&message);
            // Streams may interleave otherwise than they did.
            while !received.iter().any(|known| comparable(known) == wanted) {
                let next = client.next().await;
                let next = next.unwrap_or_else(|| {
                    panic!(
                        "closed without {:?}; got {:?}",
                        String::from_utf8_lossy(&wanted),
                        received
                            .iter()
                            .map(|r| String::from_utf8_lossy(r))
                            .collect::<Vec<_>>()
                    )
                });
                received.push(next);
                assert!(
                    received.len() < 20,
                    "instead of {wanted:?} came {received:?}"
                );
            }
            let at = received
                .iter()
                .position(|known| comparable(known) == wanted);
            received.remove(at.unwrap());
            compared += 1;
        }
    }
    // A stream may get further before its client cancels it.
    received.retain(|message| !message.starts_with(br#"{"type":2,"#));
    assert!(received.is_empty(), "not in the recording: {received:?}");
    compared
}

#[tokio::test]
async fn json_messages_are_answered_as_a_genuine_server_answers_them() {
    let recording = load("shapes-detailed.json");
    let mut compared = 0;
    for (path, frames) in sessions(&recording) {
        compared += play(&path, &frames).await;
    }
    assert_eq!(compared, 73, "answers compared");
}

#[tokio::test]
async fn connections_end_as_those_of_a_genuine_server_do() {
    let recording = load("closes-detailed.json");
    let mut compared = 0;
    for (path, frames) in sessions(&recording) {
        if frames.iter().any(|frame| !frame["cutTo"].is_null()) {
            continue;
        }
        compared += play(&path, &frames).await;
    }
    assert!(compared > 20, "{compared} answers compared");
}

#[tokio::test]
async fn messagepack_messages_are_answered_as_a_genuine_server_answers_them() {
    let recording = load("shapes-messagepack-detailed.json");
    let mut compared = 0;
    for (path, frames) in sessions(&recording) {
        if frames.iter().any(|frame| !frame["cutTo"].is_null()) {
            continue;
        }
        compared += play(&path, &frames).await;
    }
    assert!(compared > 50, "{compared} answers compared");
}
