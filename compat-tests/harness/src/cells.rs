//! The cells of the matrix: every client in every mode against every backend.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::backend::{BACKENDS, Kind};
use crate::clients::{CLIENTS, Client, DETAILED, FOREVER_FRAME, Manner, Mode, Share};
use crate::expected::Judged;
use crate::install;
use crate::report::Outcome;
use crate::world::World;

/// What a cell with detailed errors runs: the scenarios whose texts they change, and their like.
const DETAILED_CASE: &str = "error";

/// One client in one mode against one backend.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// The client.
    pub client: &'static Client,
    /// Its transport.
    pub transport: &'static str,
    /// Its protocol.
    pub protocol: &'static str,
    /// What it is driven against.
    pub backend: &'static Kind,
    /// Whether the hubs tell the texts of exceptions.
    pub is_detailed: bool,
}

impl Cell {
    /// The name in reports.
    #[must_use]
    pub fn name(&self) -> String {
        let Self {
            client,
            transport,
            protocol,
            backend,
            is_detailed,
        } = self;
        let detailed = if *is_detailed { " detailed" } else { "" };
        let backend = backend.name;
        format!("{} {transport} {protocol} {backend}{detailed}", client.name)
    }

    fn is_polling(&self) -> bool {
        self.transport.eq_ignore_ascii_case("LongPolling")
    }

    fn is_socket(&self) -> bool {
        self.transport.eq_ignore_ascii_case("WebSockets")
    }

    /// The longest that the driver may take. A client that waits a poll for each message is slow.
    #[must_use]
    pub fn limit(&self, is_slow: bool) -> Duration {
        let is_page = self.client.world == World::Legacy && self.is_in_page();
        let usual = if self.is_polling() || is_page {
            420
        } else {
            240
        };
        Duration::from_secs(if is_slow { usual + 120 } else { usual })
    }

    /// Those that take longest go first, so that none is left to run by itself at the end.
    #[must_use]
    pub fn rank(&self) -> u8 {
        match self.client.name {
            _ if self.is_in_page() => 0,
            name if name.starts_with("go") => 0,
            // Slow polls slow it down further: not beside browsers.
            "python-signalrcore" if self.is_polling() => 1,
            _ if self.is_polling() || self.is_simulated() => 2,
            _ => 3,
        }
    }

    fn is_in_page(&self) -> bool {
        self.client.name.contains("chromium")
    }

    /// Whether requests are made by a simulated page, which takes its time for each.
    fn is_simulated(&self) -> bool {
        self.client.library.ends_with("in jsdom") && !self.is_socket() && self.transport != "auto"
    }

    /// Of how many drivers it takes the place, where `jobs` run at a time: a browser keeps two cores
    /// busy by itself, a simulated page one, and where slow polls bring messages late, others are to
    /// leave it time.
    #[must_use]
    pub fn weight(&self, jobs: usize) -> u32 {
        match self.client.name {
            _ if jobs < 2 => 1,
            // It waits for a keep-alive each time that a link is cut.
            _ if self.transport == FOREVER_FRAME.0 => 1,
            _ if self.is_in_page() => 2,
            "python-signalrcore" if self.is_polling() => 2,
            _ if self.is_simulated() => 2,
            _ => 1,
        }
    }

    /// Whether this cell has its scenarios that take most of a minute in a full run.
    #[must_use]
    pub fn has_slow(&self) -> bool {
        // Every client stays up somewhere, the newest with each transport.
        let is_newest = ["js-microsoft-10.0.11", "legacy-js-2.4.3"].contains(&self.client.name);
        let is_socket = self.is_socket();
        let is_once = match self.backend.world {
            World::Core => self.backend.name == "azure" && self.protocol == "json",
            World::Legacy => self.backend.name == "conformance" && self.transport != "auto",
        };
        let has = match self.client.manner {
            Manner::CoreClient => true,
            Manner::LegacyClient => is_once,
            Manner::Table => {
                let is_core = self.client.world == World::Core;
                (is_newest && is_socket && is_core) || (is_once && (is_newest || is_socket))
            }
        };
        has && !self.is_detailed
    }

