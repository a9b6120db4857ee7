//! `[hubs.NAME]`: hubs that the service reaches or runs itself.

use serde::{Deserialize, Serialize};

/// One hub.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct HubSettings {
    /// Who runs it: `direct`, a hub elsewhere, or `embedded`, one in this program (`chat` and
    /// `bench`). Unset: `direct` when there is a `url`; see [`HubSettings::backend`].
    pub backend: Option<HubBackend>,
    /// URL of the hub, for `direct`.
    pub url: Option<String>,
    /// Path that clients use. Unset: `/NAME`.
    pub path: Option<String>,
    /// `none` lets everyone in and leaves the rest to the hub; `token` wants a client token made
    /// with the access key.
    pub auth: HubAuth,
    /// Origins of web pages that may call this hub. Unset: with `token` those of
    /// `allowed_origins`, else the hub's own origin alone, since a cookie may say who the user is.
    pub allowed_origins: Option<Vec<String>>,
    /// Further request headers that the hub gets to see.
    pub forward_headers: Vec<String>,
    /// Whether clients may resume their connections.
    pub stateful_reconnect: bool,
    /// Largest message taken from a client. Unset: `limits.max_message_bytes`.
    pub max_message_bytes: Option<usize>,
}

impl Default for HubSettings {
    fn default() -> Self {
        Self {
            backend: None,
            url: None,
            path: None,
            auth: HubAuth::None,
            allowed_origins: None,
            forward_headers: Vec::new(),
            stateful_reconnect: true,
            max_message_bytes: None,
        }
    }
}

/// The hubs that this program has.
pub const EMBEDDED_HUBS: [&str; 2] = ["chat", "bench"];

impl HubSettings {
    /// Who runs it: a URL alone means a hub elsewhere.
    #[must_use]
    pub fn backend(&self) -> Option<HubBackend> {
        let elsewhere = || self.url.as_ref().map(|_| HubBackend::Direct);
        self.backend.or_else(elsewhere)
    }

    /// The path that clients of the hub of this name use.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        self.path.clone().unwrap_or_else(|| format!("/{name}"))
    }
}

/// Who runs a hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HubBackend {
    /// A hub elsewhere, reached by its URL.
    Direct,
    /// A hub in this program.
    Embedded,
}

/// Who may come in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HubAuth {
    /// Everyone; the hub itself decides.
    #[default]
    None,
    /// Those with a client token.
    Token,
}
