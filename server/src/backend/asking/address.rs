//! The URL of a hub or an app, and the URLs of requests there.

use std::fmt;

use http::Uri;

use crate::backend::form_pairs;

/// Names of query parameters that are ours to say, not the client's: of Core hubs, and of classic
/// apps.
const OF_CORE: [&str; 4] = [
    "negotiateversion",
    "usestatefulreconnect",
    "id",
    "access_token",
];
const OF_CLASSIC: [&str; 3] = ["clientprotocol", "connectiondata", "access_token"];
/// What a URL may end with that people copied from a request.
const NEGOTIATE: &str = "/negotiate";

/// Where a hub or an app is: an absolute `http` or `https` URL. Its query may hold secrets and is
/// not shown.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::backend) struct Address {
    tls: bool,
    authority: Box<str>,
    path: Box<str>,
    query: Box<str>,
}

/// Not the URL of a hub or an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::backend) enum AddressError {
    /// None at all, or none of ours.
    #[error("expected an absolute http or https URL such as http://127.0.0.1:5000/chat")]
    NoUrl,
    /// Clients bring the credentials that an app gets to see.
    #[error("expected a URL without a user name, such as http://127.0.0.1:5000/chat")]
    UserName,
}

/// What a URL says besides the hub's own query.
#[derive(Clone, Copy, Default)]
pub(in crate::backend) struct Query<'a> {
    /// The client's query.
    pub(in crate::backend) client: &'a str,
    /// The token that the client sent in the query.
    pub(in crate::backend) access_token: Option<&'a str>,
}

impl Address {
    /// Reads a URL; `ws` and `wss` are taken for `http` and `https`.
    pub(in crate::backend) fn parse(url: &str) -> Result<Self, AddressError> {
        let url = url.split_once('#').map_or(url, |(url, _)| url);
        let uri: Uri = url.parse().map_err(|_| AddressError::NoUrl)?;
        let tls = match uri.scheme_str() {
            Some("http" | "ws") => false,
            Some("https" | "wss") => true,
            _ => return Err(AddressError::NoUrl),
        };
        let authority = uri.authority().ok_or(AddressError::NoUrl)?;
        if authority.as_str().contains('@') {
            return Err(AddressError::UserName);
        }
        if authority.host().is_empty() {
            return Err(AddressError::NoUrl);
        }
        Ok(Self {
            tls,
            authority: authority.as_str().to_ascii_lowercase().into(),
            path: uri.path().trim_end_matches('/').into(),
            query: uri.query().unwrap_or_default().into(),
        })
    }

    /// Whether both are at the same host and port, by the same scheme.
    pub(in crate::backend) fn is_same_origin(&self, other: &Self) -> bool {
        self.tls == other.tls && self.host() == other.host() && self.port() == other.port()
    }

    /// The host, an IPv6 address without its brackets.
    pub(in crate::backend) fn host(&self) -> &str {
        let host = self.split_port().0;
        host.strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host)
    }

    pub(in crate::backend) fn port(&self) -> u16 {
        let default = if self.tls { 443 } else { 80 };
        self.split_port().1.unwrap_or(default)
    }

    /// The same, where a URL that ends with the path of a negotiation means what lies before it.
    pub(in crate::backend) fn before_negotiate(mut self) -> Self {
        if let Some(path) = self.path.strip_suffix(NEGOTIATE) {
            self.path = path.into();
        }
        self
    }

    /// Where to negotiate.
    pub(in crate::backend) fn negotiate_url(&self, query: Query<'_>) -> String {
        let mut url = self.http_url(NEGOTIATE);
        self.push_query(&mut url, &[("negotiateVersion", "1")], &OF_CORE, query);
        url
    }

    /// Where to negotiate with a classic app (legacy protocol, 7.1).
    pub(in crate::backend) fn classic_negotiate_url(
        &self,
        connection_data: &str,
        query: Query<'_>,
    ) -> String {
        let mut url = self.http_url(NEGOTIATE);
        let own = [
            ("clientProtocol", "2.1"),
            ("connectionData", connection_data),
        ];
        self.push_query(&mut url, &own, &OF_CLASSIC, query);
        url
    }

    /// Where a classic app has its proxy script.
    pub(in crate::backend) fn script_url(&self) -> String {
        let mut url = self.http_url("/hubs");
        self.push_query(&mut url, &[], &[], Query::default());
        url
    }

    /// Where to open the WebSocket of a connection.
    pub(in crate::backend) fn socket_url(&self, query: Query<'_>, id: Option<&str>) -> String {
        let scheme = if self.tls { "wss" } else { "ws" };
        let path = if self.path.is_empty() {
            "/"
        } else {
            &self.path
        };
        let mut url = format!("{scheme}://{}{path}", self.authority);
        let id = id.map(|id| ("id", id));
        self.push_query(&mut url, id.as_slice(), &OF_CORE, query);
        url
    }

    fn http_url(&self, end: &str) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}{}{end}", self.authority, self.path)
    }

    /// Our own parameters, the hub's query, the client's without what is ours to say.
    fn push_query(&self, url: &mut String, own: &[(&str, &str)], ours: &[&str], query: Query<'_>) {
        let mut separator = '?';
        let mut push = |part: &str| {
            if !part.is_empty() {
                url.push(separator);
                url.push_str(part);
                separator = '&';
            }
        };
        for (name, value) in own {
            push(&pair(name, value));
        }
        push(&self.query);
        query
            .client
            .split('&')
            .filter(|pair| !is_one_of(pair, ours))
            .for_each(&mut push);
        if let Some(token) = query.access_token {
            push(&pair("access_token", token));
        }
    }

    fn split_port(&self) -> (&str, Option<u16>) {
        match self.authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port.parse().ok()),
            _ => (&self.authority, None),
        }
    }
}