    /// Whether a full run has this cell.
    #[must_use]
    pub fn is_in_full(&self) -> bool {
        match self.client.share {
            Share::Every => !self.is_told_elsewhere(),
            Share::OnRequest => false,
            Share::Once => self.is_socket() && self.backend.name == "conformance",
            Share::InTurn => self.is_usual() || self.is_its_turn(),
        }
    }

    /// Whether other cells show as much: what carries a legacy client matters little to who serves its
    /// hubs, so that each of those has some transports.
    fn is_told_elsewhere(&self) -> bool {
        let place = BACKENDS.iter().position(|kind| kind == self.backend);
        let mode = |mode: &Mode| *mode == (self.transport, self.protocol);
        let mode = self.client.modes.iter().position(mode);
        self.client.world == World::Legacy
            && self.client.manner == Manner::Table
            && !self.is_socket()
            && (self.backend.is_testhub || self.backend.is_classic)
            && (place.unwrap_or_default() + mode.unwrap_or_default()).is_multiple_of(2)
    }

    /// Whether it is in the mode that most clients use.
    fn is_usual(&self) -> bool {
        self.is_socket() && self.protocol == "json"
    }

    /// Whether it is this backend's turn to have the client in this mode. The next client has the
    /// same mode at the next backend. Where little is asked no turn is spent.
    fn is_its_turn(&self) -> bool {
        let reached: Vec<&Kind> = BACKENDS
            .iter()
            .filter(|backend| !backend.is_testhub)
            .filter(|backend| is_reached(backend, self.client, (self.transport, self.protocol)))
            .collect();
        let place = |client: &Client| client.name == self.client.name;
        let client = CLIENTS.iter().position(place).unwrap_or_default();
        let mode = |mode: &Mode| *mode == (self.transport, self.protocol);
        let mode = self.client.modes.iter().position(mode).unwrap_or_default();
        let turn = (client + mode) % reached.len().max(1);
        reached.get(turn).is_some_and(|kind| *kind == self.backend)
    }

    /// Whether a quick run has this cell.
    #[must_use]
    pub fn is_quick(&self) -> bool {
        let is_quick = ["webSockets", "longPolling"].contains(&self.transport);
        let is_plain = self.backend.name == "conformance";
        self.client.manner == Manner::LegacyClient && is_plain && is_quick
    }
}

/// What a cell gave, scenario by scenario.
#[derive(Debug)]
pub struct Ran {
    /// The cell.
    pub cell: Cell,
    /// The scenarios by name, in the driver's order.
    pub scenarios: Vec<(String, Judged)>,
    /// Whether the client can do nothing there, and one scenario stands for all.
    pub is_proof: bool,
    /// How long it took.
    pub took: Duration,
}

/// Which cells and scenarios.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// This backend alone.
    pub backend: Option<&'static Kind>,
    /// Clients with this text in their name.
    pub client: Option<String>,
    /// This transport alone.
    pub transport: Option<String>,
    /// This protocol alone.
    pub protocol: Option<String>,
    /// Scenarios with this text in their name.
    pub case: Option<String>,
    /// Whether the clients that run only on request do.
    pub all: bool,
    /// Whether the scenarios that take most of a minute run, where they do at all.
    pub slow: bool,
    /// Whether only the cells of a quick run do.
    pub quick: bool,
    /// How many drivers run at a time.
    pub jobs: usize,
}

