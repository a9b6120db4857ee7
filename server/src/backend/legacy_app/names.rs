//! What the hubs of classic apps are called in the relay.

use std::sync::Arc;

use heliograph_relay::{Hub, Relay};

/// Hubs of classic apps are not those of Core apps of the same name.
const PREFIX: &str = "aspnetserver/";

/// The relay's name for the hub that an app server names in its request: `app_app` or `app_chat`.
#[must_use]
pub fn relay_name(hub: &str) -> String {
    format!("{PREFIX}{}", hub.to_lowercase())
}

/// The relay's hub of an app's clients.
pub(super) fn app_hub_name(app: &str) -> String {
    relay_name(&format!("{app}_{app}"))
}

/// The relay's hub of one of an app's hubs.
pub(super) fn hub_name(app: &str, hub: &str) -> String {
    relay_name(&format!("{app}_{hub}"))
}

/// Where the clients of the app are to which a hub of a classic app belongs; `None` for all other
/// hubs, and while the app has no connection for clients. Names of apps and hubs may have
/// underscores themselves: the longest app that is there counts.
#[must_use]
pub fn app_of(relay: &Relay, hub: &str) -> Option<Arc<Hub>> {
    let name = hub.strip_prefix(PREFIX)?;
    let apps = name
        .rmatch_indices('_')
        .filter_map(|(at, _)| name.get(..at));
    apps.filter_map(|app| relay.find(&app_hub_name(app)))
        .find(|hub| !hub.links().is_empty())
}

/// Whether apps are here and none of them has a hub of this name, or one that ends like it.
pub(super) fn is_unknown(relay: &Relay, hub: &str) -> bool {
    let end = format!("_{}", hub.to_lowercase());
    let hubs = relay.hubs();
    let mut names = hubs
        .iter()
        .filter_map(|hub| hub.name().strip_prefix(PREFIX));
    let has_apps = names.clone().next().is_some();
    has_apps && !names.any(|name| name.ends_with(&end))
}

/// The hub of a group by the group's name on the wire, `hg-Chat.room`, among those of the app whose
/// clients are in `app_hub`. Names of hubs and groups may have dots: the longest hub counts.
#[must_use]
pub fn group_hub(relay: &Relay, app_hub: &Hub, group: &str) -> Option<Arc<Hub>> {
    let pair = app_hub.name().strip_prefix(PREFIX)?;
    let app = pair.get(..pair.len() / 2)?;
    let name = group.strip_prefix("hg-")?;
    let hubs = name
        .rmatch_indices('.')
        .filter_map(|(at, _)| name.get(..at));
    hubs.filter_map(|hub| relay.find(&hub_name(app, hub)))
        .next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_names_its_hub() {
        let relay = Relay::new();
        let app = relay.hub(&app_hub_name("My_App"));
        let chat = relay.hub(&hub_name("My_App", "Chat"));
        let dotted = relay.hub(&hub_name("My_App", "Chat.Old"));
        let of = |group| group_hub(&relay, &app, group);
        assert!(Arc::ptr_eq(&of("hg-Chat.room.1").unwrap(), &chat));
        assert!(Arc::ptr_eq(&of("hg-chat.Old.room").unwrap(), &dotted));
        assert!(of("hg-Other.room").is_none());
        assert!(of("room").is_none());
        assert!(is_unknown(&relay, "Other") && !is_unknown(&relay, "chat.OLD"));
        assert!(!is_unknown(&Relay::new(), "Other"));
    }
}
