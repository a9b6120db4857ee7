//! Where the service is (service protocol, 1.1).

use std::time::{Duration, SystemTime};

use heliograph::auth::{AccessKey, Mint, MintError};

/// How long the token of a connection is good.
const TOKEN_LIFE: Duration = Duration::from_secs(3600);

/// A service and the key to it.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    url: String,
    /// Without the port, as audiences have it.
    base: String,
    key: AccessKey,
}

impl Endpoint {
    /// Reads a connection string.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let value = |name: &str| {
            let mut pairs = text.split(';').filter_map(|pair| pair.split_once('='));
            pairs
                .find(|(key, _)| key.trim().eq_ignore_ascii_case(name))
                .map(|(_, value)| value.trim())
        };
        let endpoint = value("Endpoint").ok_or("there is no Endpoint")?;
        let key = value("AccessKey").ok_or("there is no AccessKey")?;
        let uri: http::Uri = endpoint.parse().map_err(|_| "the Endpoint is no URL")?;
        let (Some("http"), Some(host)) = (uri.scheme_str(), uri.host()) else {
            return Err("the Endpoint must begin with http://".to_owned());
        };
        let base = format!("http://{host}");
        let port = value("Port").map(str::to_owned);
        let port = port.or_else(|| uri.port_u16().map(|port| port.to_string()));
        let url = match port {
            Some(port) => format!("{base}:{port}"),
            None => base.clone(),
        };
        let key = AccessKey::new(key);
        Ok(Self { url, base, key })
    }

    /// The URL of the service, without a slash at its end.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The key.
    pub(crate) fn key(&self) -> &AccessKey {
        &self.key
    }

    /// Where a connection of a hub goes.
    pub(crate) fn link_url(&self, hub: &str, id: &str) -> String {
        let address = self.url.trim_start_matches("http");
        format!("ws{address}/aspnetserver/?hub={hub}&cid={id}")
    }

    /// The token for it.
    pub(crate) fn link_token(&self, hub: &str, server: &str) -> Result<String, MintError> {
        let audience = format!("{}/aspnetserver/?hub={hub}", self.base);
        let mint = Mint::new(self.key.clone(), &self.base, SystemTime::now(), TOKEN_LIFE)?;
        mint.with_audience(Some(audience)).server(hub, server)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_go_where_the_string_says() {
        for text in [
            "Endpoint=http://h:81;AccessKey=a=b=;Version=1.0;",
            "accesskey= a=b= ;endpoint=http://h:80;PORT=81",
        ] {
            let endpoint = Endpoint::parse(text).unwrap();
            assert_eq!(endpoint.url(), "http://h:81");
            let url = endpoint.link_url("a_b", "1");
            assert_eq!(url, "ws://h:81/aspnetserver/?hub=a_b&cid=1");
        }
        for text in [
            "",
            "Endpoint=http://h",
            "AccessKey=k",
            "Endpoint=x;AccessKey=k",
        ] {
            assert!(Endpoint::parse(text).is_err(), "{text}");
        }
    }
}
