//! The door for legacy clients, and who runs hubs for them.

use std::sync::Arc;

use heliograph_relay::{Limits, Relay};

use super::ALLOWED_ORIGINS;
use super::hubs::{Runner, Served, switched_on};
use crate::app::{self, Parts, StartError};
use crate::auth::{Anonymous, LegacyToken, LegacyTokens, Verifier};
use crate::backend::asking::{self, ClassicApp, CoreApp};
use crate::backend::legacy::LegacyBackend;
use crate::backend::legacy_app::{AskedApps, Clients, LegacyApps};
use crate::bridge::{Bridge, BridgedHub, BridgedMethod, Casing, Names, Users};
use crate::config::{HubSettings, LegacyCasing, LegacyUsers, Manifest, OnGap, Settings};
use crate::front::legacy::{self, LegacyRoute};

/// The door for legacy clients of these hubs, and of classic apps.
///
/// # Errors
///
/// When an app cannot be asked, or the manifest cannot be used.
pub(super) fn legacy_door(
    settings: &Settings,
    parts: &Parts,
    hubs: &[Served],
    apps: LegacyApps,
    relay: &Relay,
) -> Result<Arc<legacy::Door>, StartError> {
    let app = classic_app(settings, &parts.verifier)?.map(Arc::new);
    let asked = |clients| -> Option<Arc<dyn LegacyBackend>> {
        let app = Arc::clone(app.as_ref()?);
        Some(Arc::new(AskedApps::new(apps.clone(), app, clients)))
    };
    let path = settings.legacy.path.as_str();
    let direct = match asked(Clients::Direct) {
        _ if path.is_empty() => None,
        Some(app) => Some(app),
        None => Some(Arc::new(bridge(settings, parts, hubs, relay)?) as Arc<dyn LegacyBackend>),
    };
    let direct = direct.map(|backend| LegacyRoute {
        path: path.into(),
        backend,
        authenticator: Arc::new(Anonymous),
        at_service: false,
        origins: app::origins(&settings.legacy.allowed_origins),
        origins_setting: "legacy.allowed_origins".into(),
    });
    let redirected = LegacyRoute {
        path: "/aspnetclient".into(),
        backend: asked(Clients::Redirected).unwrap_or_else(|| Arc::new(apps)),
        authenticator: Arc::new(LegacyToken(parts.verifier.clone())),
        at_service: true,
        origins: parts.origins.clone(),
        origins_setting: ALLOWED_ORIGINS.into(),
    };
    Ok(legacy::Door::new(
        legacy_options(settings),
        direct.into_iter().chain([redirected]).collect(),
        parts.proxies.clone(),
        LegacyTokens::new(parts.keys.clone()),
    ))
}

/// Names of the hubs that legacy clients may use, in order and as they know them.
pub(super) fn legacy_names(hubs: &[Served]) -> Vec<String> {
    let served = hubs.iter().filter(|served| served.settings.legacy);
    let names = served.map(|served| served.settings.legacy_name(&served.name).to_owned());
    let mut names: Vec<_> = names.collect();
    // Of two with one name one is served.
    names.sort_by_key(|name| name.to_lowercase());
    names.dedup_by_key(|name| name.to_lowercase());
    names
}

/// What is wrong with the apps that are to be asked, and with the manifest.
pub(super) fn legacy_faults(settings: &Settings) -> Vec<StartError> {
    let verifier = Parts::new(settings).verifier;
    let mut faults: Vec<_> = classic_app(settings, &verifier).err().into_iter().collect();
    for (name, hub) in &settings.hubs {
        faults.extend(users(name, hub, settings, &verifier).err());
    }
    faults.extend(manifest(settings).err());
    faults
}

/// The bridge to all hubs that legacy clients may use.
fn bridge(
    settings: &Settings,
    parts: &Parts,
    hubs: &[Served],
    relay: &Relay,
) -> Result<Bridge, StartError> {
    let manifest = manifest(settings)?;
    let mut bridged = Vec::new();
    // From the last: a hub of the settings wins where one that is switched on has its name.
    for served in hubs.iter().rev().filter(|served| served.settings.legacy) {
        let (name, wanted) = (&*served.name, &served.settings);
        let mut hub = bridged_hub(served, relay);
        hub.name = wanted.legacy_name(name).into();
        hub.users = users(name, wanted, settings, &parts.verifier)?;
        hub.names = names(hub.names, wanted);
        hub.methods = methods(hub.methods, &hub.name, wanted, &manifest);
        bridged.push(hub);
    }
    Ok(Bridge::new(bridged))
}

