//! Several requests for one legacy connection at once: two polls, transports that take turns, a
//! transport that arrives when its client has chosen another.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::kit::{Channel, Hub, Legacy, Returning, Seen, Socket, Way, escape};
use crate::backend::conformance;
use crate::process::Server;

scenarios! {
    "legacy-two-polls",
    "of several polls at once the newest one waits, the others end, and messages come once",
    two_polls();
    "legacy-turns",
    "channels of all transports in turn: each takes the place of the one before, messages come once",
    turns();
    "legacy-held-up",
    "a transport that arrives after the fallback, its client gone, takes nothing away",
    held_up();
    "legacy-apart",
    "connections that use the same numbers for their calls get each its own results",
    apart();
}

/// For a request to have arrived.
const MOMENT: Duration = Duration::from_millis(150);

async fn start(server: &Server, way: Way) -> Result<(Legacy, Channel)> {
    Legacy::start(&format!("{}/signalr", server.url()), way, "").await
}

async fn witness(server: &Server) -> Result<Hub> {
    Hub::connect(&format!("{}/conformance", server.url())).await
}

async fn tell(witness: &mut Hub, client: &Legacy, text: &str) -> Result<()> {
    let arguments = json!([client.id, text]);
    witness.invoke("SendConnection", arguments).await.map(drop)
}

/// The texts in the answer to a poll.
fn texts(answer: &Value) -> Vec<&str> {
    let messages = answer["M"].as_array().map_or(&[][..], Vec::as_slice);
    messages
        .iter()
        .filter_map(|message| message["A"][0].as_str())
        .collect()
}

async fn two_polls() -> Result<()> {
    let server = conformance(&[]).await?;
    let mut witness = witness(&server).await?;
    let (client, channel) = start(&server, Way::LongPolling).await?;
    let cursor = channel.seen.cursor.clone();
    drop(channel);
    let mut polls = JoinSet::new();
    let mut poll = |cursor: &str| {
        let (client, more) = (client.clone(), format!("&messageId={cursor}"));
        polls.spawn(async move { client.post("poll", &more, "").await?.json() });
    };
    poll(&cursor);
    sleep(MOMENT).await;
    poll(&cursor);
    let first = polls.join_next().await.context("a poll")???;
    ensure!(
        first == json!({"C": cursor, "M": []}),
        "the poll that was replaced: {first}"
    );
    tell(&mut witness, &client, "one").await?;
    let second = polls.join_next().await.context("a poll")???;
    ensure!(
        texts(&second) == ["one"],
        "the poll that took its place: {second}"
    );

    const STORM: usize = 30;
    let mut cursor = second["C"].as_str().context("no cursor")?.to_owned();
    for text in ["two", "three"] {
        let mut poll = |cursor: &str| {
            let (client, more) = (client.clone(), format!("&messageId={cursor}"));
            polls.spawn(async move { client.post("poll", &more, "").await?.json() });
        };
        (0..STORM).for_each(|_| poll(&cursor));
        for _ in 1..STORM {
            let ended = polls.join_next().await.context("a poll")???;
            ensure!(
                ended == json!({"C": cursor, "M": []}),
                "one of many: {ended}"
            );
        }
        tell(&mut witness, &client, text).await?;
        let last = polls.join_next().await.context("a poll")???;
        ensure!(texts(&last) == [text], "the last of many: {last}");
        last["C"]
            .as_str()
            .context("no cursor")?
            .clone_into(&mut cursor);
    }
    let seen = Seen {
        cursor,
        ..Seen::default()
    };
    let mut channel = client.reconnect(&seen).await?;
    tell(&mut witness, &client, "four").await?;
    let got = channel.received().await?;
    ensure!(got == "four", "{got}");
    Ok(())
}

/// A channel whose place another has taken ends without a message.
async fn replaced(mut channel: Channel) -> Result<()> {
    while !channel.is_between_polls() {
        match channel.envelope().await {
            Ok(document) => ensure!(document["M"] == json!([]), "it still got {document}"),
            Err(_) => break,
        }
    }
    Ok(())
}

