//! Who may listen to what.

use http::StatusCode;

use super::Hubs;
use crate::backend::legacy::{Admission, NotAdmitted};
use crate::backend::{ClientRequest, Refusal};

impl Hubs {
    /// Asks each hub that a client lists; those that refuse it are left out.
    pub(super) async fn admit(
        &self,
        request: &ClientRequest,
        listed: &[Box<str>],
    ) -> Result<Admission, NotAdmitted> {
        let mut asked = Vec::with_capacity(listed.len());
        for name in listed {
            let hub = self.find(name);
            asked.push((
                name,
                hub.ok_or_else(|| NotAdmitted::UnknownHub(name.clone()))?,
            ));
        }
        let mut hubs = Vec::with_capacity(listed.len());
        for (name, hub) in asked {
            match hub.backend.negotiate(request).await {
                Ok(_) => hubs.push(name.clone()),
                Err(refusal) if is_about_the_client(&refusal) => {}
                Err(refusal) => {
                    return Err(NotAdmitted::Unavailable {
                        hub: hub.name().into(),
                        why: format!("its negotiate answers {}", refusal.status).into(),
                    });
                }
            }
        }
        let identity = &request.identity;
        if hubs.is_empty() && !listed.is_empty() {
            let is_known = identity.user.is_some() || !identity.is_anonymous();
            return Err(NotAdmitted::Unauthorized { is_known });
        }
        Ok(Admission {
            identity: identity.clone(),
            hubs,
        })
    }
}

/// Whether a hub refuses this client, rather than all.
fn is_about_the_client(refusal: &Refusal) -> bool {
    matches!(
        refusal.status,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
    )
}
