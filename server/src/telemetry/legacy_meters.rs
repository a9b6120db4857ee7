//! Which legacy clients are still there, so that an operator knows when the last one is gone.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

use metrics::{Gauge, gauge};
use parking_lot::Mutex;
use tracing::info;

use super::names;

/// Kinds of clients that are told apart; clients name themselves.
const MAX_KINDS: usize = 200;
/// Longest name of a client that is taken as it is.
const MAX_NAME: usize = 64;

/// Seconds without any of a kind after which the last one is taken to be gone.
const GONE_AFTER: u32 = 60;

/// Counts legacy connections by client, protocol version and transport, and logs the first of each
/// kind, and when there has been none for a minute.
#[derive(Debug, Default)]
pub struct LegacyMeters(Mutex<HashMap<Kind, Arc<Meter>>>);

/// A kind of client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Kind {
    client: Box<str>,
    protocol: Box<str>,
    transport: &'static str,
}

#[derive(Debug)]
struct Meter {
    kind: Kind,
    count: AtomicUsize,
    gauge: Gauge,
    /// Some were there, the log says.
    is_noted: AtomicBool,
    /// The tick at which none was there for the first time; 0 while some are.
    none_since: AtomicU32,
}

impl LegacyMeters {
    /// Counts a connection until the guard is dropped.
    pub fn connected(
        &self,
        user_agent: Option<&str>,
        protocol: &str,
        transport: &'static str,
    ) -> LegacyConnected {
        self.counted(Kind {
            client: client_of(user_agent).into(),
            protocol: protocol.into(),
            transport,
        })
    }

    /// Counts a connection on, whose channel is of this transport now.
    pub fn moved(&self, connected: LegacyConnected, transport: &'static str) -> LegacyConnected {
        let kind = &connected.0.kind;
        if kind.transport == transport {
            return connected;
        }
        self.counted(Kind {
            transport,
            ..kind.clone()
        })
    }

    fn counted(&self, kind: Kind) -> LegacyConnected {
        let meter = self.meter(kind);
        meter.gauge.increment(1);
        meter.count.fetch_add(1, Ordering::AcqRel);
        if !meter.is_noted.swap(true, Ordering::AcqRel) {
            meter.note("legacy clients of this kind have come");
        }
        LegacyConnected(meter)
    }

    /// Looks for kinds that are gone, with a clock of seconds that begins at 1.
    pub fn look(&self, now: u32) {
        for meter in self.0.lock().values() {
            if meter.count.load(Ordering::Acquire) > 0 {
                meter.none_since.store(0, Ordering::Relaxed);
                continue;
            }
            match meter.none_since.load(Ordering::Relaxed) {
                0 => meter.none_since.store(now, Ordering::Relaxed),
                since if now.saturating_sub(since) < GONE_AFTER => {}
                _ if meter.is_noted.swap(false, Ordering::AcqRel) => {
                    meter.note("no legacy client of this kind is left");
                }
                _ => {}
            }
        }
    }

    fn meter(&self, kind: Kind) -> Arc<Meter> {
        let mut meters = self.0.lock();
        let is_new = !meters.contains_key(&kind);
        let kind = if is_new && meters.len() >= MAX_KINDS {
            Kind {
                client: "other".into(),
                protocol: "other".into(),
                ..kind
            }
        } else {
            kind
        };
        let meter = meters.entry(kind.clone()).or_insert_with(|| {
            let (client, protocol) = (kind.client.to_string(), kind.protocol.to_string());
            let gauge = gauge!(
                names::LEGACY_CONNECTIONS,
                "client" => client, "protocol" => protocol, "transport" => kind.transport
            );
            Arc::new(Meter {
                kind,
                count: AtomicUsize::new(0),
                gauge,
                is_noted: AtomicBool::new(false),
                none_since: AtomicU32::new(0),
            })
        });
        Arc::clone(meter)
    }
}

impl Meter {
    fn note(&self, what: &'static str) {
        let Kind {
            client,
            protocol,
            transport,
        } = &self.kind;
        info!(
            client = &**client,
            protocol = &**protocol,
            transport,
            "{what}"
        );
    }
}

