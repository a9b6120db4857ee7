//! Rules for hubs.

use std::collections::BTreeMap;

use super::check::{MIN_MESSAGE_BYTES, headers, origins, path, url};
use super::hub::{EMBEDDED_HUBS, HubAuth, HubBackend, HubSettings, LegacyCasing, LegacyUsers};
use super::settings::Settings;
use crate::edge::paths::leads_to;

/// Finds the faults of all hubs.
pub(super) fn check_hubs(settings: &Settings, faults: &mut Vec<String>) {
    check_switched_on(settings, faults);
    let (mut paths, mut legacy_names) = (BTreeMap::new(), BTreeMap::new());
    for (name, hub) in &settings.hubs {
        check_hub(name, hub, faults);
        if hub.backend() == Some(HubBackend::Server) {
            check_server_hub(name, hub, faults);
        } else {
            let path = hub.path(name).to_lowercase();
            if let Some(taken) = taken_by_legacy(&path, settings) {
                faults.push(format!("hubs.{name}.path: {taken}"));
            }
            if let Some(other) = paths.insert(path, name) {
                faults.push(format!("hubs.{name}.path: hub '{other}' has the same path"));
            }
        }
        if !hub.legacy {
            continue;
        }
        check_legacy(name, hub, faults);
        if settings.legacy.app_url.is_some() {
            check_beside_app(name, hub, faults);
        }
        let legacy_name = hub.legacy_name(name).to_lowercase();
        if let Some(other) = legacy_names.insert(legacy_name, name) {
            faults.push(format!(
                "hubs.{name}.legacy_name: hub '{other}' has the same name for legacy clients"
            ));
        }
    }
}

/// Why the hub at a path would not be reached: its clients' requests go to the door for legacy ones.
fn taken_by_legacy(path: &str, settings: &Settings) -> Option<String> {
    let legacy = settings.legacy.path.as_str();
    let bases = [(legacy, " (legacy.path)"), ("/aspnetclient", "")];
    let mut bases = bases.into_iter().filter(|(base, _)| !base.is_empty());
    let (base, setting) = bases.find(|(base, _)| leads_to(&format!("{path}/negotiate"), base))?;
    Some(format!(
        "'{base}' is where legacy clients are served{setting}, whatever stands before it, and so \
         '{path}/negotiate' would be theirs"
    ))
}

/// Hubs that are there without being named.
fn check_switched_on(settings: &Settings, faults: &mut Vec<String>) {
    let is_named = |name: &str| {
        let hub = settings.hubs.get(name);
        hub.is_some_and(|hub| hub.backend() != Some(HubBackend::Server))
    };
    let switched = [
        ("chat", "demo", settings.demo_is_on()),
        ("bench", "bench", settings.bench),
    ];
    for (name, setting, is_on) in switched {
        if is_on
            && !is_named(name)
            && let Some(taken) = taken_by_legacy(&format!("/{name}"), settings)
        {
            faults.push(format!(
                "legacy.path: the hub of {setting} is at '/{name}', but {taken}"
            ));
        }
    }
}

fn check_hub(name: &str, hub: &HubSettings, faults: &mut Vec<String>) {
    match (hub.backend(), &hub.url) {
        (None, _) => faults.push(format!(
            "hubs.{name}: expected url, the URL of a hub elsewhere, or backend, \"server\" or \
             \"embedded\""
        )),
        (Some(HubBackend::Direct), None) => {
            faults.push(format!(
                "hubs.{name}.url: expected the URL of the hub, found none"
            ));
        }
        (Some(HubBackend::Embedded), Some(_)) => {
            faults.push(format!("hubs.{name}.url: an embedded hub has no URL"));
        }
        (Some(HubBackend::Embedded), None) if !EMBEDDED_HUBS.contains(&name) => {
            faults.push(format!(
                "hubs.{name}: there is no embedded hub '{name}', only 'chat' and 'bench'"
            ));
        }
        _ => {}
    }
    let urls = [("url", &hub.url), ("negotiate_url", &hub.negotiate_url)];
    for (setting, found) in urls {
        if let Some(found) = found {
            url(&format!("hubs.{name}.{setting}"), found, faults);
        }
    }
    if hub.backend() != Some(HubBackend::Server) {
        path(&format!("hubs.{name}.path"), &hub.path(name), faults);
    }
    if let Some(bytes @ ..MIN_MESSAGE_BYTES) = hub.max_message_bytes {
        faults.push(format!(
            "hubs.{name}.max_message_bytes: expected at least {MIN_MESSAGE_BYTES}, found {bytes}"
        ));
    }
    if let Some(listed) = &hub.allowed_origins {
        origins(&format!("hubs.{name}.allowed_origins"), listed, faults);
    }
    let setting = format!("hubs.{name}.forward_headers");
    headers(&setting, &hub.forward_headers, faults);
}

