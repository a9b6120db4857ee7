//! What of a client's request its hub or app gets to see.

use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::backend::ClientRequest;

/// Names those who asked on the way to a request: see [`Passed::came_back`].
const ASKED_BY: HeaderName = HeaderName::from_static("x-heliograph-asked-by");
/// Headers that may go anywhere.
const HARMLESS: [&str; 7] = [
    "user-agent",
    "accept-language",
    "origin",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-heliograph-asked-by",
];
/// Headers for the hub's own origin.
const CREDENTIALS: [&str; 2] = ["authorization", "cookie"];
/// Headers of one hop or of our own requests.
const NEVER: [&str; 15] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-requested-with",
];

/// Which headers of a client its hub gets to see.
#[derive(Clone, Debug)]
pub(in crate::backend) struct Passed {
    further: Vec<HeaderName>,
    /// Whoever asks by these headers.
    asker: HeaderValue,
}

/// A name that is none, or one that belongs to each hop.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("header '{0}' cannot be passed on")]
pub(in crate::backend) struct NotPassable(pub(in crate::backend) Box<str>);

impl Passed {
    /// The usual headers and `further` ones.
    pub(in crate::backend) fn new(further: &[String]) -> Result<Self, NotPassable> {
        let name = |text: &String| {
            let lower = text.to_ascii_lowercase();
            let is_ours = NEVER.contains(&&*lower) || lower.starts_with("sec-websocket-");
            HeaderName::try_from(lower)
                .ok()
                .filter(|_| !is_ours)
                .ok_or_else(|| NotPassable(text.as_str().into()))
        };
        Ok(Self {
            further: further.iter().map(name).collect::<Result<_, _>>()?,
            asker: getrandom::u64().unwrap_or_default().into(),
        })
    }

    /// Whether a request is, or comes of, one of those that carry these headers: where they go to
    /// leads back here, and asking again would have no end.
    pub(in crate::backend) fn came_back(&self, request: &ClientRequest) -> bool {
        let lines = request.headers.iter();
        let mut askers = lines
            .filter(|(name, _)| *name == ASKED_BY.as_str())
            // Proxies may make one line of many.
            .flat_map(|(_, value)| value.split(','));
        askers.any(|asker| asker.trim().as_bytes() == self.asker.as_bytes())
    }

    /// The client's headers for the hub's own origin, or for somewhere that the hub sent us to:
    /// that one gets nothing that could be a secret.
    pub(in crate::backend) fn headers(
        &self,
        request: &ClientRequest,
        own_origin: bool,
    ) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in request.headers.iter() {
            let is_further = || self.further.iter().any(|known| known.as_str() == name);
            let passes = HARMLESS.contains(&name)
                || own_origin && (CREDENTIALS.contains(&name) || is_further());
            let pair = (HeaderName::try_from(name), HeaderValue::try_from(value));
            if let (true, (Ok(name), Ok(mut value))) = (passes, pair) {
                value.set_sensitive(CREDENTIALS.contains(&name.as_str()));
                headers.append(name, value);
            }
        }
        headers.append(ASKED_BY, self.asker.clone());
        // Makes the cookie authentication of ASP.NET answer 401 and not with its login page.
        headers.insert(
            HeaderName::from_static("x-requested-with"),
            HeaderValue::from_static("XMLHttpRequest"),
        );
        headers
    }
}

/// The token that a client sent in its query, and in no header.
pub(in crate::backend) fn query_token(request: &ClientRequest) -> Option<&str> {
    let token = &*request.bearer.as_ref()?.0;
    let header = request.headers.value("authorization");
    let is_there = header.is_some_and(|value| value.trim_end().ends_with(token));
    (!is_there).then_some(token)
}

/// The `Authorization` of a bearer token; `None` when the token cannot stand in a header.
pub(in crate::backend) fn set_bearer(headers: &mut HeaderMap, token: &str) -> Option<()> {
    let mut value = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
    value.set_sensitive(true);
    headers.insert(AUTHORIZATION, value);
    Some(())
}

