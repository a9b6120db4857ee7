//! Legacy connections from their beginning to their end, over every transport.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::kit::{Channel, Cuts, Hub, Legacy, Returning, Way};
use super::until;
use crate::backend::{conformance, conformance_at};
use crate::process::Server;

scenarios! {
    "legacy-stop",
    "an abort ends the channel, or the wait between two polls, and tells the hub, all within a second",
    stop();
    "legacy-lost",
    "a legacy client that does not come back is given up in time, and is turned away when it does at last",
    lost();
    "legacy-restart",
    "legacy clients come back to a restarted program with their ids, users and groups",
    restart();
    "legacy-token-life",
    "a redirected legacy client lives on, calls and comes back long after its access token has ended",
    token_life();
    "legacy-many-groups",
    "500 groups of one legacy connection outlive a cut, and no request line reaches 4 KB",
    many_groups();
}

const SOON: Duration = Duration::from_secs(15);
/// As long as a stop may take.
const STOP: Duration = Duration::from_secs(1);

fn direct(server: &Server) -> String {
    format!("{}/signalr", server.url())
}

/// A Core client, which sees what the hub has noted.
async fn witness(server: &Server) -> Result<Hub> {
    Hub::connect(&format!("{}/conformance", server.url())).await
}

/// The events of a connection.
async fn log(witness: &mut Hub, id: &str) -> Result<Vec<String>> {
    let log = witness.invoke("Log", json!([id])).await?;
    let events = log.as_array().context("a log is a list")?.iter();
    Ok(events
        .map(|event| event.as_str().unwrap_or_default().to_owned())
        .collect())
}

/// Waits until the hub has noted the end of a connection; gives the last event.
async fn end(witness: &mut Hub, id: &str, limit: Duration) -> Result<String> {
    let deadline = Instant::now() + limit;
    loop {
        let last = log(witness, id).await?.pop().unwrap_or_default();
        if last.starts_with("disconnected") {
            return Ok(last);
        }
        ensure!(
            Instant::now() < deadline,
            "the hub has noted no end within {limit:?}"
        );
        sleep(Duration::from_millis(20)).await;
    }
}

async fn stop() -> Result<()> {
    let server = conformance(&[]).await?;
    let mut witness = witness(&server).await?;
    for way in Way::ALL {
        for is_open in [true, false] {
            let (client, mut channel) = Legacy::start(&direct(&server), way, "").await?;
            client.call("Echo", json!(["x"])).await?;
            if !is_open && way != Way::LongPolling {
                continue;
            }
            let start = Instant::now();
            if is_open {
                // A poll waits meanwhile.
                let (ended, aborted) = tokio::join!(channel.ended(), async {
                    sleep(Duration::from_millis(100)).await;
                    client.abort().await
                });
                ended.with_context(|| way.name())?;
                ensure!(aborted?.status == 200, "the abort failed");
            } else {
                client.abort().await?;
            }
            let last = end(&mut witness, &client.id, STOP)
                .await
                .with_context(|| way.name())?;
            ensure!(last == "disconnected:true", "{way:?}: {last}");
            let took = start.elapsed();
            ensure!(took < STOP, "{way:?}: it took {took:?}");
            // Once more harms nothing.
            ensure!(client.abort().await?.status == 200, "{way:?}");
            let events = log(&mut witness, &client.id).await?;
            ensure!(
                events == ["connected", "disconnected:true"],
                "{way:?}: {events:?}"
            );
        }
    }
    Ok(())
}

