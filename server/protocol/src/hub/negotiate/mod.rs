//! The request that comes before a connection, and its answers (section 1).

mod answer;

use std::fmt;

use thiserror::Error;

use super::TransferFormat;
use super::json_text::{write_number, write_string};

pub use answer::{AnswerError, NegotiateAnswer, Offer, OfferedTransport, Redirect, parse_answer};

/// The newest version of the negotiation.
pub const NEWEST_VERSION: i32 = 1;

/// How the bytes of a connection are moved (section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// One WebSocket.
    WebSockets,
    /// An event stream down, POST requests up.
    ServerSentEvents,
    /// GET requests that wait down, POST requests up.
    LongPolling,
}

impl Transport {
    /// All of them, in the order in which servers offer them.
    pub const ALL: [Self; 3] = [Self::WebSockets, Self::ServerSentEvents, Self::LongPolling];

    /// The name in a negotiate response.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WebSockets => "WebSockets",
            Self::ServerSentEvents => "ServerSentEvents",
            Self::LongPolling => "LongPolling",
        }
    }

    /// What it can move.
    #[must_use]
    pub const fn formats(self) -> &'static [TransferFormat] {
        match self {
            Self::WebSockets | Self::LongPolling => &[TransferFormat::Text, TransferFormat::Binary],
            Self::ServerSentEvents => &[TransferFormat::Text],
        }
    }
}

/// What a client asks for, in the query of `POST {hub}/negotiate` (1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NegotiateRequest {
    /// The version of the negotiation that both sides know: 0 or 1.
    pub version: i32,
    /// Whether the client wants stateful reconnect; granting it is the endpoint's choice.
    pub use_stateful_reconnect: bool,
}

impl NegotiateRequest {
    /// Reads the values of the query keys `negotiateVersion` and `useStatefulReconnect`, decoded
    /// (the keys are case-insensitive), at an endpoint that takes clients from `minimum_version` on.
    ///
    /// # Errors
    ///
    /// [`NegotiateError`], which is answered with status 200 and [`write_error`].
    pub fn from_query(
        negotiate_version: Option<&str>,
        use_stateful_reconnect: Option<&str>,
        minimum_version: i32,
    ) -> Result<Self, NegotiateError> {
        let version = match negotiate_version {
            None => 0,
            Some(text) => text
                .trim_ascii()
                .parse()
                .map_err(|_| NegotiateError::NotAnInteger)?,
        };
        if version < minimum_version {
            return Err(NegotiateError::VersionTooLow(version));
        }
        Ok(Self {
            version: version.min(NEWEST_VERSION),
            use_stateful_reconnect: use_stateful_reconnect
                .is_some_and(|text| text.trim_ascii().eq_ignore_ascii_case("true")),
        })
    }

    /// The address to send the request to, for a hub at `hub_url`. Its query is kept, and so are
    /// the values it already gives to our keys.
    #[must_use]
    pub fn url(self, hub_url: &str) -> String {
        let hub_url = hub_url.split_once('#').map_or(hub_url, |(url, _)| url);
        let (path, query) = hub_url.split_once('?').unwrap_or((hub_url, ""));
        let slash = if path.ends_with('/') { "" } else { "/" };
        let mut url = format!("{path}{slash}negotiate?{query}");
        let mut add = |key: &str, value: &str| {
            let given = query
                .split('&')
                .any(|pair| pair.split('=').next() == Some(key));
            if !given {
                let separator = if url.ends_with(['?', '&']) { "" } else { "&" };
                url.push_str(&format!("{separator}{key}={value}"));
            }
        };
        add("negotiateVersion", &self.version.to_string());
        if self.use_stateful_reconnect {
            add("useStatefulReconnect", "true");
        }
        url
    }
}

/// A version that the endpoint does not take (1.3). `Display` is the text of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NegotiateError {
    /// The version is not a 32-bit integer.
    #[error("The client requested a non-integer protocol version.")]
    NotAnInteger,
    /// The version is below the endpoint's minimum; an absent one counts as 0.
    #[error("The client requested version '{0}', but the server does not support this version.")]
    VersionTooLow(i32),
}

/// The answer that lets a client connect here (1.2).
///
/// `useStatefulReconnect` (only if granted), `negotiateVersion`, `connectionId`, `connectionToken`
/// (only in version 1), `availableTransports`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct NegotiateResponse<'a> {
    /// Whether stateful reconnect is granted.
    pub use_stateful_reconnect: bool,
    /// The public id, which hubs and peers see. In version 0 it is the token too.
    pub connection_id: &'a str,
    /// The secret id, the only one accepted in `?id=`; its presence makes this version 1.
    pub connection_token: Option<&'a str>,
    /// The transports to try, in order.
    pub transports: &'a [Transport],
}

impl NegotiateResponse<'_> {
    /// Appends the body, as the .NET server writes it.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        if self.use_stateful_reconnect {
            out.extend_from_slice(b"\"useStatefulReconnect\":true,");
        }
        out.extend_from_slice(b"\"negotiateVersion\":");
        write_number(out, i64::from(self.connection_token.is_some()));
        out.extend_from_slice(b",\"connectionId\":");
        write_string(out, self.connection_id);
        if let Some(token) = self.connection_token {
            out.extend_from_slice(b",\"connectionToken\":");
            write_string(out, token);
        }
        out.extend_from_slice(b",\"availableTransports\":[");
        for (index, transport) in self.transports.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(b"{\"transport\":");
            write_string(out, transport.name());
            out.extend_from_slice(b",\"transferFormats\":[");
            for (index, format) in transport.formats().iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_string(out, format.name());
            }
            out.extend_from_slice(b"]}");
        }
        out.extend_from_slice(b"]}");
    }
}

impl fmt::Debug for NegotiateResponse<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NegotiateResponse")
            .field("use_stateful_reconnect", &self.use_stateful_reconnect)
            .field("connection_id", &self.connection_id)
            .field("connection_token", &self.connection_token.map(|_| "***"))
            .field("transports", &self.transports)
            .finish()
    }
}

/// Appends the answer that sends a client to another hub (1.3), as the .NET server writes it. The
/// client negotiates there, with the token as its bearer.
pub fn write_redirect(out: &mut Vec<u8>, url: &str, access_token: Option<&str>) {
    out.extend_from_slice(b"{\"negotiateVersion\":0,\"url\":");
    write_string(out, url);
    if let Some(token) = access_token {
        out.extend_from_slice(b",\"accessToken\":");
        write_string(out, token);
    }
    out.extend_from_slice(b",\"availableTransports\":[]}");
}

/// Appends the answer to a request that is refused (1.3); its status is 200 all the same.
pub fn write_error(out: &mut Vec<u8>, error: &str) {
    out.extend_from_slice(b"{\"error\":");
    write_string(out, error);
    out.push(b'}');
}
