//! The matrix as a table at the end of a run, and as a page: `www/guide/compatibility.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};

use crate::backend::BACKENDS;
use crate::cells::Ran;
use crate::clients::{CLIENTS, Client, Mode};
use crate::report::Outcome;

/// Where the page is, from the project's folder.
pub const FILE: &str = "www/guide/compatibility.md";

const HEAD: &str = "# Compatibility

Written by `cargo xtask test`; do not edit.

Unmodified client libraries, each driven through the same scenarios against three backends:

* **embedded**: hubs in Rust, in one program with Heliograph
* **azure**: an ASP.NET Core app on the unmodified Microsoft.Azure.SignalR 1.34.0, its clients redirected to Heliograph
* **direct**: the same app serving its hubs itself, with Heliograph in front

The numbers are scenarios that pass. `known` are those that fail by what the library, or for one scenario the backend,
is, and `unsteady` those that the library fails at times; each is listed below with its cause.

";

/// What the scenarios of a cell come down to. What is known counts as known however it went this
/// time, so that the page does not change with the weather.
#[derive(Default)]
struct Sum {
    passed: usize,
    known: usize,
    unsteady: usize,
    failed: usize,
}

impl Sum {
    fn of(ran: &Ran) -> Self {
        let mut sum = Self::default();
        for (_, judged) in &ran.scenarios {
            match (&judged.outcome, &judged.known) {
                (Outcome::Failed(_), _) => sum.failed += 1,
                (_, Some(known)) if known.is_unsteady => sum.unsteady += 1,
                (_, Some(_)) => sum.known += 1,
                (Outcome::Passed, None) => sum.passed += 1,
                (Outcome::Skipped(_), None) => {}
            }
        }
        sum
    }

    fn text(&self) -> String {
        let counts = [
            (self.passed, "passed"),
            (self.known, "known"),
            (self.unsteady, "unsteady"),
        ];
        let mut parts: Vec<String> = counts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        if self.failed > 0 {
            parts.push(format!("**{} failed**", self.failed));
        }
        parts.join(", ").replace(" passed", "")
    }
}

/// The table: a row for each client and mode, a column for each backend that was there.
#[must_use]
pub fn table(runs: &[Ran]) -> String {
    let mut backends: Vec<&str> = runs.iter().map(|ran| ran.cell.backend).collect();
    backends.sort_by_key(|name| BACKENDS.iter().position(|known| known == name));
    backends.dedup();
    let mut rows = vec![
        ["client", "transport", "protocol"]
            .map(String::from)
            .to_vec(),
    ];
    rows[0].extend(backends.iter().map(ToString::to_string));
    for (client, (transport, protocol)) in modes() {
        let cell = |backend: &&str| {
            let ran = runs.iter().find(|Ran { cell, .. }| {
                cell.client.name == client.name
                    && (cell.transport, cell.protocol) == (transport, protocol)
                    && cell.backend == *backend
            });
            ran.map(|ran| Sum::of(ran).text())
        };
        let cells: Vec<Option<String>> = backends.iter().map(cell).collect();
        if cells.iter().any(Option::is_some) {
            let mut row = [client.name, transport, protocol]
                .map(String::from)
                .to_vec();
            row.extend(cells.into_iter().map(Option::unwrap_or_default));
            rows.push(row);
        }
    }
    lay_out(&rows)
}

fn modes() -> impl Iterator<Item = (&'static Client, Mode)> {
    CLIENTS
        .iter()
        .flat_map(|client| client.modes.iter().map(move |mode| (client, *mode)))
}

/// Rows as a Markdown table, in columns for people too.
fn lay_out(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let lengths = rows
            .iter()
            .filter_map(|row| row.get(column))
            .map(String::len);
        lengths.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for (index, row) in rows.iter().enumerate() {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, &width)| format!(" {cell:width$} |"));
        out += &format!("|{}\n", cells.collect::<String>());
        if index == 0 {
            let rules = widths.iter().map(|&width| "-".repeat(width + 2) + "|");
            out += &format!("|{}\n", rules.collect::<String>());
        }
    }
    out
}

/// Writes the page.
///
/// # Errors
///
/// When the file cannot be written.
pub fn write(path: &Path, runs: &[Ran]) -> Result<()> {
    std::fs::write(path, page(runs)?).with_context(|| format!("write {}", path.display()))
}

fn page(runs: &[Ran]) -> Result<String> {
    let mut out = HEAD.to_owned() + &table(runs);
    writeln!(out, "\n## Libraries\n")?;
    for client in CLIENTS.iter().filter(|client| !client.is_extra) {
        writeln!(out, "* `{}`: {}", client.name, client.library)?;
    }
    let mut known = Causes::default();
    let mut unsteady = Causes::default();
    let mut failed = Causes::default();
    let mut not_run = Causes::default();
    for ran in runs {
        for (scenario, judged) in &ran.scenarios {
            match (&judged.outcome, &judged.known) {
                (Outcome::Failed(why), _) => failed.add(why, ran, scenario),
                (_, Some(defect)) if defect.is_unsteady => {
                    unsteady.add(&defect.cause, ran, scenario);
                }
                (_, Some(defect)) => known.add(&defect.cause, ran, scenario),
                (Outcome::Skipped(why), None) => not_run.add(why, ran, scenario),
                (Outcome::Passed, None) => {}
            }
        }
    }
    failed.write(&mut out, "Failed")?;
    known.write(&mut out, "Known")?;
    unsteady.write(&mut out, "Unsteady")?;
    not_run.write(&mut out, "Not run")?;
    Ok(out)
}

/// Causes, with the clients and scenarios of each.
#[derive(Default)]
struct Causes(BTreeMap<String, BTreeMap<&'static str, BTreeSet<String>>>);

impl Causes {
    fn add(&mut self, cause: &str, ran: &Ran, scenario: &str) {
        let clients = self.0.entry(cause.to_owned()).or_default();
        let scenarios = clients.entry(ran.cell.client.name).or_default();
        scenarios.insert(format!("`{scenario}`"));
    }

    fn write(&self, out: &mut String, title: &str) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n## {title}\n")?;
        for (cause, clients) in &self.0 {
            writeln!(out, "* {cause}")?;
            // Clients with the same scenarios stand together.
            let mut together: BTreeMap<&BTreeSet<String>, Vec<&str>> = BTreeMap::new();
            for (client, scenarios) in clients {
                together.entry(scenarios).or_default().push(client);
            }
            for (scenarios, clients) in together {
                let scenarios: Vec<&str> = scenarios.iter().map(String::as_str).collect();
                writeln!(out, "  * {}: {}", clients.join(", "), scenarios.join(" "))?;
            }
        }
        Ok(())
    }
}
