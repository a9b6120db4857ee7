//! Who may come in: the app has decided that when it gave the token.

use heliograph_relay::Relay;

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

/// Whether the app is here, and runs the hubs. Which of them refuse the client only the app knows:
/// it drops them silently.
pub(super) fn admit(
    relay: &Relay,
    request: &ClientRequest,
    hubs: &[Box<str>],
) -> Result<Admission, NotAdmitted> {
    let app = app(&request.identity);
    let is_here = |name: &str| relay.find(name).is_some_and(|hub| !hub.links().is_empty());
    if !is_here(&app_hub_name(app)) {
        return Err(NotAdmitted::Unavailable {
            hub: app.into(),
            why: "its app server is not connected".into(),
        });
    }
    if let Some(unknown) = hubs.iter().find(|hub| !is_here(&hub_name(app, hub))) {
        return Err(NotAdmitted::UnknownHub(unknown.clone()));
    }
    Ok(Admission {
        identity: request.identity.clone(),
        hubs: hubs.iter().map(|hub| AdmittedHub::new(hub)).collect(),
    })
}
