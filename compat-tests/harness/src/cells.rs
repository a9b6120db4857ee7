//! The matrix: every client in every mode against every backend.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::backend::{BACKENDS, Backend};
use crate::clients::{CLIENTS, Client};
use crate::expected::{Expected, FILE, Judged};
use crate::process::{Finished, run as run_process, shell};
use crate::report::{Counts, Outcome, Report};
use crate::{install, lines, places};

/// One client in one mode against one backend.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// The client.
    pub client: &'static Client,
    /// Its transport.
    pub transport: &'static str,
    /// Its protocol.
    pub protocol: &'static str,
    /// What it is driven against.
    pub backend: &'static str,
}

impl Cell {
    /// The name in reports.
    #[must_use]
    pub fn name(&self) -> String {
        let Self {
            client,
            transport,
            protocol,
            backend,
        } = self;
        format!("{} {transport} {protocol} {backend}", client.name)
    }

    /// The longest that the driver may take. A client that waits a poll for each message is slow.
    fn limit(&self) -> Duration {
        Duration::from_secs(if self.transport == "LongPolling" {
            420
        } else {
            240
        })
    }

    /// Those that take longest go first, so that none is left to run by itself at the end.
    fn rank(&self) -> u8 {
        match (self.client.name, self.transport) {
            ("python-signalrcore", "LongPolling") => 0,
            (name, _) if name.starts_with("chromium") || name.starts_with("go") => 1,
            (_, "LongPolling") => 2,
            _ => 3,
        }
    }
}

/// What a cell gave, scenario by scenario.
#[derive(Debug)]
pub struct Ran {
    /// The cell.
    pub cell: Cell,
    /// The scenarios by name, in the driver's order.
    pub scenarios: Vec<(String, Judged)>,
}

/// Which cells and scenarios.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// This backend alone.
    pub backend: Option<&'static str>,
    /// Clients with this text in their name.
    pub client: Option<String>,
    /// This transport alone.
    pub transport: Option<String>,
    /// This protocol alone.
    pub protocol: Option<String>,
    /// Scenarios with this text in their name.
    pub case: Option<String>,
    /// Whether the clients that run only on request do.
    pub all: bool,
    /// How many drivers run at a time.
    pub jobs: usize,
}

impl Choice {
    /// The cells that are chosen.
    #[must_use]
    pub fn cells(&self) -> Vec<Cell> {
        let is = |given: &Option<String>, value: &str| {
            given
                .as_ref()
                .is_none_or(|given| given.eq_ignore_ascii_case(value))
        };
        let backends = self
            .backend
            .map_or_else(|| BACKENDS.to_vec(), |name| vec![name]);
        all_cells(&backends)
            .filter(|cell| {
                let Client { name, is_extra, .. } = *cell.client;
                let part = self.client.as_deref().unwrap_or_default();
                name.contains(part)
                    && (!is_extra || self.all || name == part)
                    && is(&self.transport, cell.transport)
                    && is(&self.protocol, cell.protocol)
            })
            .collect()
    }
}

