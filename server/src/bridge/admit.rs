//! Who may listen to what.

use futures_util::future::join_all;
use http::StatusCode;

use super::{Bridged, Hubs};
use crate::auth::Identity;
use crate::backend::legacy::{Admission, NotAdmitted};
use crate::backend::{ClientRequest, Refusal};

impl Hubs {
    /// Asks the hubs that a client lists, all at once; those that refuse it are left out.
    pub(super) async fn admit(
        &self,
        request: &ClientRequest,
        listed: &[Box<str>],
    ) -> Result<Admission, NotAdmitted> {
        if listed.is_empty() {
            return Ok(Admission {
                identity: request.identity.clone(),
                hubs: Vec::new(),
            });
        }
        let mut asked = Vec::with_capacity(listed.len());
        for name in listed {
            let hub = self.find(name);
            let hub = hub.ok_or_else(|| NotAdmitted::UnknownHub(name.clone()))?;
            asked.push(async move { (name.clone(), hub.admit(request).await) });
        }
        Admission::of(join_all(asked).await)
    }
}

impl Bridged {
    /// Who the client of a request is here, if the hub lets it in.
    async fn admit(&self, request: &ClientRequest) -> Result<Identity, NotAdmitted> {
        let identity = self.users.who(request, self.hub.name()).await?;
        match self.backend.negotiate(request).await {
            Ok(_) => Ok(identity),
            Err(refusal) => Err(self.not_admitted(&refusal)),
        }
    }

    fn not_admitted(&self, refusal: &Refusal) -> NotAdmitted {
        match refusal.status {
            StatusCode::UNAUTHORIZED => NotAdmitted::Unauthorized { is_known: false },
            StatusCode::FORBIDDEN => NotAdmitted::Unauthorized { is_known: true },
            status => NotAdmitted::Unavailable {
                hub: self.name().into(),
                why: format!("its negotiate answers {status}").into(),
            },
        }
    }
}
