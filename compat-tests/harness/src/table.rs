//! The scenarios that every driver is asked for: `compat-tests/scenarios.toml`, and the few that
//! some drivers have besides.

use std::path::Path;

use anyhow::{Context, Result};
use figment::Figment;
use figment::providers::{Format as _, Toml};
use serde::Deserialize;

use crate::places;

/// Where the table is, from the project's folder.
const FILE: &str = "compat-tests/scenarios.toml";
/// Where those are that only some drivers have.
const EXTRA: &str = "compat-tests/clients/extra-scenarios.toml";

/// The scenarios that have a name.
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

impl Table {
    /// Reads both files.
    ///
    /// # Errors
    ///
    /// When one of them is not as it should be.
    pub fn load() -> Result<Self> {
        Ok(Self {
            common: read(&places::root().join(FILE))?,
            extra: read(&places::root().join(EXTRA))?,
        })
    }

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
    fn the_table_is_read() {
        let table = Table::load().unwrap();
        assert!(table.common.len() > 90);
        assert!(table.has("send-to-all") && table.has("count-down"));
        assert!(!table.has("send-to-al"));
        assert!(table.is_slow("idle-stays-up") && !table.is_slow("send-to-all"));
    }
}
