//! The side channel inside pings (service protocol, 3.5).

use heliograph_protocol::service::{Fin, Ping, Sender};

use super::{Effect, Session};

impl Session {
    pub(super) fn ping(&self, values: &[&str]) -> Option<Effect> {
        match Ping::parse(values, Sender::AppServer) {
            Ping::StatusRequest => {
                let clients = u64::try_from(self.hub().len()).unwrap_or_default();
                let links = self.hub().links().all().len();
                self.answer(&Ping::Status {
                    active: clients > 0,
                    client_count: Some(clients),
                    server_count: u64::try_from(links).ok(),
                    capacity: None,
                });
            }
            Ping::ServersRequest => {
                let servers = self.hub().links().servers();
                let names = servers.iter().map(|name| &**name).collect();
                self.answer(&Ping::Servers {
                    stamp: self.door.next_stamp(),
                    names,
                });
            }
            Ping::Shutdown(fin) => {
                tracing::info!(hub = self.hub().name(), reason = ?fin, "app server leaves");
                self.link.link().leave();
                // At once: the app's whole shutdown waits for it.
                self.answer(&Ping::FinAck);
                return (fin == Fin::Migrate).then_some(Effect::Migrate);
            }
            // Signs of life, and answers to what we never ask.
            _ => {}
        }
        None
    }

    fn answer(&self, ping: &Ping<'_>) {
        self.queue().append(|out| ping.encode(out));
    }
}
