//! Which path is which hub.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::auth::Authenticator;
use crate::backend::Backend;
use crate::edge::cors::Origins;
use crate::edge::forwarded::Proxies;

/// A hub at a path of its own, as an ASP.NET Core app serves it.
#[derive(Clone, Debug)]
pub struct HubRoute {
    /// The path, such as `/chat`.
    pub path: Box<str>,
    /// The hub's name.
    pub hub: Box<str>,
    /// Who runs it.
    pub backend: Arc<dyn Backend>,
    /// Who its clients are.
    pub authenticator: Arc<dyn Authenticator>,
    /// Which web pages may call. Where cookies say who the caller is this must be a list.
    pub origins: Origins,
    /// Where whoever runs the service lists them: the log names it when it refuses a page.
    pub origins_setting: Arc<str>,
}

/// The service's own path `/client`: any hub, named by the query, for clients with a token.
#[derive(Clone, Debug)]
pub struct ServiceRoute {
    /// Runs the hubs that no other backend serves: the app servers.
    pub backend: Arc<dyn Backend>,
    /// Checks the token.
    pub authenticator: Arc<dyn Authenticator>,
    /// Which web pages may call.
    pub origins: Origins,
    /// As that of [`HubRoute`].
    pub origins_setting: Arc<str>,
}

/// All that the door serves.
#[derive(Debug)]
pub struct Routes {
    service: Option<ServiceRoute>,
    by_path: HashMap<Box<str>, HubRoute>,
    proxies: Proxies,
}

/// A hub that a request leads to.
#[derive(Clone)]
pub(super) struct Place {
    /// The hub's name in lower case; the hub itself is made for those who were let in.
    pub(super) name: Box<str>,
    pub(super) backend: Arc<dyn Backend>,
    pub(super) authenticator: Arc<dyn Authenticator>,
    pub(super) origins: Origins,
    pub(super) origins_setting: Arc<str>,
    /// The hub's path when it is served at its own; `None` at `/client`.
    pub(super) path: Option<Box<str>>,
}

/// What a path asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Negotiate,
    Connect,
}

impl Routes {
    /// Routes for the service's own path, if it is served, and for hubs at their own paths.
    /// Paths and names of hubs compare ignoring case; the last of two equal paths counts.
    #[must_use]
    pub fn new(service: Option<ServiceRoute>, hubs: Vec<HubRoute>, proxies: Proxies) -> Self {
        let by_path = hubs
            .into_iter()
            .map(|mut route| {
                route.hub = route.hub.to_lowercase().into();
                (normal(&route.path).into(), route)
            })
            .collect();
        Self {
            service,
            by_path,
            proxies,
        }
    }

    pub(super) fn proxies(&self) -> &Proxies {
        &self.proxies
    }

    /// The hub and action of a path; `hub` gives the name for the service's own path.
    ///
    /// # Errors
    ///
    /// [`NoPlace`] says what is missing.
    pub(super) fn find(
        &self,
        path: &str,
        hub: impl FnOnce() -> Option<String>,
    ) -> Result<(Place, Action), NoPlace> {
        let path = normal(path);
        let (base, action) = match path.strip_suffix("/negotiate") {
            Some(base) => (base, Action::Negotiate),
            None => (path.as_str(), Action::Connect),
        };
        if let Some(route) = self.by_path.get(base) {
            let place = Place {
                name: route.hub.clone(),
                backend: Arc::clone(&route.backend),
                authenticator: Arc::clone(&route.authenticator),
                origins: route.origins.clone(),
                origins_setting: Arc::clone(&route.origins_setting),
                path: Some(route.path.clone()),
            };
            return Ok((place, action));
        }
        let (Some(service), "/client") = (&self.service, base) else {
            return Err(NoPlace::Path);
        };
        let Some(name) = hub().filter(|name| !name.is_empty()) else {
            return Err(NoPlace::Hub);
        };
        if name.len() > 512 {
            return Err(NoPlace::Hub);
        }
        let served = self
            .by_path
            .values()
            .find(|route| route.hub.eq_ignore_ascii_case(&name));
        let backend = served.map_or(&service.backend, |route| &route.backend);
        let place = Place {
            name: name.to_lowercase().into(),
            backend: Arc::clone(backend),
            authenticator: Arc::clone(&service.authenticator),
            origins: service.origins.clone(),
            origins_setting: Arc::clone(&service.origins_setting),
            path: None,
        };
        Ok((place, action))
    }
}

/// Why a path leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoPlace {
    /// Nothing is served at this path.
    Path,
    /// The service's own path without the name of a hub.
    Hub,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place")
            .field("hub", &self.name)
            .finish_non_exhaustive()
    }
}

fn normal(path: &str) -> String {
    path.trim_end_matches('/').to_lowercase()
}
