//! The matrix as a table at the end of a run, and as a page: `www/guide/compatibility.md`.

mod causes;
mod marks;

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};

use crate::backend::{BACKENDS, Kind};
use crate::cells::{Cell, Ran};
use crate::clients::{CLIENTS, Client, Mode, Share};
use crate::report::Outcome;
use crate::scenarios::Scenario;
use crate::table::Tables;
use crate::world::World;

use causes::Causes;

/// Where the page is, from the project's folder.
pub const FILE: &str = "www/guide/compatibility.md";

const HEAD: &str = "# Compatibility

Written by `cargo xtask test`; do not edit.

Unmodified client libraries, each driven through the same scenarios against several backends.

The numbers are scenarios that pass. `known` are those that fail by what the library, or for some scenarios the backend,
is, and `unsteady` those that the library fails at times; each is listed below with its cause. *Detailed* is a run of
the scenarios about errors with hubs that tell the texts of exceptions. A field is empty where a client that takes turns
was at another backend, or one between two other versions ran once: `cargo xtask test --all` runs every mode everywhere.
";

const LEGEND: &str = "
`✓` passes. The other marks have the number of a cause in the [list](#causes): `✗` fails by what the library is, `~` is
failed by the library at times, `–` is not run. `WS`, `SSE`, `FF` (forever frame) and `LP` are the transports, `auto`
leaves the choice to the client, `-mp` is MessagePack; what
stands without them holds for all transports and protocols of the client, or for the others.
";

const OWN_LEGEND: &str = "
Tests with servers and peers of their own: app servers that are killed or restarted, weak links, proxies, peers that
misbehave, settings.
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

/// The tables of the worlds that were there.
#[must_use]
pub fn tables(runs: &[Ran]) -> String {
    let tables = World::ALL.iter().map(|world| table(runs, *world));
    let tables: Vec<String> = tables.filter(|table| !table.is_empty()).collect();
    tables.join("\n")
}

/// The table of a world: a row for each client and mode, a column for each backend that was there.
fn table(runs: &[Ran], world: World) -> String {
    let backends = backends(runs, world);
    if backends.is_empty() {
        return String::new();
    }
    let mut head = ["client", "transport", "protocol"]
        .map(String::from)
        .to_vec();
    head.extend(backends.iter().map(|backend| backend.name.to_owned()));
    let mut rows = vec![head];
    for (client, (transport, protocol), is_detailed) in modes(world) {
        let cell = |backend: &&Kind| {
            let ran = runs.iter().find(|Ran { cell, .. }| {
                cell.client.name == client.name
                    && (cell.transport, cell.protocol) == (transport, protocol)
                    && cell.backend == *backend
                    && cell.is_detailed == is_detailed
            });
            ran.map(|ran| match Sum::of(ran) {
                Sum { known: 1.., .. } if ran.is_proof => "none, known".to_owned(),
                sum => sum.text(),
            })
        };
        let cells: Vec<Option<String>> = backends.iter().map(cell).collect();
        if cells.iter().any(Option::is_some) {
            let detailed = if is_detailed { ", detailed" } else { "" };
            let mut row = vec![
                client.name.to_owned(),
                transport.to_owned(),
                format!("{protocol}{detailed}"),
            ];
            row.extend(cells.into_iter().map(Option::unwrap_or_default));
            rows.push(row);
        }
    }
    lay_out(&rows)
}

fn modes(world: World) -> impl Iterator<Item = (&'static Client, Mode, bool)> {
    let clients = CLIENTS.iter().filter(move |client| client.world == world);
    clients.flat_map(|client| {
        let modes = client.modes.iter().map(move |mode| (client, *mode));
        [false, true].into_iter().flat_map(move |is_detailed| {
            modes
                .clone()
                .map(move |(client, mode)| (client, mode, is_detailed))
        })
    })
}

/// The backends of a world that were there, in their order.
fn backends(runs: &[Ran], world: World) -> Vec<&'static Kind> {
    let all = runs.iter().map(|ran| ran.cell.backend);
    let mut backends: Vec<&Kind> = all.filter(|backend| backend.world == world).collect();
    backends.sort_by_key(|kind| BACKENDS.iter().position(|known| known == *kind));
    backends.dedup();
    backends
}

