//! Every setting with its default. `www/guide/settings.md` is the table for people; a test holds
//! the two together.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::address;
use super::hub::HubSettings;
use super::legacy::LegacySettings;
use super::secret::Secret;
use super::span::Span;

/// The access key of the official emulator: known to everyone.
pub const WELL_KNOWN_KEY: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";

/// All settings.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Address and port to listen on. Port 0 lets the system choose.
    #[serde(deserialize_with = "address::deserialize")]
    pub listen: SocketAddr,
    /// URL that clients reach the service at, when a proxy stands in front.
    pub client_endpoint: Option<String>,
    /// Addresses and networks of proxies whose `X-Forwarded-*` headers are believed.
    pub trusted_proxies: Vec<String>,
    /// Hosts that the audience of a token may name. Empty: any.
    pub token_hosts: Vec<String>,
    /// Origins of web pages that may call. `"*"`: any.
    pub allowed_origins: Vec<String>,
    /// Whether answers carry the headers that let those pages read them (CORS).
    pub cors_headers: bool,
    /// Hub protocols carried besides `json` and `messagepack`.
    pub protocols: Vec<String>,
    /// The demo page and its hubs. Unset: on in development mode.
    pub demo: Option<bool>,
    /// File with the JavaScript client (`signalr.min.js`) for the demo page.
    pub demo_script: Option<PathBuf>,
    /// Files with jQuery and the client of ASP.NET SignalR, in this order, for the demo's page for
    /// old clients.
    pub demo_legacy_scripts: Vec<PathBuf>,
    /// The hub that load tests talk to.
    pub bench: bool,
    /// Access keys.
    pub keys: KeySettings,
    /// TLS.
    pub tls: TlsSettings,
    /// Limits.
    pub limits: LimitSettings,
    /// Timeouts.
    pub timeouts: TimeoutSettings,
    /// Legacy clients.
    pub legacy: LegacySettings,
    /// Log.
    pub log: LogSettings,
    /// Hubs that the service reaches or runs itself, by name.
    pub hubs: BTreeMap<String, HubSettings>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 8888).into(),
            client_endpoint: None,
            trusted_proxies: Vec::new(),
            token_hosts: Vec::new(),
            allowed_origins: vec!["*".to_owned()],
            cors_headers: true,
            protocols: vec!["blazorpack".to_owned()],
            demo: None,
            demo_script: None,
            demo_legacy_scripts: Vec::new(),
            bench: false,
            keys: KeySettings::default(),
            tls: TlsSettings::default(),
            limits: LimitSettings::default(),
            timeouts: TimeoutSettings::default(),
            legacy: LegacySettings::default(),
            log: LogSettings::default(),
            hubs: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// Whether the service runs with the key that everyone knows.
    #[must_use]
    pub fn is_development(&self) -> bool {
        let known = |key: &Secret| key.0 == WELL_KNOWN_KEY;
        self.keys.primary.as_ref().is_none_or(known)
            || self.keys.secondary.as_ref().is_some_and(known)
    }

    /// Whether the demo is on.
    #[must_use]
    pub fn demo_is_on(&self) -> bool {
        self.demo.unwrap_or_else(|| self.is_development())
    }

    /// The URL at which clients reach the service, when it is set: with the slash at its end that
    /// the SDK's own paths need behind a path.
    #[must_use]
    pub fn client_endpoint(&self) -> Option<String> {
        let url = self.client_endpoint.as_deref()?;
        let (_, rest) = url.split_once("://")?;
        let slash = if rest.contains('/') && !rest.ends_with('/') {
            "/"
        } else {
            ""
        };
        Some(format!("{url}{slash}"))
    }

    /// The key that signs: the primary one, else the one that everyone knows.
    #[must_use]
    pub fn primary_key(&self) -> &str {
        self.keys
            .primary
            .as_ref()
            .map_or(WELL_KNOWN_KEY, |key| &key.0)
    }
}

/// `[keys]`: access keys, re-read on SIGHUP.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeySettings {
    /// The access key, or the connection string that has it. Unset: development mode.
    pub primary: Option<Secret>,
    /// A second key that is accepted too, while keys are changed.
    pub secondary: Option<Secret>,
}

/// `[tls]`: both or neither.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSettings {
    /// PEM file with the certificate and its chain.
    pub certificate: Option<PathBuf>,
    /// PEM file with the private key.
    pub key: Option<PathBuf>,
}

/// `[limits]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitSettings {
    /// Largest message taken from a client.
    pub max_message_bytes: usize,
    /// Largest message taken from an app server. A larger one is passed over, and its client
    /// ended if it was for one alone.
    pub server_message_bytes: usize,
    /// Bytes that may wait for one client before it counts as too slow.
    pub outbox_bytes: usize,
    /// Messages that may wait for one client before it counts as too slow.
    pub outbox_messages: usize,
    /// Bytes kept for one client that may resume its connection.
    pub stateful_buffer_bytes: usize,
    /// Longest token.
    pub token_bytes: usize,
    /// Largest request line with headers.
    pub header_bytes: usize,
    /// Connections at a time.
    pub connections: usize,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            max_message_bytes: 4 * 1024 * 1024,
            server_message_bytes: 16 * 1024 * 1024,
            outbox_bytes: 4 * 1024 * 1024,
            outbox_messages: 65_536,
            stateful_buffer_bytes: 100_000,
            token_bytes: 4096,
            header_bytes: 32 * 1024,
            connections: 200_000,
        }
    }
}

/// `[timeouts]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TimeoutSettings {
    /// For a client to send its hub handshake.
    pub handshake: Span,
    /// For an app server to come when a client is there and none is.
    pub wait_for_server: Span,
    /// For a poll to be answered when there is nothing to say.
    pub long_poll: Span,
    /// For a client without a transport to come back.
    pub disconnect: Span,
    /// For everything to end after SIGTERM.
    pub drain: Span,
    /// For a connection to send its next request.
    pub request_head: Span,
    /// For a peer to acknowledge what it was sent.
    pub dead_peer: Span,
    /// How far the clocks of app servers may be off.
    pub clock_skew: Span,
}

impl Default for TimeoutSettings {
    fn default() -> Self {
        Self {
            handshake: Span::seconds(15),
            wait_for_server: Span::seconds(5),
            long_poll: Span::seconds(90),
            disconnect: Span::seconds(15),
            drain: Span::seconds(30),
            request_head: Span::seconds(60),
            dead_peer: Span::seconds(60),
            clock_skew: Span::seconds(300),
        }
    }
}

/// `[log]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSettings {
    /// `error`, `warn`, `info`, `debug`, `trace`, or directives such as
    /// `info,heliograph::front=debug`.
    pub level: String,
    /// `text` or `json`.
    pub format: LogFormat,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            level: "info".to_owned(),
            format: LogFormat::Text,
        }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}
