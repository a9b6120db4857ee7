//! Who may come in: the app has decided that when it gave the token.

use super::LegacyApps;
use super::names::{app_hub_name, hub_name};
use crate::auth::Identity;
use crate::backend::ClientRequest;
use crate::backend::legacy::{Admission, AdmittedHub, NotAdmitted};

/// The name of the app that made a client's token.
pub(super) fn app(identity: &Identity) -> &str {
    identity
        .service
        .application_name
        .as_deref()
        .unwrap_or_default()
}

impl LegacyApps {
    /// Whether the app is here, and runs the hubs. All its connections come within a moment, also
    /// after a restart of the service, when clients come back at the same time: they are waited
    /// for. A hub stays known when its connections are lost, since the clients are on others.
    ///
    /// Which of the hubs refuse the client only the app knows: it drops them silently.
    pub(super) async fn admit(
        &self,
        request: &ClientRequest,
        hubs: &[Box<str>],
    ) -> Result<Admission, NotAdmitted> {
        let app = app(&request.identity);
        let is_here = || {
            let hub = self.relay.find(&app_hub_name(app));
            hub.is_some_and(|hub| !hub.links().is_empty())
        };
        let unknown = || {
            hubs.iter()
                .find(|hub| self.relay.find(&hub_name(app, hub)).is_none())
        };
        self.links
            .wait_for(|| is_here() && unknown().is_none())
            .await;
        if !is_here() {
            return Err(NotAdmitted::Unavailable {
                hub: app.into(),
                why: "its app server is not connected".into(),
            });
        }
        if let Some(unknown) = unknown() {
            return Err(NotAdmitted::UnknownHub(unknown.clone()));
        }
        Ok(Admission {
            identity: request.identity.clone(),
            hubs: hubs.iter().map(|hub| AdmittedHub::new(hub)).collect(),
        })
    }
}
