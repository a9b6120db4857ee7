//! User instructions per delivery, counted by callgrind.
//!
//! Each count is the difference of two runs that differ in nothing but the number of broadcasts,
//! so that start, connections and end cancel out. One worker thread makes it repeatable. The
//! crowd is small: programs run fifty times slower here, and clients that are silent for half a
//! minute are sent away.

use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::process::Command;
use tokio::time::timeout;

use crate::conversation::Scripts;
use crate::drive;
use crate::figures::count;
use crate::servers::{Kind, Load, READY, Servers};

const RECEIVERS: usize = 100;
/// Far enough apart that what varies from start to start, a clock that is calibrated, say, weighs
/// little.
const BROADCASTS: [usize; 2] = [20, 520];
/// For all four runs; they take some ten seconds.
const LIMIT: Duration = Duration::from_secs(100);

/// The counts of both servers, or why there are none.
pub(crate) async fn instructions(servers: &Servers, scripts: &Scripts) -> Result<[f64; 2]> {
    let version = Command::new("valgrind")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await;
    if !version.is_ok_and(|status| status.success()) {
        bail!("there is no valgrind here");
    }
    let file = format!("heliograph-bench-{}.callgrind", std::process::id());
    let file = std::env::temp_dir().join(file);
    let counts = timeout(LIMIT, both(servers, scripts, &file)).await;
    // A run that has failed may have left none.
    _ = std::fs::remove_file(&file);
    counts.with_context(|| format!("callgrind took more than {} s", LIMIT.as_secs()))?
}

async fn both(servers: &Servers, scripts: &Scripts, file: &Path) -> Result<[f64; 2]> {
    let mut counts = [0.0; 2];
    for (kind, result) in Kind::BOTH.into_iter().zip(&mut counts) {
        let mut totals = [0.0; 2];
        for (broadcasts, total) in BROADCASTS.into_iter().zip(&mut totals) {
            *total = run(servers, kind, scripts, broadcasts, file)
                .await
                .with_context(|| format!("callgrind of the {}", kind.name()))?;
        }
        let [few, many] = BROADCASTS;
        *result = (totals[1] - totals[0]) / count((many - few) * RECEIVERS);
    }
    Ok(counts)
}

/// All user instructions of a server that lived for this many broadcasts.
async fn run(
    servers: &Servers,
    kind: Kind,
    scripts: &Scripts,
    broadcasts: usize,
    file: &Path,
) -> Result<f64> {
    let mut out = OsString::from("--callgrind-out-file=");
    out.push(file);
    let mut wrapper = [
        "env",
        "TOKIO_WORKER_THREADS=1",
        "valgrind",
        "--tool=callgrind",
        // Threads take turns; else one that waits may never get its turn.
        "--fair-sched=try",
        "--log-file=/dev/null",
    ]
    .map(OsString::from)
    .to_vec();
    wrapper.push(out);
    let load = Load::Broadcast;
    let subject = servers.start_under(&wrapper, kind, load, scripts).await?;
    let mut peers = drive::connect(subject.address(), &scripts.broadcast, RECEIVERS).await?;
    drive::settle(&subject).await?;
    drive::broadcast(&mut peers, scripts, broadcasts).await?;
    drop(peers);
    subject.stop(READY).await?;
    let text = std::fs::read_to_string(file).context("callgrind's result")?;
    total(&text).context("there is no total in callgrind's result")
}

fn total(text: &str) -> Option<f64> {
    let totals = text.lines().find_map(|line| line.strip_prefix("totals:"));
    totals?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::total;

    #[test]
    fn the_total_of_a_result_is_its_last_word() {
        let text = "version: 1\nsummary: 11\n\nfn=(1)\n0 12\n\ntotals: 12\n";
        assert_eq!(total(text), Some(12.0));
        assert_eq!(total("summary: 11\n"), None);
    }
}
