//! Names of metrics that doors share, after OpenTelemetry's `signalr.server.*`. In `/metrics` dots
//! become underscores.

use metrics::{Unit, describe_counter, describe_gauge};

/// Gauge: clients, by `hub` and `transport`.
pub const CONNECTIONS: &str = "signalr.server.active_connections";
/// Counter: messages from clients, by `hub`.
pub const MESSAGES_IN: &str = "signalr.server.messages.received";
/// Counter: messages to clients, by `hub`.
pub const MESSAGES_OUT: &str = "signalr.server.messages.sent";
/// Gauge: connections of app servers, by `hub`.
pub const LINKS: &str = "signalr.server.links";
/// Counter: clients that went, by `hub` and `reason`.
pub const CLOSES: &str = "signalr.server.connections.closed";
/// Counter: negotiations, by `hub` and `result`.
pub const NEGOTIATIONS: &str = "signalr.server.negotiations";
/// Gauge: legacy clients, by `client`, `protocol` and `transport`.
pub const LEGACY_CONNECTIONS: &str = "signalr.server.legacy.connections";
/// Counter: legacy clients that came back and missed messages that were not kept any more.
pub const LEGACY_GAPS: &str = "signalr.server.legacy.gaps";

/// Counter: questions to apps who a legacy client is, by `outcome`.
pub const LEGACY_QUESTIONS: &str = "signalr.server.legacy.questions";

/// Says what each is.
pub(super) fn describe() {
    describe_gauge!(CONNECTIONS, Unit::Count, "Clients connected now");
    describe_counter!(MESSAGES_IN, Unit::Count, "Messages taken from clients");
    describe_counter!(MESSAGES_OUT, Unit::Count, "Messages given to clients");
    describe_gauge!(LINKS, Unit::Count, "Connections of app servers now");
    describe_counter!(CLOSES, Unit::Count, "Client connections that ended");
    describe_gauge!(
        LEGACY_CONNECTIONS,
        Unit::Count,
        "Legacy clients connected now"
    );
    describe_counter!(
        LEGACY_GAPS,
        Unit::Count,
        "Legacy clients that missed messages"
    );
    describe_counter!(
        LEGACY_QUESTIONS,
        Unit::Count,
        "Questions to apps who a legacy client is"
    );
    describe_counter!(NEGOTIATIONS, Unit::Count, "Answers to negotiate requests");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    /// Names of metrics in a source file or in the files of a folder.
    fn collect(path: &Path, names: &mut BTreeSet<String>) {
        if path.is_dir() {
            for entry in std::fs::read_dir(path).unwrap() {
                collect(&entry.unwrap().path(), names);
            }
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let text = std::fs::read_to_string(path).unwrap();
            let literals = text.split('"').filter(|literal| {
                let is_name = |c: char| c.is_ascii_lowercase() || "._".contains(c);
                ["signalr.server.", "heliograph.direct."]
                    .iter()
                    .any(|start| literal.len() > start.len() && literal.starts_with(start))
                    && literal.chars().all(is_name)
            });
            names.extend(literals.map(|name| name.replace('.', "_")));
        }
    }

    #[test]
    fn guide_has_every_metric_and_no_other() {
        let mut known = BTreeSet::new();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        collect(&root.join("src"), &mut known);
        let guide = std::fs::read_to_string(root.join("../www/guide/metrics.md")).unwrap();
        let rows = guide.lines().filter_map(|line| line.strip_prefix("| `"));
        let listed: BTreeSet<String> = rows
            .filter_map(|row| row.split_once('`'))
            .map(|(name, _)| name.to_owned())
            .filter(|name| name.starts_with("signalr_") || name.starts_with("heliograph_"))
            .collect();
        assert_eq!(listed, known);
    }
}
