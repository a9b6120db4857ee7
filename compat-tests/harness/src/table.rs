//! The scenarios that the drivers of each world are asked for: `compat-tests/scenarios.toml` and
//! `legacy-scenarios.toml`, and the few that some drivers have besides.

use std::path::Path;

use anyhow::{Context, Result};
use figment::Figment;
use figment::providers::{Format as _, Toml};
use serde::Deserialize;

use crate::places;
use crate::world::World;

/// Where the tables are, from the project's folder.
const CORE: &str = "compat-tests/scenarios.toml";
const LEGACY: &str = "compat-tests/legacy-scenarios.toml";
/// Where those are that only some drivers of ASP.NET Core clients have.
const EXTRA: &str = "compat-tests/clients/extra-scenarios.toml";

/// The scenarios of both worlds.
#[derive(Clone, Debug)]
pub struct Tables {
    /// Of ASP.NET Core SignalR.
    pub core: Table,
    /// Of ASP.NET SignalR.
    pub legacy: Table,
}

/// The scenarios of a world.
#[derive(Clone, Debug)]
pub struct Table {
    /// Those that every driver is asked for.
    pub common: Vec<Row>,
    /// Those that only some drivers have.
    pub extra: Vec<Row>,
}

/// One scenario.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// What it shows.
    pub about: String,
    /// Whether it runs only on request.
    #[serde(default)]
    pub slow: bool,
}

#[derive(Deserialize)]
struct File {
    scenario: Vec<Row>,
}

impl Tables {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// When one of them is not as it should be.
    pub fn load() -> Result<Self> {
        let read = |file: &str| read(&places::root().join(file));
        Ok(Self {
            core: Table {
                common: read(CORE)?,
                extra: read(EXTRA)?,
            },
            legacy: Table {
                common: read(LEGACY)?,
                extra: Vec::new(),
            },
        })
    }

    /// The table of a world.
    #[must_use]
    pub const fn of(&self, world: World) -> &Table {
        match world {
            World::Core => &self.core,
            World::Legacy => &self.legacy,
        }
    }

    /// Whether there is a scenario of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        World::ALL.iter().any(|world| self.of(*world).has(name))
    }
}

impl Table {
    /// Whether there is a scenario of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.rows().any(|row| row.name == name)
    }

    /// Whether the scenario of this name runs only on request.
    #[must_use]
    pub fn is_slow(&self, name: &str) -> bool {
        self.rows().any(|row| row.name == name && row.slow)
    }

    fn rows(&self) -> impl Iterator<Item = &Row> {
        self.common.iter().chain(&self.extra)
    }
}

fn read(path: &Path) -> Result<Vec<Row>> {
    let file: Result<File, _> = Figment::from(Toml::file_exact(path)).extract();
    let file = file.with_context(|| format!("read {}", path.display()))?;
    Ok(file.scenario)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_read() {
        let tables = Tables::load().unwrap();
        let table = tables.of(World::Core);
        assert!(table.common.len() > 90);
        assert!(table.has("send-to-all") && table.has("count-down"));
        assert!(!table.has("send-to-al"));
        assert!(table.is_slow("idle-stays-up") && !table.is_slow("send-to-all"));
        let legacy = tables.of(World::Legacy);
        assert!(legacy.common.len() > 60);
        assert!(legacy.has("reconnect-five-cuts") && !table.has("reconnect-five-cuts"));
        assert!(tables.has("reconnect-five-cuts") && tables.has("count-down"));
    }
}
