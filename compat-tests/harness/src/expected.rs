//! What client libraries get wrong by themselves: `compat-tests/expected.toml`.

use std::path::Path;

use anyhow::{Context, Result};
use figment::Figment;
use figment::providers::{Format as _, Toml};
use serde::Deserialize;

use crate::cells::Cell;
use crate::report::Outcome;

/// Where the list is, from the project's folder.
pub const FILE: &str = "compat-tests/expected.toml";

/// The whole list.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Expected {
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

/// An outcome, seen in the light of what is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// What it counts as.
    pub outcome: Outcome,
    /// The client's own defect, whether it showed this time or not.
    pub known: Option<Known>,
}

/// A client's own defect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// What is to blame.
    pub cause: String,
    /// Whether it shows at times only.
    pub is_unsteady: bool,
}

impl Expected {
    /// Reads the list.
    ///
    /// # Errors
    ///
    /// When it is not as it should be.
    pub fn load(path: &Path) -> Result<Self> {
        let list = Figment::from(Toml::file_exact(path)).extract();
        list.with_context(|| format!("read {}", path.display()))
    }

    /// What an outcome means once the known defects are taken into account: a failure that is known
    /// is skipped, and one that is gone fails.
    #[must_use]
    pub fn judge(&self, cell: &Cell, scenario: &str, outcome: Outcome) -> Judged {
        let Some(entry) = self.find(cell, scenario) else {
            return Judged {
                outcome,
                known: None,
            };
        };
        let outcome = match (entry.outcome, outcome) {
            (Kind::Fail | Kind::Either, Outcome::Failed(_)) => {
                Outcome::Skipped(format!("known: {}", entry.cause))
            }
            (Kind::Fail, Outcome::Passed) if entry.scenario != "*" => {
                Outcome::Failed(format!("passed, though {FILE} says: {}", entry.cause))
            }
            // A client that cannot do it at all has no defect in it.
            (_, outcome @ Outcome::Skipped(_)) => {
                return Judged {
                    outcome,
                    known: None,
                };
            }
            (_, outcome) => outcome,
        };
        Judged {
            outcome,
            known: Some(Known {
                cause: entry.cause.clone(),
                is_unsteady: entry.outcome == Kind::Either,
            }),
        }
    }

    fn find(&self, cell: &Cell, scenario: &str) -> Option<&Entry> {
        let mut entries = self.expected.iter().filter(|entry| entry.is_at(cell));
        let named = entries.clone().find(|entry| entry.scenario == scenario);
        named.or_else(|| entries.find(|entry| entry.scenario == "*"))
    }
}

impl Entry {
    fn is_at(&self, cell: &Cell) -> bool {
        let fits = |pattern: &str, value: &str| pattern == "*" || pattern == value;
        fits(&self.client, cell.client.name)
            && fits(&self.transport, cell.transport)
            && fits(&self.protocol, cell.protocol)
            && match self.app.as_deref() {
                None => true,
                Some("redirect") => cell.backend == "azure",
                Some(backend) => backend == cell.backend,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::BACKENDS;
    use crate::cells::all_cells;
    use crate::places;

    fn entry(kind: Kind) -> Entry {
        Entry {
            client: "*".into(),
            transport: "*".into(),
            protocol: "json".into(),
            scenario: "s".into(),
            outcome: kind,
            cause: "why".into(),
            app: None,
        }
    }

    fn judge(kind: Kind, outcome: Outcome) -> Outcome {
        let expected = Expected {
            expected: vec![entry(kind)],
        };
        let cell = all_cells(&["azure"]).next().unwrap();
        expected.judge(&cell, "s", outcome).outcome
    }

    #[test]
    fn a_known_defect_is_skipped_and_one_that_is_gone_fails() {
        let failed = || Outcome::Failed("x".into());
        let known = Outcome::Skipped("known: why".into());
        assert_eq!(judge(Kind::Fail, failed()), known);
        assert!(matches!(
            judge(Kind::Fail, Outcome::Passed),
            Outcome::Failed(_)
        ));
        assert_eq!(judge(Kind::Either, failed()), known);
        assert_eq!(judge(Kind::Either, Outcome::Passed), Outcome::Passed);
    }

    #[test]
    fn every_entry_is_about_a_cell_there_is() {
        let expected = Expected::load(&places::root().join(FILE)).unwrap();
        let cells: Vec<Cell> = all_cells(&BACKENDS).collect();
        for entry in &expected.expected {
            assert!(cells.iter().any(|cell| entry.is_at(cell)), "{entry:?}");
        }
    }
}
