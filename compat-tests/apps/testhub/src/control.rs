//! HTTP endpoints for tests: sending from outside a hub, looking at events, stopping.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use heliograph::backend::embedded::{EmbeddedHub, HubHandle};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::hubs::Hubs;
use crate::journal::{Event, Journal};
use crate::options::Options;

/// What the endpoints work on.
#[derive(Clone, Debug)]
pub(crate) struct Control {
    pub(crate) options: Options,
    pub(crate) hubs: Hubs,
    pub(crate) journal: Arc<Journal>,
    pub(crate) stop: Arc<Notify>,
}

impl Control {
    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/healthz", get(|| async { "ok" }))
            .route("/readyz", get(|| async { "ready" }))
            .route("/info", get(info))
            .route("/events", get(events))
            .route("/connections", get(connections))
            .route("/send", post(send))
            .route("/broadcast", post(broadcast))
            .route("/groups/{group}/{id}", put(join).delete(leave))
            .route("/ask", get(ask))
            .route("/abort", post(abort))
            .route("/shutdown", post(shutdown))
            .with_state(self)
    }

    fn handle(&self, hub: Option<&str>) -> Result<HubHandle, Response> {
        let hub = self.hubs.find(hub).map(EmbeddedHub::handle);
        hub.ok_or_else(|| bad("hub is test, secret or bench"))
    }
}

async fn info(State(control): State<Control>) -> Json<Value> {
    Json(json!({
        "mode": "embedded",
        "sdk": env!("CARGO_PKG_VERSION"),
        "runtime": "Rust",
        "pid": std::process::id(),
        "options": control.options.given(),
    }))
}

#[derive(Deserialize)]
struct After {
    after: Option<u64>,
    wait: Option<u64>,
}

async fn events(State(control): State<Control>, Query(asked): Query<After>) -> Json<Vec<Event>> {
    let wait = Duration::from_millis(asked.wait.unwrap_or(0).min(60_000));
    Json(control.journal.after(asked.after.unwrap_or(0), wait).await)
}

async fn connections(State(control): State<Control>) -> Json<Vec<Value>> {
    let live = control.journal.live();
    let live = live
        .iter()
        .map(|caller| json!({ "connectionId": caller.id(), "user": caller.user() }));
    Json(live.collect())
}

#[derive(Deserialize)]
struct Sending {
    hub: Option<String>,
    to: String,
    ids: Option<Vec<String>>,
    except: Option<Vec<String>>,
    target: Option<String>,
    args: Option<Vec<Value>>,
}

async fn send(State(control): State<Control>, Json(asked): Json<Sending>) -> Response {
    let hub = match control.handle(asked.hub.as_deref()) {
        Ok(hub) => hub,
        Err(refused) => return refused,
    };
    let (ids, except) = (
        asked.ids.unwrap_or_default(),
        asked.except.unwrap_or_default(),
    );
    if asked.to != "all" && ids.is_empty() {
        return bad("ids is missing");
    }
    let clients = hub.clients();
    let receivers = match (&*asked.to, ids.as_slice()) {
        ("all", _) => clients.all_except(&except),
        ("clients", ids) => clients.clients(ids),
        ("users", ids) => clients.users(ids),
        ("groups", [one]) => clients.group_except(one, &except),
        ("groups", ids) => clients.groups(ids),
        _ => return bad("to is all, clients, users or groups"),
    };
    let target = asked.target.as_deref().unwrap_or("Message");
    match receivers.send(target, asked.args.unwrap_or_default()).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

#[derive(Deserialize)]
struct Text {
    text: String,
}

async fn broadcast(State(control): State<Control>, Query(asked): Query<Text>) -> Response {
    let hub = control.hubs.test.handle();
    match hub.clients().all().send("Message", (asked.text,)).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

#[derive(Deserialize)]
struct OfHub {
    hub: Option<String>,
}

async fn join(
    State(control): State<Control>,
    Path((group, id)): Path<(String, String)>,
    Query(asked): Query<OfHub>,
) -> Response {
    match control.handle(asked.hub.as_deref()) {
        Ok(hub) => {
            hub.groups().add(&id, &group);
            StatusCode::OK.into_response()
        }
        Err(refused) => refused,
    }
}

async fn leave(
    State(control): State<Control>,
    Path((group, id)): Path<(String, String)>,
    Query(asked): Query<OfHub>,
) -> Response {
    match control.handle(asked.hub.as_deref()) {
        Ok(hub) => {
            hub.groups().remove(&id, &group);
            StatusCode::OK.into_response()
        }
        Err(refused) => refused,
    }
}

#[derive(Deserialize)]
struct Question {
    id: String,
    q: Option<String>,
    ms: Option<u64>,
    hub: Option<String>,
}

async fn ask(State(control): State<Control>, Query(asked): Query<Question>) -> Response {
    let hub = match control.handle(asked.hub.as_deref()) {
        Ok(hub) => hub,
        Err(refused) => return refused,
    };
    let timeout = Duration::from_millis(asked.ms.unwrap_or(30_000));
    let question = asked.q.as_deref().unwrap_or("q");
    let clients = hub.clients();
    let client = clients.client(&asked.id);
    match client
        .invoke::<Option<String>>("Ask", (question,), timeout)
        .await
    {
        Ok(answer) => answer.unwrap_or_default().into_response(),
        Err(error) => {
            let text = format!("{}: {}", error.name(), error.text());
            (StatusCode::BAD_GATEWAY, text).into_response()
        }
    }
}

#[derive(Deserialize)]
struct OfConnection {
    id: String,
}

async fn abort(State(control): State<Control>, Query(asked): Query<OfConnection>) -> StatusCode {
    match control.journal.find(&asked.id) {
        Some(caller) => {
            caller.abort();
            StatusCode::OK
        }
        None => StatusCode::NOT_FOUND,
    }
}

async fn shutdown(State(control): State<Control>) -> StatusCode {
    control.stop.notify_one();
    StatusCode::ACCEPTED
}

fn bad(text: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(text)).into_response()
}
