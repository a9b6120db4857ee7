//! `bench`: Heliograph beside a bare relay, in one run, as ratios of medians.
//!
//! Every figure is process time or memory of the server alone, read from `/proc`; the machine may
//! be busy with something else. Rounds of the two alternate.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that talks to its user"
)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Parser;
use load::{Peer, Script, Subject, frame};

const READY: Duration = Duration::from_secs(60);
const TEXT: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[derive(Parser)]
#[command(about = "Measures Heliograph beside a bare relay")]
struct Options {
    /// The `heliograph` binary.
    #[arg(long, default_value = "target/release/heliograph")]
    heliograph: PathBuf,
    /// The `bare-relay` binary.
    #[arg(long, default_value = "target/release/bare-relay")]
    relay: PathBuf,
    /// Rounds of each; at least five for figures that are to be believed.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Connections for the idle figure.
    #[arg(long, default_value_t = 5000)]
    idle: usize,
    /// Receivers of a broadcast.
    #[arg(long, default_value_t = 1000)]
    receivers: usize,
    /// Leave out the instruction counts, which need valgrind and some minutes.
    #[arg(long)]
    no_callgrind: bool,
}

/// What one round of one server gave.
#[derive(Clone, Copy, Default)]
struct Round {
    idle_kib: f64,
    echo_us: f64,
    delivery_us: f64,
    connects_per_s: f64,
}

/// The bytes of both conversations, as a hub has shown them.
struct Scripts {
    echo: Script,
    broadcast: Script,
    /// Length of the completion that the sender of a broadcast gets.
    completion: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Relay,
    Heliograph,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    for binary in [&options.heliograph, &options.relay] {
        if !binary.exists() {
            bail!(
                "{} is missing: run `cargo xtask bench`, which builds it",
                binary.display()
            );
        }
    }
    let scripts = learn(&options).await.context("learn the bytes of a hub")?;
    let mut rounds: [Vec<Round>; 2] = Default::default();
    for number in 1..=options.rounds.max(1) {
        for (kind, results) in [Kind::Relay, Kind::Heliograph].into_iter().zip(&mut rounds) {
            let round = measure(&options, kind, &scripts).await?;
            eprintln!(
                "round {number} {:10} idle {:6.2} KiB  echo {:6.2} us  delivery {:6.2} us  {:7.0} connects/s",
                kind.name(),
                round.idle_kib,
                round.echo_us,
                round.delivery_us,
                round.connects_per_s,
            );
            results.push(round);
        }
    }
    let instructions = if options.no_callgrind {
        None
    } else {
        instructions(&options, &scripts).await?
    };
    report(&options, &rounds, instructions);
    Ok(())
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Relay => "bare relay",
            Self::Heliograph => "heliograph",
        }
    }
}

fn report(options: &Options, rounds: &[Vec<Round>; 2], instructions: Option<[f64; 2]>) {
    let medians = |of: fn(&Round) -> f64| rounds.each_ref().map(|rounds| median(rounds, of));
    println!(
        "\nmedians of {} rounds; {} idle connections, broadcast to {}\n",
        options.rounds, options.idle, options.receivers
    );
    println!(
        "{:38} {:>12} {:>12} {:>8}",
        "", "bare relay", "heliograph", "ratio"
    );
    let row = |name: &str, [relay, ours]: [f64; 2]| {
        println!("{name:38} {relay:12.2} {ours:12.2} {:8.2}", ours / relay);
    };
    row("idle KiB per connection", medians(|round| round.idle_kib));
    row("CPU us per echo", medians(|round| round.echo_us));
    row(
        "CPU us per broadcast delivery",
        medians(|round| round.delivery_us),
    );
    row(
        "connects per CPU second",
        medians(|round| round.connects_per_s),
    );
    match instructions {
        Some(counts) => row("user instructions per delivery", counts),
        None => println!(
            "{:38} skipped: left out or valgrind is missing",
            "user instructions per delivery"
        ),
    }
}

