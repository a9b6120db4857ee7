//! The side channel inside pings (section 3.5).

use crate::wire::{Writer, varint};

/// Which end of a server connection sent a ping; some keys mean different things either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sender {
    /// The SDK in the app server.
    AppServer,
    /// The service.
    Service,
}

/// The one purpose of a ping: a flat list `key, value, key, value, …` after the type.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ping<'a> {
    /// Nothing but a sign of life.
    KeepAlive,
    /// From the app server: `#clientInHub`, `#client`. A sign of life with counts.
    ClientCounts {
        /// Clients of the hub in that process.
        in_hub: u64,
        /// Clients on this server connection.
        on_connection: u64,
    },
    /// From the app server: `status` `1`. Wants [`Status`](Self::Status).
    StatusRequest,
    /// From the service: `status` and the numbers that weigh the endpoint.
    Status {
        /// Whether the hub has clients.
        active: bool,
        /// `clientcount`.
        client_count: Option<u64>,
        /// `servercount`.
        server_count: Option<u64>,
        /// `capacity`, never 0.
        capacity: Option<u64>,
    },
    /// From the app server: `servers` with an empty value. Wants [`Servers`](Self::Servers).
    ServersRequest,
    /// From the service: `servers` `{stamp}:{name;name;…}`.
    Servers {
        /// Must grow from answer to answer.
        stamp: i64,
        /// The server ids of the hub, sorted the same everywhere.
        names: Vec<&'a str>,
    },
    /// From the app server: `shutdown` `fin:n`. This connection leaves; wants
    /// [`FinAck`](Self::FinAck) at once.
    Shutdown(Fin),
    /// From the service: `shutdown` `finack`.
    FinAck,
    /// From the service: `offline` and a service instance that has died.
    Offline(&'a str),
    /// From the service: `target` and a service instance that wants one more connection.
    Target(&'a str),
    /// From the service: `echo`, all values to be sent back unchanged.
    Echo(Vec<&'a str>),
    /// From the service: `d-m`, switches message logging.
    MessageLogging(bool),
    /// None of these. Nothing is expected.
    Other(Vec<&'a str>),
}

/// How a leaving app server ends its clients (section 5.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fin {
    /// `fin:0`: not at all.
    Off,
    /// `fin:1`: they are to be migrated to another server.
    Migrate,
    /// `fin:2`: the server waits for them to close.
    Wait,
}

impl<'a> Ping<'a> {
    /// Finds the purpose of a ping. Of several, the one that the SDK would act on first counts.
    #[must_use]
    pub fn parse(values: &[&'a str], sender: Sender) -> Self {
        if values.is_empty() {
            return Self::KeepAlive;
        }
        if value(values, "echo").is_some() {
            return Self::Echo(values.to_vec());
        }
        let purpose = match sender {
            Sender::AppServer => Self::from_app_server(values),
            Sender::Service => Self::from_service(values),
        };
        purpose.unwrap_or_else(|| Self::Other(values.to_vec()))
    }

    fn from_app_server(values: &[&'a str]) -> Option<Self> {
        if let Some(fin) = value(values, "shutdown").and_then(Fin::parse) {
            return Some(Self::Shutdown(fin));
        }
        if value(values, "status").is_some() {
            return Some(Self::StatusRequest);
        }
        if value(values, "servers").is_some() {
            return Some(Self::ServersRequest);
        }
        let in_hub = value(values, "#clientInHub")?.parse().ok()?;
        let on_connection = value(values, "#client")?.parse().ok()?;
        Some(Self::ClientCounts {
            in_hub,
            on_connection,
        })
    }

    fn from_service(values: &[&'a str]) -> Option<Self> {
        if let Some(instance) = value(values, "offline") {
            return Some(Self::Offline(instance));
        }
        if value(values, "shutdown") == Some("finack") {
            return Some(Self::FinAck);
        }
        if let Some(status) = value(values, "status") {
            let count = |key| value(values, key)?.parse().ok();
            return Some(Self::Status {
                active: status == "1",
                client_count: count("clientcount"),
                server_count: count("servercount"),
                capacity: count("capacity"),
            });
        }
        if let Some((stamp, names)) = value(values, "servers").and_then(|v| v.split_once(':')) {
            let names = names.split(';').filter(|name| !name.is_empty()).collect();
            return Some(Self::Servers {
                stamp: stamp.parse().ok()?,
                names,
            });
        }
        if let Some(switch) = value(values, "d-m") {
            return Some(Self::MessageLogging(switch == "1"));
        }
        value(values, "target").map(Self::Target)
    }

    /// Appends the ping with its length prefix.
    pub fn encode(&self, out: &mut Vec<u8>) {
        varint::write_framed(out, |out| self.body(&mut Writer::new(out)));
    }

    fn body(&self, w: &mut Writer<'_>) {
        match self {
            Self::KeepAlive => write(w, &[]),
            Self::ClientCounts {
                in_hub,
                on_connection,
            } => write(
                w,
                &[
                    "#clientInHub",
                    &in_hub.to_string(),
                    "#client",
                    &on_connection.to_string(),
                ],
            ),
            Self::StatusRequest => write(w, &["status", "1"]),
            Self::Status {
                active,
                client_count,
                server_count,
                capacity,
            } => {
                let numbers = [
                    ("clientcount", client_count),
                    ("servercount", server_count),
                    ("capacity", capacity),
                ];
                let numbers: Vec<(&str, String)> = numbers
                    .into_iter()
                    .filter_map(|(key, number)| Some((key, number.as_ref()?.to_string())))
                    .collect();
                let mut values = vec!["status", if *active { "1" } else { "0" }];
                values.extend(
                    numbers
                        .iter()
                        .flat_map(|(key, number)| [*key, number.as_str()]),
                );
                write(w, &values);
            }
            Self::ServersRequest => write(w, &["servers", ""]),
            Self::Servers { stamp, names } => {
                write(w, &["servers", &format!("{stamp}:{}", names.join(";"))]);
            }
            Self::Shutdown(fin) => write(w, &["shutdown", fin.as_str()]),
            Self::FinAck => write(w, &["shutdown", "finack"]),
            Self::Offline(instance) => write(w, &["offline", instance]),
            Self::Target(instance) => write(w, &["target", instance]),
            Self::MessageLogging(on) => write(w, &["d-m", if *on { "1" } else { "0" }]),
            Self::Echo(values) | Self::Other(values) => write(w, values),
        }
    }
}

impl Fin {
    fn parse(value: &str) -> Option<Self> {
        Some(match value.strip_prefix("fin:")? {
            "1" => Self::Migrate,
            "2" => Self::Wait,
            // A mode that is new to us still leaves, and waits for its answer.
            _ => Self::Off,
        })
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "fin:0",
            Self::Migrate => "fin:1",
            Self::Wait => "fin:2",
        }
    }
}

/// The value behind a key, which stands at an even position.
fn value<'a>(values: &[&'a str], key: &str) -> Option<&'a str> {
    values.chunks_exact(2).find_map(|pair| match pair {
        [found, value] if *found == key => Some(*value),
        _ => None,
    })
}

fn write(w: &mut Writer<'_>, values: &[&str]) {
    w.array_len(1 + values.len());
    w.u64(3);
    for value in values {
        w.str(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(list: &str) -> Vec<&str> {
        list.split(' ').collect()
    }

    #[test]
    fn app_server_leaving_is_seen_before_anything_else_it_says() {
        let parse = |list| Ping::parse(&values(list), Sender::AppServer);
        assert_eq!(parse("status 1 shutdown fin:2"), Ping::Shutdown(Fin::Wait));
        assert_eq!(parse("shutdown fin:9"), Ping::Shutdown(Fin::Off));
        assert_eq!(parse("status 1"), Ping::StatusRequest);
        assert_eq!(parse("servers "), Ping::ServersRequest);
        assert_eq!(
            parse("#clientInHub 12 #client 3"),
            Ping::ClientCounts {
                in_hub: 12,
                on_connection: 3
            }
        );
        assert_eq!(parse("x status"), Ping::Other(vec!["x", "status"]));
        assert_eq!(
            Ping::parse(&["status"], Sender::AppServer),
            Ping::Other(vec!["status"])
        );
    }

    #[test]
    fn of_several_purposes_of_the_service_the_sdks_first_counts() {
        let parse = |list| Ping::parse(&values(list), Sender::Service);
        assert_eq!(
            parse("offline a echo b"),
            Ping::Echo(values("offline a echo b"))
        );
        assert_eq!(parse("shutdown finack offline a"), Ping::Offline("a"));
        assert_eq!(parse("status 0 shutdown finack"), Ping::FinAck);
        assert_eq!(parse("target a d-m 1"), Ping::MessageLogging(true));
        assert_eq!(parse("target a"), Ping::Target("a"));
        assert_eq!(
            parse("servers nocolon"),
            Ping::Other(values("servers nocolon"))
        );
        assert_eq!(
            parse("servers 17:a;b"),
            Ping::Servers {
                stamp: 17,
                names: vec!["a", "b"]
            }
        );
    }

    #[test]
    fn status_carries_only_the_numbers_that_are_known() {
        let status = Ping::Status {
            active: true,
            client_count: Some(3),
            server_count: None,
            capacity: Some(1000),
        };
        let mut out = Vec::new();
        status.encode(&mut out);
        let expected = b"\x97\x03\xa6status\xa11\xabclientcount\xa13\xa8capacity\xa41000";
        assert_eq!(&out[1..], expected);
    }
}
