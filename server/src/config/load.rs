//! Layers: defaults, then the file, then the environment, then flags.

use std::net::SocketAddr;
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
        let settings = self.read()?;
        check::check(&settings)?;
        Ok(settings)
    }

    /// Reads and checks all settings for a service that runs already, and is bound to `address`
    /// whatever they say now.
    ///
    /// # Errors
    ///
    /// As [`Sources::load`].
    pub fn load_again(&self, address: SocketAddr) -> Result<Settings, ConfigError> {
        let settings = Settings {
            listen: address,
            ..self.read()?
        };
        check::check(&settings)?;
        Ok(settings)
    }

    fn read(&self) -> Result<Settings, ConfigError> {
        let mut layers = Figment::new();
        if let Some(file) = &self.file {
            let fault = |text| ConfigError::one(format!("{}: {text}", file.display()));
            if file.is_dir() {
                return Err(fault("this is a directory, expected a TOML file"));
            }
            if !file.exists() {
                return Err(fault("there is no such file"));
            }
            layers = layers.merge(Toml::file_exact(file));
        }
        let environment = Env::prefixed(ENV_PREFIX)
            .filter(|name| !is_of_kubernetes(name.as_str(), &value_of(name.as_str())))
            .ignore(&["config"])
            .split("__");
        Ok(layers
            .merge(environment)
            .merge(Flags::new(&self.flags))
            .extract()?)
    }
}

/// The value of a variable, our prefix taken off its name.
fn value_of(name: &str) -> String {
    let full = format!("{ENV_PREFIX}{name}");
    let is_it = |found: &str| found.eq_ignore_ascii_case(&full);
    let found = std::env::vars_os().find(|(found, _)| found.to_str().is_some_and(is_it));
    let value = found.map(|(_, value)| value.to_string_lossy().into_owned());
    value.unwrap_or_default()
}

/// Whether Kubernetes made this variable, our prefix taken off, for a Service whose name begins
/// with `heliograph`: `SERVICE_HOST`, `SERVICE_PORT_HTTP`, `PORT_8888_TCP_ADDR` and so on, and
/// `PORT`, which is a URL then.
fn is_of_kubernetes(name: &str, value: &str) -> bool {
    let name = name.to_ascii_uppercase();
    // `_PORT` may follow the rest of the Service's name.
    let padded = format!("_{name}");
    let has_numbered_port = padded
        .split("_PORT_")
        .skip(1)
        .any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    !name.contains("__")
        && (padded.ends_with("_SERVICE_HOST")
            || padded.ends_with("_SERVICE_PORT")
            || padded.contains("_SERVICE_PORT_")
            || (padded.ends_with("_PORT") && value.contains("://"))
            || has_numbered_port)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_a_kubernetes_service_are_told_from_settings() {
        for name in [
            "SERVICE_HOST",
            "SERVICE_PORT",
            "SERVICE_PORT_HTTP",
            "PORT",
            "PORT_8888_TCP",
            "PORT_8888_TCP_ADDR",
            "SERVER_SERVICE_HOST",
            "SERVER_PORT_80_TCP_PROTO",
        ] {
            assert!(is_of_kubernetes(name, "tcp://10.0.0.1:80"), "{name}");
        }
        for name in [
            "LISTEN",
            "KEYS__PRIMARY",
            "SUPPORT",
            "HUBS__SERVICE_PORT__URL",
            "HUBS__A_PORT_1__URL",
        ] {
            assert!(!is_of_kubernetes(name, "tcp://10.0.0.1:80"), "{name}");
        }
        assert!(!is_of_kubernetes("LISTEN_PORT", "9000"));
    }
}
