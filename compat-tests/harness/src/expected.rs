//! What client libraries get wrong by themselves: `compat-tests/expected.toml`.

use std::path::Path;

use anyhow::{Context, Result};
use figment::Figment;
use figment::providers::{Format, Toml};
use serde::Deserialize;

use crate::report::Outcome;

/// The whole list.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Expected {
    #[serde(default)]
    expected: Vec<Entry>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    client: String,
    transport: String,
    protocol: String,
    scenario: String,
    outcome: Kind,
    cause: String,
    /// `redirect`: only where negotiate redirects; a backend's name: only there.
    app: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// It must fail, so that the entry goes when it no longer holds.
    Fail,
    /// It is not run by the driver.
    Skip,
    /// It fails or passes, by timing.
    Either,
}

/// Where a scenario ran.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) client: &'a str,
    pub(crate) transport: &'a str,
    pub(crate) protocol: &'a str,
    pub(crate) backend: &'a str,
}

impl Expected {
    pub(crate) fn load(path: &Path) -> Result<Self> {
        Figment::from(Toml::file_exact(path))
            .extract()
            .context("read compat-tests/expected.toml")
    }

    /// What an outcome means once the known defects are taken into account.
    pub(crate) fn judge(&self, place: Place<'_>, scenario: &str, outcome: Outcome) -> Outcome {
        let Some(entry) = self.find(place, scenario) else {
            return outcome;
        };
        match (entry.outcome, outcome) {
            (Kind::Fail | Kind::Either, Outcome::Failed(_)) => {
                Outcome::Skipped(format!("the client's own defect: {}", entry.cause))
            }
            (Kind::Fail, Outcome::Passed) if entry.scenario != "*" => Outcome::Failed(format!(
                "passed, though expected.toml says: {}",
                entry.cause
            )),
            (_, outcome) => outcome,
        }
    }

    fn find(&self, place: Place<'_>, scenario: &str) -> Option<&Entry> {
        let fits = |pattern: &str, value: &str| pattern == "*" || pattern == value;
        let at = |entry: &&Entry| {
            fits(&entry.client, place.client)
                && fits(&entry.transport, place.transport)
                && fits(&entry.protocol, place.protocol)
                && match entry.app.as_deref() {
                    None => true,
                    Some("redirect") => place.backend == "azure",
                    Some(backend) => place.backend == backend,
                }
        };
        let mut entries = self.expected.iter().filter(at);
        let named = entries.clone().find(|entry| entry.scenario == scenario);
        named.or_else(|| entries.find(|entry| entry.scenario == "*"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(kind: Kind, outcome: Outcome) -> Outcome {
        let entry = Entry {
            client: "c".into(),
            transport: "*".into(),
            protocol: "json".into(),
            scenario: "s".into(),
            outcome: kind,
            cause: "why".into(),
            app: None,
        };
        let place = Place {
            client: "c",
            transport: "WebSockets",
            protocol: "json",
            backend: "azure",
        };
        Expected {
            expected: vec![entry],
        }
        .judge(place, "s", outcome)
    }

    #[test]
    fn a_known_defect_that_is_gone_is_a_failure() {
        assert!(matches!(
            judge(Kind::Fail, Outcome::Passed),
            Outcome::Failed(_)
        ));
        assert!(matches!(
            judge(Kind::Fail, Outcome::Failed("x".into())),
            Outcome::Skipped(_)
        ));
        assert_eq!(judge(Kind::Either, Outcome::Passed), Outcome::Passed);
        assert!(matches!(
            judge(Kind::Either, Outcome::Failed("x".into())),
            Outcome::Skipped(_)
        ));
    }
}
