//! The file that `legacy.manifest` names: methods of hubs, for the script with a proxy for each hub.
//!
//! ```toml
//! [ChatHub]
//! Send = ["name", "message"]
//! Join = ["room"]
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use figment::Figment;
use figment::providers::{Format, Toml};

use super::ConfigError;

/// Hubs by name, their methods by name, and what the parameters of these are called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest(pub BTreeMap<String, BTreeMap<String, Vec<String>>>);

impl Manifest {
    /// Reads a file. Its hubs must be among `served`, whatever the case of their names.
    ///
    /// # Errors
    ///
    /// Every fault that was found.
    pub fn read(path: &Path, served: &[&str]) -> Result<Self, ConfigError> {
        let fault = |text: &str| format!("{}: {text}", path.display());
        if !path.is_file() {
            return Err(ConfigError::one(fault("there is no such file")));
        }
        let hubs: BTreeMap<String, BTreeMap<String, Vec<String>>> =
            Figment::from(Toml::file_exact(path)).extract()?;
        let mut faults = Vec::new();
        let mut names = BTreeMap::new();
        for name in hubs.keys() {
            if !served
                .iter()
                .any(|known| known.to_lowercase() == name.to_lowercase())
            {
                let known = served.join(", ");
                faults.push(fault(&format!(
                    "no hub '{name}' is served to legacy clients, only these: {known}"
                )));
            }
            if let Some(other) = names.insert(name.to_lowercase(), name) {
                faults.push(fault(&format!("'{name}' and '{other}' are one hub")));
            }
        }
        if faults.is_empty() {
            Ok(Self(hubs))
        } else {
            Err(ConfigError(faults))
        }
    }

    /// The methods of a hub, if they are listed.
    #[must_use]
    pub fn methods(&self, hub: &str) -> Option<&BTreeMap<String, Vec<String>>> {
        let hub = hub.to_lowercase();
        let mut hubs = self.0.iter();
        hubs.find(|(name, _)| name.to_lowercase() == hub)
            .map(|(_, methods)| methods)
    }
}
