//! From an HTTP request to what it asks for: the checks in the order of the genuine server (1.2).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use heliograph_protocol::legacy::{ClientProtocol, PONG, connection_data, framing};
use http::header::ORIGIN;
use http::request::Parts;
use http::{Method, StatusCode};
use hyper::ext::ReasonPhrase;
use tracing::{debug, info};

use super::parameters::{FormError, Parameters};
use super::routes::{self, Action, LegacyRoute};
use super::{Door, answers, channel, negotiate, send};
use crate::auth::{ConnectionToken, Identity};
use crate::backend::legacy::{Admission, NotAdmitted};
use crate::backend::{ClientRequest, Transport};
use crate::edge::Scheme;
use crate::edge::cors;
use crate::edge::forwarded::Forwarded;

/// Room in a form for what surrounds a message, and for its characters, which may be written as
/// three each.
const FORM_OVERHEAD_BYTES: usize = 64 << 10;
const FORM_EXPANSION: usize = 3;

/// A request on its way through the door.
pub(super) struct Entry<'d> {
    pub(super) route: &'d LegacyRoute,
    pub(super) parts: Parts,
    /// What the connection and trusted proxies say of the client.
    pub(super) seen: Forwarded,
    pub(super) parameters: Parameters,
    /// The hubs that the client listens to, as it wrote them.
    pub(super) hubs: Vec<Box<str>>,
    /// The function that the answer is to call (JSONP).
    pub(super) callback: Option<String>,
}

pub(super) async fn handle(door: &Arc<Door>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some((route, action)) = routes::find(&door.routes, parts.uri.path()) else {
        return answers::empty(StatusCode::NOT_FOUND);
    };
    let seen = door.proxies.read(&parts);
    let origin = parts.headers.get(ORIGIN).cloned();
    let is_secure = seen.scheme == Scheme::Https;
    let is_allowed = route
        .origins
        .allow(&parts.headers, is_secure, seen.host.as_deref());
    let mut response = if !is_allowed {
        note_foreign_origin(route, &parts);
        answers::error(
            StatusCode::FORBIDDEN,
            "The origin of this page is not allowed.",
        )
    } else if cors::is_preflight(&parts.method, &parts.headers) {
        let mut response = answers::empty(StatusCode::NO_CONTENT);
        cors::allow_preflight(&parts.headers, response.headers_mut());
        return response;
    } else {
        let answered = answer(door, route, action, (parts, body), seen).await;
        let mut response = answered.unwrap_or_else(|refused| refused);
        cors::allow(origin, response.headers_mut());
        response
    };
    answers::finish(response.headers_mut());
    response
}

async fn answer(
    door: &Arc<Door>,
    route: &LegacyRoute,
    action: Action,
    (parts, body): (Parts, Body),
    seen: Forwarded,
) -> Result<Response, Response> {
    let mut parameters = Parameters::of_query(parts.uri.query().unwrap_or_default());
    let callback = parameters.value("callback").map(str::to_owned);
    if callback.is_some() && !door.options.jsonp {
        let mut response = answers::empty(StatusCode::FORBIDDEN);
        let reason = ReasonPhrase::from_static(b"Forbidden: JSONP is disabled.");
        response.extensions_mut().insert(reason);
        return Err(response);
    }
    if callback
        .as_deref()
        .is_some_and(|name| !framing::is_callback(name))
    {
        let text = "The callback is no name of a function.";
        return Err(answers::error(StatusCode::BAD_REQUEST, text));
    }
    if parts.method == Method::POST {
        let limit = form_limit(door, route, action, &parameters)?;
        let read = parameters.read_form(body, limit).await;
        read.map_err(|error| match error {
            FormError::TooLarge => too_large(route.backend.rules().max_message_bytes),
            FormError::Broken => answers::error(StatusCode::BAD_REQUEST, "The body broke off."),
        })?;
    }
    let hubs: Vec<Box<str>> = match parameters.value("connectionData") {
        None => Vec::new(),
        Some(text) => {
            let hubs = connection_data(text).map_err(|error| {
                let text = format!("The connection data cannot be used: {error}.");
                answers::error(StatusCode::BAD_REQUEST, text)
            })?;
            hubs.into_iter().map(Box::from).collect()
        }
    };
    if let Some(unknown) = route.backend.unknown_hub(&hubs) {
        return Err(answers::not_admitted(&NotAdmitted::UnknownHub(
            unknown.into(),
        )));
    }
    let mut entry = Entry {
        route,
        parts,
        seen,
        parameters,
        hubs,
        callback,
    };
    match action {
        Action::Script => negotiate::script(&entry).await,
        Action::Negotiate => negotiate::negotiate(door, &entry).await,
        // However old the token is: it names no connection (0, rule 20).
        Action::Ping => Ok(answers::json(entry.callback.as_deref(), PONG)),
        Action::Start => send::start(door, &entry).await,
        Action::Send => send::send(door, &entry).await,
        Action::Abort => send::abort(door, &entry).await,
        Action::Connect | Action::Reconnect | Action::Poll => {
            channel::open(door, &mut entry, action).await
        }
    }
}

