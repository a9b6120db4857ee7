//! Runs the cells of the matrix, some at a time, each by the plan.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::backend::Backend;
use crate::cells::{Cell, Choice, Missing, Ran};
use crate::expected::FILE;
use crate::install;
use crate::plan::{Plan, START};
use crate::report::{Counts, Outcome, Report};

/// How many failures are tried again.
const MOST_AGAIN: usize = 12;

/// Runs the chosen cells and tells about each as it ends.
///
/// # Errors
///
/// When the list of what is expected, or of scenarios, cannot be read.
pub async fn run(choice: &Choice, missing: &Missing, report: &mut Report) -> Result<Vec<Ran>> {
    let mut cells = choice.cells();
    cells.sort_by_key(Cell::rank);
    let plan = Arc::new(Plan::new(choice, &cells, missing).await?);
    for name in plan.misspelled() {
        let why = format!("{FILE} names a scenario that no driver has");
        println!("FAIL {name}: {why}");
        report.add(&name, &Outcome::Failed(why));
    }
    let backends = start_backends(&cells, missing).await;
    let count = cells.len();
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
    let places = Arc::new(Semaphore::new(choice.jobs));
    for _ in 0..choice.jobs {
        let (jobs, plan, places) = (Arc::clone(&jobs), Arc::clone(&plan), Arc::clone(&places));
        workers.spawn(work(jobs, plan, places, done.clone()));
    }
    drop(done);
    let mut all = Vec::new();
    while let Some(ran) = results.recv().await {
        show(&ran, all.len() + 1, count);
        all.push(ran);
    }
    while let Some(worker) = workers.join_next().await {
        worker.context("a driver's results are lost")?;
    }
    try_again(&plan, &mut all, &backends, missing, report).await;
    for ran in &all {
        for (name, judged) in &ran.scenarios {
            report.add(&format!("{}: {name}", ran.cell.name()), &judged.outcome);
        }
    }
    Ok(all)
}
/// A cell, and what it is driven against or why it is not.
struct Job {
    cell: Cell,
    backend: Result<Arc<Backend>, Outcome>,
}

/// Backends by name, and whether they tell the texts of exceptions.
type Backends = BTreeMap<(&'static str, bool), Result<Arc<Backend>, Outcome>>;
async fn start_backends(cells: &[Cell], missing: &Missing) -> Backends {
    let mut backends = Backends::new();
    for cell in cells {
        let key = (cell.backend.name, cell.is_detailed);
        if backends.contains_key(&key) || missing.contains_key(cell.client.name) {
            continue;
        }
        let options: &[&str] = if cell.is_detailed {
            &["--detailed", "1"]
        } else {
            &[]
        };
        let started = Backend::start_with(cell.backend.name, options).await;
        let started = started.map(Arc::new).map_err(|error| {
            let why = format!("{} does not start: {error:#}", cell.backend.name);
            if install::is_absent(&error) {
                Outcome::Skipped(why)
            } else {
                println!("FAIL {why}");
                Outcome::Failed(why)
            }
        });
        backends.insert(key, started);
    }
    backends
}

fn backend_of(
    cell: &Cell,
    backends: &Backends,
    missing: &Missing,
) -> Result<Arc<Backend>, Outcome> {
    if let Some(why) = missing.get(cell.client.name) {
        return Err(why.clone());
    }
    let backend = backends
        .get(&(cell.backend.name, cell.is_detailed))
        .cloned();
    backend.unwrap_or_else(|| Err(Outcome::Failed("no such backend".to_owned())))
}

/// Takes one job after the other until none is left.
async fn work(
    jobs: Arc<Mutex<VecDeque<Job>>>,
    plan: Arc<Plan>,
    places: Arc<Semaphore>,
    done: mpsc::Sender<Ran>,
) {
    loop {
        let Some(Job { cell, backend }) = jobs.lock().pop_front() else {
            return;
        };
        let _place = places.acquire_many(plan.weight(&cell)).await;
        let start = Instant::now();
        let scenarios = match backend {
            Ok(backend) => plan.run(&cell, &backend).await,
            Err(outcome) => vec![(START.to_owned(), outcome.into())],
        };
        let ran = Ran {
            cell,
            scenarios,
            is_proof: plan.is_proof(&cell),
            took: start.elapsed(),
        };
        if done.send(ran).await.is_err() {
            return;
        }
    }
}
/// Runs what failed once more, when nothing else runs: on a busy machine a client may be too late
/// for once. The summary names what passes then. Many failures are no accident.
async fn try_again(
    plan: &Plan,
    all: &mut [Ran],
    backends: &Backends,
    missing: &Missing,
    report: &mut Report,
) {
    let failed = |ran: &Ran| {
        let outcomes = ran.scenarios.iter().map(|(_, judged)| &judged.outcome);
        outcomes.collect::<Counts>().failed
    };
    if all.iter().map(failed).sum::<usize>() > MOST_AGAIN {
        return;
    }
    for ran in all {
        let Ok(backend) = backend_of(&ran.cell, backends, missing) else {
            continue;
        };
        for (name, judged) in &mut ran.scenarios {
            let Outcome::Failed(why) = &judged.outcome else {
                continue;
            };
            let full = format!("{}: {name}", ran.cell.name());
            println!("{full}: once more by itself");
            if let Some(passed) = plan.again(&ran.cell, &backend, name).await {
                report.add_second(&full, why);
                *judged = passed;
            }
        }
    }
}

fn show(ran: &Ran, number: usize, count: usize) {
    let outcomes = ran.scenarios.iter().map(|(_, judged)| &judged.outcome);
    let counts: Counts = outcomes.collect();
    if counts.sum() == 0 {
        return;
    }
    let Counts {
        passed,
        failed,
        skipped,
    } = counts;
    let (name, took) = (ran.cell.name(), ran.took.as_secs());
    println!(
        "[{number:3}/{count}] {name:64} {passed:4} passed {failed:3} failed {skipped:3} skipped \
         {took:4} s"
    );
    for (scenario, judged) in &ran.scenarios {
        if let Outcome::Failed(why) = &judged.outcome {
            println!("    FAIL {scenario}: {why}");
        }
    }
}
