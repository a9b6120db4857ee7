//! Answers in the form of the genuine server (1.2, 1.6, 1.7).

use axum::body::Body;
use axum::response::Response;
use heliograph_protocol::legacy::framing;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, EXPIRES, PRAGMA, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tracing::warn;

use crate::backend::legacy::NotAdmitted;

const JSON: &str = "application/json; charset=UTF-8";
const SCRIPT: &str = "application/javascript; charset=UTF-8";

/// A JSON document, in the callback that the request names if it names one.
pub(super) fn json(callback: Option<&str>, document: impl Into<Vec<u8>>) -> Response {
    let document = document.into();
    let (kind, body) = match callback {
        None => (JSON, document),
        Some(callback) => {
            let mut body = Vec::new();
            framing::write_jsonp(&mut body, callback, &document);
            (SCRIPT, body)
        }
    };
    with_body(StatusCode::OK, Some(kind), Body::from(body))
}

/// The proxy script.
pub(super) fn script(body: Vec<u8>) -> Response {
    with_body(StatusCode::OK, Some(SCRIPT), Body::from(body))
}

/// A body that comes in pieces.
pub(super) fn stream(kind: &'static str, body: Body) -> Response {
    let mut response = with_body(StatusCode::OK, Some(kind), body);
    // A proxy that buffers would hold every message back.
    let buffering = HeaderName::from_static("x-accel-buffering");
    let headers = response.headers_mut();
    headers.insert(buffering, HeaderValue::from_static("no"));
    response
}

/// A poll's document, which may come in pieces.
pub(super) fn poll(is_jsonp: bool, body: Body) -> Response {
    stream(if is_jsonp { SCRIPT } else { JSON }, body)
}

/// The answer to `/abort`.
pub(super) fn aborted() -> Response {
    with_body(StatusCode::OK, Some("text/plain"), Body::empty())
}

/// An answer without a body and without a type.
pub(super) fn empty(status: StatusCode) -> Response {
    with_body(status, None, Body::empty())
}

/// A short text without a type, as the genuine server gives its errors.
pub(super) fn error(status: StatusCode, text: impl Into<String>) -> Response {
    with_body(status, None, Body::from(text.into()))
}

/// The answer to a client that may not come in. What an app answered stays here, but for a text that
/// is meant for the client.
pub(super) fn not_admitted(refused: &NotAdmitted) -> Response {
    match refused {
        NotAdmitted::UnknownHub(_) => {
            error(StatusCode::BAD_REQUEST, capitalised(&refused.to_string()))
        }
        NotAdmitted::Unauthorized { is_known: true } => empty(StatusCode::FORBIDDEN),
        NotAdmitted::Unauthorized { is_known: false } | NotAdmitted::Expired { .. } => {
            empty(StatusCode::UNAUTHORIZED)
        }
        NotAdmitted::Refused(text) => error(StatusCode::FORBIDDEN, text.as_ref()),
        NotAdmitted::Unavailable { .. } => {
            warn!(err = %refused, "legacy client not admitted");
            let text = "The hub is not available.";
            error(StatusCode::SERVICE_UNAVAILABLE, text)
        }
    }
}

fn capitalised(text: &str) -> String {
    let mut text = text.to_owned();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text.push('.');
    text
}

fn with_body(status: StatusCode, kind: Option<&'static str>, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    if let Some(kind) = kind {
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    response
}

/// What every answer carries. The genuine server forbids no caching; clients defend themselves, and
/// so do we.
pub(super) fn finish(headers: &mut HeaderMap) {
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-cache, no-store"),
        (PRAGMA, "no-cache"),
        (EXPIRES, "-1"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
