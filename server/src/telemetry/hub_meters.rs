//! The metrics of one hub, registered once so that counting hashes nothing.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use heliograph_relay::CloseReason;
use metrics::{Counter, Gauge, counter, gauge};
use parking_lot::Mutex;

use super::names;
use crate::backend::Transport;

/// The meters of all hubs, made when a hub is first met and kept. Hubs come from settings and from
/// those who hold the access key, so their names may be labels.
#[derive(Debug, Default)]
pub struct Meters(Mutex<HashMap<Box<str>, Arc<HubMeters>>>);

impl Meters {
    /// The meters of a hub. Keep them: this looks them up.
    pub fn hub(&self, name: &str) -> Arc<HubMeters> {
        let mut hubs = self.0.lock();
        if let Some(known) = hubs.get(name) {
            return Arc::clone(known);
        }
        let meters = Arc::new(HubMeters::new(name));
        hubs.insert(name.into(), Arc::clone(&meters));
        meters
    }

    /// The meters of a hub that was met before.
    pub fn known(&self, name: &str) -> Option<Arc<HubMeters>> {
        self.0.lock().get(name).map(Arc::clone)
    }
}

/// The meters of one hub.
pub struct HubMeters {
    hub: Box<str>,
    connections: [Gauge; 3],
    /// Messages taken from clients.
    pub messages_in: Counter,
    /// Messages given to clients.
    pub messages_out: Counter,
    /// Connections of app servers.
    pub links: Gauge,
}

impl HubMeters {
    /// Registers the meters of a hub with the process's recorder.
    #[must_use]
    pub fn new(hub: &str) -> Self {
        let label = || hub.to_owned();
        let transports = [
            Transport::WebSockets,
            Transport::ServerSentEvents,
            Transport::LongPolling,
        ];
        Self {
            hub: hub.into(),
            connections: transports.map(|transport| {
                let transport = transport.name();
                gauge!(names::CONNECTIONS, "hub" => label(), "transport" => transport)
            }),
            messages_in: counter!(names::MESSAGES_IN, "hub" => label()),
            messages_out: counter!(names::MESSAGES_OUT, "hub" => label()),
            links: gauge!(names::LINKS, "hub" => label()),
        }
    }

    /// Counts a client until the guard is dropped.
    pub fn connected(&self, transport: Transport) -> Connected {
        let [web_sockets, server_sent_events, long_polling] = &self.connections;
        let gauge = match transport {
            Transport::WebSockets => web_sockets,
            Transport::ServerSentEvents => server_sent_events,
            Transport::LongPolling => long_polling,
        };
        gauge.increment(1);
        Connected(gauge.clone())
    }

    /// Counts the end of a client. Once per connection: this looks the counter up.
    pub fn closed(&self, reason: &CloseReason) {
        let hub = self.hub.to_string();
        counter!(names::CLOSES, "hub" => hub, "reason" => reason.label()).increment(1);
    }

    /// Counts the answer to a negotiate request. Once per request: this looks the counter up.
    pub fn negotiated(&self, result: Negotiated) {
        let hub = self.hub.to_string();
        counter!(names::NEGOTIATIONS, "hub" => hub, "result" => result.label()).increment(1);
    }
}

impl fmt::Debug for HubMeters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubMeters")
            .field("hub", &self.hub)
            .finish_non_exhaustive()
    }
}

/// How a negotiate request was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Negotiated {
    /// With a connection or a redirection.
    Accepted,
    /// 401 or 403.
    Denied,
    /// Otherwise refused: bad request, hub unavailable, draining.
    Refused,
}

impl Negotiated {
    fn label(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Denied => "denied",
            Self::Refused => "refused",
        }
    }
}

/// Counts a client while it lives.
#[must_use = "the client counts for as long as this lives"]
pub struct Connected(Gauge);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}

impl fmt::Debug for Connected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connected")
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[test]
    fn meters_show_up_by_hub_transport_and_reason() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let rendered = metrics::with_local_recorder(&recorder, || {
            let meters = Meters::default();
            let hub = meters.hub("chat");
            let gone = hub.connected(Transport::LongPolling);
            let stays = hub.connected(Transport::WebSockets);
            meters.hub("chat").messages_in.increment(3);
            drop(gone);
            hub.closed(&CloseReason::SlowClient);
            hub.negotiated(Negotiated::Denied);
            let rendered = recorder.handle().render();
            drop(stays);
            rendered
        });
        for line in [
            "signalr_server_active_connections{hub=\"chat\",transport=\"WebSockets\"} 1",
            "signalr_server_active_connections{hub=\"chat\",transport=\"LongPolling\"} 0",
            "signalr_server_messages_received{hub=\"chat\"} 3",
            "signalr_server_connections_closed{hub=\"chat\",reason=\"slow_client\"} 1",
            "signalr_server_negotiations{hub=\"chat\",result=\"denied\"} 1",
        ] {
            assert!(rendered.contains(line), "{line} is missing in\n{rendered}");
        }
    }
}
