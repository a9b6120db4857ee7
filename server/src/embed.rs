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

use crate::auth::{Anonymous, Authenticator};
use crate::backend::Backend;
use crate::backend::embedded::EmbeddedHub;
use crate::edge::cors::Origins;
use crate::edge::dialects::Dialects;
use crate::edge::forwarded::Proxies;
use crate::edge::listener::Listener;
use crate::front::core::{Door, HubRoute, Options, Routes};

/// How long clients get to read their last messages.
const PATIENCE: Duration = Duration::from_secs(10);

/// Hubs at their paths, ready to be served.
#[derive(Debug)]
pub struct HubServer {
    door: Arc<Door>,
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
    further: Router,
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
            further: Router::new(),
        }
    }

    /// Connections that are open or may still be opened.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.door.connections()
    }

    /// Serves until `stop` is done; then lets clients go, with leave to come back: they have ten
    /// seconds to read their last messages, and each hub ten more to end what it still does. Gives
    /// the number of connections cut.
    pub async fn serve(self, listener: Listener, stop: impl Future<Output = ()> + Send) -> usize {
        let sweep = tokio::spawn(Arc::clone(&self.door).sweep());
        let router = self.further.merge(self.door.router());
        let stopped = async {
            stop.await;
            self.door.drain();
            Instant::now() + PATIENCE
        };
        let cut = listener.serve(router, stopped).await;
        sweep.abort();
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
            origins_setting: "HubServerBuilder::origins".into(),
        });
        let door = Door::new(
            self.options,
            Dialects::default(),
            Arc::new(Relay::new()),
            Routes::new(None, routes.collect(), self.proxies),
        );
        HubServer {
            door,
            hubs: self.hubs.into_iter().map(|(_, hub)| hub).collect(),
            further: self.further,
        }
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
