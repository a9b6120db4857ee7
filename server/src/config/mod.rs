//! Settings: the only place that reads the file, the environment and the flags.

mod check;
pub mod cli;
mod error;
mod hub;
mod load;
mod settings;
mod span;

pub use error::ConfigError;
pub use hub::{HubAuth, HubBackend, HubSettings};
pub use load::Sources;
pub use settings::{
    KeySettings, LimitSettings, LogFormat, LogSettings, Secret, Settings, TimeoutSettings,
    TlsSettings, WELL_KNOWN_KEY,
};
pub use span::Span;

#[cfg(test)]
mod tests;
