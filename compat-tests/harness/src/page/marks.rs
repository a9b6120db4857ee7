//! Scenario by scenario: what came of each in all modes of a client, in one mark.

use std::collections::BTreeMap;

use crate::cells::{Cell, Ran};
use crate::clients::{CLIENTS, Client};
use crate::table::Table;

use super::backends;
use super::causes::{Causes, Kind};

/// Rows of the scenarios in the table's order, with a column for each client.
pub(super) fn by_client(
    runs: &[Ran],
    causes: &Causes,
    table: &Table,
    is_of: impl Fn(&Cell) -> bool,
) -> Vec<Vec<String>> {
    let runs: Vec<&Ran> = runs
        .iter()
        .filter(|ran| is_of(&ran.cell) && !ran.cell.is_detailed)
        .collect();
    let names = CLIENTS.iter().map(|client| client.name);
    let clients: Vec<&str> = names
        .filter(|name| runs.iter().any(|ran| ran.cell.client.name == *name))
        .collect();
    let mut rows = vec![head(&clients)];
    for row in table.common.iter().chain(&table.extra) {
        let marks = clients.iter().map(|client| {
            let of_client = runs.iter().filter(|ran| ran.cell.client.name == *client);
            mark(of_client.copied(), causes, &row.name)
        });
        push(&mut rows, &row.name, marks.collect());
    }
    rows
}

/// Rows of the scenarios that a client's driver has for itself, with a column for each backend.
pub(super) fn of_its_own(client: &Client, runs: &[Ran], causes: &Causes) -> Vec<Vec<String>> {
    let backends = backends(runs, client.world);
    let runs = || {
        runs.iter()
            .filter(|ran| ran.cell.client.name == client.name && !ran.cell.is_detailed)
    };
    // The driver's order, as its longest run has it.
    let longest = runs().max_by_key(|ran| ran.scenarios.len());
    let names: Vec<&str> = backends.iter().map(|kind| kind.name).collect();
    let mut rows = vec![head(&names)];
    for (name, _) in longest.map_or(&[][..], |ran| &ran.scenarios) {
        let marks = backends.iter().map(|backend| {
            let of_backend = runs().filter(|ran| ran.cell.backend == *backend);
            mark(of_backend, causes, name)
        });
        push(&mut rows, name, marks.collect());
    }
    rows
}

fn head(columns: &[&str]) -> Vec<String> {
    let columns = columns.iter().map(ToString::to_string);
    std::iter::once("scenario".to_owned())
        .chain(columns)
        .collect()
}

fn push(rows: &mut Vec<Vec<String>>, name: &str, marks: Vec<String>) {
    if marks.iter().any(|mark| !mark.is_empty()) {
        rows.push([vec![format!("`{name}`")], marks].concat());
    }
}

/// The mark of a scenario in several modes; those that differ from the rest are named.
fn mark<'a>(runs: impl Iterator<Item = &'a Ran>, causes: &Causes, scenario: &str) -> String {
    let mut modes: BTreeMap<Option<(Kind, &str)>, Vec<String>> = BTreeMap::new();
    let mut ordered: Vec<&Ran> = runs.collect();
    ordered.sort_by_key(|Ran { cell, .. }| {
        let mode = (cell.transport, cell.protocol);
        cell.client.modes.iter().position(|known| *known == mode)
    });
    for ran in ordered {
        let mut all = ran.scenarios.iter();
        let found = all.find(|(name, _)| ran.is_proof || name == scenario);
        if let Some((_, judged)) = found {
            let of_kind = modes.entry(Kind::of(judged)).or_default();
            of_kind.push(mode(&ran.cell));
        }
    }
    let text = |kind: &Option<(Kind, &str)>| match kind {
        None => "✓".to_owned(),
        Some((Kind::Failed, _)) => "**failed**".to_owned(),
        Some((kind, cause)) => {
            let sign = match kind {
                Kind::Known => '✗',
                Kind::Unsteady => '~',
                Kind::NotRun | Kind::Failed => '–',
            };
            format!("{sign}{}", causes.number(*kind, cause))
        }
    };
    let is_one = modes.len() == 1;
    let parts = modes.iter().map(|(kind, modes)| {
        if is_one || kind.is_none() {
            text(kind)
        } else {
            format!("{} {}", modes.join(" "), text(kind))
        }
    });
    parts.collect::<Vec<_>>().join(", ")
}

fn mode(cell: &Cell) -> String {
    let transport = match cell.transport {
        "WebSockets" | "webSockets" => "WS",
        "ServerSentEvents" | "serverSentEvents" => "SSE",
        "LongPolling" | "longPolling" => "LP",
        "foreverFrame" => "FF",
        other => other,
    };
    let protocol = if cell.protocol == "messagepack" {
        "-mp"
    } else {
        ""
    };
    format!("{transport}{protocol}")
}
