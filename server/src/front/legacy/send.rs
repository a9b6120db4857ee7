//! What a client asks for beside its channel: start, send, abort.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use heliograph_protocol::legacy::{LegacyTransport, STARTED};
use heliograph_relay::CloseReason;
use http::StatusCode;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};
use tracing::debug;

use super::negotiate::unavailable;
use super::request::{self, Entry};
use super::session::Session;
use super::sessions::Known;
use super::{Door, answers};
use crate::backend::legacy::Reply;
use crate::edge::while_open;

/// How long the answer to a call waits for what was sent to its channel before, and how often it
/// looks.
const FLUSH: Duration = Duration::from_millis(500);
const FLUSH_LOOK: Duration = Duration::from_millis(2);

/// Lets the hubs hear of the client (1.6).
pub(super) async fn start(door: &Arc<Door>, entry: &Entry<'_>) -> Result<Response, Response> {
    // The client gives up whatever it reads; the genuine server fails here too.
    let failed = || answers::empty(StatusCode::INTERNAL_SERVER_ERROR);
    let token = entry.token(door)?;
    if matches!(door.sessions.find(&token.id()), Known::Dead) {
        // Its hubs have refused it already.
        return Err(failed());
    }
    let session = live(door, entry).await?;
    door.start(&session).await.map_err(|_| failed())?;
    Ok(answers::json(entry.callback.as_deref(), STARTED))
}

/// Takes one message and waits for its answer.
pub(super) async fn send(door: &Arc<Door>, entry: &Entry<'_>) -> Result<Response, Response> {
    let session = live(door, entry).await?;
    if entry.parameters.transport() == Some(LegacyTransport::WebSockets) {
        return Err(not_a_socket());
    }
    let Some(data) = entry.parameters.data() else {
        let text = "The parameter 'data' is missing.";
        return Err(answers::error(StatusCode::BAD_REQUEST, text));
    };
    let limit = entry.route.backend.rules().max_message_bytes;
    if data.len() > limit {
        return Err(request::too_large(limit));
    }
    let callback = entry.callback.as_deref();
    let Some(answer) = feed(door, &session, data.as_bytes()).await? else {
        return Err(over(door));
    };
    match while_open(
        session.inbox.outbox(),
        timeout(door.options.send_timeout, answer),
    )
    .await
    {
        Some(Ok(Ok(object))) => {
            flush(&session).await;
            Ok(answers::json(callback, object))
        }
        // There is no answer, or none in time: it comes as a message then (7.3). Never `{}`.
        _ => Ok(answers::empty(StatusCode::OK)),
    }
}

/// The client stops, or some do so to reconnect.
pub(super) async fn abort(door: &Arc<Door>, entry: &Entry<'_>) -> Result<Response, Response> {
    let token = entry.token(door)?;
    if let Known::Live(session) = door.sessions.find(&token.id()) {
        check(door, entry).await?;
        door.abort(&session);
    }
    Ok(answers::aborted())
}

/// The answer to a request for a WebSocket that is none.
pub(super) fn not_a_socket() -> Response {
    answers::error(StatusCode::BAD_REQUEST, "Not a valid web socket request.")
}

/// The answer to a client whose connection is over.
pub(super) fn gone() -> Response {
    answers::error(StatusCode::NOT_FOUND, "This connection is over.")
}

/// The answer to a client whose connection is ending: if it is the door that ends, it may try again.
fn over(door: &Door) -> Response {
    if door.is_draining() {
        unavailable(door)
    } else {
        gone()
    }
}

/// Gives one message to the hubs. `None` when the connection is ending.
async fn feed(
    door: &Arc<Door>,
    session: &Arc<Session>,
    data: &[u8],
) -> Result<Option<oneshot::Receiver<Vec<u8>>>, Response> {
    let outbox = session.inbox.outbox();
    let Some(mut uplink) = while_open(outbox, session.uplink.lock()).await else {
        return Ok(None);
    };
    match while_open(outbox, poll_fn(|cx| uplink.poll_ready(cx))).await {
        None => return Ok(None),
        Some(Err(reason)) => {
            door.end_later(session, reason);
            return Ok(None);
        }
        Some(Ok(())) => {}
    }
    let (reply, answer) = oneshot::channel();
    if let Err(error) = uplink.feed(data, Reply::Request(reply)) {
        debug!(conn = ?session.id, err = %error, "message of a legacy client refused");
        let text = format!("The message cannot be used: {error}.");
        return Err(answers::error(StatusCode::BAD_REQUEST, text));
    }
    Ok(Some(answer))
}

/// Waits until the channel has what was sent before: progress is nothing to a client that has the
/// result already (0, rule 10).
async fn flush(session: &Session) {
    let until = Instant::now() + FLUSH;
    let is_read = || {
        let (transport, is_attached) = session.transport();
        // A client that polls is between two polls most of the time.
        is_attached || transport == LegacyTransport::LongPolling
    };
    while session.inbox.outbox().waiting_bytes() > 0 && is_read() && Instant::now() < until {
        sleep(FLUSH_LOOK).await;
    }
}

/// The connection that a request speaks for, which has to be there.
async fn live(door: &Arc<Door>, entry: &Entry<'_>) -> Result<Arc<Session>, Response> {
    let token = entry.token(door)?;
    match door.sessions.find(&token.id()) {
        Known::Live(session) => {
            check(door, entry).await?;
            Ok(session)
        }
        Known::Dead => Err(gone()),
        Known::Never if door.is_draining() => Err(unavailable(door)),
        Known::Never => {
            let text = "This connection has not begun.";
            Err(answers::error(StatusCode::NOT_FOUND, text))
        }
    }
}

/// Whether the request may speak for the connection.
async fn check(door: &Door, entry: &Entry<'_>) -> Result<(), Response> {
    let token = entry.token(door)?;
    let identity = entry.authenticate(true).await?;
    if entry.route.backend.rules().names_users {
        return Ok(());
    }
    request::check_user(token, identity.user.as_deref())
}

impl Door {
    /// Lets the hubs hear of the client, once.
    pub(super) async fn start(self: &Arc<Self>, session: &Arc<Session>) -> Result<(), CloseReason> {
        let outbox = session.inbox.outbox();
        let started = async { session.uplink.lock().await.start().await };
        let started = while_open(outbox, started).await;
        let started = started.unwrap_or(Err(CloseReason::TransportLost));
        if let Err(reason) = &started {
            self.end_later(session, reason.clone());
        }
        started
    }
}
