//! The matrix as a page: `www/guide/compatibility.md`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};

use crate::backend::BACKENDS;
use crate::cells::Ran;
use crate::report::Outcome;

const HEAD: &str = "# Compatibility

What became of clients and servers that we did not write. Written by `cargo xtask test`; do not edit.

Each client runs its scenarios against three backends: **embedded**, hubs written in Rust; **azure**, an ASP.NET Core app
server on the unmodified Microsoft.Azure.SignalR 1.34.0; **direct**, the same app self-hosted on Kestrel behind
Heliograph. A cell is scenarios passed; in brackets those not run or known to fail, each with its cause below.

";

/// Writes the page.
pub(crate) fn write(path: &Path, runs: &[Ran]) -> Result<()> {
    std::fs::write(path, page(runs)?).with_context(|| format!("write {}", path.display()))
}

fn page(runs: &[Ran]) -> Result<String> {
    let mut out = HEAD.to_owned();
    writeln!(
        out,
        "| client | transport | protocol | {} |",
        BACKENDS.join(" | ")
    )?;
    writeln!(out, "|---|---|---|{}", "---|".repeat(BACKENDS.len()))?;
    let mut rows: Vec<(&str, &str, &str)> = Vec::new();
    for ran in runs {
        let row = (ran.cell.client.name, ran.cell.transport, ran.cell.protocol);
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    for row in rows {
        write!(out, "| {} | {} | {} |", row.0, row.1, row.2)?;
        for backend in BACKENDS {
            let ran = runs.iter().find(|ran| {
                let cell = &ran.cell;
                (cell.client.name, cell.transport, cell.protocol) == row && cell.backend == backend
            });
            write!(out, " {} |", ran.map_or_else(String::new, cell_text))?;
        }
        writeln!(out)?;
    }
    scenarios(&mut out, runs)?;
    causes(&mut out, runs)?;
    Ok(out)
}

fn cell_text(ran: &Ran) -> String {
    let count = |is: fn(&Outcome) -> bool| ran.outcomes.iter().filter(|(_, o)| is(o)).count();
    let passed = count(|outcome| *outcome == Outcome::Passed);
    let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
    let skipped = count(|outcome| matches!(outcome, Outcome::Skipped(_)));
    let failed = if failed > 0 {
        format!(" **{failed} failed**")
    } else {
        String::new()
    };
    let skipped = if skipped > 0 {
        format!(" ({skipped})")
    } else {
        String::new()
    };
    format!("{passed}{failed}{skipped}")
}

/// Every scenario and in how many cells it passed.
fn scenarios(out: &mut String, runs: &[Ran]) -> Result<()> {
    let mut by_name: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for (scenario, outcome) in runs.iter().flat_map(|ran| &ran.outcomes) {
        let counts = by_name.entry(scenario).or_default();
        match outcome {
            Outcome::Passed => counts[0] += 1,
            Outcome::Failed(_) => counts[1] += 1,
            Outcome::Skipped(_) => counts[2] += 1,
        }
    }
    writeln!(
        out,
        "\n## Scenarios\n\nCells in which each passed, failed, or was not run.\n"
    )?;
    writeln!(
        out,
        "| scenario | passed | failed | not run |\n|---|---|---|---|"
    )?;
    for (scenario, [passed, failed, skipped]) in by_name {
        writeln!(out, "| {scenario} | {passed} | {failed} | {skipped} |")?;
    }
    Ok(())
}

/// Every scenario that did not pass somewhere, by its cause.
fn causes(out: &mut String, runs: &[Ran]) -> Result<()> {
    let mut by_cause: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for ran in runs {
        for (scenario, outcome) in &ran.outcomes {
            let cause = match outcome {
                Outcome::Passed => continue,
                Outcome::Failed(why) => format!("**failed**: {why}"),
                Outcome::Skipped(why) => why.clone(),
            };
            let place = format!("{} `{scenario}`", ran.cell.client.name);
            *by_cause.entry(cause).or_default().entry(place).or_default() += 1;
        }
    }
    writeln!(out, "\n## Not passed, and why\n")?;
    for (cause, places) in by_cause {
        let places: Vec<String> = places.into_keys().collect();
        writeln!(out, "* {cause}: {}", places.join(", "))?;
    }
    Ok(())
}