async fn turns() -> Result<()> {
    let server = conformance(&[]).await?;
    let mut witness = witness(&server).await?;
    // Before the client has started, as it falls back from one transport to the next.
    let url = format!("{}/signalr", server.url());
    let client = Legacy::negotiate(&url, Way::WebSockets, "").await?;
    let mut channel = client.connect().await?;
    for way in Way::ALL.into_iter().cycle().skip(1).take(7) {
        let next = client
            .over(way)
            .connect()
            .await
            .with_context(|| way.name())?;
        replaced(std::mem::replace(&mut channel, next))
            .await
            .with_context(|| way.name())?;
    }
    client.finish_start().await?;
    // And afterwards, as it comes back by another.
    for (number, way) in Way::ALL.into_iter().cycle().take(12).enumerate() {
        let next = client
            .over(way)
            .reconnect(&channel.seen)
            .await
            .with_context(|| way.name())?;
        if way == Way::LongPolling {
            // This one goes when it is looked for.
            let (seen, mut next) = (channel.seen.clone(), next);
            let (got, told) = tokio::join!(next.received(), async {
                sleep(MOMENT).await;
                tell(&mut witness, &client, &number.to_string()).await
            });
            told?;
            let got = got.with_context(|| format!("{way:?} after {seen:?}"))?;
            ensure!(
                got == number.to_string(),
                "{way:?}: {got} instead of {number}"
            );
            replaced(std::mem::replace(&mut channel, next))
                .await
                .with_context(|| way.name())?;
            continue;
        }
        replaced(std::mem::replace(&mut channel, next))
            .await
            .with_context(|| way.name())?;
        tell(&mut witness, &client, &number.to_string()).await?;
        let got = channel.received().await.with_context(|| way.name())?;
        ensure!(
            got == number.to_string(),
            "{way:?}: {got} instead of {number}"
        );
    }
    let log = witness.invoke("Log", json!([client.id])).await?;
    let events: Vec<&str> = log
        .as_array()
        .context("a log")?
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let connected = events.iter().filter(|event| **event == "connected").count();
    let is_there = events.iter().all(|event| !event.starts_with("dis"));
    ensure!(connected == 1 && is_there, "{log}");
    Ok(())
}

async fn held_up() -> Result<()> {
    let server = conformance(&[]).await?;
    let mut witness = witness(&server).await?;
    let ways = [
        Way::WebSockets,
        Way::ServerSentEvents,
        Way::ForeverFrame,
        Way::LongPolling,
    ];
    for (n, first) in ways.into_iter().enumerate() {
        for fallback in ways.into_iter().skip(n + 1) {
            let place = || format!("{} after {}", first.name(), fallback.name());
            let url = format!("{}/signalr", server.url());
            let client = Returning::start(&url, fallback, "").await?;
            for number in 0..30 {
                if number % 6 == 3 {
                    arrive_late(&server, &client.client.over(first))
                        .await
                        .with_context(place)?;
                }
                tell(&mut witness, &client.client, &number.to_string()).await?;
                sleep(Duration::from_millis(10)).await;
            }
            let due: Vec<String> = (0..30).map(|number| number.to_string()).collect();
            let all = async || Ok((client.heard().len() >= due.len()).then_some(()));
            super::until("all messages", Duration::from_secs(10), all)
                .await
                .with_context(|| format!("{}: {:?}", place(), client.heard()))?;
            ensure!(client.heard() == due, "{}: {:?}", place(), client.heard());
            let returns = client.returns();
            ensure!(
                returns == 0,
                "{}: it had to come back {returns} times",
                place()
            );
        }
    }
    Ok(())
}

/// A request for a first channel whose client is gone by the time that it arrives.
async fn arrive_late(server: &Server, client: &Legacy) -> Result<()> {
    let target = client.url("connect", "&frameId=1");
    let target = target
        .strip_prefix(server.url())
        .context("another server")?;
    let upgrade = match client.way {
        Way::WebSockets => {
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        }
        _ => "",
    };
    let address = server.address();
    let head = format!("GET {target} HTTP/1.1\r\nHost: {address}\r\n{upgrade}\r\n");
    let mut socket = Socket::connect(address).await?;
    socket.send(head.as_bytes()).await
}

async fn apart() -> Result<()> {
    let server = conformance(&[]).await?;
    let mut calls = JoinSet::new();
    for way in Way::ALL {
        for user in ["alice", "bob"] {
            let url = format!("{}/signalr", server.url());
            let (client, channel) = Legacy::start(&url, way, &format!("as={user}")).await?;
            for number in 0..25 {
                let client = client.clone();
                calls.spawn(async move {
                    // Each of them is the call 0 of its connection.
                    let text = format!("{user} {} {number}", client.way.name());
                    let call = json!({"H": "conformance", "M": "Echo", "A": [text], "I": 0});
                    let form = format!("data={}", escape(&call.to_string()));
                    let over = client.over(Way::ServerSentEvents);
                    let answer = over.post("send", "", &form).await?.json()?;
                    ensure!(
                        answer == json!({"R": text, "I": "0"}),
                        "{answer} for {text}"
                    );
                    anyhow::Ok(())
                });
            }
            calls.spawn(async move {
                sleep(Duration::from_secs(2)).await;
                drop(channel);
                anyhow::Ok(())
            });
        }
    }
    while let Some(call) = calls.join_next().await {
        call??;
    }
    Ok(())
}
