//! `compat`: runs every test there is and ends with one summary. `cargo xtask test` builds and
//! starts it.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that talks to its user"
)]

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail};
use clap::Parser;
use harness::backend::Kind;
use harness::cells::{self, Choice};
use harness::checks::Check;
use harness::clients::CLIENTS;
use harness::report::{Outcome, Report};
use harness::scenarios::{self, Scenario};
use harness::{matrix, page, panics, places};
use tokio::signal::unix::{SignalKind, signal};

/// As a shell has it for a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;
const WRONG_USE: u8 = 2;

/// Installs what the tests need, runs them all, and ends with one summary
#[derive(Debug, Parser)]
#[command(name = "cargo xtask test", max_term_width = 100)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one for each switch of the command line"
)]
struct Options {
    /// Only clients, scenarios or checks with this text in their name; a text that is in no name
    /// of ours chooses scenarios of the clients' drivers
    filter: Option<String>,
    /// Leave out the WebSocket conformance suite, and the foreign clients but one of the old world
    #[arg(long)]
    quick: bool,
    /// Only this backend: embedded, azure, direct; for clients of ASP.NET SignalR conformance,
    /// redirected; or self, the reference app alone
    #[arg(long, value_parser = backend)]
    backend: Option<&'static Kind>,
    /// Only clients with this text in their name
    #[arg(long)]
    client: Option<String>,
    /// Only this transport: WebSockets, ServerSentEvents, LongPolling; for clients of ASP.NET SignalR
    /// also foreverFrame and auto
    #[arg(long)]
    transport: Option<String>,
    /// Only this protocol: json, messagepack
    #[arg(long)]
    protocol: Option<String>,
    /// Only scenarios of the clients' drivers with this text in their name
    #[arg(long)]
    case: Option<String>,
    /// Also what is left out otherwise: old versions in Chromium, and versions in between at every
    /// backend
    #[arg(long)]
    all: bool,
    /// Also the scenarios that take most of a minute, as a run of everything has them: of the .NET
    /// clients, of the newest JavaScript clients, and of each client over WebSockets against azure
    /// or conformance
    #[arg(long)]
    slow: bool,
    /// Client drivers that run at a time; a driver waits most of its time
    #[arg(long, default_value_t = 4)]
    jobs: usize,
    /// Name what would run, and stop
    #[arg(long)]
    list: bool,
}

/// What is to run.
struct Plan {
    checks: Vec<Check>,
    choice: Option<Choice>,
    scenarios: Vec<Scenario>,
    is_full: bool,
}

fn main() -> ExitCode {
    if let Err(error) = std::env::set_current_dir(places::root()) {
        eprintln!("{}: {error}", places::root().display());
        return ExitCode::FAILURE;
    }
    let plan = match plan(Options::parse()) {
        Ok(Some(plan)) => plan,
        Ok(None) => return ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::from(WRONG_USE);
        }
    };
    run(plan).unwrap_or_else(|error| {
        println!("FAIL {error:#}\n0 passed, 1 failed, 0 skipped");
        ExitCode::FAILURE
    })
}

/// Runs until all is done or a signal comes. Either way the runtime goes down at the end, and with
/// it every program that still runs.
#[tokio::main]
async fn run(plan: Plan) -> Result<ExitCode> {
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    tokio::select! {
        code = Box::pin(run_all(plan)) => code,
        _ = interrupt.recv() => Ok(ExitCode::from(INTERRUPTED)),
        _ = terminate.recv() => Ok(ExitCode::from(INTERRUPTED)),
    }
}

async fn run_all(plan: Plan) -> Result<ExitCode> {
    let mut report = Report::default();
    let cells = plan.choice.as_ref().map_or(Vec::new(), Choice::cells);
    if !cells.is_empty() {
        println!("installing what the clients need");
    }
    // The machine is idle while packages are fetched.
    let (missing, checked) = tokio::join!(cells::install(&cells), async {
        for check in &plan.checks {
            check.run(&mut report).await?;
        }
        anyhow::Ok(())
    });
    checked?;
    if !plan.scenarios.is_empty() {
        report.section("scenarios");
    }
    let mut own = Vec::new();
    for scenario in plan.scenarios {
        let start = Instant::now();
        let outcome = scenario.run().await;
        match &outcome {
            Outcome::Passed => println!("ok {} [{}]", scenario.name, start.elapsed().as_millis()),
            Outcome::Failed(why) => println!("FAIL {}: {why}", scenario.name),
            Outcome::Skipped(why) => println!("skip {}: {why}", scenario.name),
        }
        report.add(scenario.name, &outcome);
        panics::tell(scenario.name, &mut report);
        own.push((scenario, outcome));
    }
    if let Some(choice) = &plan.choice {
        report.section("clients");
        let runs = matrix::run(choice, &missing, &mut report).await?;
        panics::tell("clients", &mut report);
        println!("\n{}", page::tables(&runs));
        if plan.is_full && missing.is_empty() {
            page::write(&places::root().join(page::FILE), &runs, &own)?;
            println!("written to {}", page::FILE);
        }
    }
    Ok(report.close())
}

/// What the options ask for; nothing if they only asked for names.
fn plan(options: Options) -> Result<Option<Plan>> {
    let Options {
        filter,
        quick,
        backend,
        client,
        transport,
        protocol,
        case,
        all,
        slow,
        jobs,
        list,
    } = options;
    let narrows_cells = backend.is_some()
        || client.is_some()
        || transport.is_some()
        || protocol.is_some()
        || case.is_some();
    let has = |name: &str| {
        filter
            .as_ref()
            .is_none_or(|filter| name.contains(filter.as_str()))
    };
    let mut checks: Vec<Check> = Check::ALL
        .into_iter()
        .filter(|check| !narrows_cells && has(check.name()))
        .collect();
    if quick {
        checks.retain(|check| *check != Check::Autobahn);
    }
    let scenarios: Vec<Scenario> = scenarios::all()
        .into_iter()
        .filter(|scenario| !narrows_cells && has(scenario.name))
        .filter(|scenario| !quick || scenario.is_quick())
        .collect();
    let is_full = filter.is_none() && !narrows_cells && !quick && !all;
    let mut choice = Choice {
        backend,
        client,
        transport,
        protocol,
        case,
        all,
        slow: slow || is_full,
        quick,
        jobs: jobs.max(1),
    };
    let mut wants_cells = true;
    if let Some(filter) = &filter {
        if CLIENTS
            .iter()
            .any(|client| client.name.contains(filter.as_str()))
        {
            choice.client = choice.client.or_else(|| Some(filter.clone()));
        } else if checks.is_empty() && scenarios.is_empty() {
            choice.case = choice.case.or_else(|| Some(filter.clone()));
        } else {
            wants_cells = false;
        }
    }
    if narrows_cells && choice.cells().is_empty() {
        bail!("no client has that; --list names them");
    }
    let plan = Plan {
        is_full,
        choice: wants_cells.then_some(choice),
        checks,
        scenarios,
    };
    if list {
        print_names(&plan);
        return Ok(None);
    }
    Ok(Some(plan))
}

fn print_names(plan: &Plan) {
    for check in &plan.checks {
        println!("{}", check.name());
    }
    for Scenario { name, about, .. } in &plan.scenarios {
        println!("{name}: {about}");
    }
    for cell in plan.choice.as_ref().map_or(Vec::new(), Choice::cells) {
        println!("{}", cell.name());
    }
}

fn backend(name: &str) -> Result<&'static Kind, String> {
    Kind::named(name).ok_or_else(|| format!("one of {}", Kind::names()))
}
