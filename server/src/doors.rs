//! Opens the doors: the one place that knows all of them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use heliograph_relay::{Limits, Relay};

use crate::app::{self, Doors, Parts, StartError};
use crate::auth::{Anonymous, Authenticator, LegacyToken, LegacyTokens, ServiceToken};
use crate::backend::Backend;
use crate::backend::direct::{self, Direct, OptionsError};
use crate::backend::embedded::{self, EmbeddedHub};
use crate::backend::legacy_app::LegacyApps;
use crate::backend::link::{self, LinkBackend};
use crate::bridge::{Bridge, BridgedHub};
use crate::config::{HubAuth, HubBackend, HubSettings, LegacySettings, OnGap, Settings};
use crate::drain::Stage;
use crate::edge::cors::Origins;
use crate::front::legacy::LegacyRoute;
use crate::front::{core, demo, legacy, service};

/// The hub of the demo page.
const CHAT: &str = "chat";
/// What the demo's hub is called inside: nobody has asked for it, so that it must not take the
/// clients of an app's own hub `chat`.
const DEMO_HUB: &str = "demo.chat";
/// The setting for pages, of the service or, with its name before it, of a hub.
const ALLOWED_ORIGINS: &str = "allowed_origins";
/// The hub for loads.
const BENCH: &str = "bench";
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

    let served = hubs(settings, parts)?;
    let hubs: Vec<_> = served.iter().map(|hub| hub.route.clone()).collect();
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
    let old_clients = legacy_door(settings, parts, served, apps, &relay);
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
        router = router.merge(demo::router(demo_scripts(settings)?));
        demo_path = Some(demo::PATH);
    }
    Ok(Doors {
        router,
        demo: demo_path,
        hubs: paths,
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

/// A hub at a path of its own, and who runs it.
struct Served {
    route: core::HubRoute,
    runner: Runner,
}

/// Who runs a hub.
enum Runner {
    /// An app elsewhere.
    Elsewhere(Arc<Direct>),
    /// This program.
    Here(EmbeddedHub),
}

/// The hubs that the settings name and those that are switched on, each at its own path.
fn hubs(settings: &Settings, parts: &Parts) -> Result<Vec<Served>, StartError> {
    let mut all = Vec::new();
    let switched = [
        (CHAT, DEMO_HUB, settings.demo_is_on()),
        (BENCH, BENCH, settings.bench),
    ];
    for (name, known_as, is_on) in switched {
        if is_on && !settings.hubs.contains_key(name) {
            let hub = HubSettings {
                backend: Some(HubBackend::Embedded),
                // Nobody is known by a cookie here.
                allowed_origins: Some(settings.allowed_origins.clone()),
                ..HubSettings::default()
            };
            let mut served = serve(name, &hub, settings, parts)?;
            served.route.hub = known_as.into();
            served.route.origins_setting = ALLOWED_ORIGINS.into();
            all.push(served);
        }
    }
    // After those, so that a hub of the settings wins where both have the same path.
    for (name, hub) in &settings.hubs {
        all.push(serve(name, hub, settings, parts)?);
    }
    Ok(all)
}

fn serve(
    name: &str,
    hub: &HubSettings,
    settings: &Settings,
    parts: &Parts,
) -> Result<Served, StartError> {
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
    let runner = match hub.backend() {
        Some(HubBackend::Direct) => Runner::Elsewhere(Arc::new(elsewhere(name, hub, settings)?)),
        Some(HubBackend::Embedded) | None => Runner::Here(here(name, hub, settings, parts)?),
    };
    let backend: Arc<dyn Backend> = match &runner {
        Runner::Elsewhere(direct) => Arc::clone(direct) as Arc<dyn Backend>,
        Runner::Here(hub) => Arc::new(hub.clone()),
    };
    let route = core::HubRoute {
        path: hub.path(name).into(),
        hub: name.into(),
        backend,
        authenticator,
        origins,
        origins_setting: format!("hubs.{name}.{ALLOWED_ORIGINS}").into(),
    };
    Ok(Served { route, runner })
}

/// The door for legacy clients of these hubs.
fn legacy_door(
    settings: &Settings,
    parts: &Parts,
    hubs: Vec<Served>,
    apps: LegacyApps,
    relay: &Relay,
) -> Arc<legacy::Door> {
    let LegacySettings {
        path,
        allowed_origins,
        ..
    } = &settings.legacy;
    let bridged = hubs.into_iter().map(|Served { route, runner }| {
        let hub = relay.hub(&route.hub);
        match runner {
            Runner::Here(embedded) => BridgedHub::embedded(&embedded, hub),
            Runner::Elsewhere(direct) => BridgedHub::new(&route.hub, hub, direct),
        }
    });
    let direct = (!path.is_empty()).then(|| LegacyRoute {
        path: path.as_str().into(),
        backend: Arc::new(Bridge::new(bridged.collect())),
        authenticator: Arc::new(Anonymous),
        at_service: false,
        origins: app::origins(allowed_origins),
        origins_setting: "legacy.allowed_origins".into(),
    });
    let redirected = LegacyRoute {
        path: "/aspnetclient".into(),
        backend: Arc::new(apps),
        authenticator: Arc::new(LegacyToken(parts.verifier.clone())),
        at_service: true,
        origins: parts.origins.clone(),
        origins_setting: ALLOWED_ORIGINS.into(),
    };
    legacy::Door::new(
        legacy_options(settings),
        direct.into_iter().chain([redirected]).collect(),
        parts.proxies.clone(),
        LegacyTokens::new(parts.keys.clone()),
    )
}

/// How the settings want legacy clients to be treated.
#[must_use]
pub fn legacy_options(settings: &Settings) -> legacy::Options {
    let (limits, legacy) = (&settings.limits, &settings.legacy);
    legacy::Options {
        keep_alive: Some(legacy.keep_alive.0).filter(|interval| !interval.is_zero()),
        disconnect_timeout: legacy.disconnect.0,
        connection_timeout: legacy.long_poll.0,
        transport_connect_timeout: legacy.transport_connect.0,
        long_poll_delay: legacy.poll_delay.0,
        send_timeout: legacy.send.0,
        jsonp: legacy.jsonp,
        outbox: Limits {
            bytes: limits.outbox_bytes,
            frames: limits.outbox_messages,
        },
        replay: Limits {
            bytes: legacy.replay_bytes,
            frames: legacy.replay_messages,
        },
        close_on_gap: legacy.on_gap == OnGap::Close,
        max_connections: limits.connections,
    }
}

/// A hub that an app elsewhere runs.
fn elsewhere(name: &str, hub: &HubSettings, settings: &Settings) -> Result<Direct, OptionsError> {
    Direct::new(
        name,
        direct::Options {
            url: hub.url.clone().unwrap_or_default(),
            pass_headers: hub.forward_headers.clone(),
            handshake_timeout: settings.timeouts.handshake.0,
            max_message_bytes: hub
                .max_message_bytes
                .unwrap_or(settings.limits.max_message_bytes),
            stateful_reconnect: hub.stateful_reconnect,
            ..direct::Options::default()
        },
    )
}

/// A hub that this program runs.
fn here(
    name: &str,
    hub: &HubSettings,
    settings: &Settings,
    parts: &Parts,
) -> Result<EmbeddedHub, StartError> {
    let options = embedded::Options {
        stateful_reconnect: hub.stateful_reconnect,
        max_message_bytes: hub
            .max_message_bytes
            .unwrap_or(settings.limits.max_message_bytes),
        handshake_timeout: settings.timeouts.handshake.0,
        ..embedded::Options::default()
    };
    let hub = match name {
        CHAT => embedded::chat(options),
        BENCH => embedded::bench(options),
        _ => return Err(StartError::NoSuchHub(name.into())),
    };
    let running = hub.clone();
    parts.drain.on(Stage::Links, move || {
        let hub = running.clone();
        Box::pin(async move { hub.finished().await })
    });
    Ok(hub)
}
