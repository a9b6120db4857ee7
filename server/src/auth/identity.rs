//! Who a client is.

use std::time::SystemTime;

use heliograph_protocol::service::ServiceClaims;

/// Who a client is, as its token or the embedder's authenticator says.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// The user that the connection speaks for (`asrs.s.uid`, else the name identifier).
    pub user: Option<Box<str>>,
    /// Claims as the app server gets them: expanded, in the token's order, types may repeat.
    pub claims: Vec<(String, String)>,
    /// The service's own claims.
    pub service: ServiceClaims,
    /// When the credentials end, if they do.
    pub expires_at: Option<SystemTime>,
}

impl Identity {
    /// Nobody in particular.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// Whether there is any claim.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.claims.is_empty()
    }

    /// The first claim of this type.
    #[must_use]
    pub fn claim(&self, kind: &str) -> Option<&str> {
        self.claims
            .iter()
            .find(|(known, _)| known == kind)
            .map(|(_, value)| value.as_str())
    }
}
