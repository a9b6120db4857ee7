//! What a client's transport request said.

use std::net::IpAddr;

use heliograph_protocol::hub::negotiate::Transport;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;

use crate::auth::{Identity, bearer, without_token};
use crate::edge::forwarded::Forwarded;

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
    /// What a request for the hub at `path` says, of nobody in particular. The parameters in
    /// `ours` mean something to the door alone; `at_service`, at a path of the service's own, the
    /// token is ours too.
    #[must_use]
    pub fn read(
        parts: &Parts,
        seen: &Forwarded,
        path: &str,
        ours: &[&str],
        at_service: bool,
    ) -> Self {
        let mut headers = parts.headers.clone();
        seen.write(&mut headers);
        if at_service {
            headers.remove(AUTHORIZATION);
        }
        let query = without_token(parts.uri.query().unwrap_or_default());
        let bearer = bearer(parts).filter(|_| !at_service);
        Self {
            path: path.into(),
            query: without_parameters(&query, ours).into(),
            headers: Headers::collect(&headers, is_passed_on),
            bearer: bearer.map(|token| Bearer((*token).into())),
            remote: seen.client,
            transport: None,
            identity: Identity::anonymous(),
        }
    }

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

/// A query without the parameters of these names, the others untouched.
fn without_parameters(query: &str, names: &[&str]) -> String {
    let kept = query.split('&').filter(|pair| {
        let key = pair.split_once('=').map_or(*pair, |(key, _)| key);
        !names.iter().any(|name| key.eq_ignore_ascii_case(name))
    });
    kept.collect::<Vec<_>>().join("&")
}

/// Whether a backend may see a client's header: not what belongs to one hop, and nothing that
/// only we may say.
fn is_passed_on(name: &str) -> bool {
    const OF_ONE_HOP: [&str; 12] = [
        "connection",
        "upgrade",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "content-length",
        "sec-websocket-extensions",
        "sec-websocket-key",
    ];
    !OF_ONE_HOP.contains(&name) && !name.starts_with("asrs-") && !name.starts_with("x-asrs-")
}
