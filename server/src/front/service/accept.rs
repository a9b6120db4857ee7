//! An app server's request to connect.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use hyper_util::rt::TokioIo;
use tracing::Instrument as _;

use super::{Door, driver};
use crate::auth::{Route, TokenError, bearer};
use crate::backend::legacy_app;
use crate::edge::websocket::handshake;

/// What an app server's request said of the link.
#[derive(Debug)]
pub(super) struct Caller {
    /// The hub's name in the relay, in lower case.
    pub(super) hub: Box<str>,
    /// It is a classic app: its clients are legacy clients.
    pub(super) is_classic: bool,
    /// The app server's id for the link.
    pub(super) link: Box<str>,
    /// The app server, the same on all its links.
    pub(super) server: Box<str>,
}

/// A link whose handshake is not done takes one of a bounded number of places.
#[derive(Debug)]
pub(super) struct Place(Arc<Door>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.handshakes.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Why a request opens no link.
enum Refusal {
    /// Its token.
    Token(TokenError),
    /// Something that it lacks.
    Missing(&'static str),
    /// A limit of ours.
    Busy(&'static str),
}

/// Answers the request and starts the link's task.
pub(super) async fn accept(State(door): State<Arc<Door>>, request: Request) -> Response {
    upgrade(door, Route::Server, request).unwrap_or_else(IntoResponse::into_response)
}

/// As [`accept`], for classic app servers.
pub(super) async fn accept_classic(State(door): State<Arc<Door>>, request: Request) -> Response {
    upgrade(door, Route::LegacyServer, request).unwrap_or_else(IntoResponse::into_response)
}

fn upgrade(door: Arc<Door>, route: Route, mut request: Request) -> Result<Response, Refusal> {
    let upgrade = hyper::upgrade::on(&mut request);
    let (parts, _) = request.into_parts();
    let caller = caller(&door, route, &parts)?;
    let accept = handshake::accept(&parts.method, parts.version, &parts.headers)
        .ok_or(Refusal::Missing("A WebSocket upgrade is required."))?;
    let links = door
        .relay
        .find(&caller.hub)
        .map_or(0, |hub| hub.links().all().len());
    if door.is_draining() || links >= door.options.max_links_per_hub {
        return Err(Refusal::Busy("No further connections are accepted."));
    }
    let place = Place(Arc::clone(&door));
    if door.handshakes.fetch_add(1, Ordering::Relaxed) >= door.options.max_handshakes {
        return Err(Refusal::Busy("Too many connections are being opened."));
    }
    // Subscribed here, so that a drain waits for the task from now on.
    let draining = door.draining.subscribe();
    let span = tracing::debug_span!("link", hub = &*caller.hub, link = &*caller.link);
    let task = async move {
        match upgrade.await {
            Ok(stream) => driver::drive(TokioIo::new(stream), door, caller, place, draining).await,
            Err(err) => tracing::debug!(%err, "upgrade failed"),
        }
    };
    tokio::spawn(task.instrument(span));
    Ok(handshake::switching_protocols(accept).map(|()| Body::empty()))
}

fn caller(door: &Door, route: Route, parts: &Parts) -> Result<Caller, Refusal> {
    let query = parts.uri.query().unwrap_or_default();
    // Parameters can come twice: the first one counts.
    let value = |name: &str| {
        form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .filter(|value| !value.is_empty())
    };
    let hub = value("hub").ok_or(Refusal::Missing("The query parameter 'hub' is missing."))?;
    let hub = hub.to_lowercase();
    let token = bearer(parts).unwrap_or_default();
    let identity = door
        .verifier
        .server(&token, &hub, route, SystemTime::now())
        .map_err(Refusal::Token)?;
    let link = value("cid").ok_or(Refusal::Missing("The query parameter 'cid' is missing."))?;
    let server = parts
        .headers
        .get("x-asrs-server-id")
        .and_then(|value| value.to_str().ok());
    let server = server
        .filter(|server| !server.is_empty())
        .unwrap_or(&identity.server_id);
    let is_classic = route == Route::LegacyServer;
    let hub = if is_classic {
        legacy_app::relay_name(&hub)
    } else {
        hub
    };
    Ok(Caller {
        hub: hub.into(),
        is_classic,
        link: link.into(),
        server: server.into(),
    })
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Token(error) => error.into_response(),
            Self::Missing(text) => (StatusCode::BAD_REQUEST, text).into_response(),
            Self::Busy(text) => (StatusCode::SERVICE_UNAVAILABLE, text).into_response(),
        }
    }
}
