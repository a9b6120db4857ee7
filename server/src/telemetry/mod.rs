//! Logs and metrics.
//!
//! Log events have constant texts and fields from one list: `node hub app conn link user group
//! dialect transport target bytes count reason err origin setting client protocol`; tokens, keys,
//! claim values and payloads are in none of them. Metrics go through the `metrics` facade; [`names`] has those that doors
//! share.

mod hub_meters;
mod legacy_meters;
mod log;
pub mod names;

use std::io;

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};

pub use hub_meters::{Connected, HubMeters, Meters, Negotiated};
pub use legacy_meters::{LegacyConnected, LegacyMeters};
pub use log::{Format, init_log};

/// Makes metrics count from now on, and gives what renders them. Once per process.
///
/// # Errors
///
/// When something in this process counts already.
pub fn init_metrics() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new().install_recorder()?;
    names::describe();
    Ok(handle)
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The level is no level and no list of directives.
    #[error("the log level cannot be read")]
    Level(#[source] tracing_subscriber::filter::ParseError),
    /// Something in this process logs already.
    #[error("there is a log already")]
    Taken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Colours only where a person reads.
fn is_terminal() -> bool {
    io::IsTerminal::is_terminal(&io::stderr())
}