fn pair(name: &str, value: &str) -> String {
    form_urlencoded::Serializer::new(String::new())
        .append_pair(name, value)
        .finish()
}

/// Whether a pair of a query has one of these names.
pub(super) fn is_one_of(pair: &str, names: &[&str]) -> bool {
    form_pairs(pair).any(|(name, _)| names.iter().any(|known| name.eq_ignore_ascii_case(known)))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority, self.path)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Address {
        Address::parse(url).unwrap()
    }

    #[test]
    fn urls_carry_the_hubs_query_and_the_clients_without_what_is_ours_to_say() {
        let hub = address("http://app.test:5000/chat/?tenant=7");
        let query = Query {
            client: "a=1%20b&negotiateVersion=0&%69d=stolen&useStatefulReconnect=true&A=2",
            access_token: Some("x y&z"),
        };
        assert_eq!(
            hub.negotiate_url(query),
            "http://app.test:5000/chat/negotiate?negotiateVersion=1&tenant=7&a=1%20b&A=2\
             &access_token=x+y%26z"
        );
        assert_eq!(
            hub.socket_url(query, Some("s+/=")),
            "ws://app.test:5000/chat?id=s%2B%2F%3D&tenant=7&a=1%20b&A=2&access_token=x+y%26z"
        );
        let plain = address("https://app.test").socket_url(Query::default(), None);
        assert_eq!(plain, "wss://app.test/");
    }

    #[test]
    fn classic_apps_are_asked_at_the_path_of_their_clients() {
        let app = address("http://app.test/x/signalr/?tenant=7");
        let query = Query {
            client: "id=1&ClientProtocol=1.5&connectionData=%5B%5D",
            access_token: Some("t"),
        };
        assert_eq!(
            app.classic_negotiate_url(r#"[{"name":"ch&t"}]"#, query),
            "http://app.test/x/signalr/negotiate?clientProtocol=2.1\
             &connectionData=%5B%7B%22name%22%3A%22ch%26t%22%7D%5D&tenant=7&id=1&access_token=t"
        );
        assert_eq!(app.script_url(), "http://app.test/x/signalr/hubs?tenant=7");
    }

    #[test]
    fn the_url_of_a_negotiation_will_do() {
        for (url, expected) in [
            ("http://app.test/chat/negotiate/", "http://app.test/chat"),
            ("http://app.test/negotiate", "http://app.test"),
            ("http://app.test/renegotiate", "http://app.test/renegotiate"),
        ] {
            assert_eq!(address(url).before_negotiate().to_string(), expected);
        }
    }

    #[test]
    fn a_shown_address_has_no_query() {
        let hub = address("https://app.test/chat?code=secret");
        assert_eq!(
            format!("{hub} {hub:?}"),
            "https://app.test/chat https://app.test/chat"
        );
    }

    #[test]
    fn origins_differ_by_scheme_host_and_port() {
        let hub = address("https://app.test/chat");
        assert!(hub.is_same_origin(&address("wss://APP.test:443/other")));
        assert!(!hub.is_same_origin(&address("http://app.test/chat")));
        assert!(!hub.is_same_origin(&address("https://app.test:444/chat")));
        assert!(!hub.is_same_origin(&address("https://app.test.evil/chat")));
    }

    #[test]
    fn hosts_and_ports_are_read_with_ipv6_addresses_too() {
        for (url, host, port) in [
            ("http://[::1]:5000/x", "::1", 5000),
            ("https://[::1]/x", "::1", 443),
            ("http://app.test/x", "app.test", 80),
        ] {
            assert_eq!((address(url).host(), address(url).port()), (host, port));
        }
    }

    #[test]
    fn other_urls_are_refused() {
        for url in ["", "chat", "/chat", "ftp://app.test/x", "http://:5/"] {
            assert_eq!(Address::parse(url), Err(AddressError::NoUrl), "{url}");
        }
        let named = Address::parse("http://a:b@app.test/");
        assert_eq!(named, Err(AddressError::UserName));
    }
}
