//! HTTP endpoints for tests: sending from outside a hub, ending connections, stopping.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use contract::RECEIVED;
use heliograph::edge::answers;
use http::StatusCode;
use serde::Deserialize;
use tokio::sync::Notify;

use crate::hubs::Hubs;

/// What the endpoints work on.
#[derive(Clone, Debug)]
pub(crate) struct Control {
    pub(crate) hubs: Hubs,
    pub(crate) stop: Arc<Notify>,
}

impl Control {
    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/healthz", get(|| async { "ok" }))
            .route("/send", post(send))
            .route("/abort", post(abort))
            .route("/shutdown", post(shutdown))
            .with_state(self)
    }
}

#[derive(Deserialize)]
struct Sending {
    hub: String,
    to: String,
    #[serde(default)]
    name: String,
    text: String,
}

/// Sends `received(text)` to those of a hub: to all, or to the group, user or connection `name`.
async fn send(State(control): State<Control>, Query(asked): Query<Sending>) -> Response {
    let Some(hub) = control.hubs.find(&asked.hub) else {
        return answers::text(StatusCode::NOT_FOUND, "There is no such hub.");
    };
    let hub = hub.handle();
    let (clients, name, text) = (hub.clients(), &asked.name, (asked.text,));
    let sent = match &*asked.to {
        "all" => clients.all().send(RECEIVED, text).await,
        "group" => clients.group(name).send(RECEIVED, text).await,
        "user" => clients.user(name).send(RECEIVED, text).await,
        "connection" => clients.client(name).send(RECEIVED, text).await,
        _ => {
            let text = "'to' is all, group, user or connection.";
            return answers::text(StatusCode::BAD_REQUEST, text);
        }
    };
    match sent {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => answers::text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

#[derive(Deserialize)]
struct OfConnection {
    id: String,
}

/// Ends a connection, whatever its hubs.
async fn abort(State(control): State<Control>, Query(asked): Query<OfConnection>) -> StatusCode {
    let hubs = control.hubs.all().into_iter();
    let ended = hubs.filter(|hub| hub.handle().abort(&asked.id)).count();
    if ended == 0 {
        return StatusCode::NOT_FOUND;
    }
    StatusCode::OK
}

async fn shutdown(State(control): State<Control>) -> StatusCode {
    control.stop.notify_one();
    StatusCode::ACCEPTED
}
