//! Why scenarios did not pass: numbered, with the clients and scenarios of each cause.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::Result;

use crate::cells::Ran;
use crate::expected::Judged;
use crate::report::Outcome;

/// What came of a scenario, for a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Failed,
    Known,
    Unsteady,
    NotRun,
}

impl Kind {
    const NUMBERED: [Self; 3] = [Self::Known, Self::Unsteady, Self::NotRun];

    /// The kind and cause of what did not pass, or does so at times.
    pub(super) fn of(judged: &Judged) -> Option<(Self, &str)> {
        match (&judged.outcome, &judged.known) {
            (Outcome::Failed(why), _) => Some((Self::Failed, why)),
            (_, Some(known)) if known.is_unsteady => Some((Self::Unsteady, &known.cause)),
            (_, Some(known)) => Some((Self::Known, &known.cause)),
            (Outcome::Skipped(why), None) => Some((Self::NotRun, why)),
            (Outcome::Passed, None) => None,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Failed => "Failed",
            Self::Known => "Known: fails by what the library is",
            Self::Unsteady => "Unsteady: the library fails it at times",
            Self::NotRun => "Not run",
        }
    }
}

type Clients = BTreeMap<&'static str, BTreeSet<String>>;

/// All causes in the order of their numbers.
#[derive(Debug, Default)]
pub(super) struct Causes(BTreeMap<(Kind, String), Clients>);

impl Causes {
    pub(super) fn of(runs: &[Ran]) -> Self {
        let mut all = Self::default();
        for ran in runs {
            for (scenario, judged) in &ran.scenarios {
                if let Some((kind, cause)) = Kind::of(judged) {
                    let clients = all.0.entry((kind, cause.to_owned())).or_default();
                    let scenarios = clients.entry(ran.cell.client.name).or_default();
                    scenarios.insert(format!("`{scenario}`"));
                }
            }
        }
        all
    }

    /// The number of a cause in the list.
    pub(super) fn number(&self, kind: Kind, cause: &str) -> usize {
        let numbered = self.0.keys().filter(|(kind, _)| *kind != Kind::Failed);
        let before = numbered.take_while(|(k, c)| (*k, c.as_str()) != (kind, cause));
        before.count() + 1
    }

    pub(super) fn write(&self, out: &mut String) -> Result<()> {
        let of = |kind: Kind| self.0.iter().filter(move |((k, _), _)| *k == kind);
        if of(Kind::Failed).next().is_some() {
            writeln!(out, "## {}\n", Kind::Failed.title())?;
            for ((_, cause), clients) in of(Kind::Failed) {
                writeln!(out, "* {}", super::one_line(cause))?;
                write_clients(out, clients)?;
            }
            writeln!(out)?;
        }
        writeln!(out, "## Causes")?;
        for kind in Kind::NUMBERED {
            if of(kind).next().is_some() {
                writeln!(out, "\n### {}\n", kind.title())?;
            }
            for ((_, cause), clients) in of(kind) {
                let number = self.number(kind, cause);
                writeln!(out, "{number}. {}", super::one_line(cause))?;
                write_clients(out, clients)?;
            }
        }
        Ok(())
    }
}

/// Clients with the same scenarios stand together.
fn write_clients(out: &mut String, clients: &Clients) -> Result<()> {
    let mut together: BTreeMap<&BTreeSet<String>, Vec<&str>> = BTreeMap::new();
    for (client, scenarios) in clients {
        together.entry(scenarios).or_default().push(client);
    }
    for (scenarios, clients) in together {
        let scenarios: Vec<&str> = scenarios.iter().map(String::as_str).collect();
        writeln!(out, "    * {}: {}", clients.join(", "), scenarios.join(" "))?;
    }
    Ok(())
}
