//! Settings: the only place that reads the file, the environment and the flags.

mod address;
mod check;
mod check_hubs;
pub mod cli;
mod error;
mod hub;
mod legacy;
mod load;
mod manifest;
mod secret;
mod settings;
mod span;

pub use error::ConfigError;
pub use hub::{EMBEDDED_HUBS, HubAuth, HubBackend, HubSettings, LegacyCasing, LegacyUsers};
pub use legacy::{LegacySettings, OnGap};
pub use load::Sources;
pub use manifest::Manifest;
pub use secret::Secret;
pub use settings::{
    KeySettings, LimitSettings, LogFormat, LogSettings, Settings, TimeoutSettings, TlsSettings,
    WELL_KNOWN_KEY,
};
pub use span::Span;

#[cfg(test)]
mod tests;