async fn lost() -> Result<()> {
    let server = conformance(&[
        "--set",
        "legacy.disconnect=6s",
        "--set",
        "legacy.keep_alive=2s",
    ]);
    let server = server.await?;
    let mut clients = Vec::new();
    for way in Way::ALL {
        let (client, channel) = Legacy::start(&direct(&server), way, "").await?;
        clients.push((client, channel.seen.clone()));
        drop(channel);
    }
    let start = Instant::now();
    let mut witness = witness(&server).await?;
    for (client, seen) in clients.into_iter().rev() {
        let way = client.way;
        let last = end(&mut witness, &client.id, Duration::from_secs(16)).await?;
        ensure!(last == "disconnected:false", "{way:?}: {last}");
        // 6 s, and 5 more where somebody may not have noticed yet; a tick of a second.
        let took = start.elapsed().as_secs_f64();
        let due = if way == Way::LongPolling {
            5.5..9.0
        } else {
            10.5..14.0
        };
        ensure!(
            due.contains(&took),
            "{way:?}: it was given up after {took} s"
        );
        let mut channel = client.reconnect(&seen).await?;
        let refused = channel.envelope().await?;
        ensure!(refused["E"].is_string(), "{way:?}: {refused}");
        let refused = client
            .send(r#"{"H":"conformance","M":"Void","I":0}"#)
            .await?;
        ensure!(refused.status == 404, "{way:?}: {refused:?}");
        let events = log(&mut witness, &client.id).await?;
        ensure!(
            events == ["connected", "disconnected:false"],
            "{way:?}: {events:?}"
        );
    }
    Ok(())
}

/// A client in a group, and where it is when the server has told it so.
async fn grouped(url: &str, way: Way, user: &str, group: &str) -> Result<(Legacy, Channel)> {
    let (client, mut channel) = Legacy::start(url, way, &format!("as={user}")).await?;
    let joined = async {
        while channel.seen.groups.is_empty() {
            channel.envelope().await?;
        }
        anyhow::Ok(())
    };
    let (joined, called) = tokio::join!(joined, client.call("JoinGroup", json!([group])));
    joined.context("no token of its groups")?;
    called?;
    Ok((client, channel))
}

async fn restart() -> Result<()> {
    let key = "keys.primary=one-key-for-both-runs-of-this-program";
    let options = ["--redirect", "1", "--set", key];
    let mut server = conformance(&options).await?;
    let address = server.address().to_owned();
    let mut clients = Vec::new();
    for path in ["/signalr", "/redirect/signalr"] {
        let url = format!("{}{path}", server.url());
        for way in Way::ALL {
            let user = format!("{}-user", way.name());
            let (client, channel) = grouped(&url, way, &user, "kept").await?;
            clients.push((client, user, channel.seen.clone()));
        }
    }
    server.signal("TERM").await?;
    for (client, ..) in &clients {
        too_early(client).await?;
    }
    ensure!(server.ended(SOON).await?.success(), "it failed");

    let server = conformance_at(&address, &options).await?;
    let mut witness = witness(&server).await?;
    let mut channels = Vec::new();
    for (client, user, seen) in &clients {
        let place = format!("{:?} {}", client.way, client.base);
        let mut channel = client.reconnect(seen).await.context(place.clone())?;
        // The cursor is of another run: there is one at once that is of use.
        let first = channel.envelope().await.context(place.clone())?;
        ensure!(
            first["M"] == json!([]) && channel.seen.cursor != seen.cursor,
            "{place}: {first}"
        );
        let got = client.call("ConnectionId", json!([])).await?;
        ensure!(got == client.id, "{place}: {got}");
        let got = client.call("UserName", json!([])).await?;
        ensure!(got == *user, "{place}: {got}");
        channels.push(channel);
    }
    witness
        .invoke("SendGroup", json!(["kept", "still in"]))
        .await?;
    for ((client, ..), channel) in clients.iter().zip(&mut channels) {
        let place = format!("{:?} {}", client.way, client.base);
        let got = channel.received().await.context(place.clone())?;
        ensure!(got == "still in", "{place}: {got}");
        let events = log(&mut witness, &client.id).await?;
        ensure!(events == ["reconnected"], "{place}: {events:?}");
    }
    Ok(())
}

/// A client comes back while its server shuts down, if it has not yet: it is to try again, and not
/// told that it is over.
async fn too_early(client: &Legacy) -> Result<()> {
    for action in ["reconnect", "poll"] {
        let Ok(answer) = client.get(action, "&frameId=1").await else {
            continue;
        };
        let is_upgrade_missing = client.way == Way::WebSockets && answer.status == 400;
        // One that was in time has a channel, which ends without a word of error.
        let has_ended = answer.status == 200 && !answer.body.contains("\"E\"");
        ensure!(
            is_upgrade_missing || answer.status == 503 || has_ended,
            "{:?} {action}: {answer:?}",
            client.way
        );
    }
    Ok(())
}

async fn token_life() -> Result<()> {
    let skew = "timeouts.clock_skew=0s";
    let server = conformance(&["--redirect", "1", "--token-life", "2s", "--set", skew]).await?;
    let url = format!("{}/redirect/signalr", server.url());
    let mut clients = Vec::new();
    for way in Way::ALL {
        clients.push(Legacy::start(&url, way, "as=alice").await?);
    }
    let late = Legacy::negotiate(&url, Way::LongPolling, "as=alice").await?;
    sleep(Duration::from_secs(4)).await;
    let refused = late.get("connect", "").await?;
    ensure!(
        refused.status == 401,
        "the token has not ended: {refused:?}"
    );
    let mut witness = witness(&server).await?;
    for (client, mut channel) in clients {
        let way = client.way;
        let name = client
            .call("UserName", json!([]))
            .await
            .with_context(|| way.name())?;
        ensure!(name == "alice", "{way:?}: {name}");
        for text in ["before", "after"] {
            witness
                .invoke("SendConnection", json!([client.id, text]))
                .await?;
            let got = channel.received().await.with_context(|| way.name())?;
            ensure!(got == text, "{way:?}: {got}");
            let seen = channel.seen.clone();
            drop(channel);
            channel = client.reconnect(&seen).await.with_context(|| way.name())?;
        }
        let pong = client.get("ping", "").await?;
        ensure!(
            pong.status == 200 && pong.body.contains("pong"),
            "{way:?}: {pong:?}"
        );
        let events = log(&mut witness, &client.id).await?;
        ensure!(
            events.iter().all(|event| !event.starts_with("dis")),
            "{way:?}: {events:?}"
        );
        ensure!(client.abort().await?.status == 200, "{way:?}");
        let last = end(&mut witness, &client.id, STOP).await?;
        ensure!(last == "disconnected:true", "{way:?}: {last}");
    }
    Ok(())
}

async fn many_groups() -> Result<()> {
    const GROUPS: usize = 500;
    /// As long as a request line may be everywhere.
    const LONGEST: usize = 4096;
    let server = conformance(&[]).await?;
    let mut witness = witness(&server).await?;
    for way in Way::ALL {
        let cuts = Cuts::start(server.address()).await?;
        let url = format!("http://{}/signalr", cuts.address());
        let client = Returning::start(&url, way, "").await?;
        let group = |number: usize| format!("{} group with a long name {number}", way.name());
        for number in 0..GROUPS {
            client.invoke("JoinGroup", json!([group(number)])).await?;
        }
        let returned = async || {
            if client.returns() == 0 {
                cuts.cut();
            }
            Ok((client.returns() > 0).then_some(()))
        };
        until("its return", SOON, returned).await?;
        for number in 0..GROUPS {
            let arguments: Value = json!([group(number), number.to_string()]);
            witness.invoke("SendGroup", arguments).await?;
        }
        let all = async || Ok((client.heard().len() >= GROUPS).then_some(()));
        until("a message to each group", SOON, all)
            .await
            .with_context(|| way.name())?;
        let heard = client.heard();
        let due: Vec<String> = (0..GROUPS).map(|number| number.to_string()).collect();
        ensure!(heard == due, "{way:?}: {heard:?}");
        let longest = cuts.longest_target();
        ensure!(
            longest < LONGEST,
            "{way:?}: a target of {longest} characters"
        );
    }
    Ok(())
}
