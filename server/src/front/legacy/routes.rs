//! Which path is what.

use std::sync::Arc;

use crate::auth::Authenticator;
use crate::backend::legacy::LegacyBackend;
use crate::edge::cors::Origins;
use crate::edge::paths;

/// A path at which legacy clients are served.
#[derive(Clone, Debug)]
pub struct LegacyRoute {
    /// The path, such as `/signalr`. Requests may have more before it: prefixes of proxies, or
    /// the path twice (one client does that).
    pub path: Box<str>,
    /// Who runs the hubs.
    pub backend: Arc<dyn LegacyBackend>,
    /// Who the clients are.
    pub authenticator: Arc<dyn Authenticator>,
    /// A path of the service's own: tokens of its clients are ours, and no hub gets to see them.
    pub at_service: bool,
    /// Which web pages may call. Where cookies say who the caller is this must be a list.
    pub origins: Origins,
    /// Where whoever runs the service lists them: the log names it when it refuses a page.
    pub origins_setting: Arc<str>,
}

/// What a path asks for (1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Script,
    Negotiate,
    Ping,
    Start,
    Connect,
    Reconnect,
    /// Also what has no name.
    Poll,
    Send,
    Abort,
}

/// The route of a path and what the path asks for there.
pub(super) fn find<'r>(routes: &'r [LegacyRoute], path: &str) -> Option<(&'r LegacyRoute, Action)> {
    let mut routes = routes.iter();
    let route = routes.find(|route| paths::leads_to(path, &route.path))?;
    Some((route, action(&path.to_ascii_lowercase())))
}

fn action(path: &str) -> Action {
    let (_, last) = path
        .trim_end_matches('/')
        .rsplit_once('/')
        .unwrap_or_default();
    if matches!(last, "hubs" | "js") {
        return Action::Script;
    }
    // Of all others the slash counts: with one they are nothing in particular.
    match path.rsplit_once('/').map_or("", |(_, last)| last) {
        "negotiate" => Action::Negotiate,
        "ping" => Action::Ping,
        "start" => Action::Start,
        "connect" => Action::Connect,
        "reconnect" => Action::Reconnect,
        "send" => Action::Send,
        "abort" => Action::Abort,
        _ => Action::Poll,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_segment_says_what_is_asked_for() {
        for (path, expected) in [
            ("/signalr/hubs", Action::Script),
            ("/signalr/js///", Action::Script),
            ("/signalr/negotiate", Action::Negotiate),
            ("/signalr/negotiate/", Action::Poll),
            ("/x/y/signalr/connect", Action::Connect),
            ("/signalr/signalr/reconnect", Action::Reconnect),
            ("/signalr", Action::Poll),
            ("/signalr/whatever", Action::Poll),
        ] {
            assert_eq!(action(path), expected, "{path}");
        }
    }
}
