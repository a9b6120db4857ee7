//! What the service says of itself, and what the system says of it.

use anyhow::{Context, Result};

use super::http::http;
use crate::process::Server;

/// One reading of `/metrics`.
#[derive(Debug)]
pub(crate) struct Meters(String);

impl Meters {
    pub(crate) async fn read(service: &Server) -> Result<Self> {
        let url = format!("{}/metrics", service.url());
        Ok(Self(http("GET", &url, &[], "").await?.body))
    }

    /// The sum of all lines of a metric that contain all of `labels`.
    pub(crate) fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        let lines = self.0.lines().filter(|line| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(['{', ' ']))
                && labels.iter().all(|label| line.contains(label))
        });
        lines
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    /// Clients of all hubs.
    pub(crate) fn clients(&self) -> f64 {
        self.sum("signalr_server_active_connections", &[])
    }

    /// Clients of a hub that were closed for a reason.
    pub(crate) fn closed(&self, hub: &str, reason: &str) -> f64 {
        let labels = [format!("hub=\"{hub}\""), format!("reason=\"{reason}\"")];
        let labels = [labels[0].as_str(), &labels[1]];
        self.sum("signalr_server_connections_closed", &labels)
    }

    /// Server connections of a hub.
    pub(crate) fn links(&self, hub: &str) -> f64 {
        let label = format!("hub=\"{hub}\"");
        self.sum("signalr_server_links", &[&label])
    }
}

/// Memory that a process has in RAM.
pub(crate) fn resident_kib(process: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.context("no VmRSS")?.parse()?)
}
