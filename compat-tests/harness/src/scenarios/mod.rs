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
mod both_worlds;
mod carried;
mod conformance;
mod demo_page;
mod endpoints;
mod kit;
mod legacy_app_answers;
mod legacy_bad_requests;
mod legacy_contention;
mod legacy_life;
mod legacy_replay;
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
use tokio::task::JoinSet;

use crate::install;
use crate::report::Outcome;

/// One scenario.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name, in words with dashes.
    pub name: &'static str,
    /// What it shows.
    pub about: &'static str,
    run: fn() -> Running,
}

type Running = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// How long one may take.
const LIMIT: Duration = Duration::from_secs(120);

/// All of them.
#[must_use]
pub fn all() -> Vec<Scenario> {
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
        demo_page::SCENARIOS,
        bad_requests::SCENARIOS,
        bad_frames::SCENARIOS,
        bad_servers::SCENARIOS,
        carried::SCENARIOS,
        conformance::SCENARIOS,
        both_worlds::SCENARIOS,
        legacy_life::SCENARIOS,
        legacy_app_answers::SCENARIOS,
        legacy_bad_requests::SCENARIOS,
        legacy_contention::SCENARIOS,
        legacy_replay::SCENARIOS,
    ]
    .concat()
}

impl Scenario {
    /// Whether a quick run has it too: it needs none of the clients' packages.
    #[must_use]
    pub fn is_quick(&self) -> bool {
        self.name != demo_page::NAME
    }

    /// Runs it. What it needs and cannot be installed makes it skipped.
    pub async fn run(&self) -> Outcome {
        let mut task = JoinSet::new();
        task.spawn((self.run)());
        match tokio::time::timeout(LIMIT, task.join_next()).await {
            Ok(Some(Ok(Ok(())))) => Outcome::Passed,
            Ok(Some(Ok(Err(error)))) if install::is_absent(&error) => {
                Outcome::Skipped(format!("{error:#}"))
            }
            Ok(Some(Ok(Err(error)))) => Outcome::Failed(format!("{error:#}")),
            Ok(Some(Err(panic))) => Outcome::Failed(format!("it panicked: {panic}")),
            Ok(None) | Err(_) => Outcome::Failed(format!("not done within {LIMIT:?}")),
        }
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
