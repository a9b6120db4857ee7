//! `/negotiate`, answered as apps with `MapAzureSignalR` answer it (legacy protocol, 7.1): the
//! client is sent to a service, with a token that says who it is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use heliograph::auth::{AccessKey, Mint, MintError};
use heliograph::backend::form_pairs;
use heliograph::edge::answers;
use heliograph::edge::cors;
use heliograph_protocol::legacy::ClientProtocol;
use http::header::{CONTENT_TYPE, ORIGIN};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::identity::{Believer, Said};

/// The path of an app's SignalR, as its clients know it.
const APP_PATH: &str = "/redirect/signalr";
/// Parameters that a client writes anew.
const NEGOTIATED: [&str; 3] = ["clientProtocol", "connectionToken", "connectionData"];
/// The SDK whose answers these are.
const SDK_VERSION: &str = "1.25.1.0";
/// Longer tokens are not given.
const LONGEST_TOKEN: usize = 4096;

/// An app that runs no hubs for legacy clients itself.
#[derive(Clone, Debug)]
pub struct Redirect {
    /// URL of the service.
    pub target: String,
    /// Signs the tokens.
    pub key: AccessKey,
    /// How long a token is good.
    pub lifetime: Duration,
    /// Says who clients are.
    pub believer: Believer,
    /// The name of the app that runs the hubs, if app servers do.
    pub app: Option<String>,
}

impl Redirect {
    /// Answers at `/redirect/signalr/negotiate`.
    pub fn router(self) -> Router {
        let path = format!("{APP_PATH}/negotiate");
        Router::new().route(&path, any(negotiate)).with_state(self)
    }

    /// The answer for a caller that asked with this query, at this path of the app.
    #[must_use]
    pub fn answer(&self, said: &Said, query: &str, path: &str) -> Response {
        if form_pairs(query).any(|(name, _)| name == "callback") {
            return refusal(StatusCode::BAD_REQUEST, "JSONP is no longer supported.");
        }
        let token = match self.token(said) {
            Ok(token) if token.len() > LONGEST_TOKEN => {
                let text = "AccessToken must not be longer than 4K.";
                return refusal(StatusCode::PAYLOAD_TOO_LARGE, text);
            }
            Ok(token) => token,
            Err(error) => {
                return answers::text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string());
            }
        };
        let answer = json!({
            "ProtocolVersion": "2.0",
            "RedirectUrl": location(&self.target, query, path),
            "AccessToken": token,
            "TryWebSockets": true,
        });
        let mut response = answer.to_string().into_response();
        let json = HeaderValue::from_static("application/json; charset=UTF-8");
        response.headers_mut().insert(CONTENT_TYPE, json);
        response
    }

    /// Claims in the order of the SDK.
    fn token(&self, said: &Said) -> Result<String, MintError> {
        let mint = Mint::new(
            self.key.clone(),
            &self.target,
            SystemTime::now(),
            self.lifetime,
        )?;
        let claim = |kind: &str, value: &str| (kind.to_owned(), value.to_owned());
        let mut claims = Vec::new();
        if let Some(app) = &self.app {
            claims.push(claim("asrs.s.apn", app));
            claims.push(claim("asrs.s.vn", SDK_VERSION));
        }
        if let Some(user) = &said.user {
            claims.push(claim("asrs.s.uid", user));
            claims.push(claim("asrs.s.aut", "test"));
            claims.push(claim("unique_name", user));
        }
        claims.extend(said.roles.iter().map(|role| claim("role", role)));
        mint.legacy_client(None, &claims)
    }
}

async fn negotiate(State(redirect): State<Redirect>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    across_origins(&parts, || match redirect.believer.said(&parts) {
        Ok(said) => redirect.answer(&said, parts.uri.query().unwrap_or_default(), APP_PATH),
        Err(denied) => denied.into_response(),
    })
}

/// An answer that pages of all origins may read.
pub fn across_origins(request: &Parts, answer: impl FnOnce() -> Response) -> Response {
    if cors::is_preflight(&request.method, &request.headers) {
        let mut response = answers::empty(StatusCode::NO_CONTENT, None);
        cors::allow_preflight(&request.headers, response.headers_mut());
        return response;
    }
    let mut response = answer();
    cors::allow(request.headers.get(ORIGIN).cloned(), response.headers_mut());
    response
}

/// A short text without a type, as the SDK gives its errors.
#[must_use]
pub fn refusal(status: StatusCode, text: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response
}

/// Where a client goes that asked with this query: with what it said itself, as far as its version
/// can take it along.
fn location(target: &str, query: &str, path: &str) -> String {
    let protocol = form_pairs(query).find(|(name, _)| name == "clientProtocol");
    let protocol = protocol.map(|(_, version)| version);
    if !ClientProtocol::parse(protocol.as_deref()).has_redirect_query() {
        return target.to_owned();
    }
    let mut passed = form_urlencoded::Serializer::new(String::new());
    passed.extend_pairs(form_pairs(query).filter(|(name, _)| !NEGOTIATED.contains(&&**name)));
    passed.append_pair("asrs_request_id", &request_id());
    passed.append_pair("asrs.op", path);
    // A plus that means itself is written by its number.
    let passed = passed.finish().replace('+', "%20");
    let separator = if target.contains('?') { '&' } else { '?' };
    format!("{target}{separator}{passed}")
}

/// Eight bytes that no other request has, in base64.
fn request_id() -> String {
    static REQUESTS: AtomicU64 = AtomicU64::new(0);
    STANDARD.encode(REQUESTS.fetch_add(1, Ordering::Relaxed).to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_newer_clients_take_a_query_along() {
        let to = |target, query| {
            let location = location(target, query, "/signalr");
            // Which request it was is nothing to compare.
            match location.split_once("asrs_request_id=") {
                Some((before, after)) => {
                    let (id, after) = after.split_once('&').unwrap();
                    assert_eq!(id.len(), 14, "{id}");
                    format!("{before}{after}")
                }
                None => location,
            }
        };
        let service = "http://service/signalr";
        assert_eq!(to(service, "clientProtocol=2.0&a=b"), service);
        assert_eq!(
            to(
                service,
                "clientProtocol=2.1&connectionToken=&a=b%20c%26d&p=x%2By&connectionData=%5B%5D&_=1"
            ),
            "http://service/signalr?a=b%20c%26d&p=x%2By&_=1&asrs.op=%2Fsignalr"
        );
        assert_eq!(
            to("http://service/signalr?x=y", "clientProtocol=2.1"),
            "http://service/signalr?x=y&asrs.op=%2Fsignalr"
        );
    }
}