impl Choice {
    /// The cells that are chosen.
    #[must_use]
    pub fn cells(&self) -> Vec<Cell> {
        let is = |given: &Option<String>, value: &str| {
            given
                .as_ref()
                .is_none_or(|given| given.eq_ignore_ascii_case(value))
        };
        let backends: Vec<&'static Kind> = self
            .backend
            .map_or_else(|| BACKENDS.iter().collect(), |kind| vec![kind]);
        all_cells(&backends)
            .filter(|cell| {
                let name = cell.client.name;
                let part = self.client.as_deref().unwrap_or_default();
                let case = self.case.as_deref().unwrap_or(DETAILED_CASE);
                name.contains(part)
                    && (self.all || name == part || cell.is_in_full())
                    && (!self.quick || cell.is_quick())
                    && is(&self.transport, cell.transport)
                    && is(&self.protocol, cell.protocol)
                    && (!cell.is_detailed || case.contains(DETAILED_CASE))
            })
            .collect()
    }

    /// The scenarios of a chosen cell: those with this text in their name.
    #[must_use]
    pub fn case_of(&self, cell: &Cell) -> Option<&str> {
        let case = self.case.as_deref();
        case.or_else(|| cell.is_detailed.then_some(DETAILED_CASE))
    }
}

/// Every cell with these backends, of which each client has those that it can reach.
pub fn all_cells(backends: &[&'static Kind]) -> impl Iterator<Item = Cell> {
    let plain = CLIENTS.iter().flat_map(move |client| {
        let modes = client.modes.iter().map(|mode| (*mode, false));
        let detailed = DETAILED
            .into_iter()
            .filter(|(name, _)| *name == client.name);
        modes.chain(detailed.map(|(_, mode)| (mode, true))).map(
            move |((transport, protocol), is_detailed)| (client, transport, protocol, is_detailed),
        )
    });
    plain.flat_map(move |(client, transport, protocol, is_detailed)| {
        let reached = backends
            .iter()
            .filter(move |backend| is_reached(backend, client, (transport, protocol)));
        reached.map(move |backend| Cell {
            client,
            transport,
            protocol,
            backend,
            is_detailed,
        })
    })
}

/// Whether a client in this mode can do something there that it does nowhere else.
fn is_reached(backend: &Kind, client: &Client, mode: Mode) -> bool {
    let stays = !client.follows_redirects || mode == FOREVER_FRAME;
    // Which transport a client chooses, and what its page may do, is seen at one place.
    let is_page = client.name.contains("chromium") && backend.is_classic;
    // Java's channels over HTTP come back by chance, if at all.
    let is_java = client.name.starts_with("legacy-java") && mode.0 != "webSockets";
    let is_left_out = client.world == World::Legacy && (mode.0 == "auto" || is_page || is_java);
    let is_first = backend.name == "conformance";
    // What knows how it differs from the contract.
    let knows_testhub =
        client.manner == Manner::LegacyClient || client.name.starts_with("legacy-js");
    if backend.is_testhub && !knows_testhub {
        return false;
    }
    backend.world == client.world && !(stays && backend.redirects) && (is_first || !is_left_out)
}

/// What stands for each client that cannot run: skipped if something is missing, failed if something
/// of ours does not work.
pub type Missing = BTreeMap<&'static str, Outcome>;

/// Installs what these cells need, as far as it is not there.
pub async fn install(cells: &[Cell]) -> Missing {
    let mut missing = Missing::new();
    let mut clients: Vec<&'static Client> = cells.iter().map(|cell| cell.client).collect();
    clients.dedup_by_key(|client| client.name);
    // Clients that are installed together are tried together.
    let mut tried: BTreeMap<&str, Option<Outcome>> = BTreeMap::new();
    for client in clients {
        let mut why = None;
        if let Some(step) = client.install {
            if !tried.contains_key(step.name) {
                tried.insert(step.name, without(step.run().await));
            }
            why = tried.get(step.name).cloned().flatten();
        }
        for need in client.needs {
            if why.is_none() {
                why = without(install::need(need).await);
            }
        }
        if client.needs_dotnet() && why.is_none() {
            why = without(install::dotnet().await);
        }
        if let Some(why) = why {
            missing.insert(client.name, why);
        }
    }
    missing
}

/// What becomes of a test without what could not be made ready.
fn without<T>(ready: anyhow::Result<T>) -> Option<Outcome> {
    ready.err().map(|error| {
        let why = format!("{error:#}");
        if install::is_absent(&error) {
            Outcome::Skipped(why)
        } else {
            println!("FAIL {why}");
            Outcome::Failed(why)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_in_detail_in_cells_of_their_own() {
        let detailed = |case: Option<&str>| {
            let choice = Choice {
                case: case.map(str::to_owned),
                ..Choice::default()
            };
            let cells = choice.cells().into_iter();
            let detailed: Vec<Cell> = cells.filter(|cell| cell.is_detailed).collect();
            assert!(detailed.iter().all(|cell| choice.case_of(cell).is_some()));
            detailed.len()
        };
        let core = BACKENDS.iter().filter(|kind| kind.world == World::Core);
        assert_eq!(detailed(None), DETAILED.len() * core.count());
        assert_eq!(detailed(Some("error-exception")), detailed(None));
        assert_eq!(detailed(Some("send-")), 0);
    }

    #[test]
    fn every_client_has_its_slow_scenarios_somewhere() {
        let cells = Choice::default().cells();
        for client in CLIENTS
            .iter()
            .filter(|client| client.share != Share::OnRequest)
        {
            let mut cells = cells.iter().filter(|cell| cell.client.name == client.name);
            assert!(cells.any(Cell::has_slow), "{}", client.name);
        }
        for (start, transport) in [
            ("js", "ServerSentEvents"),
            ("js", "LongPolling"),
            ("legacy", "serverSentEvents"),
            ("legacy", "longPolling"),
        ] {
            let of =
                |cell: &Cell| cell.client.name.starts_with(start) && cell.transport == transport;
            assert!(
                cells.iter().any(|cell| of(cell) && cell.has_slow()),
                "{start} {transport}"
            );
        }
    }

    #[test]
    fn clients_meet_the_backends_of_their_world_that_they_can_reach() {
        for cell in Choice::default().cells() {
            let Cell {
                client, backend, ..
            } = cell;
            assert_eq!(client.world, backend.world, "{}", cell.name());
            assert!(
                client.follows_redirects || !backend.redirects,
                "{}",
                cell.name()
            );
        }
    }

    #[test]
    fn clients_that_take_turns_have_each_mode_somewhere_and_those_of_core_together_everywhere() {
        let between = |cell: &Cell| cell.client.share == Share::InTurn;
        let cells: Vec<Cell> = Choice::default()
            .cells()
            .into_iter()
            .filter(between)
            .collect();
        let kinds: Vec<&Kind> = BACKENDS.iter().collect();
        for cell in all_cells(&kinds).filter(between) {
            let mode = |other: &&Cell| {
                (other.transport, other.protocol) == (cell.transport, cell.protocol)
            };
            let of_client = cells.iter().filter(mode);
            let of_client = of_client.filter(|other| other.client.name == cell.client.name);
            assert!(of_client.count() > 0, "{}", cell.name());
            let mut there = cells.iter().filter(mode);
            let is_legacy = cell.client.world == World::Legacy;
            assert!(
                is_legacy || there.any(|other| other.backend == cell.backend),
                "{}",
                cell.name()
            );
        }
    }

    #[test]
    fn a_quick_run_has_cells_of_the_old_world() {
        let quick = Choice {
            quick: true,
            ..Choice::default()
        };
        let cells = quick.cells();
        assert!((1..4).contains(&cells.len()), "{cells:?}");
        assert!(cells.iter().all(|cell| cell.backend.world == World::Legacy));
    }

    #[test]
    fn a_client_whose_install_fails_is_not_skipped() {
        let broken = without::<()>(Err(anyhow::anyhow!("cannot find symbol")));
        assert!(matches!(broken, Some(Outcome::Failed(_))));
        assert_eq!(without(Ok(())), None);
    }
}
