//! The matrix: every client in every mode against every backend.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::sync::Semaphore;

use crate::backend::{BACKENDS, Backend};
use crate::clients::{CLIENTS, Client};
use crate::expected::{Expected, Place};
use crate::process::{Finished, run as run_process, shell};
use crate::report::{Outcome, Report};
use crate::{Options, install, lines};

/// Drivers that run at a time.
const AT_A_TIME: usize = 2;
/// The longest that a driver may take.
const LIMIT: Duration = Duration::from_secs(300);

/// One client in one mode against one backend.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    pub(crate) client: &'static Client,
    pub(crate) transport: &'static str,
    pub(crate) protocol: &'static str,
    pub(crate) backend: &'static str,
}

impl Cell {
    pub(crate) fn name(&self) -> String {
        let Self {
            client,
            transport,
            protocol,
            backend,
        } = self;
        format!("{backend} / {} / {transport} / {protocol}", client.name)
    }

    fn place(&self) -> Place<'_> {
        Place {
            client: self.client.name,
            transport: self.transport,
            protocol: self.protocol,
            backend: self.backend,
        }
    }
}

/// What a cell gave, scenario by scenario.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) cell: Cell,
    pub(crate) outcomes: Vec<(String, Outcome)>,
}

/// The cells that the options want. A filter that names no client leaves all clients and narrows
/// their scenarios.
pub(crate) fn cells(options: &Options) -> Vec<Cell> {
    let named = |given: &Option<String>, value: &str| given.as_ref().is_none_or(|g| g == value);
    let backends: Vec<&'static str> = match options.backend.as_deref() {
        Some("self") => vec!["self"],
        _ => BACKENDS
            .into_iter()
            .filter(|name| named(&options.backend, name))
            .collect(),
    };
    let by_filter = |client: &Client| match &options.filter {
        Some(filter) if names_client(filter) => client.name.contains(filter.as_str()),
        _ => true,
    };
    let mut cells = Vec::new();
    for backend in backends {
        for client in CLIENTS
            .iter()
            .filter(|c| named(&options.client, c.name) && by_filter(c))
        {
            for (transport, protocol) in client.modes {
                if named(&options.transport, transport) && named(&options.protocol, protocol) {
                    cells.push(Cell {
                        client,
                        transport,
                        protocol,
                        backend,
                    });
                }
            }
        }
    }
    cells
}

fn names_client(filter: &str) -> bool {
    CLIENTS.iter().any(|client| client.name.contains(filter))
}

/// Runs the cells, backend by backend.
pub(crate) async fn run(options: &Options, report: &mut Report) -> Result<Vec<Ran>> {
    let cells = cells(options);
    let expected = Expected::load(Path::new("compat-tests/expected.toml"))?;
    report.section("foreign clients: what they need");
    let missing = install_all(&cells).await;
    let mut all = Vec::new();
    let backends: Vec<&str> = {
        let mut names: Vec<&str> = cells.iter().map(|cell| cell.backend).collect();
        names.dedup();
        names
    };
    for name in backends {
        report.section(&format!("foreign clients against {name}"));
        let of_backend: Vec<Cell> = cells
            .iter()
            .filter(|cell| cell.backend == name)
            .copied()
            .collect();
        let backend = match Backend::start(name).await {
            Ok(backend) => Arc::new(backend),
            Err(error) => {
                let why = format!("backend {name} did not start: {error:#}");
                println!("{why}");
                let absent = error.to_string().contains("TEST_DOTNET");
                for cell in of_backend {
                    let outcome = if absent {
                        Outcome::Skipped(format!("{error:#}"))
                    } else {
                        Outcome::Failed(why.clone())
                    };
                    report.add(&cell.name(), outcome);
                }
                continue;
            }
        };
        for ran in run_cells(options, of_backend, &backend, &missing).await {
            let outcomes = judge(&expected, &ran, report);
            show(&ran.cell, &outcomes);
            all.push(Ran {
                cell: ran.cell,
                outcomes,
            });
        }
    }
    Ok(all)
}

/// Why each client that cannot run cannot.
type Missing = BTreeMap<&'static str, String>;

