//! What a legacy client gets that comes back: all that it missed, or the rest of it that was kept.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::kit::{Channel, Legacy, Meters, Seen, Way};
use super::until;
use crate::backend::service;
use crate::process::Server;

scenarios! {
    "legacy-replay",
    "a legacy client that comes back by another transport gets what it missed, once and in order",
    replay();
    "legacy-gap-oldest",
    "one that missed more than was kept goes on with the oldest kept, and the gap is counted",
    oldest();
    "legacy-gap-close",
    "with legacy.on_gap=close its connection is ended instead",
    close();
    "legacy-cursors",
    "cursors that are unknown mean from now on; groups of another connection are none",
    cursors();
}

const SOON: Duration = Duration::from_secs(10);
const CHAT: &str = "hubs.chat.backend=\"embedded\"";
/// The newest version of the protocol, and one whose clients take an error for a message.
const NEWEST: &str = "2.1";
const WITHOUT_ERRORS: &str = "1.5";
/// The least that may be kept.
const KEPT: usize = 32;
const GAPS: &str = "signalr_server_legacy_gaps";

/// The service with a hub that sends to all.
async fn chat(settings: &[&str]) -> Result<Server> {
    service(&[&[CHAT], settings].concat()).await
}

async fn start(server: &Server, way: Way) -> Result<(Legacy, Channel)> {
    start_as(server, way, NEWEST).await
}

async fn start_as(server: &Server, way: Way, version: &'static str) -> Result<(Legacy, Channel)> {
    let url = format!("{}/signalr", server.url());
    let client = Legacy::negotiate_for(&url, way, &["chat"], "").await?;
    let client = client.speaking(version);
    let channel = client.connect().await?;
    client.finish_start().await?;
    Ok((client, channel))
}

/// Sends numbers to all.
async fn send(sender: &Legacy, numbers: std::ops::Range<usize>) -> Result<()> {
    for number in numbers {
        sender
            .call("Send", json!(["x", number.to_string()]))
            .await?;
    }
    Ok(())
}

/// The numbers that come, up to the last one.
async fn numbers(channel: &mut Channel, last: usize) -> Result<Vec<usize>> {
    let mut all = Vec::new();
    while all.last() != Some(&last) {
        let message = channel
            .message()
            .await
            .with_context(|| format!("after {all:?}"))?;
        all.push(number(&message).with_context(|| message.to_string())?);
    }
    Ok(all)
}

fn number(message: &Value) -> Option<usize> {
    message["A"][1].as_str()?.parse().ok()
}

/// Somebody who sends, and gets nothing of it himself.
async fn sender(server: &Server) -> Result<Legacy> {
    let url = format!("{}/signalr", server.url());
    let sender = Legacy::negotiate_for(&url, Way::LongPolling, &["bench"], "").await?;
    sender.connect().await?;
    Ok(sender.calling("chat"))
}

async fn replay() -> Result<()> {
    let server = chat(&["bench=true"]).await?;
    let sender = sender(&server).await?;
    for from in Way::ALL {
        for to in Way::ALL {
            let place = || format!("from {} to {}", from.name(), to.name());
            let (client, mut channel) = start(&server, from).await?;
            send(&sender, 0..3).await?;
            let got = numbers(&mut channel, 2).await.with_context(place)?;
            ensure!(got == [0, 1, 2], "{}: {got:?}", place());
            let seen = channel.seen.clone();
            // Part of it may have arrived, but the client has not taken note of it.
            send(&sender, 3..6).await?;
            drop(channel);
            send(&sender, 6..9).await?;
            let mut channel = client.over(to).reconnect(&seen).await.with_context(place)?;
            send(&sender, 9..11).await?;
            let got = numbers(&mut channel, 10).await.with_context(place)?;
            ensure!(got == (3..11).collect::<Vec<_>>(), "{}: {got:?}", place());
            client.abort().await?;
        }
    }
    Ok(())
}

/// How a client came to miss far more than is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Missed {
    /// It was all sent to it, and did not arrive.
    Sent,
    /// There was nobody to send it to.
    Waiting,
}

/// So much is kept of either.
const LEAST_KEPT: [&str; 3] = [
    "bench=true",
    "legacy.replay_messages=32",
    "limits.outbox_messages=32",
];

/// A client that is far behind, where it was, and somebody who sends.
async fn behind(
    server: &Server,
    way: Way,
    missed: Missed,
    version: &'static str,
) -> Result<(Legacy, Seen, Legacy)> {
    let sender = sender(server).await?;
    let (client, mut channel) = start_as(server, way, version).await?;
    send(&sender, 0..1).await?;
    numbers(&mut channel, 0).await?;
    let seen = channel.seen.clone();
    if missed == Missed::Sent {
        for begin in (1..200).step_by(10) {
            send(&sender, begin..(begin + 10).min(200)).await?;
            numbers(&mut channel, (begin + 9).min(199)).await?;
        }
    }
    drop(channel);
    if missed == Missed::Waiting {
        send(&sender, 1..200).await?;
    }
    Ok((client, seen, sender))
}

/// Each way to miss messages, over each transport.
fn ways_to_miss() -> impl Iterator<Item = (Way, Missed)> {
    let both = [Missed::Sent, Missed::Waiting];
    Way::ALL
        .into_iter()
        .flat_map(move |way| both.map(|missed| (way, missed)))
}

