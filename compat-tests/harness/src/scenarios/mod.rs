//! Scenarios that need servers of their own: they start, kill and cut what others share.

mod app_servers;
mod bad_input;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use anyhow::Result;

use crate::install;
use crate::report::Outcome;

/// The longest that a scenario may take.
const LIMIT: Duration = Duration::from_secs(120);

/// What a scenario's function gives; an error is a failure.
pub type Run = Pin<Box<dyn Future<Output = Result<()>>>>;

/// One scenario.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name, in words with dashes.
    pub name: &'static str,
    /// What it shows.
    pub about: &'static str,
    /// Runs it.
    pub run: fn() -> Run,
}

/// All of them, in the order in which they run.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "two-servers-share-groups",
        about: "clients of two app servers are in one group, and one send reaches both",
        run: || Box::pin(app_servers::two_servers_share_groups()),
    },
    Scenario {
        name: "killed-server-closes-only-its-clients",
        about: "the clients of a killed app server are closed and may reconnect, others stay",
        run: || Box::pin(app_servers::killed_server_closes_only_its_clients()),
    },
    Scenario {
        name: "app-server-comes-back-after-a-cut",
        about: "an app server whose links are cut connects again and serves new clients",
        run: || Box::pin(app_servers::app_server_comes_back_after_a_cut()),
    },
    Scenario {
        name: "malformed-message-closes-one-client",
        about: "bytes that are no message close the client that sent them and no other",
        run: || Box::pin(bad_input::malformed_message_closes_one_client()),
    },
];

/// Runs one scenario. What it needs and cannot be installed makes it skipped.
pub async fn run(scenario: &Scenario) -> Outcome {
    match tokio::time::timeout(LIMIT, (scenario.run)()).await {
        Ok(Ok(())) => Outcome::Passed,
        Ok(Err(error)) if install::is_absent(&error) => Outcome::Skipped(format!("{error:#}")),
        Ok(Err(error)) => Outcome::Failed(format!("{error:#}")),
        Err(_) => Outcome::Failed(format!("not done within {LIMIT:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), SCENARIOS.len());
    }
}