/// Counts a legacy connection while it lives.
#[must_use = "the connection counts for as long as this lives"]
pub struct LegacyConnected(Arc<Meter>);

impl Drop for LegacyConnected {
    fn drop(&mut self) {
        self.0.gauge.decrement(1);
        self.0.count.fetch_sub(1, Ordering::AcqRel);
    }
}

impl fmt::Debug for LegacyConnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LegacyConnected")
            .field(&self.0.kind)
            .finish()
    }
}

/// What a client is: the name and version that the SignalR clients for .NET and Java give
/// themselves, else what it runs in.
fn client_of(user_agent: Option<&str>) -> &str {
    let Some(agent) = user_agent else {
        return "unknown";
    };
    if agent.starts_with("SignalR") {
        // "SignalR (lang=Java; os=linux; version=2.0)" is a name as a whole.
        let name = match agent.split_once(' ') {
            Some((name, _)) if name != "SignalR" => name,
            _ => agent,
        };
        let is_plain = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
        return if name.len() <= MAX_NAME && name.bytes().all(is_plain) {
            name
        } else {
            "SignalR"
        };
    }
    const RUNTIMES: [(&str, &str); 6] = [
        ("Mozilla/", "browser"),
        ("python", "python"),
        ("Python/", "python"),
        ("Go-http-client", "go"),
        ("Java/", "java"),
        ("node", "node"),
    ];
    let known = RUNTIMES.iter().find(|(start, _)| agent.starts_with(start));
    known.map_or("other", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[test]
    fn connections_are_counted_by_kind() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let rendered = metrics::with_local_recorder(&recorder, || {
            let meters = LegacyMeters::default();
            let agent = Some("SignalR.Client.NET45/2.4.2.0 (Unix 5.10)");
            let stays = meters.connected(agent, "2.1", "webSockets");
            drop(meters.connected(agent, "2.1", "webSockets"));
            drop(meters.connected(Some("Mozilla/5.0 (X11)"), "1.5", "longPolling"));
            let moves = meters.connected(agent, "2.1", "longPolling");
            let moved = meters.moved(moves, "serverSentEvents");
            let moved = meters.moved(moved, "serverSentEvents");
            let rendered = recorder.handle().render();
            drop((stays, moved));
            rendered
        });
        let name = "signalr_server_legacy_connections";
        for line in [
            "{client=\"SignalR.Client.NET45/2.4.2.0\",protocol=\"2.1\",transport=\"webSockets\"} 1",
            "{client=\"SignalR.Client.NET45/2.4.2.0\",protocol=\"2.1\",transport=\"longPolling\"} 0",
            "{client=\"SignalR.Client.NET45/2.4.2.0\",protocol=\"2.1\",transport=\"serverSentEvents\"} 1",
            "{client=\"browser\",protocol=\"1.5\",transport=\"longPolling\"} 0",
        ] {
            let line = format!("{name}{line}");
            assert!(rendered.contains(&line), "{line} is missing in\n{rendered}");
        }
    }

    #[test]
    fn a_kind_is_gone_when_none_came_for_a_minute() {
        let meters = LegacyMeters::default();
        let is_noted = || {
            meters
                .0
                .lock()
                .values()
                .all(|m| m.is_noted.load(Ordering::Relaxed))
        };
        drop(meters.connected(None, "2.1", "webSockets"));
        meters.look(5);
        meters.look(64);
        let back = meters.connected(None, "2.1", "webSockets");
        meters.look(65);
        drop(back);
        meters.look(66);
        meters.look(125);
        assert!(is_noted());
        meters.look(126);
        assert!(!is_noted());
    }

    #[test]
    fn clients_cannot_make_up_kinds_without_bound() {
        let meters = LegacyMeters::default();
        for number in 0..500 {
            let agent = format!("SignalR.Made.Up/{number}");
            drop(meters.connected(Some(&agent), "2.1", "webSockets"));
        }
        assert!(meters.0.lock().len() <= MAX_KINDS + 1);
        assert_eq!(
            client_of(Some(&format!("SignalR{}", "x".repeat(100)))),
            "SignalR"
        );
        assert_eq!(
            client_of(Some("SignalR (lang=Java; version=2.0)")),
            "SignalR (lang=Java; version=2.0)"
        );
    }
}
