//! Puts the service together from its settings.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::SystemTime;

use axum::Router;
use axum::middleware::map_response;
use axum::response::Response;
use http::StatusCode;
use metrics_exporter_prometheus::PrometheusHandle;
use rustls::ServerConfig;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::auth::{self, AccessKey, KeyPair, Keys, Mint, MintError, Verifier};
use crate::config::cli::{TokenCommon, TokenKind};
use crate::config::{ConfigError, KeySettings, Secret, Settings, Sources, WELL_KNOWN_KEY};
use crate::drain::Drain;
use crate::edge::cors::{self, Origins};
use crate::edge::dialects::Dialects;
use crate::edge::forwarded::Proxies;
use crate::edge::listener::{self, Listener};
use crate::edge::{Scheme, tls};
use crate::front::admin::{self, Admin};

/// Stands in URLs for a name of this machine that others know.
pub const THIS_HOST: &str = "<this host>";

/// What all doors are made from.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The access keys in force.
    pub keys: Keys,
    /// Checks tokens made with them.
    pub verifier: Verifier,
    /// The proxies that are believed.
    pub proxies: Proxies,
    /// The hub protocols that are carried.
    pub dialects: Dialects,
    /// Which web pages may call.
    pub origins: Origins,
    /// The end of the service.
    pub drain: Drain,
}

impl Parts {
    /// The parts that these settings ask for.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let keys = Keys::new(key_pair(&settings.keys));
        let options = auth::Options {
            clock_skew: settings.timeouts.clock_skew.0,
            max_token_bytes: settings.limits.token_bytes,
            hosts: settings
                .token_hosts
                .iter()
                .map(|host| host.as_str().into())
                .collect(),
        };
        let networks = settings
            .trusted_proxies
            .iter()
            .filter_map(|text| text.parse().ok());
        Self {
            verifier: Verifier::new(keys.clone(), options),
            keys,
            proxies: Proxies::new(networks.collect()),
            dialects: Dialects::new(&settings.protocols),
            origins: origins(&settings.allowed_origins),
            drain: Drain::default(),
        }
    }
}

/// The keys of these settings, for the start and for SIGHUP.
#[must_use]
pub fn key_pair(settings: &KeySettings) -> KeyPair {
    let key = |Secret(text): &Secret| AccessKey::new(text.as_str());
    KeyPair {
        primary: settings
            .primary
            .as_ref()
            .map_or_else(|| AccessKey::new(WELL_KNOWN_KEY), key),
        secondary: settings.secondary.as_ref().map(key),
    }
}

/// Puts the keys in force that the settings have now. All else stays as it is.
///
/// # Errors
///
/// Why the keys stay as they are: bad settings, or ones that would let in everybody who knows the
/// emulator's key where that was not so before.
pub fn reload_keys(sources: &Sources, address: SocketAddr, keys: &Keys) -> Result<(), ConfigError> {
    let settings = sources.load_again(address)?;
    let is_known = |key: &AccessKey| key.reveal() == WELL_KNOWN_KEY;
    if settings.is_development() && !keys.current().iter().any(is_known) {
        let text = "keys.primary: there is no access key of your own any more, and the emulator's, \
                    which everyone knows, is not put in the place of one";
        return Err(ConfigError(vec![text.to_owned()]));
    }
    keys.replace(&key_pair(&settings.keys));
    Ok(())
}

/// Web pages that may call, from a list in which `*` is any.
#[must_use]
pub fn origins(listed: &[String]) -> Origins {
    if listed.iter().any(|origin| origin == "*") {
        Origins::Any
    } else {
        Origins::Listed(listed.to_vec())
    }
}

/// TLS as the settings ask for it, if they do.
///
/// # Errors
///
/// Which file is bad and why.
pub fn tls_config(settings: &Settings) -> Result<Option<Arc<ServerConfig>>, tls::TlsError> {
    match (&settings.tls.certificate, &settings.tls.key) {
        (Some(certificate), Some(key)) => tls::server_config(certificate, key).map(Some),
        _ => Ok(None),
    }
}

/// How the settings want a listener to be, with TLS or without.
#[must_use]
pub fn listener_options(settings: &Settings, tls: Option<Arc<ServerConfig>>) -> listener::Options {
    listener::Options {
        tls,
        max_connections: settings.limits.connections,
        max_header_bytes: settings.limits.header_bytes,
        head_timeout: settings.timeouts.request_head.0,
        dead_peer_timeout: settings.timeouts.dead_peer.0,
    }
}

/// What the doors give.
#[derive(Debug, Default)]
pub struct Doors {
    /// Their routes.
    pub router: Router,
    /// Path of the demo page, when it is on.
    pub demo: Option<&'static str>,
    /// Paths of the hubs that are served at paths of their own.
    pub hubs: Vec<String>,
    /// Names of the hubs that legacy clients may use, as they know them.
    pub legacy_hubs: Vec<String>,
}

