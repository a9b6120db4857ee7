//! Opens the doors: the one place that knows all of them.

use std::sync::Arc;
use std::time::Duration;

use heliograph_relay::{Limits, Relay};

use crate::app::{self, Doors, Parts, StartError};
use crate::auth::{Anonymous, Authenticator, ServiceToken};
use crate::backend::Backend;
use crate::backend::link::{self, LinkBackend};
use crate::config::{HubAuth, HubBackend, HubSettings, Settings};
use crate::drain::Stage;
use crate::edge::cors::Origins;
use crate::front::{core, service};

/// How often the end of the last client is looked for.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// Makes what the settings ask for. Runs inside a tokio runtime: doors have tasks of their own.
///
/// # Errors
///
/// When a hub cannot be offered.
pub fn open(settings: &Settings, parts: &Parts) -> Result<Doors, StartError> {
    let (limits, timeouts) = (&settings.limits, &settings.timeouts);
    let relay = Arc::new(Relay::new());
    let links = Arc::new(LinkBackend::new(link::Options {
        wait_for_server: timeouts.wait_for_server.0,
        max_client_message_bytes: limits.max_message_bytes,
        handshake_timeout: timeouts.handshake.0,
        ..link::Options::default()
    }));

    let servers = service::Door::new(
        service::Options::default(),
        Arc::clone(&relay),
        Arc::clone(&links),
        Arc::new(parts.dialects.clone()),
        parts.verifier.clone(),
    );
    let door = Arc::clone(&servers);
    parts.drain.on(Stage::Links, move || {
        let door = Arc::clone(&door);
        Box::pin(async move { door.drain().await })
    });

    let routes = core::Routes::new(
        Some(core::ServiceRoute {
            backend: links,
            authenticator: Arc::new(ServiceToken(parts.verifier.clone())),
            origins: parts.origins.clone(),
        }),
        hub_routes(settings, parts)?,
        parts.proxies.clone(),
    );
    let clients = core::Door::new(
        core::Options {
            outbox: Limits {
                bytes: limits.outbox_bytes,
                frames: limits.outbox_messages,
            },
            stateful_buffer_bytes: limits.stateful_buffer_bytes,
            poll_timeout: timeouts.long_poll.0,
            disconnect_timeout: timeouts.disconnect.0,
            ..core::Options::default()
        },
        parts.dialects.clone(),
        relay,
        routes,
    );
    tokio::spawn(Arc::clone(&clients).sweep());
    let door = Arc::clone(&clients);
    parts.drain.on(Stage::Clients, move || {
        let door = Arc::clone(&door);
        Box::pin(async move {
            door.drain();
            while door.connections() > 0 {
                tokio::time::sleep(LOOK_INTERVAL).await;
            }
        })
    });

    Ok(Doors {
        router: service::router(servers).merge(clients.router()),
        demo: None,
    })
}

/// The hubs that the settings name, each at its own path.
fn hub_routes(settings: &Settings, parts: &Parts) -> Result<Vec<core::HubRoute>, StartError> {
    let route = |(name, hub): (&String, &HubSettings)| {
        let authenticator: Arc<dyn Authenticator> = match hub.auth {
            HubAuth::None => Arc::new(Anonymous),
            HubAuth::Token => Arc::new(ServiceToken(parts.verifier.clone())),
        };
        let origins = match (&hub.allowed_origins, hub.auth) {
            (Some(listed), _) => app::origins(listed),
            (None, HubAuth::Token) => parts.origins.clone(),
            // A cookie may say who the user is, and browsers send it for foreign pages too.
            (None, HubAuth::None) => Origins::Listed(Vec::new()),
        };
        Ok(core::HubRoute {
            path: hub.path(name).into(),
            hub: name.as_str().into(),
            backend: backend(name, hub)?,
            authenticator,
            origins,
        })
    };
    settings.hubs.iter().map(route).collect()
}

/// Whoever runs a hub of the settings.
fn backend(name: &str, hub: &HubSettings) -> Result<Arc<dyn Backend>, StartError> {
    match hub.backend {
        None | Some(HubBackend::Direct | HubBackend::Embedded) => {
            Err(StartError::NoBackend { hub: name.into() })
        }
    }
}
