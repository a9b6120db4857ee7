//! What an app tells the service through a client's token (section 2.5).

use std::time::Duration;

use super::TokenClaims;

/// The reserved claims of a client token that the service acts on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceClaims {
    /// The user: `asrs.s.uid`, else `nameid`, else `sub`.
    pub user_id: Option<String>,
    /// `asrs.s.sn`: the server that negotiated, for sticky routing.
    pub server_name: Option<String>,
    /// `asrs.s.ssticky`.
    pub sticky: Sticky,
    /// `asrs.s.dc`: a diagnostic client.
    pub diagnostic: bool,
    /// `asrs.s.cht`: timeout of the client's hub handshake, 1 to 30 s.
    pub handshake_timeout: Option<Duration>,
    /// `asrs.s.aut`: authentication type of the user, if it is not `Bearer`.
    pub authentication_type: Option<String>,
    /// `asrs.s.nt`: claim type of the user's name.
    pub name_claim_type: Option<String>,
    /// `asrs.s.rt`: claim type of the user's roles.
    pub role_claim_type: Option<String>,
    /// `asrs.s.derror`: errors told to the client may have details.
    pub detailed_errors: bool,
    /// `asrs.s.ttl`: longest time between two polls, 1 to 300 s.
    pub max_poll_interval: Option<Duration>,
    /// `asrs.s.htt`: the transports the client may use; all without the claim.
    pub transports: Option<Transports>,
    /// `asrs.s.coae` with `asrs.s.aeo`: when to close the client, in seconds since 1970.
    pub close_on_expiry_at: Option<u64>,
    /// `asrs.s.apn`: application name as written, from classic apps only.
    pub application_name: Option<String>,
}

/// How strictly a client belongs to the server that negotiated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Sticky {
    /// Any server will do.
    #[default]
    Disabled,
    /// That server if it is connected, else any.
    Preferred,
    /// That server or none.
    Required,
}

/// A set of transports, as the bits of .NET's `HttpTransportType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Transports(u8);

impl Transports {
    /// The transports whose bits are set: 1 WebSockets, 2 server-sent events, 4 long polling.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & 7)
    }

    /// Whether WebSockets may be used.
    #[must_use]
    pub const fn web_sockets(self) -> bool {
        self.0 & 1 != 0
    }

    /// Whether server-sent events may be used.
    #[must_use]
    pub const fn server_sent_events(self) -> bool {
        self.0 & 2 != 0
    }

    /// Whether long polling may be used.
    #[must_use]
    pub const fn long_polling(self) -> bool {
        self.0 & 4 != 0
    }
}

impl From<&TokenClaims> for ServiceClaims {
    /// Values that make no sense count as absent.
    fn from(claims: &TokenClaims) -> Self {
        let text = |name: &str| claims.first(name);
        let number = |name: &str| text(name)?.trim().parse::<u64>().ok();
        let is_true = |name: &str| text(name).is_some_and(|text| text.eq_ignore_ascii_case("true"));
        let seconds = |name: &str, max: u64| {
            number(name)
                .filter(|value| (1..=max).contains(value))
                .map(Duration::from_secs)
        };
        Self {
            user_id: text("asrs.s.uid")
                .or_else(|| text("nameid"))
                .or_else(|| text("sub")),
            server_name: text("asrs.s.sn"),
            sticky: match text("asrs.s.ssticky") {
                Some(mode) if mode.eq_ignore_ascii_case("Preferred") => Sticky::Preferred,
                Some(mode) if mode.eq_ignore_ascii_case("Required") => Sticky::Required,
                _ => Sticky::Disabled,
            },
            diagnostic: is_true("asrs.s.dc"),
            handshake_timeout: seconds("asrs.s.cht", 30),
            authentication_type: text("asrs.s.aut"),
            name_claim_type: text("asrs.s.nt"),
            role_claim_type: text("asrs.s.rt"),
            detailed_errors: is_true("asrs.s.derror"),
            max_poll_interval: seconds("asrs.s.ttl", 300),
            transports: number("asrs.s.htt")
                .and_then(|bits| u8::try_from(bits).ok())
                .map(Transports::from_bits),
            close_on_expiry_at: number("asrs.s.aeo").filter(|_| is_true("asrs.s.coae")),
            application_name: text("asrs.s.apn"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(json: &str) -> ServiceClaims {
        ServiceClaims::from(&serde_json::from_str::<TokenClaims>(json).unwrap())
    }

    #[test]
    fn user_is_the_first_of_uid_nameid_and_sub() {
        assert_eq!(claims(r#"{"sub":"s"}"#).user_id.as_deref(), Some("s"));
        assert_eq!(
            claims(r#"{"sub":"s","nameid":"n"}"#).user_id.as_deref(),
            Some("n")
        );
        let all = r#"{"sub":"s","nameid":["n","m"],"asrs.s.uid":"u"}"#;
        assert_eq!(claims(all).user_id.as_deref(), Some("u"));
        assert_eq!(claims("{}"), ServiceClaims::default());
    }

    #[test]
    fn values_that_make_no_sense_count_as_absent() {
        let json = r#"{"asrs.s.cht":"31","asrs.s.ttl":"0","asrs.s.htt":"all","asrs.s.ssticky":"x",
            "asrs.s.aeo":"1795249999","asrs.s.coae":"false"}"#;
        assert_eq!(claims(json), ServiceClaims::default());
    }

    #[test]
    fn transports_follow_their_bits() {
        let transports = claims(r#"{"asrs.s.htt":"5"}"#).transports.unwrap();
        assert!(transports.web_sockets());
        assert!(!transports.server_sent_events());
        assert!(transports.long_polling());
    }
}