fn median(rounds: &[Round], of: fn(&Round) -> f64) -> f64 {
    let mut values: Vec<f64> = rounds.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Asks a real hub once, so that the relay moves exactly the same bytes.
async fn learn(options: &Options) -> Result<Scripts> {
    let subject = start_heliograph(&options.heliograph, &[]).await?;
    let connect = connect_bytes();
    let (mut peer, connected) = Peer::learn(subject.address(), &connect).await?;
    let echo = frame(call("Echo").as_bytes());
    peer.send(&echo).await?;
    let answer = peer.frame_len().await?;
    let broadcast = frame(call("Broadcast").as_bytes());
    peer.send(&broadcast).await?;
    // The message to all, this caller included, and the completion; which is which we know by
    // the text that only the message holds.
    let (one, two) = (peer.frame_len().await?, peer.frame_len().await?);
    subject.stop(READY).await?;
    let script = |call, answer| Script {
        connect: connect.clone(),
        connected,
        call,
        answer,
    };
    Ok(Scripts {
        echo: script(echo, answer),
        broadcast: script(broadcast, one.max(two)),
        completion: one.min(two),
    })
}

fn connect_bytes() -> Vec<u8> {
    let upgrade = "GET /bench HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                   User-Agent: bench\r\n\r\n";
    let mut bytes = upgrade.as_bytes().to_vec();
    bytes.extend(frame(b"{\"protocol\":\"json\",\"version\":1}\x1e"));
    bytes
}

fn call(method: &str) -> String {
    let id = "1";
    format!(
        "{{\"type\":1,\"invocationId\":\"{id}\",\"target\":\"{method}\",\"arguments\":[\"{TEXT}\"]}}\x1e"
    )
}

async fn start_heliograph(program: &Path, before: &[String]) -> Result<Subject> {
    let own = ["--listen", "127.0.0.1:0", "--set", "bench=true"].map(String::from);
    match before.split_first() {
        None => Subject::start(program, &own, READY).await,
        Some((wrapper, args)) => {
            let program = program.display().to_string();
            let args: Vec<String> = args.iter().cloned().chain([program]).chain(own).collect();
            Subject::start(Path::new(wrapper), &args, READY).await
        }
    }
}

async fn start_relay(
    program: &Path,
    before: &[String],
    script: &Script,
    answer: Option<usize>,
) -> Result<Subject> {
    let mut own: Vec<String> = [
        ("--connect-in", script.connect.len()),
        ("--connect-out", script.connected),
        ("--in", script.call.len()),
        ("--out", script.answer),
    ]
    .iter()
    .flat_map(|(name, value)| [(*name).to_owned(), value.to_string()])
    .collect();
    own.extend(
        answer
            .iter()
            .flat_map(|answer| ["--answer".to_owned(), answer.to_string()]),
    );
    match before.split_first() {
        None => Subject::start(program, &own, READY).await,
        Some((wrapper, args)) => {
            let program = program.display().to_string();
            let args: Vec<String> = args.iter().cloned().chain([program]).chain(own).collect();
            Subject::start(Path::new(wrapper), &args, READY).await
        }
    }
}

async fn start(
    options: &Options,
    kind: Kind,
    script: &Script,
    answer: Option<usize>,
) -> Result<Subject> {
    match kind {
        Kind::Heliograph => start_heliograph(&options.heliograph, &[]).await,
        Kind::Relay => start_relay(&options.relay, &[], script, answer).await,
    }
}

async fn measure(options: &Options, kind: Kind, scripts: &Scripts) -> Result<Round> {
    let subject = start(options, kind, &scripts.echo, None).await?;
    // What a first connection brings into being belongs to no connection.
    let warm = connect_all(subject.address(), &scripts.echo, 50).await?;
    settle(&subject).await?;
    let (memory, cpu) = (subject.resident_kib()?, subject.cpu()?);
    let mut peers = connect_all(subject.address(), &scripts.echo, options.idle).await?;
    settle(&subject).await?;
    let connections = count(options.idle);
    let idle_kib = (subject.resident_kib()? - memory) / connections;
    let connects_per_s = connections / (subject.cpu()? - cpu).as_secs_f64();
    let echo_us = echo(&subject, &scripts.echo, &mut peers).await?;
    drop((warm, peers));
    subject.stop(READY).await?;

    let subject = start(options, kind, &scripts.broadcast, Some(scripts.completion)).await?;
    let mut peers = connect_all(subject.address(), &scripts.broadcast, options.receivers).await?;
    broadcast(scripts, &mut peers, 20).await?;
    let cpu = subject.cpu()?;
    let times = 200;
    broadcast(scripts, &mut peers, times).await?;
    let used = subject.cpu()? - cpu;
    let delivery_us = used.as_secs_f64() * 1e6 / count(times) / count(options.receivers);
    drop(peers);
    subject.stop(READY).await?;
    Ok(Round {
        idle_kib,
        echo_us,
        delivery_us,
        connects_per_s,
    })
}

async fn connect_all(address: &str, script: &Script, count: usize) -> Result<Vec<Peer>> {
    let mut peers = Vec::with_capacity(count);
    while peers.len() < count {
        let wave = (count - peers.len()).min(64);
        let connects: Vec<_> = (0..wave)
            .map(|_| {
                let (address, script) = (address.to_owned(), script.clone());
                tokio::spawn(async move { Peer::connect(&address, &script).await })
            })
            .collect();
        for connect in connects {
            peers.push(connect.await??);
        }
    }
    Ok(peers)
}

/// Waits until the process rests.
async fn settle(subject: &Subject) -> Result<()> {
    let mut before = subject.cpu()?;
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let now = subject.cpu()?;
        if now - before < Duration::from_millis(2) {
            break;
        }
        before = now;
    }
    Ok(())
}

