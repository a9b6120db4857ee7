//! `bench`: Heliograph beside a bare relay, in one run, as ratios of medians.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that talks to its user"
)]

mod app_server;
mod callgrind;
mod conversation;
mod drive;
mod figures;
mod legacy;
mod negotiate;
mod report;
mod rounds;
mod servers;

use std::env::consts::EXE_SUFFIX;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use clap::Parser;
use tokio::time::timeout;

use conversation::Scripts;
use report::Size;
use rounds::Crowd;
use servers::{HUB, Kind, READY, Servers};

/// What the targets are for.
const ROUNDS: u16 = 5;
const IDLE: u16 = 5000;
const RECEIVERS: u16 = 1000;
/// For everything; it takes about a minute on two cores.
const LIMIT: Duration = Duration::from_secs(900);
/// Descriptors that are not for connections.
const SPARE_DESCRIPTORS: u64 = 64;

#[derive(Parser)]
#[command(
    about = "Measures Heliograph beside a bare relay",
    after_help = "Exit code: 0 when all targets were met, or in a trial run, which is not judged; 1 when a target was\n\
                  missed or the run failed."
)]
struct Options {
    /// The `heliograph` binary. Default: the one beside this program.
    #[arg(long)]
    heliograph: Option<PathBuf>,
    /// The `bare-relay` binary. Default: the one beside this program.
    #[arg(long)]
    relay: Option<PathBuf>,
    /// Rounds of each; at least five for figures that are to be believed.
    #[arg(long, default_value_t = ROUNDS, value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: u16,
    /// Connections for the idle figure.
    #[arg(long, default_value_t = IDLE, value_parser = clap::value_parser!(u16).range(1..))]
    idle: u16,
    /// Receivers of a broadcast.
    #[arg(long, default_value_t = RECEIVERS, value_parser = clap::value_parser!(u16).range(1..))]
    receivers: u16,
    /// Leave out the instruction counts, which need valgrind.
    #[arg(long)]
    no_callgrind: bool,
    /// Leave out the app server, which needs the .NET programs.
    #[arg(long)]
    no_app_server: bool,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let options = Options::parse();
    let done = timeout(LIMIT, run(&options)).await;
    let missed = done.with_context(|| format!("it took more than {} s", LIMIT.as_secs()))??;
    if missed == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("targets missed: {missed}");
    Ok(ExitCode::FAILURE)
}

/// Measures and prints; gives how many targets were missed.
async fn run(options: &Options) -> Result<usize> {
    let start = Instant::now();
    let own = std::env::current_exe().context("where this program is")?;
    let folder = own.parent().context("where this program is")?;
    let servers = Servers {
        heliograph: program(options.heliograph.as_deref(), folder, "heliograph")?,
        relay: program(options.relay.as_deref(), folder, "bare-relay")?,
    };
    let crowd = Crowd {
        idle: options.idle.into(),
        receivers: options.receivers.into(),
    };
    let rounds = usize::from(options.rounds);
    allow(crowd.connections())?;
    let scripts = learn(&servers).await.context("learn the bytes of a hub")?;

    let mut results: [Vec<rounds::Round>; 2] = Default::default();
    let mut old_world = Vec::new();
    for number in 1..=rounds {
        for (kind, results) in Kind::BOTH.into_iter().zip(&mut results) {
            let round = rounds::measure(&servers, kind, &scripts, crowd).await?;
            eprintln!(
                "round {number} {:10}  idle {:5.2} KiB  echo {:5.2} us  delivery {:5.2} us  {:6.0} connects/s",
                kind.name(),
                round.idle_kib,
                round.echo_us,
                round.delivery_us,
                round.connects_per_s,
            );
            results.push(round);
        }
        let round = legacy::measure(&servers, &scripts, crowd).await?;
        eprintln!(
            "round {number} {:10}  idle {:5.2} KiB  echo {:5.2} us  delivery {:5.2} us  {:5.2} us to both",
            "legacy", round.idle_kib, round.echo_us, round.delivery_us, round.mixed_us,
        );
        old_world.push(round);
    }
    let instructions = match options.no_callgrind {
        true => Err(anyhow!("left out")),
        false => {
            eprintln!("callgrind");
            callgrind::instructions(&servers, &scripts).await
        }
    };
    let app_server = match options.no_app_server {
        true => Err(anyhow!("left out")),
        false => {
            eprintln!("app server, {rounds} rounds");
            let target = folder.parent().unwrap_or(folder);
            app_server::measure(&servers, target, rounds).await
        }
    };
    let is_full =
        rounds >= ROUNDS.into() && crowd.idle >= IDLE.into() && crowd.receivers >= RECEIVERS.into();
    let size = if is_full { Size::Full } else { Size::Trial };
    let beside_relay = report::beside_relay(size, &results, instructions);
    let [_, core] = &results;
    let legacy = report::legacy(size, core, &old_world);
    println!(
        "\nmedians of {rounds} alternating rounds; {} idle connections, broadcast to {}; {} s in all\n\n{}\n\n{}\n\n{}",
        crowd.idle,
        crowd.receivers,
        start.elapsed().as_secs(),
        beside_relay.text,
        legacy.text,
        report::app_server(app_server),
    );
    Ok(beside_relay.missed + legacy.missed)
}

fn program(given: Option<&Path>, folder: &Path, name: &str) -> Result<PathBuf> {
    let beside = || folder.join(format!("{name}{EXE_SUFFIX}"));
    let path = given.map_or_else(beside, Path::to_owned);
    if !path.exists() {
        bail!(
            "{} is missing: run `cargo xtask bench`, which builds it",
            path.display()
        );
    }
    Ok(path)
}

/// Asks for descriptors for that many connections, for this process and those that it starts.
fn allow(connections: usize) -> Result<()> {
    let granted = rlimit::increase_nofile_limit(u64::MAX).context("ask for descriptors")?;
    let needed = u64::try_from(connections)? + SPARE_DESCRIPTORS;
    if granted < needed {
        bail!("{connections} connections need {needed} descriptors; the system allows {granted}");
    }
    Ok(())
}

/// Learns what the clients say and get from Heliograph.
async fn learn(servers: &Servers) -> Result<Scripts> {
    let subject = servers.hub().await?;
    let scripts = Scripts::learn(subject.address(), HUB).await?;
    subject.stop(READY).await?;
    Ok(scripts)
}
