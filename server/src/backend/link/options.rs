//! Settings of the backend for hubs that app servers run.

use std::time::Duration;

/// Settings of a [`LinkBackend`](super::LinkBackend).
#[derive(Clone, Debug)]
pub struct Options {
    /// Names this node to app servers (`Asrs-Instance-Id`).
    pub instance_id: Box<str>,
    /// How long a client waits for an app server of its hub before it is refused.
    pub wait_for_server: Duration,
    /// Clients that may wait for an app server at a time; further ones are refused at once.
    pub max_waiting: usize,
    /// Largest message taken from a client, in bytes with its framing. The app has a limit of its
    /// own, usually a lower one.
    pub max_client_message_bytes: usize,
    /// How long a client may take to send its handshake request, unless its token says otherwise.
    pub handshake_timeout: Duration,
    /// Whether clients may reconnect statefully to hubs whose app servers allow it.
    pub stateful_reconnect: bool,
    /// Largest message for a client that an app server may send in parts.
    pub max_partial_bytes: usize,
    /// How long a client's answers wait after it was asked for a result: the app server that asks
    /// starts to listen only a moment after it has asked (service protocol, 8.1).
    pub result_hold: Duration,
    /// Client results that may be awaited at a time; further questions fail at once.
    pub max_results: usize,
    /// How long a client result is awaited.
    pub result_lifetime: Duration,
    /// How long the open calls of a client may delay its move to another app server.
    pub migration_grace: Duration,
    /// How long a classic app server gets to refuse a client before the client is told that it has
    /// started: it says nothing when it takes one.
    pub objection: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            instance_id: "heliograph".into(),
            wait_for_server: Duration::from_secs(5),
            max_waiting: 10_000,
            max_client_message_bytes: 4 << 20,
            handshake_timeout: Duration::from_secs(15),
            stateful_reconnect: true,
            max_partial_bytes: 16 << 20,
            result_hold: Duration::from_millis(20),
            max_results: 100_000,
            result_lifetime: Duration::from_secs(600),
            migration_grace: Duration::from_secs(5),
            objection: Duration::from_millis(50),
        }
    }
}