async fn oldest() -> Result<()> {
    let server = chat(&LEAST_KEPT).await?;
    let mut gaps = 0.0;
    for (way, missed) in ways_to_miss() {
        let place = || format!("{missed:?}, {}", way.name());
        let behind = behind(&server, way, missed, NEWEST);
        let (client, seen, sender) = behind.await.with_context(place)?;
        let counted = Meters::read(&server).await?.sum(GAPS, &[]);
        ensure!(counted == gaps, "{}: {counted} gaps before", place());
        let mut channel = client.reconnect(&seen).await.with_context(place)?;
        let got = numbers(&mut channel, 199).await.with_context(place)?;
        let whole: Vec<usize> = (200 - got.len()..200).collect();
        ensure!(got == whole, "{}: there is a hole in {got:?}", place());
        ensure!(got.len() == KEPT, "{}: {} were kept", place(), got.len());
        gaps += 1.0;
        let counted = Meters::read(&server).await?.sum(GAPS, &[]);
        ensure!(counted == gaps, "{}: {counted} gaps", place());
        // From there on it misses nothing.
        send(&sender, 200..203).await?;
        let got = numbers(&mut channel, 202).await.with_context(place)?;
        ensure!(got == [200, 201, 202], "{}: {got:?}", place());
        client.abort().await?;
    }
    let log = server.log();
    ensure!(
        log.contains("missed more than was kept"),
        "the log does not tell: {log}"
    );
    Ok(())
}

async fn close() -> Result<()> {
    let settings = [&LEAST_KEPT[..], &["legacy.on_gap=\"close\""]].concat();
    let server = chat(&settings).await?;
    let versions = [NEWEST, WITHOUT_ERRORS];
    let all = || {
        versions
            .iter()
            .flat_map(|version| ways_to_miss().map(move |how| (*version, how)))
    };
    for (version, (way, missed)) in all() {
        let place = || format!("{version}, {missed:?}, {}", way.name());
        let behind = behind(&server, way, missed, version);
        let (client, seen, _) = behind.await.with_context(place)?;
        let told = match client.reconnect(&seen).await {
            Ok(mut channel) => channel.envelope().await,
            Err(refused) => Err(refused),
        };
        match told {
            Ok(told) => ensure!(
                version == NEWEST && told["E"].is_string(),
                "{}: {told}",
                place()
            ),
            Err(error) => ensure!(
                version == WITHOUT_ERRORS && !format!("{error:#}").contains("in time"),
                "{}: {error:#}",
                place()
            ),
        }
        // The connection is over.
        let over = async || {
            let again = client.send(r#"{"H":"chat","M":"Join","A":["x"],"I":0}"#);
            Ok((again.await?.status == 404).then_some(()))
        };
        until("its end", SOON, over).await.with_context(place)?;
    }
    let gaps = Meters::read(&server).await?.sum(GAPS, &[]);
    ensure!(gaps == all().count() as f64, "{gaps} gaps");
    Ok(())
}

async fn cursors() -> Result<()> {
    let server = chat(&["bench=true"]).await?;
    let sender = sender(&server).await?;
    let (other, mut others) = start(&server, Way::ServerSentEvents).await?;
    let joined = async {
        while others.seen.groups.is_empty() {
            others.envelope().await?;
        }
        anyhow::Ok(())
    };
    let (joined, called) = tokio::join!(joined, other.call("Join", json!(["room"])));
    joined?;
    called?;
    for way in Way::ALL {
        let (client, mut channel) = start(&server, way).await?;
        send(&sender, 0..2).await?;
        numbers(&mut channel, 1).await?;
        let ours = channel.seen.cursor.clone();
        let (epoch, place) = ours.split_once('-').context(ours.clone())?;
        drop(channel);
        let foreign: String = epoch.chars().rev().collect();
        for cursor in [
            // From the future, from another run, and none at all.
            format!("{epoch}-ffffffffff"),
            format!("{foreign}x-{place}"),
            "d-15C1904E-S,0|T,1|U,1".to_owned(),
            format!("{epoch}-"),
            "\u{1f600}&=%".to_owned(),
            String::new(),
        ] {
            send(&sender, 2..4).await?;
            let seen = Seen {
                cursor: cursor.clone(),
                groups: "garbage".to_owned(),
            };
            let mut channel = client
                .reconnect(&seen)
                .await
                .with_context(|| cursor.clone())?;
            // There is a usable one at once.
            let first = channel.envelope().await.with_context(|| cursor.clone())?;
            ensure!(
                channel.seen.cursor.starts_with(epoch),
                "{way:?} {cursor}: {first}"
            );
            send(&sender, 4..5).await?;
            let got = numbers(&mut channel, 4)
                .await
                .with_context(|| cursor.clone())?;
            // What was sent does not come again; what nobody was there for may.
            ensure!(got == [4] || got == [2, 3, 4], "{way:?} {cursor}: {got:?}");
        }
        // The groups of another are no groups of one's own, nor is its place.
        let mut channel = client.reconnect(&others.seen).await?;
        sender.call("SendTo", json!(["room", "x", "7"])).await?;
        send(&sender, 8..9).await?;
        let got = numbers(&mut channel, 8).await?;
        ensure!(!got.contains(&7), "{way:?}: {got:?}");
        client.abort().await?;
    }
    Ok(())
}