/// Every cell with these backends.
pub fn all_cells(backends: &[&'static str]) -> impl Iterator<Item = Cell> {
    CLIENTS.iter().flat_map(move |client| {
        client.modes.iter().flat_map(move |(transport, protocol)| {
            backends.iter().map(move |backend| Cell {
                client,
                transport,
                protocol,
                backend,
            })
        })
    })
}

/// Why each client that cannot run cannot.
pub type Missing = BTreeMap<&'static str, String>;

/// Installs what these cells need, as far as it is not there.
pub async fn install(cells: &[Cell]) -> Missing {
    let mut missing = Missing::new();
    let mut clients: Vec<&'static Client> = cells.iter().map(|cell| cell.client).collect();
    clients.dedup_by_key(|client| client.name);
    // Clients that are installed together are tried together.
    let mut tried: BTreeMap<&str, Option<String>> = BTreeMap::new();
    for client in clients {
        let mut why = None;
        if let Some(step) = client.install {
            if !tried.contains_key(step.name) {
                let error = step.run().await.err();
                tried.insert(step.name, error.map(|error| format!("{error:#}")));
            }
            why = tried.get(step.name).cloned().flatten();
        }
        for need in client.needs {
            if why.is_none() {
                why = install::need(need)
                    .await
                    .err()
                    .map(|error| format!("{error:#}"));
            }
        }
        if client.is_dotnet() && why.is_none() {
            why = install::dotnet()
                .await
                .err()
                .map(|error| format!("{error:#}"));
        }
        if let Some(why) = why {
            missing.insert(client.name, why);
        }
    }
    missing
}

/// Runs the chosen cells, some at a time, and tells about each as it ends.
///
/// # Errors
///
/// When the list of what is expected cannot be read.
pub async fn run(choice: &Choice, missing: &Missing, report: &mut Report) -> Result<Vec<Ran>> {
    let expected = Expected::load(&places::root().join(FILE))?;
    let mut cells = choice.cells();
    cells.sort_by_key(Cell::rank);
    let backends = start_backends(&cells).await;
    let jobs: VecDeque<Job> = cells
        .into_iter()
        .map(|cell| Job {
            cell,
            backend: backend_of(&cell, &backends, missing),
        })
        .collect();
    let jobs = Arc::new(Mutex::new(jobs));
    let (done, mut results) = mpsc::channel(1);
    let mut workers = JoinSet::new();
    for _ in 0..choice.jobs {
        workers.spawn(work(Arc::clone(&jobs), choice.case.clone(), done.clone()));
    }
    drop(done);
    let mut all = Vec::new();
    while let Some((cell, outcomes)) = results.recv().await {
        let scenarios: Vec<_> = outcomes
            .into_iter()
            .map(|(name, outcome)| {
                let judged = expected.judge(&cell, &name, outcome);
                (name, judged)
            })
            .collect();
        show(&cell, &scenarios);
        for (name, judged) in &scenarios {
            report.add(&format!("{}: {name}", cell.name()), &judged.outcome);
        }
        all.push(Ran { cell, scenarios });
    }
    while let Some(worker) = workers.join_next().await {
        worker.context("a driver's results are lost")?;
    }
    Ok(all)
}

/// A cell, and what it is driven against or why it is not.
struct Job {
    cell: Cell,
    backend: Result<Arc<Backend>, Outcome>,
}

fn backend_of(
    cell: &Cell,
    backends: &Backends,
    missing: &Missing,
) -> Result<Arc<Backend>, Outcome> {
    if let Some(why) = missing.get(cell.client.name) {
        return Err(Outcome::Skipped(why.clone()));
    }
    let backend = backends.get(cell.backend).cloned();
    backend.unwrap_or_else(|| Err(Outcome::Failed("no such backend".to_owned())))
}

/// Takes one job after the other until none is left.
async fn work(
    jobs: Arc<Mutex<VecDeque<Job>>>,
    case: Option<String>,
    done: mpsc::Sender<(Cell, Vec<(String, Outcome)>)>,
) {
    loop {
        let Some(Job { cell, backend }) = jobs.lock().pop_front() else {
            return;
        };
        let outcomes = match backend {
            Ok(backend) => run_cell(cell, &backend, case.as_deref())
                .await
                .unwrap_or_else(|error| vec![start(Outcome::Failed(format!("{error:#}")))]),
            Err(outcome) => vec![start(outcome)],
        };
        if done.send((cell, outcomes)).await.is_err() {
            return;
        }
    }
}

/// What stands for a cell that was not driven.
fn start(outcome: Outcome) -> (String, Outcome) {
    ("start".to_owned(), outcome)
}

type Backends = BTreeMap<&'static str, Result<Arc<Backend>, Outcome>>;

async fn start_backends(cells: &[Cell]) -> Backends {
    let mut backends = Backends::new();
    for name in cells.iter().map(|cell| cell.backend) {
        if backends.contains_key(name) {
            continue;
        }
        let started = Backend::start(name).await;
        let started = started.map(Arc::new).map_err(|error| {
            let why = format!("{name} does not start: {error:#}");
            if install::is_absent(&error) {
                Outcome::Skipped(why)
            } else {
                Outcome::Failed(why)
            }
        });
        backends.insert(name, started);
    }
    backends
}

async fn run_cell(
    cell: Cell,
    backend: &Backend,
    case: Option<&str>,
) -> Result<Vec<(String, Outcome)>> {
    let mut line = cell.client.run.to_owned();
    if cell.client.is_dotnet() {
        let dotnet = install::dotnet().await?;
        line = line.replace("{dotnet}", &format!("'{}'", dotnet.display()));
    }
    if line.contains("{url}") {
        line = line.replace("{url}", backend.url());
    } else {
        line = format!("{line} --url {}", backend.url());
    }
    line = format!(
        "exec {line} --transport {} --protocol {}",
        cell.transport, cell.protocol
    );
    if let Some(case) = case {
        if case.contains('\'') {
            bail!("no scenario has such a name");
        }
        line = format!("{line} --case '{case}'");
    }
    let folder = places::root().join(cell.client.folder);
    let done = run_process(shell(&line, &folder), cell.limit()).await?;
    Ok(read_outcomes(&cell, &done, case.is_some(), &backend.log()))
}

/// The driver's lines, which must agree with its own count.
fn read_outcomes(
    cell: &Cell,
    done: &Finished,
    may_be_empty: bool,
    log: &str,
) -> Vec<(String, Outcome)> {
    let mut outcomes: Vec<_> = done.stdout.lines().filter_map(lines::read).collect();
    if outcomes.is_empty() && may_be_empty {
        return outcomes;
    }
    let total = done.stdout.lines().rev().find_map(lines::read_total);
    let counted: Counts = outcomes.iter().map(|(_, outcome)| outcome).collect();
    if total != Some(counted) || counted.sum() == 0 {
        let why = match done.status {
            None => "it was too slow and was ended",
            Some(_) => "it broke off",
        };
        println!("{}: {why}\n{}", cell.name(), done.tail());
        println!("-- its backend printed last:\n{log}\n--");
        outcomes.push(("end".to_owned(), Outcome::Failed(why.to_owned())));
    }
    outcomes
}

fn show(cell: &Cell, scenarios: &[(String, Judged)]) {
    let counts: Counts = scenarios
        .iter()
        .map(|(_, judged)| &judged.outcome)
        .collect();
    if counts.sum() == 0 {
        return;
    }
    let Counts {
        passed,
        failed,
        skipped,
    } = counts;
    let name = cell.name();
    println!("{name:64} {passed:4} passed {failed:3} failed {skipped:3} skipped");
    for (scenario, judged) in scenarios {
        if let Outcome::Failed(why) = &judged.outcome {
            println!("    FAIL {scenario}: {why}");
        }
    }
}
