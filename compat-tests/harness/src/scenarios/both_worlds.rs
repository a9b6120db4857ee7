//! A legacy client and a Core client in one group, while the legacy client loses its network.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use parking_lot::Mutex;
use serde_json::json;
use tokio::time::{sleep, timeout};

use super::kit::{Cuts, Hub, Returning, Way};
use super::until;
use crate::backend::conformance;
use crate::process::Server;

scenarios! {
    "both-worlds-sockets",
    "1,000 numbered messages each way, five losses of the network: no gap, no duplicate (webSockets)",
    sockets();
    "both-worlds-events",
    "the same over serverSentEvents",
    events();
    "both-worlds-frames",
    "the same over foreverFrame",
    frames();
    "both-worlds-polls",
    "the same over longPolling",
    polls();
}

const GROUP: &str = "both";
const MESSAGES: usize = 1000;
/// Messages of the Core side that are sent at a time.
const BATCH: usize = 10;
const BETWEEN_BATCHES: Duration = Duration::from_millis(40);
const CHANNELS: &[&str] = &["connect", "reconnect", "poll"];
const SOON: Duration = Duration::from_secs(20);
const LAST: &str = "the last";
/// So much stands behind a number, so that a cut can fall into a message.
const PADDING: usize = 100;

async fn sockets() -> Result<()> {
    both_ways(Way::WebSockets).await
}

async fn events() -> Result<()> {
    both_ways(Way::ServerSentEvents).await
}

async fn frames() -> Result<()> {
    both_ways(Way::ForeverFrame).await
}

async fn polls() -> Result<()> {
    both_ways(Way::LongPolling).await
}

async fn both_ways(way: Way) -> Result<()> {
    let server = conformance(&[]).await?;
    let cuts = Cuts::start(server.address()).await?;
    let url = format!("http://{}/signalr", cuts.address());
    let legacy = Returning::start(&url, way, "as=old").await?;
    let core_url = format!("{}/conformance?as=new", server.url());
    let (mut core, mut sender) = (
        Hub::connect(&core_url).await?,
        Hub::connect(&core_url).await?,
    );
    legacy.invoke("JoinGroup", json!([GROUP])).await?;
    core.invoke("JoinGroup", json!([GROUP])).await?;

    let heard_by_core = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&heard_by_core);
    let listening = tokio::spawn(async move {
        loop {
            let arguments = core.called("received").await?;
            let text = arguments[0].as_str().unwrap_or_default().to_owned();
            heard.lock().push(text.clone());
            if text == LAST {
                return anyhow::Ok(());
            }
        }
    });
    let from_core = async {
        for batch in 0..MESSAGES / BATCH {
            for number in batch * BATCH..(batch + 1) * BATCH {
                let text = numbered("core", number);
                let call = json!({"type": 1, "target": "SendGroup", "arguments": [GROUP, text]});
                sender.send(&call).await?;
            }
            sleep(BETWEEN_BATCHES).await;
        }
        anyhow::Ok(sender)
    };
    let sent = from_legacy(&legacy, &cuts, &heard_by_core);
    let (sender, sent) = tokio::join!(from_core, sent);
    let (mut sender, sent) = (sender?, sent?);
    ensure!(
        legacy.returns() >= 5,
        "it came back {} times",
        legacy.returns()
    );
    // Behind all that was sent before.
    sender.invoke("SendGroup", json!([GROUP, LAST])).await?;
    timeout(SOON, listening)
        .await
        .context("the Core client")???;
    until("the last message at the legacy client", SOON, || async {
        Ok(legacy.heard().iter().any(|text| text == LAST).then_some(()))
    })
    .await?;

    let by_core = heard_by_core.lock().clone();
    let by_legacy = legacy.heard();
    for (who, heard) in [
        ("the Core client", &by_core),
        ("the legacy client", &by_legacy),
    ] {
        check_core_messages(heard).context(who)?;
        sent.check(heard).context(who)?;
    }
    let of_legacy = |heard: &[String]| -> Vec<String> {
        let of_legacy = heard.iter().filter(|text| text.starts_with("legacy"));
        of_legacy.cloned().collect()
    };
    ensure!(
        of_legacy(&by_core) == of_legacy(&by_legacy),
        "the two heard different messages of the legacy client"
    );
    check_log(&server, &legacy).await
}

fn numbered(side: &str, number: usize) -> String {
    format!("{side} {number} {}", ".".repeat(PADDING))
}

fn number(text: &str) -> Option<usize> {
    text.split(' ').nth(1)?.parse().ok()
}

/// What became of the messages that the legacy client sent.
#[derive(Debug, Default)]
struct Sent {
    /// Those that a call has succeeded for, or that are known to have reached the hub.
    certain: BTreeSet<usize>,
    /// Those whose call was lost with the network, perhaps on its way to the hub.
    perhaps: BTreeSet<usize>,
}

