//! Plays recordings in which time is what matters: at a part of their length, and never faster.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Event, Player, events, load};
use crate::stage::{PING, Stage};

/// How a recording is played.
pub(crate) struct Pace {
    /// A second of the recording in milliseconds of ours.
    pub(crate) second: u64,
    /// The server's pings are awaited, and not sooner than this after what came before them.
    /// Without a time they are passed over.
    pub(crate) pings_after: Option<Duration>,
    /// Where to stop, in the recording's milliseconds.
    pub(crate) end: u64,
}

/// What a recording's scribe noted where the host was told to stop.
const STOP: &str = "SIGTERM";

/// Plays those links of a recording that `wanted` names.
pub(crate) async fn play_in_time(
    stage: &Stage,
    name: &str,
    pace: &Pace,
    wanted: impl Fn(u64) -> bool,
) {
    let recording = load(name);
    let mut events = events(&recording, wanted);
    let notes = recording["notes"].as_array();
    let notes = notes.into_iter().flatten();
    let stop = notes
        .filter(|note| note["note"] == STOP)
        .find_map(|note| note["t"].as_u64());
    let mut player = Player::new(stage);
    let (mut before, mut stopped) = (0, false);
    let mut came = Instant::now();
    events.retain(|(at, ..)| *at < pace.end);
    for (at, link, _, event) in events {
        let what = format!("{name}, link {link}, t {at}");
        if stop.is_some_and(|stop| stop <= at) && !stopped {
            stopped = true;
            stage.door.drain();
        }
        if let Event::Request(_) | Event::Frame(_) | Event::Gone(_) = event
            && !is_of_server(event)
        {
            // Exactly this is tested: what a server does while time passes.
            let pause = at.saturating_sub(before) * pace.second / 1000;
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        before = at;
        let is_ping = is_of_server(event) && is_ping(event);
        if is_ping && pace.pings_after.is_none() {
            continue;
        }
        player.step(link, event, &what).await;
        if let (true, Some(after)) = (is_ping, pace.pings_after) {
            let gap = came.elapsed();
            assert!(gap >= after, "{what}: a ping after {gap:?}");
        }
        if is_of_server(event) {
            came = Instant::now();
        }
    }
}

fn is_of_server(event: Event<'_>) -> bool {
    matches!(event, Event::Frame(frame) if frame["from"] == "server")
}

fn is_ping(event: Event<'_>) -> bool {
    matches!(event, Event::Frame(Value::Object(frame)) if frame.get("text").is_some_and(|text| text == PING))
}
