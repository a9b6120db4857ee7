//! Believes whatever the caller says. The user is named by `as`, its roles by `role`: as a bearer
//! text, in the query or in cookies. The first of these three that names a user counts alone. A
//! bearer text is the user's name alone (`alice`), a form (`as=alice&role=admin`), or a token that
//! [`crate::redirect`] made.

use std::time::SystemTime;

use heliograph::auth::{Authenticator, Denied, Identity, Verifier, bearer};
use heliograph::backend::{BoxFuture, form_pairs};
use http::header::COOKIE;
use http::request::Parts;

const USER: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier";
const NAME: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name";
const ROLE: &str = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role";
/// How every JSON Web Token begins.
const TOKEN_START: &str = "eyJ";

/// The authenticator.
#[derive(Clone, Debug)]
pub struct Believer(
    /// Reads tokens.
    pub Verifier,
);

impl Authenticator for Believer {
    fn authenticate<'a>(
        &'a self,
        request: &'a Parts,
        _hub: &'a str,
    ) -> BoxFuture<'a, Result<Identity, Denied>> {
        let said = self.said(request);
        Box::pin(std::future::ready(said.map(Said::identity)))
    }
}

impl Believer {
    /// What a request says of its caller.
    ///
    /// # Errors
    ///
    /// When it has a token that is not good.
    pub fn said(&self, request: &Parts) -> Result<Said, Denied> {
        let from_bearer = match bearer(request) {
            Some(token) if token.starts_with(TOKEN_START) => return self.of_token(&token),
            Some(text) if text.contains('=') => Said::of_form(&text),
            Some(name) => Said {
                user: Some(name.into_owned()),
                roles: Vec::new(),
            },
            None => Said::default(),
        };
        let query = || Said::of_form(request.uri.query().unwrap_or_default());
        let cookies = || {
            let lines = request.headers.get_all(COOKIE).into_iter();
            let lines: Vec<&str> = lines.filter_map(|line| line.to_str().ok()).collect();
            Said::of_cookies(lines.iter().copied())
        };
        Ok(from_bearer.or_else(query).or_else(cookies))
    }

    fn of_token(&self, token: &str) -> Result<Said, Denied> {
        let identity = self.0.legacy_client(token, SystemTime::now())?;
        let roles = identity.claims.into_iter().filter(|(kind, _)| kind == ROLE);
        Ok(Said {
            user: identity.user.map(String::from),
            roles: roles.map(|(_, role)| role).collect(),
        })
    }
}

/// What a caller says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Its name.
    pub user: Option<String>,
    /// What it may do.
    pub roles: Vec<String>,
}

impl Said {
    /// What the claims of an app server's client say.
    pub fn of_claims<'c>(claims: impl Iterator<Item = (&'c str, &'c str)>) -> Self {
        let mut said = Self::default();
        for (kind, value) in claims {
            match kind {
                NAME => said.user = said.user.or_else(|| Some(value.to_owned())),
                ROLE => said.roles.push(value.to_owned()),
                _ => {}
            }
        }
        said
    }

    fn of_form(text: &str) -> Self {
        Self::of(form_pairs(text))
    }

    fn of_cookies<'l>(lines: impl Iterator<Item = &'l str>) -> Self {
        Self::of(
            lines
                .flat_map(cookies)
                .map(|(k, v)| (k.to_owned(), v.to_owned())),
        )
    }

    fn of(pairs: impl Iterator<Item = (String, String)>) -> Self {
        let mut said = Self::default();
        for (name, value) in pairs {
            match &*name {
                "as" if !value.is_empty() => said.user = said.user.or(Some(value)),
                "role" => said.roles.push(value),
                _ => {}
            }
        }
        said
    }

    fn or_else(self, other: impl FnOnce() -> Self) -> Self {
        if self.user.is_some() { self } else { other() }
    }

    fn identity(self) -> Identity {
        let Some(user) = self.user else {
            return Identity::anonymous();
        };
        let mut claims = vec![
            (USER.to_owned(), user.clone()),
            (NAME.to_owned(), user.clone()),
        ];
        claims.extend(self.roles.into_iter().map(|role| (ROLE.to_owned(), role)));
        Identity {
            user: Some(user.into()),
            claims,
            ..Identity::default()
        }
    }
}

/// The cookies of a `Cookie` header, values as they came.
pub fn cookies(line: &str) -> impl Iterator<Item = (&str, &str)> {
    line.split(';')
        .filter_map(|pair| pair.trim().split_once('='))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use heliograph::auth::{AccessKey, KeyPair, Keys, Mint, Options};

    use super::*;

    const KEY: &str = "a key of at least thirty-two characters";

    fn believer() -> Believer {
        let keys = Keys::new(KeyPair::single(AccessKey::new(KEY)));
        Believer(Verifier::new(keys, Options::default()))
    }

    fn said(query: &str, headers: &[(&str, &str)]) -> Said {
        let uri = format!("/signalr/negotiate?{query}");
        let mut request = http::Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        believer()
            .said(&request.body(()).unwrap().into_parts().0)
            .unwrap()
    }

    fn is(user: &str, roles: &[&str]) -> Said {
        Said {
            user: Some(user.to_owned()),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        }
    }

    #[test]
    fn bearer_goes_before_query_and_query_before_cookies() {
        let cookie = ("cookie", "as=carol; role=cook");
        let bearer = ("authorization", "Bearer as=alice&role=admin&role=ops");
        let query = "as=b%20ob&role=baker";
        assert_eq!(said("", &[]), Said::default());
        assert_eq!(said("", &[cookie]), is("carol", &["cook"]));
        assert_eq!(said(query, &[cookie]), is("b ob", &["baker"]));
        assert_eq!(
            said(query, &[cookie, bearer]),
            is("alice", &["admin", "ops"])
        );
        let plain = ("authorization", "Bearer dave");
        assert_eq!(said(query, &[plain]), is("dave", &[]));
        assert_eq!(said("access_token=erin&as=bob", &[]), is("erin", &[]));
    }

    #[test]
    fn a_role_belongs_to_the_user_beside_it() {
        let cookie = ("cookie", "role=admin; theme=dark");
        assert_eq!(said("as=bob", &[cookie]), is("bob", &[]));
        assert_eq!(
            said("role=admin&as=", &[("cookie", "as=carol")]),
            is("carol", &[])
        );
        let identity = said("role=admin", &[]).identity();
        assert!(identity.is_anonymous() && identity.user.is_none());
    }

    #[test]
    fn a_token_of_ours_counts_and_another_does_not() {
        let mint = |key| {
            let day = Duration::from_secs(86_400);
            Mint::new(
                AccessKey::new(key),
                "http://localhost",
                SystemTime::now(),
                day,
            )
            .unwrap()
        };
        let role = [("role".to_owned(), "admin".to_owned())];
        let request = |token: &str| {
            let request =
                http::Request::builder().header("authorization", format!("Bearer {token}"));
            request.body(()).unwrap().into_parts().0
        };
        let good = mint(KEY).legacy_client(Some("alice"), &role).unwrap();
        assert_eq!(
            believer().said(&request(&good)).unwrap(),
            is("alice", &["admin"])
        );
        let nobody = mint(KEY).legacy_client(None, &[]).unwrap();
        assert_eq!(believer().said(&request(&nobody)).unwrap(), Said::default());
        let forged = mint("some other key that nobody here knows");
        let forged = forged.legacy_client(Some("alice"), &role).unwrap();
        assert!(matches!(
            believer().said(&request(&forged)),
            Err(Denied::Token(_))
        ));
    }
}
