//! Recordings of the genuine server in which time passes, played to the door in a part of theirs,
//! and a list of those recordings that are not played at all.

use std::path::Path;
use std::time::Duration;

use heliograph::backend::KeepAlive;
use heliograph::front::core::Options;
use serde_json::Value;

use crate::hub::Rule;
use crate::replay::load;
use crate::replay::timed::{Pace, play_in_time};
use crate::soon;
use crate::stage::{PING, Stage};

/// Two fifths of the recordings' time, with the same part of the genuine server's 15 s for a
/// connection without a transport.
const TWO_FIFTHS: Pace = Pace {
    second: 400,
    pings_after: None,
    end: u64::MAX,
};
const SIX_SECONDS: Duration = Duration::from_secs(6);

/// A fifth of the recordings' time, with the same part of the genuine server's 15 s between pings.
/// Timers tick once a second, there and here, and the first tick may be near.
const A_FIFTH: Pace = Pace {
    second: 200,
    pings_after: Some(Duration::from_millis(1900)),
    end: u64::MAX,
};

/// All recordings that there are.
const RECORDINGS: usize = 49;

/// Recordings that are not played to a door or a hub, and why.
const OTHERS: &[(&str, &str)] = &[
    (
        "js-automatic-reconnect",
        "two connections one after the other, each as in js-websockets-json; the client's part \
         runs live in compat-tests",
    ),
    (
        "js-fallback",
        "an endpoint without WebSockets, which is a token's matter here; its event stream is as \
         in sse-by-hand",
    ),
    (
        "js-websockets-skip-negotiation",
        "one call as in js-websockets-json; a WebSocket without id is in websocket-layer",
    ),
    (
        "js-token-and-headers",
        "the authentication of that app; ours is tested with our tokens",
    ),
    (
        "js-sse-json",
        "the calls of js-websockets-json over the transport of sse-by-hand; the client's part \
         runs live in compat-tests",
    ),
    ("js-longpolling-json", SESSION_OVER_POLLS),
    ("js-longpolling-messagepack", SESSION_OVER_POLLS),
    ("dotnet-longpolling-json", SESSION_OVER_POLLS),
    ("dotnet-longpolling-messagepack", SESSION_OVER_POLLS),
    (
        "dotnet-sse-json",
        "the calls of dotnet-websockets-json over the transport of sse-by-hand; the client's \
         part runs live in compat-tests",
    ),
    (
        "frame-sizes",
        "how Kestrel cuts a message into frames: here one message is one frame",
    ),
];

const SESSION_OVER_POLLS: &str = "a session's calls, played over WebSockets, on the transport of longpolling-by-hand; how many \
     messages share a poll is chance, and the client's part runs live in compat-tests";

/// Recordings that the hubs of the embedded API answer.
const BY_EMBEDDED_HUBS: [&str; 9] = [
    "closes-detailed",
    "shapes",
    "shapes-detailed",
    "shapes-messagepack",
    "shapes-messagepack-detailed",
    "js-websockets-json",
    "js-websockets-messagepack",
    "dotnet-websockets-json",
    "dotnet-websockets-messagepack",
];

fn all(_link: u64) -> bool {
    true
}

fn short_lived() -> Stage {
    let options = Options {
        disconnect_timeout: SIX_SECONDS,
        ..Options::default()
    };
    Stage::start_with(options, Rule::default())
}

fn pinging(seconds: u64) -> Stage {
    keeping_alive(Duration::from_secs(seconds), Duration::from_secs(60), false)
}

fn keeping_alive(interval: Duration, client_timeout: Duration, detailed_errors: bool) -> Stage {
    Stage::with_rule(|rule| {
        rule.detailed_errors = detailed_errors;
        rule.keep_alive = Some(KeepAlive {
            interval,
            client_timeout,
        });
    })
}

#[test]
fn a_connection_without_transport_lives_as_long_as_on_the_genuine_server() {
    // The times of the recordings are around it: 12 and 20 s, 13.5 and 18 s.
    let default = Options::default();
    assert_eq!(default.disconnect_timeout, Duration::from_secs(15));
    assert_eq!(default.poll_timeout, Duration::from_secs(90));
}

/// In one test, so that they wait at the same time and not one after the other.
#[tokio::test]
async fn recordings_in_which_time_passes() {
    tokio::join!(
        tokens_that_no_transport_ever_used(),
        tokens_of_stateful_connections_without_a_link(),
        long_polling_without_data_and_then_without_polls(),
        silent_clients_that_have_pinged(),
        pings_to_clients_that_say_nothing(),
        nothing_but_pings_over_a_long_time(),
        pings_of_stock_clients_and_to_them(),
        pings_between_messages(),
    );
}

async fn tokens_that_no_transport_ever_used() {
    play_in_time(
        &short_lived(),
        "negotiated-never-connected",
        &TWO_FIFTHS,
        all,
    )
    .await;
}

async fn tokens_of_stateful_connections_without_a_link() {
    play_in_time(&short_lived(), "stateful-window", &TWO_FIFTHS, all).await;
}

