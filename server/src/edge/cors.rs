//! Cross-origin rules for browsers.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HOST, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method};

/// Which web pages may call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origins {
    /// Every page: what is asked for is protected by a token that a foreign page does not have.
    #[default]
    Any,
    /// Pages of the same origin, and these (`https://app.example.org`, no trailing slash).
    Listed(Vec<String>),
}

impl Origins {
    /// Whether the request comes from a page that may call, or from no page at all. `secure` is
    /// whether the client reached us by TLS, `host` the host that it asked for.
    #[must_use]
    pub fn allow(&self, headers: &HeaderMap, secure: bool, host: Option<&str>) -> bool {
        let Some(origin) = headers.get(ORIGIN) else {
            return true;
        };
        match self {
            Self::Any => true,
            Self::Listed(listed) => {
                let Ok(origin) = origin.to_str() else {
                    return false;
                };
                let origin = origin.to_ascii_lowercase();
                listed
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(&origin))
                    || is_same_origin(&origin, secure, host.or_else(|| text(headers, &HOST)))
            }
        }
    }
}

/// Whether this is a browser's preflight question.
#[must_use]
pub fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// Adds what a browser wants to see before it shows an answer to an allowed page: the page's own
/// origin, which the request named, credentials allowed. On error answers too.
pub fn allow(origin: Option<HeaderValue>, answer: &mut HeaderMap) {
    let Some(origin) = origin else {
        return;
    };
    answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    answer.insert(
        ACCESS_CONTROL_ALLOW_CREDENTIALS,
        HeaderValue::from_static("true"),
    );
    answer.append(VARY, HeaderValue::from_static("Origin"));
}

/// Adds the answer to a preflight question of an allowed page.
pub fn allow_preflight(request: &HeaderMap, answer: &mut HeaderMap) {
    allow(request.get(ORIGIN).cloned(), answer);
    answer.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST, DELETE, OPTIONS"),
    );
    if let Some(asked) = request.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
    answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200"));
}

/// Takes out what lets a page read an answer: a proxy in front puts it in.
pub fn leave_to_proxy(answer: &mut HeaderMap) {
    for name in [
        ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_ALLOW_CREDENTIALS,
        ACCESS_CONTROL_ALLOW_METHODS,
        ACCESS_CONTROL_ALLOW_HEADERS,
        ACCESS_CONTROL_MAX_AGE,
    ] {
        answer.remove(name);
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &http::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn is_same_origin(origin: &str, secure: bool, host: Option<&str>) -> bool {
    let (scheme, default_port) = if secure {
        ("https://", ":443")
    } else {
        ("http://", ":80")
    };
    let Some(origin) = origin.strip_prefix(scheme) else {
        return false;
    };
    let trim = |text: &str| text.trim_end_matches(default_port).to_ascii_lowercase();
    host.is_some_and(|host| trim(host) == trim(origin))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(origin: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, HeaderValue::from_static(origin));
        headers.insert(HOST, HeaderValue::from_static("app.test:8080"));
        headers
    }

    #[test]
    fn listed_origins_and_the_same_origin_may_call() {
        let origins = Origins::Listed(vec!["https://other.test".into()]);
        assert!(origins.allow(&page("https://other.test"), false, None));
        assert!(origins.allow(&page("http://app.test:8080"), false, None));
        assert!(origins.allow(&page("https://public.test"), true, Some("public.test:443")));
        assert!(origins.allow(&HeaderMap::new(), false, None));
        assert!(!origins.allow(&page("http://app.test:8081"), false, None));
        assert!(!origins.allow(&page("https://app.test:8080"), false, None));
        assert!(!origins.allow(&page("http://other.test"), false, None));
        assert!(!origins.allow(&page("null"), false, None));
    }

    #[test]
    fn an_answer_names_the_asking_origin_and_allows_credentials() {
        let mut answer = HeaderMap::new();
        allow(page("http://a.test").remove(ORIGIN), &mut answer);
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_ORIGIN], "http://a.test");
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
    }
}
