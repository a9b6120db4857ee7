//! The answer to `/negotiate` (1.5).

use std::fmt;
use std::time::Duration;

use super::ClientProtocol;
use super::json::{write, write_string};

/// What a client is told before it connects.
#[derive(Clone, Copy)]
pub struct Negotiation<'a> {
    /// The public path of the endpoint, without `/negotiate` and host (rule 18).
    pub url: &'a str,
    /// The secret id.
    pub connection_token: &'a str,
    /// The public id.
    pub connection_id: &'a str,
    /// After how long without a sign of life a client takes its connection for lost; without it
    /// clients do not watch.
    pub keep_alive_timeout: Option<Duration>,
    /// For how long a client tries to reconnect.
    pub disconnect_timeout: Duration,
    /// For how long a poll waits.
    pub connection_timeout: Duration,
    /// Whether the WebSocket is worth a try.
    pub try_web_sockets: bool,
    /// The version that the client asked for.
    pub protocol: ClientProtocol,
    /// For how long a client waits for a transport before it tries the next one.
    pub transport_connect_timeout: Duration,
    /// How long a client waits before the next poll.
    pub long_poll_delay: Duration,
}

impl Negotiation<'_> {
    /// Appends the answer, in the order and with the numbers of the original: seconds as doubles.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"Url\":");
        write_string(out, self.url);
        out.extend_from_slice(b",\"ConnectionToken\":");
        write_string(out, self.connection_token);
        out.extend_from_slice(b",\"ConnectionId\":");
        write_string(out, self.connection_id);
        out.extend_from_slice(b",\"KeepAliveTimeout\":");
        match self.keep_alive_timeout {
            Some(timeout) => write(out, format_args!("{:?}", timeout.as_secs_f64())),
            None => out.extend_from_slice(b"null"),
        }
        write(
            out,
            format_args!(
                ",\"DisconnectTimeout\":{:?},\"ConnectionTimeout\":{:?},\"TryWebSockets\":{},\
                 \"ProtocolVersion\":\"{}\",\"TransportConnectTimeout\":{:?},\
                 \"LongPollDelay\":{:?}}}",
                self.disconnect_timeout.as_secs_f64(),
                self.connection_timeout.as_secs_f64(),
                self.try_web_sockets,
                self.protocol,
                self.transport_connect_timeout.as_secs_f64(),
                self.long_poll_delay.as_secs_f64(),
            ),
        );
    }
}

/// Appends the answer to a client that may not connect, for a reason that it is told. Clients that
/// asked for 2.0 or more know it (7.2).
pub fn write_negotiation_error(out: &mut Vec<u8>, protocol: ClientProtocol, text: &str) {
    write(
        out,
        format_args!("{{\"ProtocolVersion\":\"{protocol}\",\"Error\":"),
    );
    write_string(out, text);
    out.push(b'}');
}

impl fmt::Debug for Negotiation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Negotiation")
            .field("url", &self.url)
            .field("connection_id", &self.connection_id)
            .field("protocol", &self.protocol)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::legacy::AppNegotiation;

    #[test]
    fn an_error_is_read_as_one() {
        let mut out = Vec::new();
        let protocol = ClientProtocol::parse(Some("2.1"));
        write_negotiation_error(&mut out, protocol, "\"no\"");
        let expected = r#"{"ProtocolVersion":"2.0","Error":"\"no\""}"#;
        assert_eq!(str::from_utf8(&out), Ok(expected));
        let read = AppNegotiation::parse(&out);
        assert_eq!(read, Ok(AppNegotiation::Error("\"no\"".into())));
    }
}
