//! Who may come in and call.

use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, StatusCode};

use crate::auth::Identity;
use crate::backend::Refusal;

const ROLE_CLAIMS: [&str; 3] = [
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/role",
    "role",
    "roles",
];

/// What a client must be to use a hub or a method.
#[derive(Clone)]
pub struct Policy(Arc<dyn Fn(&Identity) -> bool + Send + Sync>);

impl Policy {
    /// Anybody who said who they are.
    #[must_use]
    pub fn user() -> Self {
        Self::when(|_| true)
    }

    /// Anybody who has a role.
    pub fn role(role: impl Into<Box<str>>) -> Self {
        let role = role.into();
        Self::when(move |identity| {
            let own = identity.service.role_claim_type.as_deref();
            identity.claims.iter().any(|(kind, value)| {
                **value == *role && (ROLE_CLAIMS.contains(&kind.as_str()) || own == Some(kind))
            })
        })
    }

    /// Any user of whom `test` is true. It must not block.
    pub fn when(test: impl Fn(&Identity) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(test))
    }

    /// Whether a client passes.
    #[must_use]
    pub fn allows(&self, identity: &Identity) -> bool {
        is_known(identity) && self.0(identity)
    }

    /// The answer at negotiate to a client that does not pass.
    pub(super) fn refusal(identity: &Identity) -> Refusal {
        let status = if is_known(identity) {
            StatusCode::FORBIDDEN
        } else {
            StatusCode::UNAUTHORIZED
        };
        Refusal {
            status,
            headers: HeaderMap::new(),
            body: Vec::new(),
        }
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Policy")
    }
}

fn is_known(identity: &Identity) -> bool {
    identity.user.is_some() || !identity.is_anonymous()
}
