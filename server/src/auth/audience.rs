//! Whether a token was made for this request (service-protocol.md, 2.2).

/// The doors that take tokens made by app servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// `/client/`: clients of ASP.NET Core hubs.
    Client,
    /// `/server/`: ASP.NET Core app servers.
    Server,
    /// `/aspnetserver`: classic ASP.NET app servers.
    LegacyServer,
    /// `/aspnetclient`: legacy clients.
    LegacyClient,
}

impl Route {
    /// The path, without the slash that tokens and requests may end it with.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Client => "/client",
            Self::Server => "/server",
            Self::LegacyServer => "/aspnetserver",
            Self::LegacyClient => "/aspnetclient",
        }
    }
}

/// Whether one audience fits: its path the route, its hub (when it names one) the request's hub,
/// and its host the list (when there is a list), with or without a port. The scheme is not
/// looked at: behind a proxy it is not ours to know.
pub(super) fn fits(audience: &str, route: Route, hub: &str, hosts: &[Box<str>]) -> bool {
    let Some((_, rest)) = audience.split_once("://") else {
        return false;
    };
    let rest = rest.split('#').next().unwrap_or(rest);
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = place.split_once('/').unwrap_or((place, ""));
    let path_fits = path
        .strip_suffix('/')
        .unwrap_or(path)
        .eq_ignore_ascii_case(route.path().trim_start_matches('/'));
    path_fits && hub_fits(query, hub) && host_fits(authority, hosts)
}

fn hub_fits(query: &str, hub: &str) -> bool {
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name.eq_ignore_ascii_case("hub"))
        .is_none_or(|(_, named)| named.to_lowercase() == hub.to_lowercase())
}

fn host_fits(authority: &str, hosts: &[Box<str>]) -> bool {
    hosts.is_empty()
        || hosts.iter().any(|host| {
            authority.eq_ignore_ascii_case(host)
                || without_port(authority).eq_ignore_ascii_case(host)
        })
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(audience: &str) -> bool {
        fits(audience, Route::Client, "testhub", &[])
    }

    #[test]
    fn path_fits_with_and_without_slash_and_port() {
        for audience in [
            "http://localhost/client/?hub=testhub",
            "http://localhost/client?hub=testhub",
            "https://a.example:8443/client/?hub=TestHub",
            "http://localhost/client/",
            "http://[::1]:8888/client?hub=testhub#x",
        ] {
            assert!(client(audience), "{audience}");
        }
    }

    #[test]
    fn other_routes_and_hubs_do_not_fit() {
        for audience in [
            "http://localhost/server/?hub=testhub",
            "http://localhost/client/?hub=other",
            "http://localhost/client/?hub=",
            "http://localhost/prefix/client/?hub=testhub",
            "http://localhost/client//?hub=testhub",
            "http://localhost",
            "/client/?hub=testhub",
            "client",
            "",
            "://?",
        ] {
            assert!(!client(audience), "{audience}");
        }
        assert!(fits(
            "http://h/server/?hub=testhub",
            Route::Server,
            "testhub",
            &[]
        ));
    }

    #[test]
    fn hub_names_of_any_script_compare() {
        assert!(fits(
            "http://h/client/?hub=ünïcode`1",
            Route::Client,
            "ÜNÏCODE`1",
            &[]
        ));
        assert!(fits(
            "http://h/client/?hub=app.chat_hub",
            Route::Client,
            "app.chat_hub",
            &[]
        ));
    }

    #[test]
    fn host_counts_only_against_a_list() {
        let hosts: Vec<Box<str>> = vec!["signalr.example".into(), "[::1]".into()];
        let fits = |audience| fits(audience, Route::Client, "h", &hosts);
        assert!(fits("https://signalr.example/client/?hub=h"));
        assert!(fits("https://SignalR.Example:5001/client/?hub=h"));
        assert!(fits("https://[::1]:5001/client/?hub=h"));
        assert!(fits("https://[::1]/client/?hub=h"));
        assert!(!fits("https://evil.example/client/?hub=h"));
        assert!(!fits("https://signalr.example.evil/client/?hub=h"));
    }
}
