//! Believes whatever the caller says: `user=alice&role=admin&claim=dept:r%26d&expires=60`, given as
//! bearer token, in the header `X-Test-User`, or in the query of the hub's URL.

use std::time::{Duration, SystemTime};

use heliograph::auth::{Authenticator, Denied, Identity, bearer};
use heliograph::backend::BoxFuture;
use http::request::Parts;

const USER: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier";
/// Claim type of a user's name.
pub(crate) const NAME: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name";
/// Claim type of a role.
pub(crate) const ROLE: &str = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role";

/// The authenticator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Believer {
    /// Whether connections end with what the caller said of `expires`.
    pub(crate) close_on_expiry: bool,
}

impl Authenticator for Believer {
    fn authenticate<'a>(
        &'a self,
        request: &'a Parts,
        _hub: &'a str,
    ) -> BoxFuture<'a, Result<Identity, Denied>> {
        Box::pin(std::future::ready(Ok(self.identity(request))))
    }
}

impl Believer {
    fn identity(self, request: &Parts) -> Identity {
        let token = bearer(request).map(|token| token.to_string());
        let header = request.headers.get("x-test-user");
        let header = header
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let query = request.uri.query().map(str::to_owned);
        let said = [token, header, query]
            .into_iter()
            .flatten()
            .map(|text| form(&text))
            .find(|form| form.iter().any(|(name, _)| name == "user"));
        said.map_or_else(Identity::anonymous, |form| self.of(&form))
    }

    fn of(self, form: &[(String, String)]) -> Identity {
        let values = |name: &'static str| {
            form.iter()
                .filter(move |(known, _)| known == name)
                .map(|(_, value)| value.as_str())
        };
        let user = values("user").collect::<Vec<_>>().join(",");
        let mut claims = vec![
            (USER.to_owned(), user.clone()),
            (NAME.to_owned(), format!("{user}-name")),
        ];
        claims.extend(values("role").map(|role| (ROLE.to_owned(), role.to_owned())));
        claims.extend(values("claim").map(|pair| {
            let (kind, value) = pair.split_once(':').unwrap_or((pair, ""));
            (kind.to_owned(), value.to_owned())
        }));
        let seconds = values("expires").next().and_then(|text| text.parse().ok());
        let expires_at = seconds.map(|s| SystemTime::now() + Duration::from_secs(s));
        let mut identity = Identity {
            user: Some(user.into()),
            claims,
            expires_at,
            ..Identity::default()
        };
        if self.close_on_expiry {
            identity.service.close_on_expiry_at = expires_at
                .and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok())
                .map(|since| since.as_secs());
        }
        identity
    }
}

fn form(text: &str) -> Vec<(String, String)> {
    let pairs = form_urlencoded::parse(text.as_bytes());
    pairs
        .map(|(k, v)| (k.to_lowercase(), v.into_owned()))
        .collect()
}
