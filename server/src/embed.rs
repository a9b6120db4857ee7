//! Serving hubs written in Rust from a program of one's own.
//!
//! ```no_run
//! use heliograph::backend::embedded::{Caller, EmbeddedHub};
//! use heliograph::edge::listener::{self, Listener};
//! use heliograph::embed::HubServer;
//!
//! # async fn run() -> std::io::Result<()> {
//! let greeter = EmbeddedHub::builder("greeter")
//!     .method("Greet", |_: Caller, (name,): (String,)| async move { Ok(format!("Hello {name}")) })
//!     .build();
//! let listener = Listener::bind(([127, 0, 0, 1], 5000).into(), listener::Options::default())?;
//! let server = HubServer::builder().hub("/greeter", &greeter).build();
//! server.serve(listener, async { _ = tokio::signal::ctrl_c().await }).await;
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use heliograph_relay::Relay;
use tokio::time::Instant;

use crate::auth::{Anonymous, Authenticator, Keys, LegacyToken, LegacyTokens, Verifier};
use crate::backend::Backend;
use crate::backend::embedded::EmbeddedHub;
use crate::bridge::{Bridge, BridgedHub};
use crate::edge::cors::Origins;
use crate::edge::dialects::Dialects;
use crate::edge::forwarded::Proxies;
use crate::edge::listener::Listener;
use crate::front::core::{Door, HubRoute, Options, Routes};
use crate::front::legacy::{self, LegacyRoute};

/// What lists the web pages that may call.
const ORIGINS: &str = "HubServerBuilder::origins";
/// How long clients get to read their last messages.
const PATIENCE: Duration = Duration::from_secs(10);

/// Hubs at their paths, ready to be served.
#[derive(Debug)]
pub struct HubServer {
    door: Arc<Door>,
    legacy: Option<Arc<legacy::Door>>,
    hubs: Vec<EmbeddedHub>,
    further: Router,
}

/// A [`HubServer`] in the making.
pub struct HubServerBuilder {
    options: Options,
    authenticator: Arc<dyn Authenticator>,
    origins: Origins,
    proxies: Proxies,
    hubs: Vec<(Box<str>, EmbeddedHub)>,
    legacy: Option<Legacy>,
    further: Router,
}

/// How hubs are served to clients of ASP.NET SignalR 1.x and 2.x: all hubs at one path.
#[derive(Clone, Debug)]
pub struct Legacy {
    path: Box<str>,
    keys: Keys,
    options: legacy::Options,
    redirected: Option<Verifier>,
}

impl Legacy {
    /// At a path such as `/signalr`; at none when it is empty. Each request goes there that has this
    /// path in its own, so no hub can be at such a one. The connections' tokens are signed with these
    /// keys: with the same after a restart, clients come back to their groups.
    #[must_use]
    pub fn new(path: &str, keys: Keys) -> Self {
        Self {
            path: path.into(),
            keys,
            options: legacy::Options::default(),
            redirected: None,
        }
    }

    /// Timings and limits of the connections.
    #[must_use]
    pub fn options(mut self, options: legacy::Options) -> Self {
        self.options = options;
        self
    }

    /// Also serves clients that an app sent to `/aspnetclient` with a token that this verifier
    /// takes.
    #[must_use]
    pub fn redirected(mut self, verifier: Verifier) -> Self {
        self.redirected = Some(verifier);
        self
    }
}

impl HubServer {
    /// Begins a server without hubs, for anonymous clients and pages of its own origin.
    #[must_use]
    pub fn builder() -> HubServerBuilder {
        HubServerBuilder {
            options: Options::default(),
            authenticator: Arc::new(Anonymous),
            origins: Origins::Listed(Vec::new()),
            proxies: Proxies::default(),
            hubs: Vec::new(),
            legacy: None,
            further: Router::new(),
        }
    }

    /// Connections that are open or may still be opened.
    #[must_use]
    pub fn connections(&self) -> usize {
        let legacy = self.legacy.as_ref().map_or(0, |door| door.connections());
        self.door.connections() + legacy
    }