/// A hub of app servers is here for legacy clients alone.
fn check_server_hub(name: &str, hub: &HubSettings, faults: &mut Vec<String>) {
    let set = [
        ("url", hub.url.is_some()),
        ("path", hub.path.is_some()),
        ("auth", hub.auth != HubAuth::None),
        ("allowed_origins", hub.allowed_origins.is_some()),
        ("stateful_reconnect", !hub.stateful_reconnect),
        ("max_message_bytes", hub.max_message_bytes.is_some()),
    ];
    for (setting, _) in set.into_iter().filter(|(_, is_set)| *is_set) {
        faults.push(format!(
            "hubs.{name}.{setting}: expected none, app servers come to /server and Core clients of \
             their hubs to /client"
        ));
    }
}

/// Where a classic app serves the legacy clients, a hub of ours has none: what is set for them would
/// be of no use.
fn check_beside_app(name: &str, hub: &HubSettings, faults: &mut Vec<String>) {
    let why = "legacy clients are served by the classic app alone (legacy.app_url)";
    if hub.backend() == Some(HubBackend::Server) {
        faults.push(format!("hubs.{name}: {why}"));
        return;
    }
    let is_cased = |casing| casing != LegacyCasing::Unchanged;
    let set = [
        ("legacy_name", hub.legacy_name.is_some()),
        ("legacy_users", hub.legacy_users.is_some()),
        ("negotiate_url", hub.negotiate_url.is_some()),
        ("legacy_methods", !hub.legacy_methods.is_empty()),
        (
            "legacy_client_methods",
            !hub.legacy_client_methods.is_empty(),
        ),
        ("legacy_arguments", is_cased(hub.legacy_arguments)),
        ("legacy_results", is_cased(hub.legacy_results)),
        ("legacy_streams", !hub.legacy_streams.is_empty()),
    ];
    for (setting, _) in set.into_iter().filter(|(_, is_set)| *is_set) {
        faults.push(format!("hubs.{name}.{setting}: expected none, {why}"));
    }
}

fn check_legacy(name: &str, hub: &HubSettings, faults: &mut Vec<String>) {
    if let Some(legacy_name) = &hub.legacy_name
        && (legacy_name.trim().is_empty() || legacy_name.contains('.'))
    {
        faults.push(format!(
            "hubs.{name}.legacy_name: expected a name such as \"ChatHub\" without dots, found \
             {legacy_name:?}"
        ));
    }
    let is_direct = hub.backend() == Some(HubBackend::Direct);
    match (hub.legacy_users(), &hub.negotiate_url) {
        (None, _) if hub.backend().is_some() => faults.push(format!(
            "hubs.{name}.legacy_users: expected who its legacy clients are: \"app\", whom the app \
             at negotiate_url names; \"token\", or \"anonymous\""
        )),
        (Some(LegacyUsers::App), None) if !is_direct => faults.push(format!(
            "hubs.{name}.negotiate_url: expected the URL of the hub in its app, which says who \
             legacy clients are"
        )),
        (Some(LegacyUsers::Token | LegacyUsers::Anonymous), Some(_)) => faults.push(format!(
            "hubs.{name}.negotiate_url: expected none, the app is not asked who legacy clients \
             are (legacy_users)"
        )),
        _ => {}
    }
    let maps = [
        ("legacy_methods", &hub.legacy_methods),
        ("legacy_client_methods", &hub.legacy_client_methods),
    ];
    for (setting, map) in maps {
        if map
            .iter()
            .any(|(from, to)| from.is_empty() || to.is_empty())
        {
            faults.push(format!(
                "hubs.{name}.{setting}: expected names of methods, found an empty one"
            ));
        }
    }
}
