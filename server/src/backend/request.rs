//! What a client's transport request said.

use std::net::IpAddr;

use heliograph_protocol::hub::negotiate::Transport;
use http::HeaderMap;

use crate::auth::Identity;

/// What a client's transport request (or first poll) said. Kept for the connection's life, so it
/// is compact.
#[derive(Clone, Debug)]
pub struct ClientRequest {
    /// Path of the hub as its app serves it: `asrs.op` at the service, the hub's own path else.
    pub path: Box<str>,
    /// The query without `?`, `access_token` and `id` taken out; other parameters as they came.
    pub query: Box<str>,
    /// Headers without hop-by-hop ones and without any that only we may set (`Asrs-*`,
    /// `X-ASRS-*`); forwarding headers as the proxy rules left them.
    pub headers: Headers,
    /// The bearer token that the client sent, for a backend that passes it on. Never logged.
    pub bearer: Option<Bearer>,
    /// Address of the client, a trusted proxy's word taken into account.
    pub remote: Option<IpAddr>,
    /// The transport; at negotiate it is not known.
    pub transport: Option<Transport>,
    /// Who the client is.
    pub identity: Identity,
}

impl ClientRequest {
    /// The first value of a query parameter, percent-decoded; the name's case does not matter.
    #[must_use]
    pub fn query_value(&self, name: &str) -> Option<String> {
        form_pairs(&self.query)
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, v)| v)
    }

    /// All values of a query parameter, percent-decoded.
    #[must_use]
    pub fn query_values(&self, name: &str) -> Vec<String> {
        form_pairs(&self.query)
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .collect()
    }
}

/// A bearer token: printed as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Bearer(pub Box<str>);

impl std::fmt::Debug for Bearer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// Header lines in one block: names in lower case, values as text, in order, names may repeat.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Box<str>);

impl Headers {
    /// Takes the headers that `keep` wants; values that are not text are left out.
    pub fn collect(headers: &HeaderMap, keep: impl Fn(&str) -> bool) -> Self {
        let mut block = String::new();
        for (name, value) in headers {
            if let (true, Ok(value)) = (keep(name.as_str()), value.to_str()) {
                block.push_str(name.as_str());
                block.push(':');
                block.push_str(value);
                block.push('\n');
            }
        }
        Self(block.into())
    }

    /// All lines as name and value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.lines().filter_map(|line| line.split_once(':'))
    }

    /// The first value of a header; the name's case does not matter.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

impl std::fmt::Debug for Headers {
    /// Names only: values may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.iter().map(|(name, _)| name))
            .finish()
    }
}

/// Pairs of a form-encoded query, percent-decoded.
pub fn form_pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    form_urlencoded::parse(query.as_bytes()).map(|(k, v)| (k.into_owned(), v.into_owned()))
}
