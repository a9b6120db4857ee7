//! Hubs, and who runs them.

use std::sync::Arc;

use super::ALLOWED_ORIGINS;
use crate::app::{self, Parts, StartError};
use crate::auth::{Anonymous, Authenticator, ServiceToken};
use crate::backend::Backend;
use crate::backend::direct::{self, Direct, OptionsError};
use crate::backend::embedded::{self, EmbeddedHub};
use crate::backend::link::LinkBackend;
use crate::config::{HubAuth, HubBackend, HubSettings, Settings};
use crate::drain::Stage;
use crate::edge::cors::Origins;
use crate::front::core;

/// The hub of the demo page.
const CHAT: &str = "chat";
/// What the demo's hub is called inside: nobody has asked for it, so that it must not take the
/// clients of an app's own hub `chat`.
const DEMO_HUB: &str = "demo.chat";
/// The hub for loads.
const BENCH: &str = "bench";

/// A hub that the settings name, or one that is switched on.
pub(super) struct Served {
    /// What its clients in the relay are found by.
    pub(super) hub: Box<str>,
    /// Its path, unless it has none of its own.
    pub(super) route: Option<core::HubRoute>,
    pub(super) runner: Runner,
    pub(super) settings: HubSettings,
    /// Its name in the settings.
    pub(super) name: Box<str>,
}

/// Who runs a hub.
pub(super) enum Runner {
    /// An app elsewhere.
    Elsewhere(Arc<Direct>),
    /// This program.
    Here(EmbeddedHub),
    /// App servers.
    Servers(Arc<LinkBackend>),
}

/// The hubs that the settings name and those that are switched on.
pub(super) fn hubs(
    settings: &Settings,
    parts: &Parts,
    links: &Arc<LinkBackend>,
) -> Result<Vec<Served>, StartError> {
    let mut all = Vec::new();
    for (name, known_as) in switched_on(settings) {
        let hub = HubSettings {
            backend: Some(HubBackend::Embedded),
            // Nobody is known by a cookie here.
            allowed_origins: Some(settings.allowed_origins.clone()),
            ..HubSettings::default()
        };
        let runner = Runner::Here(here(name, &hub, settings, parts)?);
        let mut route = route(name, &hub, &runner, parts);
        if let Some(route) = &mut route {
            route.hub = known_as.into();
            route.origins_setting = ALLOWED_ORIGINS.into();
        }
        all.push(Served {
            hub: known_as.into(),
            route,
            runner,
            settings: hub,
            name: name.into(),
        });
    }
    // After those, so that a hub of the settings wins where both have the same path.
    for (name, hub) in &settings.hubs {
        let runner = match hub.backend() {
            Some(HubBackend::Direct) => {
                Runner::Elsewhere(Arc::new(elsewhere(name, hub, settings)?))
            }
            Some(HubBackend::Server) => Runner::Servers(Arc::clone(links)),
            Some(HubBackend::Embedded) | None => Runner::Here(here(name, hub, settings, parts)?),
        };
        all.push(Served {
            hub: name.as_str().into(),
            route: route(name, hub, &runner, parts),
            runner,
            settings: hub.clone(),
            name: name.as_str().into(),
        });
    }
    Ok(all)
}

/// The hubs that are there without being named in the settings, by their own names and by what
/// they are called inside.
pub(super) fn switched_on(
    settings: &Settings,
) -> impl Iterator<Item = (&'static str, &'static str)> {
    let switched = [
        (CHAT, DEMO_HUB, settings.demo_is_on()),
        (BENCH, BENCH, settings.bench),
    ];
    let is_taken = move |name: &str, known_as: &str| {
        let named = settings.hubs.get(name);
        // One of app servers has no path.
        named.is_some_and(|hub| known_as == name || hub.backend() != Some(HubBackend::Server))
    };
    switched
        .into_iter()
        .filter(move |(name, known_as, is_on)| *is_on && !is_taken(name, known_as))
        .map(|(name, known_as, _)| (name, known_as))
}

/// The path for Core clients of a hub, unless they come in at the service's own.
fn route(name: &str, hub: &HubSettings, runner: &Runner, parts: &Parts) -> Option<core::HubRoute> {
    let backend: Arc<dyn Backend> = match runner {
        Runner::Elsewhere(direct) => Arc::clone(direct) as Arc<dyn Backend>,
        Runner::Here(hub) => Arc::new(hub.clone()),
        Runner::Servers(_) => return None,
    };
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
    Some(core::HubRoute {
        path: hub.path(name).into(),
        hub: name.into(),
        backend,
        authenticator,
        origins,
        origins_setting: format!("hubs.{name}.{ALLOWED_ORIGINS}").into(),
    })
}

/// A hub that an app elsewhere runs.
pub(super) fn elsewhere(
    name: &str,
    hub: &HubSettings,
    settings: &Settings,
) -> Result<Direct, OptionsError> {
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
