//! The log, on standard error.

use std::borrow::Cow;
use std::io;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

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
    let filter: EnvFilter = directives(level).parse().map_err(LogError::Level)?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    match format {
        Format::Text => log.with_ansi(is_terminal()).try_init(),
        Format::Json => log.json().flatten_event(true).try_init(),
    }
    .map_err(LogError::Taken)
}

/// What a level alone means: whoever wants to see more wants to see more of us, not of the crates
/// below. Directives stay as they are.
fn directives(level: &str) -> Cow<'_, str> {
    match level.parse::<LevelFilter>() {
        Ok(filter) if filter > LevelFilter::INFO => format!("info,heliograph={level}").into(),
        _ => level.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verbose_level_is_for_our_crates() {
        assert_eq!(directives("debug"), "info,heliograph=debug");
        assert_eq!(directives("TRACE"), "info,heliograph=TRACE");
        for level in [
            "info",
            "warn",
            "off",
            "debug,hyper=info",
            "heliograph::front=trace",
        ] {
            assert_eq!(directives(level), level);
        }
    }
}