impl Sent {
    /// Each message came once and in order, and the certain ones all came.
    fn check(&self, heard: &[String]) -> Result<()> {
        let of_legacy = heard.iter().filter(|text| text.starts_with("legacy"));
        let numbers: Vec<usize> = of_legacy.filter_map(|text| number(text)).collect();
        ensure!(
            numbers.is_sorted_by(|a, b| a < b),
            "out of order or twice: {numbers:?}"
        );
        let came: BTreeSet<usize> = numbers.into_iter().collect();
        let lost: Vec<_> = self.certain.difference(&came).collect();
        ensure!(
            lost.is_empty(),
            "{lost:?} of the legacy client did not come"
        );
        let invented = came
            .iter()
            .find(|n| !self.certain.contains(n) && !self.perhaps.contains(n));
        ensure!(invented.is_none(), "{invented:?} came and was not sent");
        Ok(())
    }
}

/// The legacy client sends, and loses its network five times.
async fn from_legacy(
    legacy: &Returning,
    cuts: &Cuts,
    heard_by_core: &Mutex<Vec<String>>,
) -> Result<Sent> {
    let mut sent = Sent::default();
    let send = async |sent: &mut Sent, number: usize| {
        let text = numbered("legacy", number);
        match legacy.invoke("SendGroup", json!([GROUP, text])).await {
            Ok(_) => sent.certain.insert(number),
            Err(_) => sent.perhaps.insert(number),
        }
    };
    let mut cut = 0;
    for n in 0..MESSAGES {
        // While messages of the Core side are coming: they take four seconds.
        let is_due = heard_by_core.lock().len() > 150 * (cut + 1) && cut < 5;
        if !is_due {
            send(&mut sent, n).await;
            continue;
        }
        let returns = legacy.returns();
        match cut {
            // In the middle of a message, or right where one begins.
            0 | 3 => {
                let bytes = if cut == 0 { 517 } else { 0 };
                let (done, _) = tokio::join!(cuts.cut_within(CHANNELS, bytes), send(&mut sent, n));
                done?;
            }
            // While a poll waits, or while it is answered.
            1 | 4 => {
                cuts.cut();
                send(&mut sent, n).await;
            }
            // When the hub has run the method, and before its result arrives.
            _ => {
                cuts.hold();
                let reached = async {
                    let text = numbered("legacy", n);
                    until("the call", SOON, || async {
                        Ok(heard_by_core.lock().contains(&text).then_some(()))
                    })
                    .await?;
                    cuts.cut();
                    anyhow::Ok(())
                };
                let (reached, ()) = tokio::join!(reached, async {
                    send(&mut sent, n).await;
                });
                reached?;
                ensure!(sent.perhaps.contains(&n), "its result was not lost");
                sent.certain.insert(n);
            }
        }
        until("the legacy client's return", SOON, || async {
            let has_returned = legacy.returns() > returns;
            if !has_returned && matches!(cut, 1 | 4) {
                // It was between two polls.
                cuts.cut();
            }
            Ok(has_returned.then_some(()))
        })
        .await?;
        cut += 1;
    }
    ensure!(cut == 5, "the network was lost {cut} times only");
    ensure!(
        sent.perhaps.len() < MESSAGES / 10,
        "{} calls were lost",
        sent.perhaps.len()
    );
    Ok(sent)
}

/// All messages of the Core side, each once and in order.
fn check_core_messages(heard: &[String]) -> Result<()> {
    let of_core = heard.iter().filter(|text| text.starts_with("core"));
    let numbers: Vec<usize> = of_core.filter_map(|text| number(text)).collect();
    let wrong = numbers.iter().zip(0..MESSAGES).find(|(n, due)| **n != *due);
    ensure!(
        wrong.is_none() && numbers.len() == MESSAGES,
        "{} messages of the Core side, the first wrong one is {wrong:?}",
        numbers.len()
    );
    Ok(())
}

/// The hub has seen the client come back each time, and never go.
async fn check_log(server: &Server, legacy: &Returning) -> Result<()> {
    let mut witness = Hub::connect(&format!("{}/conformance", server.url())).await?;
    let log = witness.invoke("Log", json!([legacy.client.id])).await?;
    let events: Vec<&str> = log
        .as_array()
        .context("a list")?
        .iter()
        .filter_map(|event| event.as_str())
        .collect();
    let (first, rest) = events.split_first().context("an empty log")?;
    ensure!(*first == "connected", "{log}");
    let returns = rest.iter().filter(|event| **event == "reconnected").count();
    ensure!(returns == rest.len() && returns >= 5, "{log}");
    Ok(())
}
