//! The log, on standard error.

use std::io;

use tracing_subscriber::EnvFilter;

use super::{LogError, is_terminal};

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts the log. Once per process.
///
/// # Errors
///
/// When the level cannot be read or something logs already.
pub fn init_log(level: &str, format: Format) -> Result<(), LogError> {
    let filter: EnvFilter = level.parse().map_err(LogError::Level)?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    match format {
        Format::Text => log.with_ansi(is_terminal()).try_init(),
        Format::Json => log.json().flatten_event(true).try_init(),
    }
    .map_err(LogError::Taken)
}
