//! What trusted proxies say about a request.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, header};

use super::{Peer, Scheme};

/// A range of addresses, as `10.0.0.0/8` or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// Not a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an address such as 10.1.2.3 or a network such as 10.0.0.0/8")]
pub struct NetworkError;

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NetworkError)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits
                .parse()
                .ok()
                .filter(|bits| *bits <= most)
                .ok_or(NetworkError)?,
            None => most,
        };
        Ok(Self { address, bits })
    }
}

impl Network {
    /// Whether the address is in the range. An IPv4 address mapped into IPv6 counts as IPv4.
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= u32::from(self.bits)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= u32::from(self.bits)
            }
            _ => false,
        }
    }
}

/// The proxies whose `X-Forwarded-*` headers are believed.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Vec<Network>);

/// A request as its client made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarded {
    /// The client's address; `None` when the request came through no socket.
    pub client: Option<IpAddr>,
    /// How the client reached the outermost trusted proxy, or us.
    pub scheme: Scheme,
    /// The host (and port) that the client asked for.
    pub host: Option<Box<str>>,
    /// The path that proxies took off, without a slash at its end.
    pub prefix: Option<Box<str>>,
    /// What `X-Forwarded-For` is when the request is passed on: the client, then trusted proxies.
    pub forwarded_for: Option<Box<str>>,
    /// Whether the peer is a trusted proxy.
    pub by_trusted_proxy: bool,
}

impl Proxies {
    /// Believes proxies in these networks.
    #[must_use]
    pub fn new(trusted: Vec<Network>) -> Self {
        Self(trusted)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// Reads the head of a request. Headers from others than trusted proxies are ignored.
    #[must_use]
    pub fn read(&self, parts: &Parts) -> Forwarded {
        let peer: Option<SocketAddr> = parts.extensions.get().map(|Peer(peer)| *peer);
        let peer = peer.map(|peer| peer.ip().to_canonical());
        let mut forwarded = Forwarded {
            client: peer,
            scheme: parts.extensions.get().copied().unwrap_or_default(),
            host: host(parts),
            prefix: None,
            forwarded_for: peer.map(|peer| peer.to_string().into()),
            by_trusted_proxy: peer.is_some_and(|peer| self.trusts(peer)),
        };
        if forwarded.by_trusted_proxy {
            self.believe(&mut forwarded, &parts.headers);
        }
        forwarded
    }

    /// Walks `X-Forwarded-For` from the end, where our own proxy wrote, until the first address
    /// that is no trusted proxy: whatever stands before it was sent by the client.
    fn believe(&self, forwarded: &mut Forwarded, headers: &HeaderMap) {
        let addresses = values(headers, "x-forwarded-for");
        let mut hops = 0;
        let mut chain: Vec<String> = forwarded.client.iter().map(IpAddr::to_string).collect();
        for text in addresses.iter().rev() {
            let Some(address) = address(text) else { break };
            hops += 1;
            forwarded.client = Some(address);
            chain.push(address.to_string());
            if !self.trusts(address) {
                break;
            }
        }
        chain.reverse();
        forwarded.forwarded_for = Some(chain.join(", ").into());

        let said = |name| {
            let values = values(headers, name);
            values
                .get(values.len().saturating_sub(hops.max(1)))
                .copied()
        };
        match said("x-forwarded-proto") {
            Some(scheme) if scheme.eq_ignore_ascii_case("https") => {
                forwarded.scheme = Scheme::Https;
            }
            Some(scheme) if scheme.eq_ignore_ascii_case("http") => forwarded.scheme = Scheme::Http,
            _ => {}
        }
        if let Some(host) = said("x-forwarded-host").filter(|host| is_authority(host)) {
            forwarded.host = Some(host.into());
        }
        let prefix = said("x-forwarded-prefix").filter(|prefix| is_path(prefix));
        let prefix = prefix.map(|prefix| prefix.trim_end_matches('/'));
        forwarded.prefix = prefix.filter(|prefix| !prefix.is_empty()).map(Into::into);
    }
}

impl Forwarded {
    /// Makes headers that are passed on tell the same, and nothing that only a stranger says.
    pub fn write(&self, headers: &mut HeaderMap) {
        if !self.by_trusted_proxy {
            let lies = headers.keys().filter(|name| is_of_proxies(name));
            for name in lies.cloned().collect::<Vec<_>>() {
                headers.remove(name);
            }
        }
        for (name, value) in [
            ("x-forwarded-for", self.forwarded_for.as_deref()),
            ("x-forwarded-proto", Some(self.scheme.as_str())),
            ("x-forwarded-host", self.host.as_deref()),
            ("x-forwarded-prefix", self.prefix.as_deref()),
        ] {
            headers.remove(name);
            if let Some(value) = value.and_then(|value| value.parse().ok()) {
                headers.insert(name, value);
            }
        }
    }
}

/// Whether a header tells of the way of a request through proxies. Hubs take such for the truth.
fn is_of_proxies(name: &HeaderName) -> bool {
    let name = name.as_str();
    matches!(name, "forwarded" | "x-real-ip")
        || name.starts_with("x-forwarded-")
        || name.starts_with("x-original-")
}

/// Comma-separated values over all lines of a header, in order.
fn values<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .filter(|value| !value.is_empty())
        .collect()
}

/// An address, which some proxies write with a port or in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    bare.parse::<IpAddr>()
        .or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()))
        .ok()
        .map(|address| address.to_canonical())
}

fn host(parts: &Parts) -> Option<Box<str>> {
    let from_header = || parts.headers.get(header::HOST)?.to_str().ok();
    let host = parts
        .uri
        .authority()
        .map(Authority::as_str)
        .or_else(from_header)?;
    is_authority(host).then(|| host.into())
}

fn is_authority(text: &str) -> bool {
    text.parse::<Authority>()
        .is_ok_and(|host| !host.as_str().contains('@'))
}

/// A plain absolute path. Two slashes at its start would make it a host in a URL.
fn is_path(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-._~%".contains(&b);
    text.starts_with('/') && !text.starts_with("//") && text.bytes().all(plain)
}

#[cfg(test)]
#[path = "forwarded_tests.rs"]
mod tests;