/// How large the form of a request may be: a message goes with the token of a connection alone.
fn form_limit(
    door: &Door,
    route: &LegacyRoute,
    action: Action,
    parameters: &Parameters,
) -> Result<usize, Response> {
    if action != Action::Send {
        return Ok(FORM_OVERHEAD_BYTES);
    }
    connection_token(door, parameters)?;
    let message_bytes = route.backend.rules().max_message_bytes;
    Ok(message_bytes.saturating_mul(FORM_EXPANSION) + FORM_OVERHEAD_BYTES)
}

/// The connection that a request names.
///
/// # Errors
///
/// The answer to a request that cannot show whose it is.
fn connection_token(door: &Door, parameters: &Parameters) -> Result<ConnectionToken, Response> {
    if parameters.transport().is_none() {
        let text = "Protocol error: Unknown transport.";
        return Err(answers::error(StatusCode::BAD_REQUEST, text));
    }
    let Some(token) = parameters.value("connectionToken") else {
        let text = "Protocol error: Missing connection token.";
        return Err(answers::error(StatusCode::BAD_REQUEST, text));
    };
    door.tokens.read_connection(token).ok_or_else(|| {
        let text = "The ConnectionId is in the incorrect format.";
        answers::error(StatusCode::BAD_REQUEST, text)
    })
}

/// The answer to a message of more than so many bytes.
pub(super) fn too_large(limit: usize) -> Response {
    let text = format!("A message may have {limit} bytes.");
    answers::error(StatusCode::PAYLOAD_TOO_LARGE, text)
}

impl Entry<'_> {
    /// The connection that the request speaks for.
    ///
    /// # Errors
    ///
    /// The answer to a request that cannot show whose it is.
    pub(super) fn token(&self, door: &Door) -> Result<ConnectionToken, Response> {
        connection_token(door, &self.parameters)
    }

    /// The version by which the client is treated: the one that the request names, else the one
    /// that was negotiated (2).
    pub(super) fn protocol(&self, token: ConnectionToken) -> ClientProtocol {
        self.parameters.protocol().unwrap_or(token.protocol)
    }

    /// Who the client is. With the token of a connection that stands, it may outlive its
    /// credentials (7.3).
    ///
    /// # Errors
    ///
    /// The answer to a client that may not come in.
    pub(super) async fn authenticate(&self, is_known: bool) -> Result<Identity, Response> {
        let hub = self.hubs.first().map_or("", |hub| hub);
        let authenticator = &self.route.authenticator;
        let identity = if is_known {
            authenticator.recognize(&self.parts, hub).await
        } else {
            authenticator.authenticate(&self.parts, hub).await
        };
        identity.map_err(|denied| {
            debug!(err = %denied, "legacy client refused");
            denied.into_response()
        })
    }

    /// Asks whoever runs the hubs whether the client may come in.
    pub(super) async fn ask(&self, request: &ClientRequest) -> Result<Admission, NotAdmitted> {
        self.route.backend.admit(request, &self.hubs).await
    }

    /// What a backend gets to know of the request.
    pub(super) fn client_request(
        &self,
        identity: Identity,
        transport: Option<Transport>,
    ) -> ClientRequest {
        // These belong to the connection, and to nobody else.
        const OURS: [&str; 6] = [
            "connectionToken",
            "groupsToken",
            "messageId",
            "tid",
            "_",
            "noCache",
        ];
        let route = self.route;
        ClientRequest {
            transport,
            identity,
            ..ClientRequest::read(
                &self.parts,
                &self.seen,
                &route.path,
                &OURS,
                route.at_service,
            )
        }
    }
}

/// Whether a request of this user may use a connection: 403 if it is another's.
pub(super) fn check_user(token: ConnectionToken, user: Option<&str>) -> Result<(), Response> {
    if token.is_of(user) {
        return Ok(());
    }
    // Two spaces, as there.
    let text = "Unrecognized user identity.  The user identity cannot change during an active \
                SignalR connection.";
    Err(answers::error(StatusCode::FORBIDDEN, text))
}

/// Tells the operator which setting lets the page in.
fn note_foreign_origin(route: &LegacyRoute, parts: &Parts) {
    let origin = parts.headers.get(ORIGIN).and_then(|o| o.to_str().ok());
    let (origin, setting) = (origin.unwrap_or("(unreadable)"), &*route.origins_setting);
    info!(
        origin,
        setting, "request from a foreign origin refused; the setting lists those allowed"
    );
}
