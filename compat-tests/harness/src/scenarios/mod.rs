//! Scenarios that need servers of their own: lost and restarted app servers, several endpoints,
//! proxies, bad peers.

/// The table of a file: name, what it shows, function.
macro_rules! scenarios {
    ($($name:literal, $about:literal, $run:ident();)*) => {
        pub(super) const SCENARIOS: &[super::Scenario] = &[$(super::Scenario {
            name: $name,
            about: $about,
            run: || Box::pin($run()),
        }),*];
    };
}

mod app_servers;
mod asks;
mod bad_frames;
mod bad_requests;
mod bad_servers;
mod endpoints;
mod kit;
mod lost;
mod oracle;
mod places;
mod proxy;
mod restarts;
mod settings;
mod shutdown;
mod tokens;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use anyhow::Result;

use crate::Options;
use crate::report::{Outcome, Report};

/// One scenario.
#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// What it shows.
    pub(crate) about: &'static str,
    run: fn() -> Running,
}

type Running = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// How long one may take.
const LIMIT: Duration = Duration::from_secs(120);

/// All of them.
pub(crate) fn all() -> Vec<Scenario> {
    [
        app_servers::SCENARIOS,
        restarts::SCENARIOS,
        endpoints::SCENARIOS,
        places::SCENARIOS,
        settings::SCENARIOS,
        tokens::SCENARIOS,
        asks::SCENARIOS,
        lost::SCENARIOS,
        oracle::SCENARIOS,
        shutdown::SCENARIOS,
        proxy::SCENARIOS,
        bad_requests::SCENARIOS,
        bad_frames::SCENARIOS,
        bad_servers::SCENARIOS,
    ]
    .concat()
}

/// Whether a filter was given and names one of ours.
pub(crate) fn named(options: &Options) -> bool {
    options.filter.is_some() && all().iter().any(|scenario| options.wants(scenario.name))
}

/// Runs those that the options want, one after the other.
pub(crate) async fn run(options: &Options, report: &mut Report) {
    report.section("scenarios with servers of their own");
    let wanted: Vec<_> = all()
        .into_iter()
        .filter(|scenario| options.wants(scenario.name))
        .collect();
    for scenario in wanted {
        let start = std::time::Instant::now();
        let outcome = match tokio::time::timeout(LIMIT, tokio::spawn((scenario.run)())).await {
            Ok(Ok(Ok(()))) => Outcome::Passed,
            Ok(Ok(Err(error))) => {
                let text = format!("{error:#}");
                // What a scenario needs and cannot have is no failure of ours.
                match text.strip_prefix("skipped: ") {
                    Some(why) => Outcome::Skipped(why.to_owned()),
                    None if text.contains("TEST_DOTNET") => Outcome::Skipped(text),
                    None => Outcome::Failed(text),
                }
            }
            Ok(Err(panic)) => Outcome::Failed(format!("it panicked: {panic}")),
            Err(_) => Outcome::Failed("it took too long".into()),
        };
        match &outcome {
            Outcome::Passed => {
                println!("ok {} [{}]", scenario.name, start.elapsed().as_millis());
            }
            Outcome::Failed(why) => println!("FAIL {}: {why}", scenario.name),
            Outcome::Skipped(why) => println!("skip {}: {why}", scenario.name),
        }
        report.add(scenario.name, outcome);
    }
}

/// Asks until `found` is there, or gives up with `what` as the reason.
pub(crate) async fn until<T, F>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> F,
) -> Result<T>
where
    F: Future<Output = Result<Option<T>>>,
{
    let deadline = tokio::time::Instant::now() + limit;
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        if tokio::time::Instant::now() >= deadline {
            anyhow::bail!("{what} did not come about within {limit:?}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
