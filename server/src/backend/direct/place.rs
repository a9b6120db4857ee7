//! What a negotiation came to, kept until the WebSocket is opened.

use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};

/// Cookies kept of one answer.
const MAX_COOKIES: usize = 16;
/// Bytes of cookies kept of one answer.
const MAX_COOKIE_BYTES: usize = 8 << 10;

/// The place that a hub keeps for a connection. Travels as the secret of the ticket.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The connection token, or the connection id where there is no token.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) id: Option<Box<str>>,
    /// Where the hub sent us to; `None` for its own URL.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) url: Option<Box<str>>,
    /// The bearer token to use there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) access_token: Option<Box<str>>,
    /// Cookies that the answer set, each `name=value`: they may name the server that knows us.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(super) cookies: Vec<Box<str>>,
}

impl Place {
    /// Reads the secret of a ticket; none is the hub's own URL without an id.
    pub(super) fn from_secret(secret: Option<&str>) -> Option<Self> {
        match secret {
            None => Some(Self::default()),
            Some(text) => serde_json::from_str(text).ok(),
        }
    }

    /// The secret of a ticket.
    pub(super) fn into_secret(self) -> Option<Box<str>> {
        serde_json::to_string(&self).ok().map(Box::from)
    }

    /// Keeps the cookies that an answer sets.
    pub(super) fn keep_cookies(&mut self, set: &[HeaderValue]) {
        for cookie in set.iter().filter_map(|line| line.to_str().ok()) {
            let cookie = cookie.split(';').next().unwrap_or_default().trim();
            // One without a value is being deleted.
            if let Some((name, value)) = cookie.split_once('=')
                && !name.is_empty()
                && !value.is_empty()
            {
                self.cookies.push(cookie.into());
            }
        }
    }
}

/// The `Set-Cookie` lines of an answer, as far as they are kept.
pub(super) fn set_cookies(headers: &HeaderMap) -> Vec<HeaderValue> {
    let mut bytes = 0_usize;
    headers
        .get_all(SET_COOKIE)
        .iter()
        .take(MAX_COOKIES)
        .take_while(|line| {
            bytes = bytes.saturating_add(line.len());
            bytes <= MAX_COOKIE_BYTES
        })
        .cloned()
        .collect()
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Place").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_survive_the_ticket() {
        let place = Place {
            id: Some("token".into()),
            url: Some("https://other.test/x?y=1".into()),
            access_token: Some("bearer".into()),
            cookies: vec!["a=1".into()],
        };
        let secret = place.clone().into_secret();
        assert_eq!(Place::from_secret(secret.as_deref()), Some(place));
        assert_eq!(Place::from_secret(None), Some(Place::default()));
        assert_eq!(Place::from_secret(Some("?")), None);
    }

    #[test]
    fn cookies_are_kept_without_attributes_and_deleted_ones_not_at_all() {
        let mut place = Place::default();
        place.keep_cookies(&[
            HeaderValue::from_static("node=7; path=/; HttpOnly"),
            HeaderValue::from_static("gone=; expires=Thu, 01 Jan 1970 00:00:00 GMT"),
        ]);
        assert_eq!(place.cookies, ["node=7".into()]);
    }

    #[test]
    fn an_answer_with_too_many_cookies_is_cut_short() {
        let mut headers = HeaderMap::new();
        for _ in 0..100 {
            headers.append(SET_COOKIE, HeaderValue::from_static("a=1"));
        }
        assert_eq!(set_cookies(&headers).len(), MAX_COOKIES);
    }
}
