//! Long polling: each poll takes what the outbox holds, as Kestrel does it (2.3).

use std::future::poll_fn;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use heliograph_relay::{CloseReason, Frame, Taken};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, EXPIRES, PRAGMA};
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::sync::oneshot;

use super::Door;
use super::session::{Binding, Session};
use crate::edge::answers::{self, OCTETS};

/// Bytes that one poll takes at most, unless a single message is larger.
const POLL_BYTES: usize = 1 << 20;

/// The first poll: it means "connected" and is answered at once.
pub(super) fn first() -> Response {
    answer(StatusCode::OK, Some(OCTETS), Vec::new())
}

/// A later poll. The newest one stays: a poll that runs is ended with 204.
pub(super) async fn poll(door: Arc<Door>, session: Arc<Session>) -> Response {
    let Some((mut running, cancelled)) = Running::begin(&door, &session) else {
        // The client has read its last bytes and is told to stop.
        door.sessions.remove(&session);
        return answer(StatusCode::NO_CONTENT, Some("text/plain"), Vec::new());
    };
    let mut frames = Vec::new();
    let taken = tokio::select! {
        biased;
        _ = cancelled => {
            running.superseded = true;
            return answer(StatusCode::NO_CONTENT, Some("text/plain"), Vec::new());
        }
        taken = poll_fn(|cx| session.outbox.poll_take(cx, POLL_BYTES, &mut frames)) => taken,
        () = tokio::time::sleep(door.options.poll_timeout) => {
            return answer(StatusCode::OK, Some("text/plain"), Vec::new());
        }
    };
    frames.iter().for_each(|frame| session.sending(frame));
    let Taken::Last(reason) = taken else {
        return answer(StatusCode::OK, Some(OCTETS), join(&frames));
    };
    frames.extend(session.last_words(&reason));
    running.last = true;
    drop(running);
    Door::end_later(&session, reason);
    if frames.is_empty() {
        door.sessions.remove(&session);
        return answer(StatusCode::NO_CONTENT, Some("text/plain"), Vec::new());
    }
    answer(StatusCode::OK, Some(OCTETS), join(&frames))
}

/// The client is done: nothing it asks from now on is known.
pub(super) fn delete(door: &Arc<Door>, session: &Arc<Session>) -> Response {
    if !matches!(
        *session.binding(),
        Binding::LongPolling(..) | Binding::Polled
    ) {
        return answers::text(
            StatusCode::BAD_REQUEST,
            "Cannot terminate this connection using the DELETE endpoint.",
        );
    }
    door.sessions.remove(session);
    let reason = CloseReason::Ended {
        error: None,
        allow_reconnect: true,
    };
    Door::end_later(session, reason);
    answers::empty(StatusCode::ACCEPTED, Some("text/plain"))
}

/// The headers of every answer to a poll, errors included.
pub(super) fn no_cache(headers: &mut HeaderMap) {
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("no-cache, no-store"),
    );
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(
        EXPIRES,
        HeaderValue::from_static("Thu, 01 Jan 1970 00:00:00 GMT"),
    );
}

fn answer(status: StatusCode, kind: Option<&'static str>, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    if let Some(kind) = kind {
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    no_cache(response.headers_mut());
    response
}

fn join(frames: &[Frame]) -> Vec<u8> {
    let mut body = Vec::with_capacity(frames.iter().map(|frame| frame.payload().len()).sum());
    frames
        .iter()
        .for_each(|frame| body.extend_from_slice(frame.payload()));
    body
}

/// A poll that runs. However it ends, also by a broken connection, the client has a limited time
/// for its next one.
struct Running {
    door: Arc<Door>,
    session: Arc<Session>,
    number: u32,
    superseded: bool,
    last: bool,
}

impl Running {
    /// `None` when there is nothing to poll any more.
    fn begin(door: &Arc<Door>, session: &Arc<Session>) -> Option<(Self, oneshot::Receiver<()>)> {
        let (cancel, cancelled) = oneshot::channel();
        let mut binding = session.binding();
        let Binding::LongPolling(number, _) = *binding else {
            return None;
        };
        let number = number.wrapping_add(1);
        // Dropping the older poll's sender ends it.
        *binding = Binding::LongPolling(number, Some(cancel));
        session.timers.transport_by.clear();
        let running = Self {
            door: Arc::clone(door),
            session: Arc::clone(session),
            number,
            superseded: false,
            last: false,
        };
        Some((running, cancelled))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut binding = self.session.binding();
        if self.superseded
            || !matches!(*binding, Binding::LongPolling(number, _) if number == self.number)
        {
            return;
        }
        *binding = if self.last {
            Binding::Polled
        } else {
            Binding::LongPolling(self.number, None)
        };
        let by = self
            .door
            .clock
            .after(self.door.poll_interval(&self.session));
        self.session.timers.transport_by.set(by);
    }
}
