//! How clients get to their hub: through an app's negotiate, or straight.

use anyhow::{Context, Result};

use super::carrier::{Place, Transport};
use super::http::http;
use super::hub::{Hub, Protocol};

impl Hub {
    /// Negotiates with the app at `url` (`http://host/hub?query`), follows its redirect, and
    /// completes the handshake.
    pub(crate) async fn connect(url: &str) -> Result<Self> {
        Self::connect_by(url, Transport::WebSockets, Protocol::Json, &[]).await
    }

    /// The same with a transport, a protocol and headers.
    pub(crate) async fn connect_by(
        url: &str,
        transport: Transport,
        protocol: Protocol,
        headers: &[(&str, &str)],
    ) -> Result<Self> {
        let (url, token) = follow(url).await?;
        let mut hub = Self::open_at(&url, token.as_deref(), transport, protocol, headers).await?;
        hub.shake_hands().await?;
        Ok(hub)
    }

    /// Negotiates at `url` itself and completes the handshake.
    pub(crate) async fn connect_at(url: &str, token: Option<&str>) -> Result<Self> {
        let transport = Transport::WebSockets;
        let mut hub = Self::open_at(url, token, transport, Protocol::Json, &[]).await?;
        hub.shake_hands().await?;
        Ok(hub)
    }

    /// Negotiates at `url` itself, connects, and says nothing.
    pub(crate) async fn open_at(
        url: &str,
        token: Option<&str>,
        transport: Transport,
        protocol: Protocol,
        headers: &[(&str, &str)],
    ) -> Result<Self> {
        let mut headers: Vec<(String, String)> = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        headers.extend(token.map(|token| ("authorization".into(), format!("Bearer {token}"))));
        let mut place = Place {
            url: url.to_owned(),
            headers,
        };
        let answer = place.post(&negotiate_url(url), b"").await?;
        let offer = answer.json()?;
        let id = offer["connectionToken"]
            .as_str()
            .with_context(|| format!("negotiate: {} {}", answer.status, answer.body))?;
        let separator = if url.contains('?') { '&' } else { '?' };
        place.url = format!("{url}{separator}id={id}");
        let mut hub = Self::open(place, transport, protocol).await?;
        offer["connectionId"]
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut hub.connection_id);
        Ok(hub)
    }

    /// Negotiates at `url` itself, connects with a WebSocket, and says nothing.
    pub(crate) async fn open_silently(url: &str, token: Option<&str>) -> Result<Self> {
        Self::open_at(url, token, Transport::WebSockets, Protocol::Json, &[]).await
    }

    /// Opens a WebSocket without negotiating first, and says nothing.
    pub(crate) async fn open_directly(url: &str) -> Result<Self> {
        let place = Place {
            url: url.to_owned(),
            headers: Vec::new(),
        };
        Self::open(place, Transport::WebSockets, Protocol::Json).await
    }
}

/// The app's own negotiate: where it sends its clients, and with which token.
pub(crate) async fn follow(url: &str) -> Result<(String, Option<String>)> {
    let answer = http("POST", &negotiate_url(url), &[], "").await?;
    let offer = answer.json().context("the app's negotiate")?;
    Ok(match offer["url"].as_str() {
        Some(redirect) => (
            redirect.to_owned(),
            offer["accessToken"].as_str().map(str::to_owned),
        ),
        None => (url.to_owned(), None),
    })
}

fn negotiate_url(url: &str) -> String {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    format!(
        "{}/negotiate?negotiateVersion=1&{query}",
        path.trim_end_matches('/')
    )
}
