//! Sessions recorded with a genuine server that keeps the details of errors to itself: messages by
//! hand, and whole sessions of the two stock clients.

use futures_util::stream;
use heliograph::backend::embedded::{Caller, EmbeddedHub, Upload};
use heliograph_protocol::hub::{Encoding, Message, parse};
use serde_json::Value;

use crate::transcripts::{bytes, load_from, play_at, sessions, test_hub};

/// The hub of the recordings, with the methods that only the stock clients call.
fn whole_hub() -> EmbeddedHub {
    test_hub(false)
        .method(
            "ToCaller",
            |caller: Caller, (text,): (String,)| async move {
                let me = caller.clients().caller();
                me.send("Message", (text,)).await?;
                Ok(())
            },
        )
        .stream("InfiniteStream", |caller: Caller, (): ()| async move {
            // Dropped when the client cancels the stream.
            let told = Told(caller);
            Ok(stream::unfold(told, |told| async move {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                Some((Ok("x"), told))
            }))
        })
        .stream(
            "StreamEcho",
            |_: Caller, (texts,): (Upload<String>,)| async move {
                Ok(stream::unfold(texts, |mut texts| async move {
                    let text = texts.next().await?;
                    Some((Ok(format!("e{}", text.ok()?)), texts))
                }))
            },
        )
        .build()
}

/// Tells its client when it goes.
struct Told(Caller);

impl Drop for Told {
    fn drop(&mut self) {
        let caller = self.0.clone();
        tokio::spawn(async move {
            let me = caller.clients().caller();
            _ = me.send("StreamCanceled", ()).await;
        });
    }
}

/// Plays all sessions of a recording that are whole, and gives the number of answers compared.
/// `asked` are the numbers that the recorded server, which had asked before, gave to what it asked
/// its client; here they are 1, 2 and so on.
async fn compared(name: &str, asked: &[u32]) -> usize {
    let recording = load_from("tests/data/core-live", &format!("{name}.json"));
    let mut compared = 0;
    for (path, mut frames) in sessions(&recording) {
        if frames.iter().all(|frame| frame["cutTo"].is_null()) {
            // A goodbye is answered or not, as the socket's end is seen or not.
            if let Some(goodbye) = frames.iter().position(is_goodbye) {
                frames.truncate(goodbye);
            }
            frames.iter_mut().for_each(unescape);
            for (ours, theirs) in (1..).zip(asked) {
                frames
                    .iter_mut()
                    .for_each(|frame| renumber(frame, *theirs, ours));
            }
            compared += play_at(&whole_hub(), &path, &frames).await;
        }
    }
    compared
}

fn is_goodbye(frame: &Value) -> bool {
    let encoding = if frame["op"] == "text" {
        Encoding::Json
    } else {
        Encoding::MessagePack
    };
    frame["from"] == "client" && matches!(parse(encoding, &bytes(frame)), Ok(Message::Close(_)))
}

/// That server escapes what is beyond the first 65,536 characters; ours writes it as it is.
fn unescape(frame: &mut Value) {
    if let Some(text) = frame["text"].as_str() {
        frame["text"] = text.replace("\\uD83D\\uDE00", "\u{1f600}").into();
    }
}

fn renumber(frame: &mut Value, theirs: u32, ours: u32) {
    if let Some(text) = frame["text"].as_str() {
        frame["text"] = text
            .replace(&format!("\"s{theirs}\""), &format!("\"s{ours}\""))
            .into();
    } else if let Some(hex) = frame["hex"].as_str() {
        // A text of two bytes, its digit in hex.
        let id = |number: u32| format!("a2733{number}");
        frame["hex"] = hex.replace(&id(theirs), &id(ours)).into();
    }
}

#[tokio::test]
async fn json_messages_are_answered_without_details() {
    assert_eq!(compared("shapes", &[21, 22, 23, 24, 25]).await, 73);
}

#[tokio::test]
async fn messagepack_messages_are_answered_without_details() {
    let compared = compared("shapes-messagepack", &[]).await;
    assert!(compared > 50, "{compared} answers compared");
}

#[tokio::test]
async fn stock_clients_are_answered_as_by_a_genuine_server() {
    for (name, asked) in [
        ("js-websockets-json", &[1, 3, 5][..]),
        ("js-websockets-messagepack", &[2, 4, 6]),
        ("dotnet-websockets-json", &[1]),
        ("dotnet-websockets-messagepack", &[4]),
    ] {
        let compared = compared(name, asked).await;
        println!("{name}: {compared} answers compared");
        assert!(compared > 10, "{name}: {compared} answers compared");
    }
}
