//! A service with its door for classic app servers and the one for their clients, on loopback.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use heliograph::auth::{self, AccessKey, KeyPair, Keys, LegacyToken, LegacyTokens, Mint, Verifier};
use heliograph::backend::legacy_app::LegacyApps;
use heliograph::backend::link::{self, LinkBackend};
use heliograph::edge::cors::Origins;
use heliograph::edge::dialects::Dialects;
use heliograph::edge::forwarded::Proxies;
use heliograph::edge::listener::{self, Listener};
use heliograph::front::legacy::{self, LegacyRoute};
use heliograph::front::service;
use heliograph_relay::Relay;

use crate::app::opened;
use crate::client::{Client, Who};
use crate::support::app_server::AppServer;

/// The key of the recorded app server, which all tests here use.
pub(crate) const KEY: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH=";

/// Settings of the service.
pub(crate) struct Settings {
    pub(crate) servers: service::Options,
    pub(crate) links: link::Options,
    pub(crate) clients: legacy::Options,
    pub(crate) tokens: auth::Options,
}

impl Default for Settings {
    /// Nothing ends for want of time.
    fn default() -> Self {
        Self {
            servers: service::Options {
                ping_interval: Duration::from_millis(50),
                silence_limit: Duration::from_secs(60),
                ..service::Options::default()
            },
            links: link::Options {
                instance_id: "node-1".into(),
                wait_for_server: Duration::from_secs(1),
                ..link::Options::default()
            },
            clients: legacy::Options {
                keep_alive: None,
                ..legacy::Options::default()
            },
            tokens: auth::Options::default(),
        }
    }
}

/// The service.
pub(crate) struct Stage {
    pub(crate) address: SocketAddr,
    pub(crate) relay: Arc<Relay>,
    pub(crate) links: Arc<LinkBackend>,
    pub(crate) door: Arc<legacy::Door>,
}

impl Stage {
    pub(crate) fn start() -> Self {
        Self::start_with(Settings::default())
    }

    pub(crate) fn start_with(settings: Settings) -> Self {
        let relay = Arc::new(Relay::new());
        let links = Arc::new(LinkBackend::new(settings.links));
        let keys = Keys::new(KeyPair::single(AccessKey::new(KEY)));
        let verifier = Verifier::new(keys.clone(), settings.tokens);
        let servers = service::Door::new(
            settings.servers,
            Arc::clone(&relay),
            Arc::clone(&links),
            Arc::new(Dialects::default()),
            verifier.clone(),
        );
        let route = LegacyRoute {
            path: "/aspnetclient".into(),
            backend: Arc::new(LegacyApps::new(Arc::clone(&relay), Arc::clone(&links))),
            authenticator: Arc::new(LegacyToken(verifier)),
            at_service: true,
            origins: Origins::Any,
            origins_setting: "none".into(),
        };
        let door = legacy::Door::new(
            settings.clients,
            vec![route],
            Proxies::default(),
            LegacyTokens::new(keys),
        );
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = Listener::bind(address, listener::Options::default()).unwrap();
        let address = listener.local_addr().unwrap();
        let router = door.before(service::router(servers));
        tokio::spawn(Arc::clone(&door).sweep());
        tokio::spawn(listener.serve(router, std::future::pending()));
        Self {
            address,
            relay,
            links,
            door,
        }
    }

    /// A client of the app `App` that is nobody.
    pub(crate) fn who(&self, hubs: &[&str]) -> Who {
        Who::new(self.client_token("App", None), hubs)
    }

    /// A client of the app `App` that is this user.
    pub(crate) fn user(&self, user: &str, hubs: &[&str]) -> Who {
        Who::new(self.client_token("App", Some(user)), hubs)
    }

    /// The client is connected and started, and opened on this connection of its app.
    pub(crate) async fn client(&self, link: &mut AppServer, who: Who) -> Client {
        let client = Client::start(self.address, who).await;
        assert_eq!(opened(link).await, client.id);
        client
    }

    /// A token that the app of this name would give a client.
    pub(crate) fn client_token(&self, app: &str, user: Option<&str>) -> String {
        self.client_token_of(SystemTime::now(), app, user)
    }

    /// The same, as it was given at that time, for a minute.
    pub(crate) fn client_token_of(
        &self,
        time: SystemTime,
        app: &str,
        user: Option<&str>,
    ) -> String {
        let endpoint = format!("http://{}", self.address);
        let lifetime = Duration::from_secs(60);
        let mint = Mint::new(AccessKey::new(KEY), &endpoint, time, lifetime).unwrap();
        let app = [("asrs.s.apn".to_owned(), app.to_owned())];
        mint.legacy_client(user, &app).unwrap()
    }
}

/// A token for a connection of a classic app server.
pub(crate) fn server_token(hub: &str, server: &str) -> String {
    let endpoint = "http://127.0.0.1";
    let audience = format!("{endpoint}/aspnetserver/?hub={hub}");
    let (now, lifetime) = (SystemTime::now(), Duration::from_secs(60));
    let mint = Mint::new(AccessKey::new(KEY), endpoint, now, lifetime).unwrap();
    let mint = mint.with_audience(Some(audience));
    mint.server(hub, server).unwrap()
}
