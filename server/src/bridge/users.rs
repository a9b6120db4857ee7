//! Who the clients of a hub are.

use std::sync::Arc;
use std::time::SystemTime;

use tracing::debug;

use crate::auth::{Identity, TokenError, Verifier};
use crate::backend::ClientRequest;
use crate::backend::asking::CoreApp;
use crate::backend::legacy::NotAdmitted;

/// Who the clients of a hub are.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Users {
    /// Whoever the door's authenticator finds in the request.
    Request,
    /// Nobody in particular.
    Anonymous,
    /// Whom a client token of the hub names, in the request's header or query.
    Token(Verifier),
    /// Whom the app names, asked with the client's cookies and headers.
    App(Arc<CoreApp>),
}

impl Users {
    /// Whether the door cannot tell who a client is.
    pub(super) fn are_named_here(&self) -> bool {
        matches!(self, Self::Token(_) | Self::App(_))
    }

    /// Who the client of a request is in this hub.
    ///
    /// # Errors
    ///
    /// Why it may not come in.
    pub(super) async fn who(
        &self,
        request: &ClientRequest,
        hub: &str,
    ) -> Result<Identity, NotAdmitted> {
        match self {
            Self::Request => Ok(request.identity.clone()),
            Self::Anonymous => Ok(Identity::anonymous()),
            Self::App(app) => app.who(request, hub).await,
            Self::Token(verifier) => {
                let token = request.bearer.as_ref().map_or("", |token| &token.0);
                let now = SystemTime::now();
                verifier.client(token, hub, now).map_err(|err| {
                    debug!(hub, %err, "legacy client refused");
                    let has_ended = matches!(err, TokenError::Expired | TokenError::RetiredKey);
                    let former = has_ended.then(|| verifier.former_client(token, hub, now).ok());
                    match former.flatten() {
                        Some(Identity { user, .. }) => NotAdmitted::Expired { user },
                        None => NotAdmitted::Unauthorized { is_known: false },
                    }
                })
            }
        }
    }
}
