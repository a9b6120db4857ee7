//! Layers: defaults, then the file, then the environment, then flags.

use std::path::PathBuf;

use figment::providers::{Env, Format, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::{ConfigError, Settings, check};

/// What our environment variables begin with.
pub(super) const ENV_PREFIX: &str = "HELIOGRAPH_";
/// The name of the layer of flags.
pub(super) const FLAGS: &str = "command line";

/// Where settings are read from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file, if any.
    pub file: Option<PathBuf>,
    /// Flags as name and value, the value as in a TOML file or as bare text.
    pub flags: Vec<(String, String)>,
}

impl Sources {
    /// Reads and checks all settings.
    ///
    /// # Errors
    ///
    /// Every fault that was found, each naming its setting.
    pub fn load(&self) -> Result<Settings, ConfigError> {
        let mut layers = Figment::new();
        if let Some(file) = &self.file {
            if !file.is_file() {
                let file = file.display();
                return Err(ConfigError::one(format!("{file}: there is no such file")));
            }
            layers = layers.merge(Toml::file_exact(file));
        }
        let environment = Env::prefixed(ENV_PREFIX).ignore(&["config"]).split("__");
        let settings: Settings = layers
            .merge(environment)
            .merge(Flags::new(&self.flags))
            .extract()?;
        check::check(&settings)?;
        Ok(settings)
    }
}

/// Settings from the command line.
struct Flags(Dict);

impl Flags {
    fn new(flags: &[(String, String)]) -> Self {
        let mut dict = Dict::new();
        for (name, value) in flags {
            let value = value
                .parse()
                .unwrap_or_else(|_| Value::from(value.as_str()));
            insert(&mut dict, name, value);
        }
        Self(dict)
    }
}

/// Puts a value at a dotted name.
fn insert(dict: &mut Dict, name: &str, value: Value) {
    match name.split_once('.') {
        None => {
            dict.insert(name.to_owned(), value);
        }
        Some((table, rest)) => {
            let inner = dict
                .entry(table.to_owned())
                .or_insert_with(|| Value::from(Dict::new()));
            if let Value::Dict(_, inner) = inner {
                insert(inner, rest, value);
            } else {
                let mut inner = Dict::new();
                insert(&mut inner, rest, value);
                dict.insert(table.to_owned(), Value::from(inner));
            }
        }
    }
}

impl Provider for Flags {
    fn metadata(&self) -> Metadata {
        Metadata::named(FLAGS)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.0.clone()))
    }
}