async fn long_polling_without_data_and_then_without_polls() {
    let options = Options {
        disconnect_timeout: SIX_SECONDS,
        poll_timeout: Duration::from_secs(1),
        ..Options::default()
    };
    let stage = Stage::start_with(options, Rule::default());
    play_in_time(&stage, "longpolling-idle", &TWO_FIFTHS, all).await;
}

async fn silent_clients_that_have_pinged() {
    let silent = async |name: &str, detailed: bool| {
        // Less than two intervals, so that one ping comes before the end, as there.
        let (interval, timeout) = (Duration::from_secs(4), Duration::from_secs(5));
        let stage = keeping_alive(interval, timeout, detailed);
        play_in_time(&stage, name, &A_FIFTH, all).await;
    };
    tokio::join!(
        silent("client-timeout", false),
        silent("client-timeout-detailed", true)
    );
}

async fn pings_to_clients_that_say_nothing() {
    play_in_time(&pinging(3), "ping-cadence", &A_FIFTH, all).await;
}

async fn nothing_but_pings_over_a_long_time() {
    let pace = Pace {
        second: 67,
        pings_after: Some(Duration::from_millis(500)),
        end: 110_000,
    };
    play_in_time(&pinging(1), "websocket-long-idle", &pace, all).await;
}

async fn pings_of_stock_clients_and_to_them() {
    // Left out: a goodbye that is answered or not, as the socket's end is seen or not.
    let without_goodbye = Pace {
        end: 50_000,
        ..A_FIFTH
    };
    let (js, dotnet) = (pinging(3), pinging(3));
    tokio::join!(
        play_in_time(&js, "js-ping-cadence", &without_goodbye, all),
        play_in_time(&dotnet, "dotnet-ping-cadence", &A_FIFTH, all)
    );
}

async fn pings_between_messages() {
    let recording = load("ping-cadence-busy");
    let links = recording["links"].as_array().unwrap();
    let frames = links[1]["exchanges"][0]["frames"].as_array().unwrap();
    let texts = |frame: &Value| frame["text"].as_str().unwrap().to_owned();
    let sent = frames.iter().filter(|frame| frame["from"] == "server");
    let sent: Vec<String> = sent.skip(1).map(texts).collect();
    let messages: Vec<&String> = sent.iter().filter(|text| *text != PING).collect();
    assert_eq!((messages.len(), sent.len()), (35, 37));
    let stage = pinging(3);
    let (mut socket, opened) = stage.connected().await;
    let mut pings = 0;
    for message in messages {
        tokio::time::sleep(Duration::from_millis(A_FIFTH.second)).await;
        opened.push(message);
        loop {
            let text = socket.text().await;
            if text == *message {
                break;
            }
            assert_eq!(text, PING);
            pings += 1;
        }
    }
    // 7 s, and one every 3 to 4 s.
    assert!((1..=2).contains(&pings), "{pings} pings");
}

#[tokio::test]
async fn polling_clients_at_the_end_of_the_host() {
    // Left out: WebSockets and event streams, which that server lets break; here they get the
    // same message as polls do, see the next test.
    let stage = Stage::start();
    play_in_time(&stage, "server-shutdown-by-hand", &TWO_FIFTHS, |link| {
        (6..=10).contains(&link)
    })
    .await;
    let stage = Stage::start();
    play_in_time(&stage, "server-shutdown", &TWO_FIFTHS, |link| {
        ![2, 5].contains(&link)
    })
    .await;
}

#[tokio::test]
async fn streams_and_sockets_at_the_end_of_the_host_are_told_to_reconnect() {
    let stage = Stage::start();
    let (mut socket, _) = stage.connected().await;
    let (_, mut events, _) = stage.streaming().await;
    stage.door.drain();
    let close = crate::stage::CLOSE_AND_RECONNECT;
    assert_eq!(socket.text().await, close);
    socket.closed(1000).await;
    assert_eq!(soon("the end", events.next()).await.as_deref(), Some(close));
    assert_eq!(events.next().await, None);
}

#[test]
fn every_recording_is_played_or_in_the_list_of_others() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let here = ["transcripts.rs", "timed_transcripts.rs"]
        .map(|file| std::fs::read_to_string(root.join("tests/core").join(file)).unwrap());
    for (name, reason) in OTHERS {
        assert!(!reason.is_empty());
        let own = root.join(format!("tests/data/core-live/{name}.json"));
        assert!(!own.exists(), "{name} is here and not played");
    }
    let mut count = OTHERS.len();
    for folder in ["tests/data/core-live", "protocol/vectors/core-live"] {
        for file in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            // What a client and the genuine server say of their sequence is for the codec's tests.
            let is_known = BY_EMBEDDED_HUBS.contains(&&*name) || name.starts_with("stateful-");
            let quoted = format!("\"{name}\"");
            let is_played = here.iter().any(|text| text.contains(&quoted));
            assert!(is_known || is_played, "{name} is not played");
            count += 1;
        }
    }
    assert_eq!(count, RECORDINGS, "recordings");
}
