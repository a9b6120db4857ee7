//! POST: what a client of server-sent events or long polling sends.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use http_body_util::BodyExt;
use tokio::time::{sleep, timeout};

use super::Door;
use super::session::{Binding, Session};
use crate::edge::{LOOK, answers, while_open};

/// How long a sender may pause within a body: it has the turn.
const BODY_PAUSE: Duration = Duration::from_secs(30);
/// Bytes kept for a connection whose transport has not come yet: room for a handshake and a call,
/// not for memory that anybody may fill. What is more waits with its sender.
const EARLY_BYTES: usize = 4 << 10;

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
    let Some(_turn) = while_open(&session.outbox, session.post_turn.lock()).await else {
        return gone();
    };
    loop {
        let frame = match while_open(&session.outbox, timeout(BODY_PAUSE, body.frame())).await {
            None => return gone(),
            Some(Ok(None)) => return answers::empty(StatusCode::OK, Some("text/plain")),
            Some(Ok(Some(Ok(frame)))) => frame,
            Some(Ok(Some(Err(_)))) => {
                return answers::empty(StatusCode::BAD_REQUEST, Some("text/plain"));
            }
            Some(Err(_)) => {
                return answers::empty(StatusCode::REQUEST_TIMEOUT, Some("text/plain"));
            }
        };
        let Some(piece) = frame.data_ref() else {
            continue;
        };
        match take(&door, &session, piece).await {
            Taken::Passed => {}
            Taken::Last => return answers::empty(StatusCode::OK, Some("text/plain")),
            Taken::Gone => return gone(),
        }
    }
}

fn gone() -> Response {
    answers::empty(StatusCode::NOT_FOUND, Some("text/plain"))
}

/// What became of a piece.
enum Taken {
    Passed,
    /// It was received, and ends the connection. The hub is told by whoever writes the last
    /// message.
    Last,
    /// The connection is over.
    Gone,
}

/// Feeds one piece and waits until the hub has it.
async fn take(door: &Arc<Door>, session: &Arc<Session>, piece: &[u8]) -> Taken {
    if session.outbox.is_closing() {
        return Taken::Gone;
    }
    let mut uplink = loop {
        let Some(uplink) = while_open(&session.outbox, session.uplink.lock()).await else {
            return Taken::Gone;
        };
        if session.is_attached() || uplink.backlog_bytes() + piece.len() <= EARLY_BYTES {
            break uplink;
        }
        drop(uplink);
        sleep(LOOK).await;
    };
    let received = uplink.receive(
        door,
        session,
        &mut Context::from_waker(Waker::noop()),
        piece,
    );
    let result = match received {
        Err(reason) => Err(reason),
        Ok(()) => {
            let mut unsent = Unsent(Some((door, session)));
            let pumped = poll_fn(|cx| uplink.poll_pump(door, session, cx));
            let pumped = while_open(&session.outbox, pumped).await;
            unsent.0 = None;
            match pumped {
                Some(result) => result,
                None => return Taken::Gone,
            }
        }
    };
    match result {
        Ok(()) => Taken::Passed,
        Err(reason) => {
            session.outbox.close(reason);
            Taken::Last
        }
    }
}

/// A POST that waits for the hub. When its sender does not, what was received goes on by itself.
struct Unsent<'a>(Option<(&'a Arc<Door>, &'a Arc<Session>)>);

impl Drop for Unsent<'_> {
    fn drop(&mut self) {
        if let Some((door, session)) = self.0 {
            door.pump_later(session);
        }
    }
}