/// Adds cookies, each `name=value`, in place of those of the same name.
pub(in crate::backend) fn add_cookies(headers: &mut HeaderMap, cookies: &[Box<str>]) {
    if cookies.is_empty() {
        return;
    }
    let name = |cookie: &str| -> Box<str> {
        let name = cookie.split_once('=').map_or(cookie, |(name, _)| name);
        name.trim().into()
    };
    let replaced: Vec<Box<str>> = cookies.iter().map(|cookie| name(cookie)).collect();
    let mut all: Vec<&str> = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .map(str::trim)
        .filter(|cookie| !cookie.is_empty() && !replaced.contains(&name(cookie)))
        .collect();
    all.extend(cookies.iter().map(|cookie| &**cookie));
    if let Ok(mut value) = HeaderValue::try_from(all.join("; ")) {
        value.set_sensitive(true);
        headers.insert(COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Identity;
    use crate::backend::Headers;

    fn request(lines: &[(&'static str, &'static str)]) -> ClientRequest {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        ClientRequest {
            path: "/chat".into(),
            query: "".into(),
            headers: Headers::collect(&headers, |_| true),
            bearer: None,
            remote: None,
            transport: None,
            identity: Identity::anonymous(),
        }
    }

    #[test]
    fn only_named_headers_pass_and_secrets_stay_at_the_hubs_origin() {
        let passed = Passed::new(&["X-Tenant".into()]).unwrap();
        let request = request(&[
            ("authorization", "Bearer t"),
            ("cookie", "a=1"),
            ("user-agent", "test"),
            ("host", "front.test"),
            ("x-tenant", "7"),
            ("x-other", "8"),
        ]);
        let names = |own_origin| -> Vec<String> {
            let headers = passed.headers(&request, own_origin);
            headers.keys().map(|name| name.as_str().into()).collect()
        };
        assert_eq!(
            names(true),
            [
                "authorization",
                "cookie",
                "user-agent",
                "x-tenant",
                "x-heliograph-asked-by",
                "x-requested-with"
            ]
        );
        let elsewhere = ["user-agent", "x-heliograph-asked-by", "x-requested-with"];
        assert_eq!(names(false), elsewhere);
    }

    #[test]
    fn a_request_of_ours_is_known_again_whoever_passed_it_on() {
        let [one, other, third] = [(); 3].map(|()| Passed::new(&[]).unwrap());
        let first = one.headers(&request(&[]), true);
        let came = |headers: &HeaderMap| ClientRequest {
            headers: Headers::collect(headers, |_| true),
            ..request(&[])
        };
        let second = other.headers(&came(&first), false);
        let mut joined = HeaderMap::new();
        let lines: Vec<_> = second.get_all(ASKED_BY).iter().collect();
        let line = lines.iter().map(|line| line.to_str().unwrap());
        let line = line.collect::<Vec<_>>().join(", ");
        joined.insert(ASKED_BY, line.try_into().unwrap());
        for headers in [&second, &joined] {
            let request = came(headers);
            assert!(one.came_back(&request) && other.came_back(&request));
            assert!(!third.came_back(&request));
        }
        assert!(one.came_back(&came(&first)) && !other.came_back(&came(&first)));
    }

    #[test]
    fn headers_of_one_hop_cannot_be_passed_on() {
        for name in ["Host", "Sec-WebSocket-Key", "no name"] {
            let error = Passed::new(&[name.into()]).unwrap_err();
            assert_eq!(error, NotPassable(name.into()));
        }
    }

    #[test]
    fn added_cookies_replace_those_of_the_same_name() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=1; node=old"));
        headers.append(COOKIE, HeaderValue::from_static("b=2"));
        add_cookies(&mut headers, &["node=new".into()]);
        assert_eq!(headers[COOKIE], "a=1; b=2; node=new");
        assert!(headers[COOKIE].is_sensitive());
    }
}
