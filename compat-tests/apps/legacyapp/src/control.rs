//! HTTP endpoints for tests: sending from outside a hub, ending connections, stopping.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use heliograph::edge::answers;
use http::StatusCode;
use serde::Deserialize;
use tokio::sync::Notify;

use crate::app::{App, To};
use crate::connection::Event;
use crate::hubs::Hub;

/// What the endpoints work on.
#[derive(Clone, Debug)]
pub(crate) struct Control {
    pub(crate) app: Arc<App>,
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
    let Some(hub) = Hub::find(&asked.hub) else {
        return answers::text(StatusCode::NOT_FOUND, "There is no such hub.");
    };
    let name = &*asked.name;
    let to = match &*asked.to {
        "all" => To::All { except: &[] },
        "group" => To::Group { name, except: &[] },
        "user" => To::User(name),
        "connection" => To::Connection(name),
        _ => {
            let text = "'to' is all, group, user or connection.";
            return answers::text(StatusCode::BAD_REQUEST, text);
        }
    };
    match hub.received(&asked.text) {
        Ok(element) => {
            control.app.send(hub, None, to, &element).await;
            StatusCode::OK.into_response()
        }
        Err(fault) => {
            let text = fault.detail(hub, "send");
            answers::text(StatusCode::INTERNAL_SERVER_ERROR, text)
        }
    }
}

#[derive(Deserialize)]
struct OfConnection {
    id: String,
}

/// Ends a connection, whatever its hubs.
async fn abort(State(control): State<Control>, Query(asked): Query<OfConnection>) -> StatusCode {
    let Some(connection) = control.app.connection(&asked.id) else {
        return StatusCode::NOT_FOUND;
    };
    control.app.forget(&connection);
    connection.close("").await;
    connection.tell(Event::Close);
    StatusCode::OK
}

async fn shutdown(State(control): State<Control>) -> StatusCode {
    control.stop.notify_one();
    StatusCode::ACCEPTED
}
