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

/// Says what each is.
pub(super) fn describe() {
    describe_gauge!(CONNECTIONS, Unit::Count, "Clients connected now");
    describe_counter!(MESSAGES_IN, Unit::Count, "Messages taken from clients");
    describe_counter!(MESSAGES_OUT, Unit::Count, "Messages given to clients");
    describe_gauge!(LINKS, Unit::Count, "Connections of app servers now");
    describe_counter!(CLOSES, Unit::Count, "Client connections that ended");
    describe_counter!(NEGOTIATIONS, Unit::Count, "Answers to negotiate requests");
}