/// The service, bound to its address and not yet serving.
#[derive(Debug)]
pub struct App {
    address: SocketAddr,
    scheme: Scheme,
    demo: Option<&'static str>,
    hubs: Vec<String>,
    legacy_hubs: Vec<String>,
    listener: Listener,
    router: Router,
    drain: Drain,
}

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The certificate or its key.
    #[error("cannot offer TLS")]
    Tls(#[from] tls::TlsError),
    /// The settings name an embedded hub that this program does not have.
    #[error("there is no embedded hub '{0}', only 'chat' and 'bench'")]
    NoSuchHub(Box<str>),
    /// A hub elsewhere has settings that cannot be used.
    #[error("cannot offer a hub")]
    Hub(#[from] crate::backend::direct::OptionsError),
    /// An app that is to say who legacy clients are has settings that cannot be used.
    #[error("cannot ask the app of {whom}")]
    Asked {
        /// Whose app it is: a hub, or a setting.
        whom: Box<str>,
        /// What is wrong.
        #[source]
        source: crate::backend::asking::OptionsError,
    },
    /// The manifest of legacy clients' hubs.
    #[error("legacy.manifest cannot be used")]
    Manifest(#[source] ConfigError),
    /// The script for the demo page.
    #[error("cannot read {}", .path.display())]
    DemoScript {
        /// The file.
        path: std::path::PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// Another program listens there.
    #[error("{0} is in use by another program; choose another address with --listen")]
    InUse(SocketAddr),
    /// The address cannot be had for another reason.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
}

impl App {
    /// Binds, with the operator's door and `doors`. Runs inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// When TLS or the address cannot be had.
    pub fn new(
        settings: &Settings,
        drain: Drain,
        doors: Doors,
        metrics: Option<PrometheusHandle>,
    ) -> Result<Self, StartError> {
        let tls = tls_config(settings)?;
        let scheme = if tls.is_some() {
            Scheme::Https
        } else {
            Scheme::Http
        };
        let options = listener_options(settings, tls);
        let address = settings.listen;
        let failed = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::AddrInUse => StartError::InUse(address),
            _ => StartError::Listen { address, source },
        };
        let listener = Listener::bind(address, options).map_err(failed)?;
        let router = admin::router(Admin {
            drain: drain.clone(),
            metrics,
        })
        .merge(doors.router)
        .method_not_allowed_fallback(async || {
            let text = "This method is not allowed here.\n";
            (StatusCode::METHOD_NOT_ALLOWED, text)
        });
        let router = if settings.cors_headers {
            router
        } else {
            router.layer(map_response(async |mut answer: Response| {
                cors::leave_to_proxy(answer.headers_mut());
                answer
            }))
        };
        Ok(Self {
            address: listener.local_addr().map_err(failed)?,
            scheme,
            demo: doors.demo,
            hubs: doors.hubs,
            legacy_hubs: doors.legacy_hubs,
            listener,
            router,
            drain,
        })
    }

    /// The address that it is bound to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// URL of that address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme.as_str(), self.address)
    }

    /// URL for people: of any address of this machine, [`THIS_HOST`] stands for its name.
    #[must_use]
    pub fn shown_url(&self) -> String {
        if self.is_everywhere() {
            let port = self.address.port();
            format!("{}://{THIS_HOST}:{port}", self.scheme.as_str())
        } else {
            self.url()
        }
    }

    /// Whether it listens on all addresses of this machine.
    #[must_use]
    pub fn is_everywhere(&self) -> bool {
        self.address.ip().is_unspecified()
    }

    /// URL of the demo page, when it is on.
    #[must_use]
    pub fn demo_url(&self) -> Option<String> {
        self.demo.map(|path| format!("{}{path}", self.shown_url()))
    }

    /// Paths of the hubs that are served at paths of their own.
    #[must_use]
    pub fn hubs(&self) -> &[String] {
        &self.hubs
    }

    /// Names of the hubs that legacy clients may use, as they know them.
    #[must_use]
    pub fn legacy_hubs(&self) -> &[String] {
        &self.legacy_hubs
    }

    /// What apps put in their settings. The key is shown only when everyone knows it anyway.
    #[must_use]
    pub fn connection_string(&self, settings: &Settings) -> String {
        let host = match self.address.ip() {
            ip if ip.is_loopback() => "localhost".to_owned(),
            _ if self.is_everywhere() => THIS_HOST.to_owned(),
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        let key = if settings.is_development() {
            settings.primary_key()
        } else {
            "<keys.primary>"
        };
        let (scheme, port) = (self.scheme.as_str(), self.address.port());
        let clients = settings.client_endpoint();
        let clients = clients.map(|url| format!("ClientEndpoint={url};"));
        let clients = clients.unwrap_or_default();
        format!("Endpoint={scheme}://{host};Port={port};AccessKey={key};Version=1.0;{clients}")
    }

    /// Serves until `stop` is done; then drains until the time that `stop` gave.
    pub async fn run(self, stop: impl Future<Output = Instant> + Send) -> Drained {
        let Self {
            listener,
            router,
            drain,
            ..
        } = self;
        let (finish, finished) = oneshot::channel();
        let accepting = listener.serve(router, async {
            match finished.await {
                Ok(deadline) => deadline,
                Err(_) => Instant::now(),
            }
        });
        let draining = async {
            let deadline = stop.await;
            tracing::info!("draining");
            let in_time = drain.run(deadline).await;
            let _ = finish.send(deadline);
            in_time
        };
        let (left, in_time) = tokio::join!(accepting, draining);
        Drained { in_time, left }
    }
}

/// How the end went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Whether all clients and links had been told in time.
    pub in_time: bool,
    /// Connections that had to be cut.
    pub left: usize,
}

/// The token that `heliograph token` prints.
///
/// # Errors
///
/// When it cannot be made.
pub fn token(settings: &Settings, kind: &TokenKind) -> Result<String, MintError> {
    let mint = |common: &TokenCommon| {
        let key = AccessKey::new(settings.primary_key());
        Mint::new(key, &common.endpoint, SystemTime::now(), common.ttl.0)
            .map(|mint| mint.with_audience(common.audience.clone()))
    };
    match kind {
        TokenKind::Client {
            hub,
            user,
            claim,
            common,
        } => mint(common)?.client(hub, user.as_deref(), claim),
        TokenKind::Server {
            hub,
            server_id,
            common,
        } => mint(common)?.server(hub, server_id),
        TokenKind::Rest { path, common } => mint(common)?.rest(path.as_deref().unwrap_or("/")),
    }
}

#[cfg(test)]
#[path = "app_tests.rs"]
mod tests;
