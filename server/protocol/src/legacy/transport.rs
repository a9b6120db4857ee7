//! The transports by name (1.3).

/// How what a server says gets to its client (section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LegacyTransport {
    /// One WebSocket, for both directions.
    WebSockets,
    /// An event stream.
    ServerSentEvents,
    /// An HTML page that never ends, for browsers without event streams.
    ForeverFrame,
    /// Requests that wait.
    LongPolling,
}

impl LegacyTransport {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::WebSockets,
        Self::ServerSentEvents,
        Self::ForeverFrame,
        Self::LongPolling,
    ];

    /// Finds a transport by its name, in any case.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|transport| transport.name().eq_ignore_ascii_case(name))
    }

    /// The name as clients write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WebSockets => "webSockets",
            Self::ServerSentEvents => "serverSentEvents",
            Self::ForeverFrame => "foreverFrame",
            Self::LongPolling => "longPolling",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transports_are_found_in_any_case() {
        for transport in LegacyTransport::ALL {
            let shouted = transport.name().to_uppercase();
            assert_eq!(LegacyTransport::parse(&shouted), Some(transport));
        }
        assert_eq!(LegacyTransport::parse("webSocket"), None);
        assert_eq!(LegacyTransport::parse(""), None);
    }
}
