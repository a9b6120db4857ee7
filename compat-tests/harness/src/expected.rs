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

/// What stands for all clients, transports, protocols or scenarios.
const ANY: &str = "*";

/// The whole list.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Expected {
    #[serde(default)]
    expected: Vec<Entry>,
}

/// Something that is known of a client in some cells.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    client: String,
    transport: String,
    protocol: String,
    scenarios: Vec<String>,
    outcome: Kind,
    /// For `either`: what checks that all comes, if not how.
    rest: Option<String>,
    cause: String,
    /// `redirect`: only where negotiate redirects; a backend's name: only there.
    app: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// It must fail, so that the entry goes when it no longer holds.
    Fail,
    /// It fails or passes, by timing.
    Either,
    /// The driver has not got it.
    Absent,
    /// The client can do nothing there: the scenario, which stands for all, must fail.
    Cell,
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

impl From<Outcome> for Judged {
    fn from(outcome: Outcome) -> Self {
        Self {
            outcome,
            known: None,
        }
    }
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
            return outcome.into();
        };
        if entry.outcome == Kind::Absent {
            let why = format!("it is there, though {FILE} says: {}", entry.cause);
            return Outcome::Failed(why).into();
        }
        let outcome = match (entry.outcome, outcome) {
            // A client that cannot do it at all has no defect in it.
            (_, outcome @ Outcome::Skipped(_)) => return outcome.into(),
            // Nor is there one that is known of this very scenario.
            (Kind::Either, Outcome::Passed) if entry.is_for_all() => return Outcome::Passed.into(),
            (_, Outcome::Failed(_)) => Outcome::Skipped(format!("known: {}", entry.cause)),
            (Kind::Either, Outcome::Passed) => Outcome::Passed,
            (_, Outcome::Passed) => {
                Outcome::Failed(format!("passed, though {FILE} says: {}", entry.cause))
            }
        };
        Judged {
            outcome,
            known: Some(Known {
                cause: entry.cause.clone(),
                is_unsteady: entry.outcome == Kind::Either,
            }),
        }
    }

    /// What it means that a driver neither ran a scenario of the table nor said why not.
    #[must_use]
    pub fn judge_absence(&self, cell: &Cell, scenario: &str) -> Outcome {
        match self.find(cell, scenario) {
            Some(entry) if entry.outcome == Kind::Absent => Outcome::Skipped(entry.cause.clone()),
            _ => Outcome::Failed("the driver neither ran it nor said why not".to_owned()),
        }
    }

    /// The scenario that stands for a cell in which the client can do nothing.
    #[must_use]
    pub fn proof(&self, cell: &Cell) -> Option<&str> {
        let entry = self.at(cell).find(|entry| entry.outcome == Kind::Cell)?;
        entry.scenarios.first().map(String::as_str)
    }

    /// Whether a scenario that failed has to pass when it is repeated.
    #[must_use]
    pub fn must_pass_at_times(&self, cell: &Cell, scenario: &str) -> bool {
        self.find(cell, scenario)
            .is_some_and(|entry| entry.outcome == Kind::Either && entry.rest.is_none())
    }

    /// The scenario that has to pass in place of one that may always fail.
    #[must_use]
    pub fn rest(&self, cell: &Cell, scenario: &str) -> Option<&str> {
        self.find(cell, scenario)?.rest.as_deref()
    }

    /// Names of scenarios that are in no entry's clients' drivers, as `is_there` knows them.
    #[must_use]
    pub fn misspelled(&self, is_there: impl Fn(&Entry, &str) -> bool) -> Vec<String> {
        let names = self.expected.iter().flat_map(|entry| {
            let names = entry.scenarios.iter().chain(&entry.rest);
            names.map(move |name| (entry, name))
        });
        let names = names.filter(|(_, name)| *name != ANY);
        let unknown = names.filter(|(entry, name)| !is_there(entry, name));
        unknown
            .map(|(entry, name)| format!("{name} of {}", entry.client))
            .collect()
    }

    fn find(&self, cell: &Cell, scenario: &str) -> Option<&Entry> {
        let is_it = |name: &String| fits(name, scenario);
        self.at(cell)
            .find(|entry| entry.scenarios.iter().any(is_it))
    }

    fn at(&self, cell: &Cell) -> impl Iterator<Item = &Entry> {
        self.expected.iter().filter(|entry| entry.is_at(cell))
    }
}

impl Entry {
    /// Whether it is about this client.
    #[must_use]
    pub fn is_of(&self, client: &str) -> bool {
        fits(&self.client, client)
    }

    fn is_for_all(&self) -> bool {
        self.scenarios.iter().any(|name| name == ANY)
    }

    fn is_at(&self, cell: &Cell) -> bool {
        self.is_of(cell.client.name)
            && fits(&self.transport, cell.transport)
            && fits(&self.protocol, cell.protocol)
            && match self.app.as_deref() {
                None => true,
                Some("redirect") => cell.backend.redirects,
                Some("classic") => cell.backend.is_classic,
                Some("modern") => !cell.backend.is_classic,
                Some("testhub") => cell.backend.is_testhub,
                Some(backend) => backend == cell.backend.name,
            }
    }
}

