//! Opens the doors: the one place that knows all of them.

mod hubs;
mod legacy_clients;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use heliograph_relay::{Limits, Relay};

pub use self::legacy_clients::legacy_options;
use crate::app::{self, Doors, Parts, StartError};

use self::hubs::{elsewhere, hubs};
use self::legacy_clients::{legacy_door, legacy_faults, legacy_names};
use crate::auth::ServiceToken;
use crate::backend::legacy_app::LegacyApps;
use crate::backend::link::{self, LinkBackend};
use crate::config::{HubBackend, Settings};
use crate::drain::Stage;
use crate::front::{core, demo, service};

/// The setting for pages, of the service or, with its name before it, of a hub.
const ALLOWED_ORIGINS: &str = "allowed_origins";
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
        max_partial_bytes: limits.server_message_bytes,
        max_client_message_bytes: limits.max_message_bytes,
        handshake_timeout: timeouts.handshake.0,
        ..link::Options::default()
    }));

    let apps = LegacyApps::new(Arc::clone(&relay), Arc::clone(&links));
    let defaults = service::Options::default();
    let servers = service::Door::new(
        service::Options {
            max_message_bytes: limits.server_message_bytes,
            queue_high_water_bytes: defaults
                .queue_high_water_bytes
                .max(limits.max_message_bytes),
            ..defaults
        },
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

    let served = hubs(settings, parts, &links)?;
    let hubs: Vec<_> = served.iter().filter_map(|hub| hub.route.clone()).collect();
    let paths = hubs.iter().map(|hub| hub.path.to_string()).collect();
    let routes = core::Routes::new(
        Some(core::ServiceRoute {
            backend: links,
            authenticator: Arc::new(ServiceToken(parts.verifier.clone())),
            origins: parts.origins.clone(),
            origins_setting: ALLOWED_ORIGINS.into(),
        }),
        hubs,
        parts.proxies.clone(),
    );
    let clients = core::Door::new(
        client_options(settings),
        parts.dialects.clone(),
        Arc::clone(&relay),
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
    let old_clients = legacy_door(settings, parts, &served, apps, &relay)?;
    tokio::spawn(Arc::clone(&old_clients).sweep());
    let door = Arc::clone(&old_clients);
    parts.drain.on(Stage::Clients, move || {
        let door = Arc::clone(&door);
        Box::pin(async move {
            door.drain();
            while door.connections() > 0 {
                tokio::time::sleep(LOOK_INTERVAL).await;
            }
        })
    });

    let mut router = service::router(servers).merge(old_clients.before(clients.router()));
    let mut demo_path = None;
    if settings.demo_is_on() {
        router = router.merge(demo::router(demo_scripts(settings)?, &settings.legacy.path));
        demo_path = Some(demo::PATH);
    }
    Ok(Doors {
        router,
        demo: demo_path,
        hubs: paths,
        legacy_hubs: legacy_names(&served),
    })
}

/// How the settings want connections of Core clients to be.
#[must_use]
pub fn client_options(settings: &Settings) -> core::Options {
    let (limits, timeouts) = (&settings.limits, &settings.timeouts);
    core::Options {
        outbox: Limits {
            bytes: limits.outbox_bytes,
            frames: limits.outbox_messages,
        },
        stateful_buffer_bytes: limits.stateful_buffer_bytes,
        poll_timeout: timeouts.long_poll.0,
        disconnect_timeout: timeouts.disconnect.0,
        max_connections: limits.connections,
        ..core::Options::default()
    }
}

/// What would keep the service from a start with these settings, its address aside.
#[must_use]
pub fn faults(settings: &Settings) -> Vec<StartError> {
    let mut faults: Vec<StartError> = Vec::new();
    faults.extend(app::tls_config(settings).err().map(StartError::from));
    if settings.demo_is_on() {
        faults.extend(demo_scripts(settings).err());
    }
    for (name, hub) in &settings.hubs {
        if hub.backend() == Some(HubBackend::Direct) {
            let fault = elsewhere(name, hub, settings).err();
            faults.extend(fault.map(StartError::from));
        }
    }
    faults.extend(legacy_faults(settings));
    faults
}

fn demo_scripts(settings: &Settings) -> Result<demo::Scripts, StartError> {
    let client = settings.demo_script.as_deref().map(demo_script);
    let legacy = settings.demo_legacy_scripts.iter();
    let legacy: Vec<Bytes> = legacy
        .map(|path| demo_script(path))
        .collect::<Result<_, _>>()?;
    Ok(demo::Scripts {
        client: client.transpose()?,
        legacy: (!legacy.is_empty()).then(|| legacy.join(&b"\n;"[..]).into()),
    })
}

fn demo_script(path: &Path) -> Result<Bytes, StartError> {
    match std::fs::read(path) {
        Ok(script) => Ok(script.into()),
        Err(source) => Err(StartError::DemoScript {
            path: path.to_owned(),
            source,
        }),
    }
}
