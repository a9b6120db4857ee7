//! `/redirect/signalr/negotiate`, answered as apps with `MapAzureSignalR` answer it (legacy
//! protocol, 7.1): the client is sent to a service, with a token that says who it is.

use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
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

/// An app that runs no hubs for legacy clients itself.
#[derive(Clone, Debug)]
pub(crate) struct Redirect {
    /// URL of the service.
    pub(crate) target: String,
    /// Signs the tokens.
    pub(crate) key: AccessKey,
    /// How long a token is good.
    pub(crate) lifetime: Duration,
    /// Says who clients are.
    pub(crate) believer: Believer,
}

impl Redirect {
    pub(crate) fn router(self) -> Router {
        let path = format!("{APP_PATH}/negotiate");
        Router::new().route(&path, any(negotiate)).with_state(self)
    }

    fn answer(&self, request: &Parts) -> Response {
        let said = match self.believer.said(request) {
            Ok(said) => said,
            Err(denied) => return denied.into_response(),
        };
        let query = request.uri.query().unwrap_or_default();
        if form_pairs(query).any(|(name, _)| name == "callback") {
            return answers::text(StatusCode::BAD_REQUEST, "JSONP is no longer supported.");
        }
        let token = match self.token(&said) {
            Ok(token) => token,
            Err(error) => {
                return answers::text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string());
            }
        };
        let answer = json!({
            "ProtocolVersion": "2.0",
            "RedirectUrl": location(&self.target, query),
            "AccessToken": token,
            "TryWebSockets": true,
        });
        let mut response = answer.to_string().into_response();
        let json = HeaderValue::from_static("application/json; charset=UTF-8");
        response.headers_mut().insert(CONTENT_TYPE, json);
        response
    }

    fn token(&self, said: &Said) -> Result<String, MintError> {
        let mint = Mint::new(
            self.key.clone(),
            &self.target,
            SystemTime::now(),
            self.lifetime,
        )?;
        let roles = said
            .roles
            .iter()
            .map(|role| ("role".to_owned(), role.clone()));
        mint.legacy_client(said.user.as_deref(), &roles.collect::<Vec<_>>())
    }
}

async fn negotiate(State(redirect): State<Redirect>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    if cors::is_preflight(&parts.method, &parts.headers) {
        let mut response = answers::empty(StatusCode::NO_CONTENT, None);
        cors::allow_preflight(&parts.headers, response.headers_mut());
        return response;
    }
    let mut response = redirect.answer(&parts);
    cors::allow(parts.headers.get(ORIGIN).cloned(), response.headers_mut());
    response
}

/// Where a client goes that asked with this query: with what it said itself, as far as its version
/// can take it along.
fn location(target: &str, query: &str) -> String {
    let protocol = form_pairs(query).find(|(name, _)| name == "clientProtocol");
    let protocol = protocol.map(|(_, version)| version);
    if !ClientProtocol::parse(protocol.as_deref()).has_redirect_query() {
        return target.to_owned();
    }
    let mut passed = form_urlencoded::Serializer::new(String::new());
    passed.extend_pairs(form_pairs(query).filter(|(name, _)| !NEGOTIATED.contains(&&**name)));
    passed.append_pair("asrs.op", APP_PATH);
    let separator = if target.contains('?') { '&' } else { '?' };
    format!("{target}{separator}{}", passed.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_newer_clients_take_a_query_along() {
        let to = |query| location("http://service/signalr", query);
        assert_eq!(to("clientProtocol=2.0&a=b"), "http://service/signalr");
        assert_eq!(
            to("clientProtocol=2.1&connectionToken=&a=b%20c%26d&connectionData=%5B%5D&_=1"),
            "http://service/signalr?a=b+c%26d&_=1&asrs.op=%2Fredirect%2Fsignalr"
        );
        assert_eq!(
            location("http://service/signalr?x=y", "clientProtocol=2.1"),
            "http://service/signalr?x=y&asrs.op=%2Fredirect%2Fsignalr"
        );
    }
}
