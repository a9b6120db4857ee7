//! Where a request carries its token.

use std::borrow::Cow;

use http::request::Parts;
use http::{HeaderMap, header};

/// The token of a request: `Authorization: Bearer`, else the query's `access_token`, which
/// browsers use where they cannot set headers.
#[must_use]
pub fn bearer(parts: &Parts) -> Option<Cow<'_, str>> {
    let query = parts.uri.query().unwrap_or_default();
    from_headers(&parts.headers).map(Cow::Borrowed).or_else(|| {
        form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == "access_token")
            .map(|(_, token)| token)
            .filter(|token| !token.is_empty())
    })
}

/// The token in `Authorization`, if it is of the scheme `Bearer`.
fn from_headers(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.trim_start().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// A query without its `access_token`, other parameters untouched: what may be passed on and
/// written to a log.
#[must_use]
pub fn without_token(query: &str) -> Cow<'_, str> {
    let is_token = |pair: &&str| {
        let name = pair.split_once('=').map_or(*pair, |(name, _)| name);
        form_urlencoded::parse(name.as_bytes()).any(|(name, _)| name == "access_token")
    };
    if query.split('&').any(|pair| is_token(&pair)) {
        query
            .split('&')
            .filter(|pair| !is_token(pair))
            .collect::<Vec<_>>()
            .join("&")
            .into()
    } else {
        query.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(uri: &str, authorization: Option<&str>) -> Parts {
        let mut builder = http::Request::builder().uri(uri);
        if let Some(value) = authorization {
            builder = builder.header("authorization", value);
        }
        builder.body(()).unwrap().into_parts().0
    }

    #[test]
    fn header_goes_before_query() {
        let parts = request("/client/?hub=h&access_token=q", Some("Bearer h"));
        assert_eq!(bearer(&parts).as_deref(), Some("h"));
        let parts = request("/client/?access_token=a%2Eb&hub=h", None);
        assert_eq!(bearer(&parts).as_deref(), Some("a.b"));
        let parts = request("/client/?access_token=q", Some("Basic eDp5"));
        assert_eq!(bearer(&parts).as_deref(), Some("q"));
        assert_eq!(
            bearer(&request("/client/?access_token=", Some("Bearer "))),
            None
        );
        assert_eq!(
            bearer(&request("/client/", Some("bearer  t "))).as_deref(),
            Some("t")
        );
    }

    #[test]
    fn token_is_cut_out_of_the_query_however_it_is_spelt() {
        assert_eq!(
            without_token("hub=h&access_token=t&x=%20+y"),
            "hub=h&x=%20+y"
        );
        assert_eq!(without_token("access_token=t"), "");
        assert_eq!(without_token("acces%73_token=t&a=1"), "a=1");
        assert_eq!(without_token("access_token"), "");
        assert_eq!(without_token("a=access_token&b"), "a=access_token&b");
    }
}
