//! The app-server door on loopback.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::serve::ListenerExt as _;
use heliograph::auth::{AccessKey, KeyPair, Keys, Mint, Verifier};
use heliograph::backend::link::{self, LinkBackend};
use heliograph::edge::dialects::Dialects;
use heliograph::front::service::{self, Door};
use heliograph_relay::{Hub, Relay};
use tokio::net::TcpListener;

/// The access key of all services here.
pub(crate) const KEY: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";

/// A service that app servers can connect to.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    pub(crate) relay: Arc<Relay>,
    pub(crate) backend: Arc<LinkBackend>,
    pub(crate) door: Arc<Door>,
}

/// Settings under which a test need not wait for long, and nothing ends for want of time.
pub(crate) fn quick() -> (service::Options, link::Options) {
    let patient = Duration::from_secs(60);
    let door = service::Options {
        ping_interval: Duration::from_millis(50),
        handshake_timeout: patient,
        silence_limit: patient,
        stall_limit: patient,
        ..service::Options::default()
    };
    let backend = link::Options {
        instance_id: "node-1".into(),
        wait_for_server: Duration::from_millis(200),
        migration_grace: Duration::from_millis(200),
        ..link::Options::default()
    };
    (door, backend)
}

impl Service {
    /// With the settings of a real service.
    pub(crate) async fn start() -> Self {
        let backend = link::Options {
            instance_id: "node-1".into(),
            ..link::Options::default()
        };
        Self::start_with(service::Options::default(), backend).await
    }

    pub(crate) async fn start_with(door: service::Options, backend: link::Options) -> Self {
        let relay = Arc::new(Relay::new());
        let backend = Arc::new(LinkBackend::new(backend));
        let keys = Keys::new(KeyPair::single(AccessKey::new(KEY)));
        let verifier = Verifier::new(keys, heliograph::auth::Options::default());
        let dialects = Arc::new(Dialects::default());
        let door = Door::new(
            door,
            Arc::clone(&relay),
            Arc::clone(&backend),
            dialects,
            verifier,
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
        let router = service::router(Arc::clone(&door));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            address,
            relay,
            backend,
            door,
        }
    }

    pub(crate) fn hub(&self) -> Arc<Hub> {
        self.relay.hub("chat")
    }

    /// A token for an app server.
    pub(crate) fn token(&self, hub: &str, server: &str) -> String {
        let endpoint = format!("http://{}", self.address);
        let lifetime = Duration::from_secs(60);
        let mint = Mint::new(AccessKey::new(KEY), &endpoint, SystemTime::now(), lifetime).unwrap();
        mint.server(hub, server).unwrap()
    }
}
