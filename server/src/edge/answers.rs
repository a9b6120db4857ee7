//! Plain answers, in the form that Kestrel gives them.

use axum::body::Body;
use axum::response::Response;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};

/// The content type of bytes.
pub const OCTETS: &str = "application/octet-stream";

/// A status with a sentence in plain text.
#[must_use]
pub fn text(status: StatusCode, text: impl Into<String>) -> Response {
    let mut response = Response::new(Body::from(text.into()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

/// 405, naming what is allowed instead.
#[must_use]
pub fn method_not_allowed(allowed: &'static str) -> Response {
    let text = format!("This method is not allowed here, only {allowed}.");
    let mut response = self::text(StatusCode::METHOD_NOT_ALLOWED, text);
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

/// A status with no body.
#[must_use]
pub fn empty(status: StatusCode, kind: Option<&'static str>) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    if let Some(kind) = kind {
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    response
}
