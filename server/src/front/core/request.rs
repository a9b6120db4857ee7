//! From an HTTP request to the hub and action that it asks for.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::ORIGIN;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tracing::{debug, info};

use super::routes::{Action, NoPlace, Place};
use super::{Door, connect, negotiate};
use crate::auth::{Denied, Identity, TokenError};
use crate::backend::{ClientRequest, Transport, form_pairs};
use crate::edge::Scheme;
use crate::edge::answers;
use crate::edge::cors::{self, Origins};
use crate::edge::forwarded::Forwarded;
use crate::telemetry::Negotiated;

/// A request on its way through the door.
pub(super) struct Entry {
    pub(super) parts: Parts,
    pub(super) place: Place,
    /// What the connection and trusted proxies say of the client.
    pub(super) seen: Forwarded,
}

pub(super) async fn handle(door: Arc<Door>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let seen = door.routes.proxies().read(&parts);
    let found = door
        .routes
        .find(parts.uri.path(), || query_value(&parts, "hub"));
    let (place, action) = match found {
        Ok(found) => found,
        Err(NoPlace::Path) => {
            // Any page may know that: it names the path that is wrong, not a forbidden origin.
            let text = "Nothing is served at this path.";
            if cors::is_preflight(&parts.method, &parts.headers) {
                return preflight(&parts.headers);
            }
            let origin = parts.headers.get(ORIGIN).cloned();
            return with_cors(origin, answers::text(StatusCode::NOT_FOUND, text));
        }
        Err(NoPlace::Hub) => {
            let text = "The query parameter 'hub' is missing or is no name of a hub.";
            let origin = parts.headers.get(ORIGIN).cloned();
            return with_cors(origin, answers::text(StatusCode::BAD_REQUEST, text));
        }
    };
    if !is_allowed(&place.origins, &parts.headers, &seen) {
        if action == Action::Negotiate {
            door.count_negotiation(&place, Negotiated::Denied);
        }
        note_foreign_origin(&place, parts.headers.get(ORIGIN));
        return answers::text(
            StatusCode::FORBIDDEN,
            "The origin of this page is not allowed.",
        );
    }
    if cors::is_preflight(&parts.method, &parts.headers) {
        return preflight(&parts.headers);
    }
    let origin = parts.headers.get(ORIGIN).cloned();
    let entry = Entry { parts, place, seen };
    let response = match action {
        Action::Negotiate => {
            let place = entry.place.clone();
            let (response, result) = negotiate::negotiate(&door, entry).await;
            door.count_negotiation(&place, result);
            response
        }
        Action::Connect => connect::connect(&door, entry, body).await,
    };
    with_cors(origin, response)
}

fn preflight(headers: &HeaderMap) -> Response {
    let mut response = answers::empty(StatusCode::NO_CONTENT, None);
    cors::allow_preflight(headers, response.headers_mut());
    response
}

impl Entry {
    /// The first value of a query parameter, whatever the case of its name. Parameters may occur
    /// twice: redirected clients add their own to those of the app.
    pub(super) fn query_value(&self, name: &str) -> Option<String> {
        query_value(&self.parts, name)
    }

    /// Who the client is. `connected` clients are known already: they may outlive their token and
    /// the key that signed it.
    pub(super) async fn authenticate(&self, connected: bool) -> Result<Identity, Response> {
        let place = &self.place;
        match place
            .authenticator
            .authenticate(&self.parts, &place.name)
            .await
        {
            Ok(identity) => Ok(identity),
            Err(Denied::Token(TokenError::Expired | TokenError::RetiredKey)) if connected => {
                Ok(Identity::anonymous())
            }
            Err(denied) => {
                debug!(hub = &*place.name, err = %denied, "client refused");
                Err(denied.into_response())
            }
        }
    }

    /// What a backend gets to know of the request.
    pub(super) fn client_request(
        &self,
        identity: Identity,
        transport: Option<Transport>,
    ) -> ClientRequest {
        let at_service = self.place.path.is_none();
        let path = match &self.place.path {
            Some(path) => path.clone(),
            None => self.query_value("asrs.op").unwrap_or_default().into(),
        };
        ClientRequest {
            transport,
            identity,
            ..ClientRequest::read(&self.parts, &self.seen, &path, &["id"], at_service)
        }
    }

    pub(super) fn is(&self, method: &Method) -> bool {
        self.parts.method == *method
    }
}

/// Tells the operator which setting lets the page in.
fn note_foreign_origin(place: &Place, origin: Option<&HeaderValue>) {
    let (hub, setting) = (&*place.name, &*place.origins_setting);
    let origin = origin.and_then(|origin| origin.to_str().ok());
    let origin = origin.unwrap_or("(unreadable)");
    info!(
        hub,
        origin, setting, "request from a foreign origin refused; the setting lists those allowed"
    );
}

fn is_allowed(origins: &Origins, headers: &HeaderMap, seen: &Forwarded) -> bool {
    origins.allow(headers, seen.scheme == Scheme::Https, seen.host.as_deref())
}

fn with_cors(origin: Option<HeaderValue>, mut response: Response) -> Response {
    cors::allow(origin, response.headers_mut());
    response
}

fn query_value(parts: &Parts, name: &str) -> Option<String> {
    let mut pairs = form_pairs(parts.uri.query().unwrap_or_default());
    pairs
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}