/// CPU microseconds per echo: 32 connections, each with one call under way.
async fn echo(subject: &Subject, script: &Script, peers: &mut Vec<Peer>) -> Result<f64> {
    const CALLERS: usize = 32;
    const CALLS: usize = 1500;
    let callers: Vec<Peer> = peers.drain(..CALLERS.min(peers.len())).collect();
    let calls = count(CALLS * callers.len());
    let cpu = subject.cpu()?;
    let tasks: Vec<_> = callers
        .into_iter()
        .map(|mut peer| {
            let script = script.clone();
            tokio::spawn(async move {
                for _ in 0..CALLS {
                    peer.send(&script.call).await?;
                    peer.take(script.answer).await?;
                }
                anyhow::Ok(peer)
            })
        })
        .collect();
    for task in tasks {
        peers.push(task.await??);
    }
    Ok((subject.cpu()? - cpu).as_secs_f64() * 1e6 / calls)
}

/// One connection broadcasts, all read; the next broadcast begins when all have read.
async fn broadcast(scripts: &Scripts, peers: &mut [Peer], times: usize) -> Result<()> {
    for _ in 0..times {
        let Some((first, others)) = peers.split_first_mut() else {
            bail!("nobody is connected")
        };
        first.send(&scripts.broadcast.call).await?;
        first
            .take(scripts.broadcast.answer + scripts.completion)
            .await?;
        for peer in others {
            peer.take(scripts.broadcast.answer).await?;
        }
    }
    Ok(())
}

/// User instructions per delivery by callgrind: the difference between a short and a long run.
async fn instructions(options: &Options, scripts: &Scripts) -> Result<Option<[f64; 2]>> {
    const RECEIVERS: usize = 100;
    const SHORT: usize = 20;
    const LONG: usize = 120;
    let found = tokio::process::Command::new("valgrind")
        .arg("--version")
        .stdout(std::process::Stdio::null())
        .status()
        .await;
    if !found.is_ok_and(|status| status.success()) {
        return Ok(None);
    }
    let mut counts = [0.0; 2];
    for (kind, result) in [Kind::Relay, Kind::Heliograph].into_iter().zip(&mut counts) {
        let mut totals = [0.0; 2];
        for (times, total) in [SHORT, LONG].into_iter().zip(&mut totals) {
            let out =
                std::env::temp_dir().join(format!("bench-callgrind-{}.out", std::process::id()));
            let file = out.display().to_string();
            let wrapper =
                ["valgrind", "--tool=callgrind", "--log-file=/dev/null"].map(String::from);
            let wrapper: Vec<String> = wrapper
                .into_iter()
                .chain([format!("--callgrind-out-file={file}")])
                .collect();
            let subject = match kind {
                Kind::Heliograph => start_heliograph(&options.heliograph, &wrapper).await?,
                Kind::Relay => {
                    start_relay(
                        &options.relay,
                        &wrapper,
                        &scripts.broadcast,
                        Some(scripts.completion),
                    )
                    .await?
                }
            };
            let mut peers = connect_all(subject.address(), &scripts.broadcast, RECEIVERS).await?;
            broadcast(scripts, &mut peers, times).await?;
            drop(peers);
            subject.stop(READY).await?;
            *total = total_instructions(&out)?;
            std::fs::remove_file(&out)?;
        }
        *result = (totals[1] - totals[0]) / count(LONG - SHORT) / count(RECEIVERS);
    }
    Ok(Some(counts))
}

fn total_instructions(file: &Path) -> Result<f64> {
    let text = std::fs::read_to_string(file).context("callgrind's result")?;
    let line = text
        .lines()
        .find_map(|line| {
            line.strip_prefix("totals:")
                .or_else(|| line.strip_prefix("summary:"))
        })
        .context("callgrind's result has no total")?;
    line.trim().parse().context("callgrind's total")
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
