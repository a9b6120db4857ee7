//! Recordings of a genuine ASP.NET SignalR server, replayed: the program gets what that server got,
//! at the same moments, and has to answer as it did.
//!
//! Where it departs stands in [`departures`], with the reason and with what it answers instead;
//! what cannot be asked of it, in [`not_applicable`].

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    reason = "helpers of tests fail by panicking"
)]

mod departures;
mod exchange;
mod lines;
mod names;
mod not_applicable;
mod observer;
mod player;
mod polls;
mod program;
mod recording;
mod theirs;
mod verdict;

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::recording::{Kind, Recording};
use crate::verdict::Report;

/// Recordings that are played at a time.
const AT_A_TIME: usize = 40;
/// How their names begin.
const GROUPS: [&str; 3] = ["http-", "js-", "dotnet-"];

#[tokio::test(flavor = "multi_thread")]
async fn requests_made_by_hand() {
    replay(GROUPS[0]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_in_browsers() {
    replay(GROUPS[1]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_in_dotnet() {
    replay(GROUPS[2]).await;
}

#[test]
fn tables_name_what_is_recorded() {
    let names = recording::names();
    let requests = |name: &str| -> Vec<u32> {
        let known = names.iter().any(|known| known == name);
        if !known || not_applicable::recording(name).is_some() {
            return Vec::new();
        }
        let recording = Recording::load(name);
        let ids = recording
            .events
            .iter()
            .filter_map(|event| match &event.kind {
                Kind::Request(request) => Some(request.id),
                _ => None,
            });
        ids.collect()
    };
    assert_eq!(departures::idle(), Vec::<&str>::new());
    assert_eq!(departures::nowhere(requests), Vec::<String>::new());
    assert_eq!(not_applicable::nowhere(requests), Vec::<String>::new());
    let played = |name: &&String| GROUPS.iter().any(|group| name.starts_with(group));
    assert_eq!(names.iter().filter(played).count(), names.len());
}

/// Plays all recordings whose names begin so.
async fn replay(prefix: &str) {
    let only = only();
    let names = recording::names();
    let names = names.into_iter().filter(|name| name.starts_with(prefix));
    let names = names.filter(|name| only.as_ref().is_none_or(|only| name.contains(only)));
    let (names, left_out): (Vec<String>, Vec<String>) =
        names.partition(|name| not_applicable::recording(name).is_none());
    for name in &left_out {
        println!(
            "not applicable: {name}: {}",
            not_applicable::recording(name).unwrap()
        );
    }
    let places = Arc::new(Semaphore::new(AT_A_TIME));
    let mut playing = JoinSet::new();
    for name in names {
        let places = Arc::clone(&places);
        playing.spawn(async move {
            let _place = places.acquire_owned().await.unwrap();
            let report = player::play(&name).await;
            (name, report)
        });
    }
    let mut reports = playing.join_all().await;
    reports.sort_by(|(a, _), (b, _)| a.cmp(b));
    // Moments are part of what is compared, and a busy machine has its own: what differs must differ
    // when it is played by itself.
    for (name, report) in &mut reports {
        if !report.differences.is_empty() {
            println!(
                "played again by itself: {name}:\n{}",
                report.differences.join("\n")
            );
            *report = player::play(name).await;
        }
    }
    let mut total = Report::default();
    let mut differences = String::new();
    for (name, report) in &reports {
        total.requests += report.requests;
        total.frames += report.frames;
        total.lines += report.lines;
        total.left_out += report.left_out;
        total.departures += report.departures;
        total.regrouped += report.regrouped;
        for difference in &report.differences {
            differences.push_str(&format!("{name}: {difference}\n"));
        }
    }
    println!(
        "{prefix}*: {} recordings, {} requests, {} frames, {} lines compared; {} departures, {} \
         polls cut elsewhere; not applicable: {} recordings, {} requests",
        reports.len(),
        total.requests,
        total.frames,
        total.lines,
        total.departures,
        total.regrouped,
        left_out.len(),
        total.left_out
    );
    assert!(
        differences.is_empty(),
        "differences (- there, + here):\n{differences}"
    );
}

/// A part of the names of recordings, to play no others.
#[expect(clippy::disallowed_methods, reason = "no setting of the program")]
fn only() -> Option<String> {
    std::env::var("RECORDING").ok()
}