    /// Serves until `stop` is done; then lets clients go, with leave to come back: they have ten
    /// seconds to read their last messages, and each hub ten more to end what it still does. Gives
    /// the number of connections cut.
    pub async fn serve(self, listener: Listener, stop: impl Future<Output = ()> + Send) -> usize {
        let sweep = tokio::spawn(Arc::clone(&self.door).sweep());
        let mut router = self.door.router();
        let mut legacy_sweep = None;
        if let Some(door) = &self.legacy {
            router = door.before(router);
            legacy_sweep = Some(tokio::spawn(Arc::clone(door).sweep()));
        }
        let stopped = async {
            stop.await;
            self.door.drain();
            if let Some(door) = &self.legacy {
                door.drain();
            }
            Instant::now() + PATIENCE
        };
        let cut = listener.serve(self.further.merge(router), stopped).await;
        sweep.abort();
        if let Some(sweep) = legacy_sweep {
            sweep.abort();
        }
        for hub in &self.hubs {
            _ = tokio::time::timeout(PATIENCE, hub.finished()).await;
        }
        cut
    }
}

impl HubServerBuilder {
    /// Serves a hub at a path such as `/chat`. Two hubs must not have one name.
    #[must_use]
    pub fn hub(mut self, path: &str, hub: &EmbeddedHub) -> Self {
        self.hubs.push((path.into(), hub.clone()));
        self
    }

    /// Who clients are; without it they are nobody.
    #[must_use]
    pub fn authenticator(mut self, authenticator: impl Authenticator + 'static) -> Self {
        self.authenticator = Arc::new(authenticator);
        self
    }

    /// Which web pages may call; without it those of the server's own origin.
    #[must_use]
    pub fn origins(mut self, origins: Origins) -> Self {
        self.origins = origins;
        self
    }

    /// Which proxies are believed when they say who the client is; without it none.
    #[must_use]
    pub fn proxies(mut self, proxies: Proxies) -> Self {
        self.proxies = proxies;
        self
    }

    /// Serves the hubs to legacy clients too.
    #[must_use]
    pub fn legacy(mut self, legacy: Legacy) -> Self {
        self.legacy = Some(legacy);
        self
    }

    /// Limits of the connections.
    #[must_use]
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Further routes of the same server. They must not have a fallback.
    #[must_use]
    pub fn routes(mut self, routes: Router) -> Self {
        self.further = routes;
        self
    }

    /// The server.
    #[must_use]
    pub fn build(self) -> HubServer {
        let routes = self.hubs.iter().map(|(path, hub)| HubRoute {
            path: path.clone(),
            hub: hub.name().into(),
            backend: Arc::new(hub.clone()) as Arc<dyn Backend>,
            authenticator: Arc::clone(&self.authenticator),
            origins: self.origins.clone(),
            origins_setting: ORIGINS.into(),
        });
        let relay = Arc::new(Relay::new());
        let legacy = self
            .legacy
            .as_ref()
            .map(|legacy| self.legacy_door(legacy, &relay));
        let door = Door::new(
            self.options,
            Dialects::default(),
            relay,
            Routes::new(None, routes.collect(), self.proxies),
        );
        HubServer {
            door,
            legacy,
            hubs: self.hubs.into_iter().map(|(_, hub)| hub).collect(),
            further: self.further,
        }
    }

    fn legacy_door(&self, legacy: &Legacy, relay: &Relay) -> Arc<legacy::Door> {
        let hubs = self
            .hubs
            .iter()
            .map(|(_, hub)| BridgedHub::embedded(hub, relay.hub(hub.name())));
        let backend = Arc::new(Bridge::new(hubs.collect()));
        let route = LegacyRoute {
            path: legacy.path.clone(),
            backend,
            authenticator: Arc::clone(&self.authenticator),
            at_service: false,
            origins: self.origins.clone(),
            origins_setting: ORIGINS.into(),
        };
        let redirected = legacy.redirected.clone().map(|verifier| LegacyRoute {
            path: "/aspnetclient".into(),
            authenticator: Arc::new(LegacyToken(verifier)),
            at_service: true,
            origins: Origins::Any,
            ..route.clone()
        });
        let direct = Some(route).filter(|route| !route.path.is_empty());
        let routes = redirected.into_iter().chain(direct).collect();
        let tokens = LegacyTokens::new(legacy.keys.clone());
        legacy::Door::new(legacy.options, routes, self.proxies.clone(), tokens)
    }
}

impl fmt::Debug for HubServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubServerBuilder")
            .field("options", &self.options)
            .field("hubs", &self.hubs)
            .finish_non_exhaustive()
    }
}
