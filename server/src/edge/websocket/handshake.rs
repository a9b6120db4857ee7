//! The opening handshake (RFC 6455, section 4.2).

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Version};
use sha1::{Digest as _, Sha1};

const KEY_SUFFIX: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const KEY_BYTES: usize = 16;

/// Some clients make a key of random characters, whose unused last bits are then not zero; .NET
/// takes it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// Recognises a request to open a WebSocket and returns the value of its `Sec-WebSocket-Accept`.
///
/// None means that the request is an ordinary one: also with another version than 13, or with no
/// valid key, as Kestrel sees it. Offered subprotocols and extensions are not looked at, and so
/// not selected.
#[must_use]
pub fn accept(method: &Method, version: Version, headers: &HeaderMap) -> Option<HeaderValue> {
    if method != Method::GET || version != Version::HTTP_11 {
        return None;
    }
    if !lists(headers, CONNECTION, "upgrade")
        || !lists(headers, UPGRADE, "websocket")
        || !lists(headers, SEC_WEBSOCKET_VERSION, "13")
    {
        return None;
    }
    let mut keys = headers.get_all(SEC_WEBSOCKET_KEY).iter();
    let (Some(key), None) = (keys.next(), keys.next()) else {
        return None;
    };
    accept_value(key.as_bytes())
}

/// The answer that opens the WebSocket: 101 with the value from [`accept`].
#[must_use]
pub fn switching_protocols(accept: HeaderValue) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    response
}

/// Whether a header that is a comma-separated list, perhaps on several lines, contains `token`.
fn lists(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|item| item.trim().eq_ignore_ascii_case(token))
}

fn accept_value(key: &[u8]) -> Option<HeaderValue> {
    // The decoder wants room for a full last group: 24 characters may become 18 bytes.
    let mut decoded = [0; KEY_BYTES + 2];
    let len = BASE64.decode_slice(key, &mut decoded).ok()?;
    if len != KEY_BYTES {
        return None;
    }
    let digest = Sha1::new()
        .chain_update(key)
        .chain_update(KEY_SUFFIX)
        .finalize();
    let mut text = [0; 28];
    let len = BASE64.encode_slice(digest, &mut text).ok()?;
    HeaderValue::from_bytes(text.get(..len)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The request of RFC 6455, section 1.3.
    fn request() -> HeaderMap {
        [
            (CONNECTION, "keep-alive, Upgrade"),
            (UPGRADE, "websocket"),
            (SEC_WEBSOCKET_VERSION, "13"),
            (SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ=="),
        ]
        .into_iter()
        .map(|(name, value)| (name, HeaderValue::from_static(value)))
        .collect()
    }

    fn accepted(headers: &HeaderMap) -> Option<HeaderValue> {
        accept(&Method::GET, Version::HTTP_11, headers)
    }

    fn with(name: HeaderName, value: &'static str) -> HeaderMap {
        let mut headers = request();
        headers.insert(name, HeaderValue::from_static(value));
        headers
    }

    #[test]
    fn the_request_of_the_rfc_gets_the_answer_of_the_rfc() {
        let value = accepted(&request()).unwrap();
        assert_eq!(value, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");

        let response = switching_protocols(value);
        assert_eq!(response.status(), 101);
        assert_eq!(response.headers()[UPGRADE], "websocket");
        assert_eq!(response.headers()[CONNECTION], "Upgrade");
        assert_eq!(response.headers().len(), 3);
    }

    #[test]
    fn tokens_are_found_in_any_case_and_on_any_line() {
        let mut headers = with(UPGRADE, "WebSocket");
        headers.insert(CONNECTION, HeaderValue::from_static("keep-alive"));
        headers.append(CONNECTION, HeaderValue::from_static("x,UPGRADE"));
        assert!(accepted(&headers).is_some());
    }

    #[test]
    fn another_method_or_http_version_is_an_ordinary_request() {
        assert_eq!(accept(&Method::POST, Version::HTTP_11, &request()), None);
        assert_eq!(accept(&Method::GET, Version::HTTP_10, &request()), None);
    }

    #[test]
    fn a_missing_header_makes_an_ordinary_request() {
        for name in [
            CONNECTION,
            UPGRADE,
            SEC_WEBSOCKET_VERSION,
            SEC_WEBSOCKET_KEY,
        ] {
            let mut headers = request();
            headers.remove(&name);
            assert_eq!(accepted(&headers), None, "without {name}");
        }
    }

    #[test]
    fn a_wrong_header_makes_an_ordinary_request() {
        let wrong = [
            (CONNECTION, "keep-alive"),
            (UPGRADE, "h2c"),
            (SEC_WEBSOCKET_VERSION, "8"),
            (SEC_WEBSOCKET_KEY, ""),
            (SEC_WEBSOCKET_KEY, "not base64 at all!!!"),
            (SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25j"),
            (SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ"),
            (SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZXMg"),
            (
                SEC_WEBSOCKET_KEY,
                "dGhlIHNhbXBsZSBub25jZSBpcyBsb25nZXIgdGhhbiB0aGF0IGJ5IGZhcg==",
            ),
        ];
        for (name, value) in wrong {
            assert_eq!(
                accepted(&with(name.clone(), value)),
                None,
                "{name}: {value}"
            );
        }
    }

    #[test]
    fn a_key_of_random_characters_is_taken() {
        assert!(accepted(&with(SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZR==")).is_some());
    }

    #[test]
    fn two_keys_are_no_key() {
        let mut headers = request();
        headers.append(SEC_WEBSOCKET_KEY, headers[SEC_WEBSOCKET_KEY].clone());
        assert_eq!(accepted(&headers), None);
    }
}