fn bridged_hub(served: &Served, relay: &Relay) -> BridgedHub {
    let hub = relay.hub(&served.hub);
    match &served.runner {
        Runner::Here(embedded) => BridgedHub::embedded(embedded, hub),
        Runner::Elsewhere(direct) => BridgedHub::new(&served.name, hub, Arc::clone(direct) as _),
        Runner::Servers(links) => BridgedHub {
            own_ids: true,
            ..BridgedHub::new(&served.name, hub, Arc::clone(links) as _)
        },
    }
}

/// Who the legacy clients of a hub are.
fn users(
    name: &str,
    hub: &HubSettings,
    settings: &Settings,
    verifier: &Verifier,
) -> Result<Users, StartError> {
    match (hub.legacy_users(), &hub.negotiate_url) {
        (Some(LegacyUsers::Token), _) => Ok(Users::Token(verifier.clone())),
        (Some(LegacyUsers::App), Some(url)) => {
            let options = asking_options(url, &hub.forward_headers, settings);
            let app = CoreApp::new(&options, verifier.clone());
            let app = app.map_err(|source| StartError::Asked {
                whom: format!("hub '{name}'").into(),
                source,
            })?;
            Ok(Users::App(Arc::new(app)))
        }
        // A hub elsewhere is asked anyway; it names nobody.
        (Some(LegacyUsers::App | LegacyUsers::Anonymous) | None, _) => Ok(Users::Anonymous),
    }
}

fn classic_app(settings: &Settings, verifier: &Verifier) -> Result<Option<ClassicApp>, StartError> {
    let Some(url) = &settings.legacy.app_url else {
        return Ok(None);
    };
    let options = asking_options(url, &settings.legacy.forward_headers, settings);
    let app = ClassicApp::new(&options, verifier.clone());
    app.map(Some).map_err(|source| StartError::Asked {
        whom: "legacy.app_url".into(),
        source,
    })
}

fn asking_options(url: &str, headers: &[String], settings: &Settings) -> asking::Options {
    asking::Options {
        url: url.to_owned(),
        pass_headers: headers.to_vec(),
        timeout: settings.legacy.ask.0,
        ..asking::Options::default()
    }
}

/// What is called otherwise on the legacy side of a hub.
fn names(names: Names, hub: &HubSettings) -> Names {
    let casing = |casing| match casing {
        LegacyCasing::Unchanged => Casing::Untouched,
        LegacyCasing::Pascal => Casing::Pascal,
        LegacyCasing::Camel => Casing::Camel,
    };
    let mut names = names
        .casing_to_hub(casing(hub.legacy_arguments))
        .casing_to_clients(casing(hub.legacy_results));
    for (old, new) in &hub.legacy_methods {
        names = names.method(old, new);
    }
    for (new, old) in &hub.legacy_client_methods {
        names = names.client_method(new, old);
    }
    for method in &hub.legacy_streams {
        names = names.stream(method);
    }
    names
}

/// The methods of a hub for the proxy script: those of the manifest, else the declared ones and
/// those that legacy clients call by another name.
fn methods(
    declared: Vec<BridgedMethod>,
    name: &str,
    hub: &HubSettings,
    manifest: &Manifest,
) -> Vec<BridgedMethod> {
    let method = |name: &String, parameters: &[String]| BridgedMethod {
        name: name.as_str().into(),
        parameters: parameters.iter().map(|name| name.as_str().into()).collect(),
    };
    match manifest.methods(name) {
        Some(listed) => {
            let listed = listed.iter();
            listed
                .map(|(name, parameters)| method(name, parameters))
                .collect()
        }
        None => {
            let old = hub.legacy_methods.keys().map(|name| method(name, &[]));
            declared.into_iter().chain(old).collect()
        }
    }
}

fn manifest(settings: &Settings) -> Result<Manifest, StartError> {
    let Some(path) = &settings.legacy.manifest else {
        return Ok(Manifest::default());
    };
    let hubs = settings.hubs.iter();
    let named = hubs
        .filter(|(_, hub)| hub.legacy)
        .map(|(name, hub)| hub.legacy_name(name));
    let served: Vec<_> = named
        .chain(switched_on(settings).map(|(name, _)| name))
        .collect();
    Manifest::read(path, &served).map_err(StartError::Manifest)
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
