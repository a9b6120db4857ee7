//! POST: what a client of server-sent events or long polling sends.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::Door;
use super::answers;
use super::session::{Binding, Session};

/// How often a sender that waits for the hub looks whether the connection is ending.
const LOOK: Duration = Duration::from_millis(500);
/// Bytes kept for a connection whose transport has not come yet, as in the genuine server's pipe.
const EARLY_BYTES: usize = 64 << 10;

/// Passes the body on, whole messages and parts of them alike. One POST of a connection at a time.
pub(super) async fn send(door: Arc<Door>, session: Arc<Session>, mut body: Body) -> Response {
    if matches!(
        *session.binding(),
        Binding::WebSocket(_) | Binding::Detached(_)
    ) {
        return answers::text(
            StatusCode::METHOD_NOT_ALLOWED,
            "POST requests are not allowed for WebSocket connections.",
        );
    }
    let _turn = session.post_turn.lock().await;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return answers::empty(StatusCode::BAD_REQUEST, Some("text/plain"));
        };
        let Some(piece) = frame.data_ref() else {
            continue;
        };
        if !take(&door, &session, piece).await {
            return answers::empty(StatusCode::NOT_FOUND, Some("text/plain"));
        }
    }
    answers::empty(StatusCode::OK, Some("text/plain"))
}

/// Feeds one piece and waits until the hub has it. False when the connection is over.
async fn take(door: &Arc<Door>, session: &Arc<Session>, piece: &[u8]) -> bool {
    if session.has_ended() || session.outbox.is_closing() {
        return false;
    }
    let mut uplink = session.uplink.lock().await;
    if session.request().is_none() && uplink.backlog_bytes() + piece.len() > EARLY_BYTES {
        return false;
    }
    let received = uplink.receive(
        door,
        session,
        &mut Context::from_waker(Waker::noop()),
        piece,
    );
    let result = match received {
        Err(reason) => Err(reason),
        Ok(()) => loop {
            let pumped = poll_fn(|cx| uplink.poll_pump(door, session, cx));
            match timeout(LOOK, pumped).await {
                Ok(result) => break result,
                Err(_) if session.outbox.is_closing() => return false,
                Err(_) => {}
            }
        },
    };
    if let Err(reason) = result {
        // The hub is told by whoever writes the last message; this POST was received all the same.
        session.outbox.close(reason);
    }
    true
}