/// Rows as a Markdown table, in columns for people too.
fn lay_out(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let lengths = rows
            .iter()
            .filter_map(|row| row.get(column))
            .map(|text| text.chars().count());
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
/// When the table of scenarios cannot be read, or the file not be written.
pub fn write(path: &Path, runs: &[Ran], own: &[(Scenario, Outcome)]) -> Result<()> {
    let page = page(runs, own, &Tables::load()?)?;
    std::fs::write(path, page).with_context(|| format!("write {}", path.display()))
}

fn page(runs: &[Ran], own: &[(Scenario, Outcome)], scenarios: &Tables) -> Result<String> {
    let causes = Causes::of(runs);
    let mut out = HEAD.to_owned();
    for world in World::ALL {
        writeln!(out, "\n## Clients of {}\n", world.name())?;
        for Kind { name, about, .. } in backends(runs, world) {
            writeln!(out, "* **{name}**: {about}")?;
        }
        write!(out, "\n{}", table(runs, world))?;
    }
    writeln!(out, "\n## Libraries\n")?;
    for client in CLIENTS
        .iter()
        .filter(|client| client.share != Share::OnRequest)
    {
        writeln!(out, "* `{}`: {}", client.name, client.library)?;
    }
    writeln!(out, "\n## Scenarios\n{LEGEND}")?;
    for world in World::ALL {
        for backend in backends(runs, world) {
            let of_all = |cell: &Cell| cell.backend == backend && cell.client.follows_table();
            let rows = marks::by_client(runs, &causes, scenarios.of(world), of_all);
            let title = format!("{}: every client but .NET", backend.name);
            write_details(&mut out, &title, &rows)?;
        }
        let of_world = CLIENTS.iter().filter(|client| client.world == world);
        for client in of_world.filter(|client| !client.follows_table()) {
            let rows = marks::of_its_own(client, runs, &causes);
            let title = format!("{}, which has scenarios of its own", client.name);
            write_details(&mut out, &title, &rows)?;
        }
    }
    writeln!(out, "## Servers and peers\n{OWN_LEGEND}")?;
    let passed = own
        .iter()
        .filter(|(_, outcome)| *outcome == Outcome::Passed);
    let title = format!("{} of {} pass", passed.count(), own.len());
    write_details(&mut out, &title, &own_rows(own))?;
    causes.write(&mut out)?;
    Ok(out)
}

fn own_rows(own: &[(Scenario, Outcome)]) -> Vec<Vec<String>> {
    let head = ["scenario", "shows", "result"].map(String::from).to_vec();
    let row = |(scenario, outcome): &(Scenario, Outcome)| {
        let result = match outcome {
            Outcome::Passed => "✓".to_owned(),
            Outcome::Failed(why) => format!("**failed**: {}", one_line(why)),
            Outcome::Skipped(why) => format!("– {}", one_line(why)),
        };
        vec![
            format!("`{}`", scenario.name),
            one_line(scenario.about),
            result,
        ]
    };
    [vec![head], own.iter().map(row).collect()].concat()
}

/// A table that is shown on request.
fn write_details(out: &mut String, title: &str, rows: &[Vec<String>]) -> Result<()> {
    if rows.len() > 1 {
        let table = lay_out(rows);
        writeln!(
            out,
            "<details>\n<summary>{title}</summary>\n\n{table}\n</details>\n"
        )?;
    }
    Ok(())
}

/// A text for one field of a table.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cells::Choice;
    use crate::expected::{Judged, Known};

    fn known(cause: &str, is_unsteady: bool) -> Judged {
        Judged {
            outcome: Outcome::Skipped(format!("known: {cause}")),
            known: Some(Known {
                cause: cause.to_owned(),
                is_unsteady,
            }),
        }
    }

    /// The cells of a client against a backend.
    fn cells(client: &str, backend: &str) -> impl Iterator<Item = Cell> {
        let chosen = Choice {
            client: Some(client.to_owned()),
            backend: Kind::named(backend),
            ..Choice::default()
        };
        chosen.cells().into_iter()
    }

    #[test]
    fn the_page_shows_each_scenario_of_each_client() {
        let runs: Vec<Ran> = cells("js-microsoft-10.0.11", "azure")
            .map(|cell| Ran {
                cell,
                is_proof: false,
                took: Duration::ZERO,
                scenarios: match cell.transport {
                    "WebSockets" => vec![
                        ("connect-and-stop".to_owned(), Outcome::Passed.into()),
                        ("invoke-null".to_owned(), Outcome::Passed.into()),
                    ],
                    _ => vec![
                        ("connect-and-stop".to_owned(), Outcome::Passed.into()),
                        ("invoke-null".to_owned(), known("why", false)),
                        ("end".to_owned(), Outcome::Failed("broke off".into()).into()),
                    ],
                },
            })
            .collect();
        let page = page(&runs, &[], &Tables::load().unwrap()).unwrap();
        let line = |name: &str| {
            let start = format!("| `{name}`");
            page.lines().find(|line| line.starts_with(&start)).unwrap()
        };
        let stop = line("connect-and-stop");
        assert!(stop.contains('✓') && !stop.contains('✗'), "{page}");
        assert!(line("invoke-null").contains("✓, SSE LP LP-mp ✗1"), "{page}");
        assert!(page.contains("1. why\n"), "{page}");
        assert!(page.contains("* broke off\n"), "{page}");
        assert!(page.contains("| json, detailed |"), "{page}");
    }

    #[test]
    fn the_old_world_has_a_table_of_its_own() {
        let both = cells("dotnet", "azure").chain(cells("legacyclient", "redirected"));
        let runs: Vec<Ran> = both
            .map(|cell| Ran {
                cell,
                is_proof: false,
                took: Duration::ZERO,
                scenarios: vec![("group".to_owned(), Outcome::Passed.into())],
            })
            .collect();
        let page = page(&runs, &[], &Tables::load().unwrap()).unwrap();
        let (core, legacy) = page.split_once("## Clients of ASP.NET SignalR").unwrap();
        assert!(
            core.contains("* **azure**: ") && !core.contains("redirected**"),
            "{page}"
        );
        assert!(core.contains("| dotnet-10.0.15 | WebSockets"), "{page}");
        assert!(!core.contains("legacyclient"), "{page}");
        let (legacy, rest) = legacy.split_once("## Libraries").unwrap();
        assert!(legacy.contains("* **redirected**: "), "{page}");
        assert!(
            legacy.contains("| legacyclient-2.4.2 | webSockets"),
            "{page}"
        );
        assert!(!legacy.contains("dotnet-10"), "{page}");
        assert!(
            rest.contains("<summary>legacyclient-2.4.2, which"),
            "{page}"
        );
        assert_eq!(tables(&runs).matches("| client ").count(), 2);
    }

    #[test]
    fn counts_tell_known_from_unsteady() {
        let ran = Ran {
            cell: cells("dotnet", "azure").next().unwrap(),
            is_proof: false,
            took: Duration::ZERO,
            scenarios: vec![
                ("a".into(), Outcome::Passed.into()),
                ("b".into(), known("x", true)),
                ("c".into(), known("y", false)),
                ("d".into(), Outcome::Failed("z".into()).into()),
                ("e".into(), Outcome::Skipped("z".into()).into()),
            ],
        };
        assert_eq!(Sum::of(&ran).text(), "1, 1 known, 1 unsteady, **1 failed**");
    }
}
