//! `[hubs.NAME]`: hubs that the service reaches or runs itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One hub.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct HubSettings {
    /// Who runs it: `direct`, a hub elsewhere; `server`, app servers with the Azure SDK; or
    /// `embedded`, one in this program (`chat` and `bench`). Unset: `direct` when there is a `url`;
    /// see [`HubSettings::backend`].
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
    /// Whether legacy clients may use it.
    pub legacy: bool,
    /// The hub's name as its legacy clients know it. Unset: its name here.
    pub legacy_name: Option<String>,
    /// Who its legacy clients are. Unset: see [`HubSettings::legacy_users`].
    pub legacy_users: Option<LegacyUsers>,
    /// URL of the hub in the app that is asked who a legacy client is.
    pub negotiate_url: Option<String>,
    /// Methods of the hub that legacy clients call by another name: old name to new.
    pub legacy_methods: BTreeMap<String, String>,
    /// Methods of clients that legacy clients know by another name: new name to old.
    pub legacy_client_methods: BTreeMap<String, String>,
    /// How members are called in the arguments of legacy clients' calls, as the hub reads them.
    pub legacy_arguments: LegacyCasing,
    /// How members are called in what legacy clients read.
    pub legacy_results: LegacyCasing,
    /// Methods that answer with a stream, whose items legacy clients read as progress.
    pub legacy_streams: Vec<String>,
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
            legacy: true,
            legacy_name: None,
            legacy_users: None,
            negotiate_url: None,
            legacy_methods: BTreeMap::new(),
            legacy_client_methods: BTreeMap::new(),
            legacy_arguments: LegacyCasing::default(),
            legacy_results: LegacyCasing::default(),
            legacy_streams: Vec::new(),
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

    /// The name that legacy clients of the hub of this name use.
    #[must_use]
    pub fn legacy_name<'a>(&'a self, name: &'a str) -> &'a str {
        self.legacy_name.as_deref().unwrap_or(name)
    }

    /// Who its legacy clients are: where nothing is said, whom the app names where there is one to
    /// ask, and otherwise those who may come in as Core clients. `None` where it has to be said.
    #[must_use]
    pub fn legacy_users(&self) -> Option<LegacyUsers> {
        if self.legacy_users.is_some() {
            return self.legacy_users;
        }
        match (self.auth, self.backend()) {
            _ if self.negotiate_url.is_some() => Some(LegacyUsers::App),
            (HubAuth::Token, _) => Some(LegacyUsers::Token),
            (HubAuth::None, Some(HubBackend::Direct)) => Some(LegacyUsers::App),
            (HubAuth::None, Some(HubBackend::Embedded)) => Some(LegacyUsers::Anonymous),
            (HubAuth::None, Some(HubBackend::Server) | None) => None,
        }
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
    /// A hub of app servers, which connect to this service.
    Server,
}

/// Who the legacy clients of a hub are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LegacyUsers {
    /// Whom the app names when it is asked.
    App,
    /// Whom a client token of the hub names.
    Token,
    /// Nobody in particular.
    Anonymous,
}

/// How members of objects are called on the other side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LegacyCasing {
    /// As on this side.
    #[default]
    Unchanged,
    /// `UserName`.
    Pascal,
    /// `userName`.
    Camel,
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