fn fits(pattern: &str, value: &str) -> bool {
    pattern == ANY || pattern == value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cells::Choice;
    use crate::clients::CLIENTS;
    use crate::places;
    use crate::table::Tables;

    fn entry(kind: Kind) -> Expected {
        let entry = Entry {
            client: "*".into(),
            transport: "*".into(),
            protocol: "json".into(),
            scenarios: vec!["r".into(), "s".into()],
            outcome: kind,
            rest: None,
            cause: "why".into(),
            app: None,
        };
        Expected {
            expected: vec![entry],
        }
    }

    fn cell() -> Cell {
        Choice::default().cells().swap_remove(0)
    }

    fn judge(kind: Kind, outcome: Outcome) -> Outcome {
        entry(kind).judge(&cell(), "s", outcome).outcome
    }

    fn is_failure(outcome: &Outcome) -> bool {
        matches!(outcome, Outcome::Failed(_))
    }

    #[test]
    fn a_known_defect_is_skipped_and_one_that_is_gone_fails() {
        let failed = || Outcome::Failed("x".into());
        let known = Outcome::Skipped("known: why".into());
        for kind in [Kind::Fail, Kind::Cell] {
            assert_eq!(judge(kind, failed()), known);
            assert!(is_failure(&judge(kind, Outcome::Passed)));
        }
        assert_eq!(judge(Kind::Either, failed()), known);
        assert_eq!(judge(Kind::Either, Outcome::Passed), Outcome::Passed);
    }

    #[test]
    fn what_a_driver_leaves_out_fails_unless_it_is_known_to_be_absent() {
        let absent = entry(Kind::Absent);
        let skipped = Outcome::Skipped("why".into());
        assert_eq!(absent.judge_absence(&cell(), "s"), skipped);
        assert!(is_failure(&absent.judge_absence(&cell(), "t")));
        assert!(is_failure(&entry(Kind::Fail).judge_absence(&cell(), "s")));
        assert!(is_failure(&judge(Kind::Absent, Outcome::Passed)));
    }

    #[test]
    fn only_what_fails_at_times_must_pass_at_times() {
        let must = |kind| entry(kind).must_pass_at_times(&cell(), "s");
        assert!(must(Kind::Either));
        assert!(!must(Kind::Fail));
        let mut with_rest = entry(Kind::Either);
        with_rest.expected[0].rest = Some("r".into());
        assert!(!with_rest.must_pass_at_times(&cell(), "s"));
        assert_eq!(with_rest.rest(&cell(), "s"), Some("r"));
    }

    #[test]
    fn an_entry_for_all_scenarios_is_for_those_that_no_entry_before_it_names() {
        let mut list = entry(Kind::Fail);
        let mut rest = entry(Kind::Either).expected.remove(0);
        rest.scenarios = vec![ANY.into()];
        list.expected.push(rest);
        let passed = |name| list.judge(&cell(), name, Outcome::Passed);
        assert!(is_failure(&passed("s").outcome));
        assert_eq!(passed("t"), Outcome::Passed.into());
        assert!(list.must_pass_at_times(&cell(), "t"));
        assert_eq!(list.misspelled(|_, name| name != ANY), [""; 0]);
    }

    #[test]
    fn a_cell_that_can_do_nothing_has_a_proof() {
        assert_eq!(entry(Kind::Cell).proof(&cell()), Some("r"));
        assert_eq!(entry(Kind::Fail).proof(&cell()), None);
    }

    #[test]
    fn every_entry_is_about_a_cell_there_is() {
        let expected = Expected::load(&places::root().join(FILE)).unwrap();
        let all = Choice {
            all: true,
            ..Choice::default()
        };
        let cells = all.cells();
        for entry in &expected.expected {
            assert!(cells.iter().any(|cell| entry.is_at(cell)), "{entry:?}");
            assert!(!entry.scenarios.is_empty(), "{entry:?}");
        }
    }

    #[test]
    fn every_name_is_spelled_as_in_the_table() {
        let expected = Expected::load(&places::root().join(FILE)).unwrap();
        let tables = Tables::load().unwrap();
        // The .NET clients have scenarios of their own; a run knows their names.
        let of_their_own = CLIENTS.iter().filter(|client| !client.follows_table());
        let of_their_own: Vec<&str> = of_their_own.map(|client| client.name).collect();
        let is_there = |entry: &Entry, name: &str| {
            of_their_own.contains(&entry.client.as_str()) || tables.has(name)
        };
        let misspelled = expected.misspelled(is_there);
        assert!(misspelled.is_empty(), "{misspelled:?}");
        let odd = entry(Kind::Fail).misspelled(|_, name| name != "s");
        assert_eq!(odd, ["s of *"]);
    }
}