async fn install_all(cells: &[Cell]) -> Missing {
    let mut missing = Missing::new();
    let mut done: BTreeMap<(&str, &str), Option<String>> = BTreeMap::new();
    let mut clients: Vec<&'static Client> = cells.iter().map(|cell| cell.client).collect();
    clients.dedup_by_key(|client| client.name);
    for client in clients {
        for (program, package) in client.programs {
            if let Err(error) = install::program(program, package).await {
                missing.insert(client.name, format!("{error:#}"));
            }
        }
        if let (Some(line), None) = (client.install, missing.get(client.name)) {
            let key = (client.folder, line);
            let failure = match done.get(&key) {
                Some(failure) => failure.clone(),
                None => {
                    let result = install::client(line, client.folder).await;
                    let failure = result.err().map(|error| format!("{error:#}"));
                    done.insert(key, failure.clone());
                    failure
                }
            };
            if let Some(why) = failure {
                missing.insert(client.name, why);
            }
        }
        if client.run.contains("{dotnet}")
            && let Err(error) = install::dotnet().await
        {
            missing.insert(client.name, format!("{error:#}"));
        }
    }
    missing
}

async fn run_cells(
    options: &Options,
    cells: Vec<Cell>,
    backend: &Arc<Backend>,
    missing: &Missing,
) -> Vec<Ran> {
    let turns = Arc::new(Semaphore::new(AT_A_TIME));
    let tasks: Vec<_> = cells
        .into_iter()
        .map(|cell| {
            let (turns, backend) = (Arc::clone(&turns), Arc::clone(backend));
            let why = missing.get(cell.client.name).cloned();
            let case = options
                .filter
                .clone()
                .filter(|filter| !names_client(filter));
            tokio::spawn(async move {
                if let Some(why) = why {
                    let outcome = Outcome::Skipped(why);
                    return Ran {
                        cell,
                        outcomes: vec![("start".into(), outcome)],
                    };
                }
                let _turn = turns.acquire().await;
                let outcomes = run_cell(cell, &backend, case.as_deref()).await;
                Ran { cell, outcomes }
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        if let Ok(ran) = task.await {
            all.push(ran);
        }
    }
    all
}

async fn run_cell(cell: Cell, backend: &Backend, case: Option<&str>) -> Vec<(String, Outcome)> {
    let start = |why: String| vec![("start".to_owned(), Outcome::Failed(why))];
    let mut line = cell.client.run.to_owned();
    if line.contains("{dotnet}") {
        match install::dotnet().await {
            Ok(dotnet) => line = line.replace("{dotnet}", &dotnet.display().to_string()),
            Err(error) => return start(format!("{error:#}")),
        }
    }
    if line.contains("{url}") {
        line = line.replace("{url}", backend.url());
    } else {
        line = format!("{line} --url {}", backend.url());
    }
    line = format!(
        "{line} --transport {} --protocol {}",
        cell.transport, cell.protocol
    );
    if let Some(case) = case {
        line = format!("{line} --case '{}'", case.replace('\'', ""));
    }
    match run_process(shell(&line, cell.client.folder), LIMIT).await {
        Ok(done) => read_outcomes(&done, case.is_some(), &backend.log()),
        Err(error) => start(format!("{error:#}")),
    }
}

/// The driver's lines, which must agree with its own count.
fn read_outcomes(done: &Finished, may_be_empty: bool, log: &str) -> Vec<(String, Outcome)> {
    let mut outcomes: Vec<_> = done.stdout.lines().filter_map(lines::read).collect();
    let total = done.stdout.lines().rev().find_map(lines::read_total);
    let complete = total.is_some_and(|counts| counts.iter().sum::<usize>() == outcomes.len());
    if !complete || (outcomes.is_empty() && !may_be_empty) {
        let why = if done.status.is_none() {
            "it was too slow and was ended"
        } else {
            "it broke off"
        };
        println!("{}\n-- the backend's log:\n{log}", done.tail());
        outcomes.push(("end".to_owned(), Outcome::Failed(why.to_owned())));
    }
    outcomes
}

fn judge(expected: &Expected, ran: &Ran, report: &mut Report) -> Vec<(String, Outcome)> {
    let judged = ran.outcomes.iter().map(|(scenario, outcome)| {
        let outcome = expected.judge(ran.cell.place(), scenario, outcome.clone());
        report.add(
            &format!("{} / {scenario}", ran.cell.name()),
            outcome.clone(),
        );
        (scenario.clone(), outcome)
    });
    judged.collect()
}

fn show(cell: &Cell, outcomes: &[(String, Outcome)]) {
    let count = |is: fn(&Outcome) -> bool| outcomes.iter().filter(|(_, o)| is(o)).count();
    println!(
        "{:72} {:4} passed {:3} failed {:3} skipped",
        cell.name(),
        count(|outcome| *outcome == Outcome::Passed),
        count(|outcome| matches!(outcome, Outcome::Failed(_))),
        count(|outcome| matches!(outcome, Outcome::Skipped(_))),
    );
    for (scenario, outcome) in outcomes {
        if let Outcome::Failed(why) = outcome {
            println!("    FAIL {scenario}: {why}");
        }
    }
}
