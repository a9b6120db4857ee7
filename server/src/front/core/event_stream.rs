//! Server-sent events: the answer's body is the driver of the outbox.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use heliograph_protocol::hub::sse;
use heliograph_relay::{CloseReason, Frame, Taken};
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, PRAGMA};
use http::{HeaderName, HeaderValue};
use http_body::SizeHint;

use super::Door;
use super::session::Session;

/// Bytes taken from the outbox at a time.
const BATCH_BYTES: usize = 64 << 10;

/// The answer that carries a session's messages until its end.
pub(super) fn response(door: Arc<Door>, session: Arc<Session>) -> Response {
    let body = EventStream {
        door,
        session,
        state: State::First,
        frames: Vec::new(),
    };
    let mut response = Response::new(Body::new(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache,no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("identity"));
    // Ours alone: a proxy that buffers would hold every message back.
    headers.insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    response
}

/// One hub message is one event; all that waits leaves in one piece.
struct EventStream {
    door: Arc<Door>,
    session: Arc<Session>,
    state: State,
    frames: Vec<Frame>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    First,
    Open,
    Over,
}

impl EventStream {
    fn events(&mut self, last: Option<Frame>) -> Option<Bytes> {
        let mut out = Vec::new();
        for frame in self.frames.drain(..).chain(last) {
            self.session.sending(&frame);
            sse::write_event(&mut out, frame.payload());
        }
        (!out.is_empty()).then(|| out.into())
    }

    fn end(&mut self, reason: CloseReason) {
        if self.state == State::Over {
            return;
        }
        self.state = State::Over;
        self.door.sessions.remove(&self.session);
        Door::end_later(&self.session, reason);
    }
}

impl http_body::Body for EventStream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        let piece = match this.state {
            State::Over => None,
            State::First => {
                this.state = State::Open;
                Some(Bytes::from_static(b":\r\n"))
            }
            State::Open => {
                let outbox = Arc::clone(&this.session.outbox);
                match std::task::ready!(outbox.poll_take(cx, BATCH_BYTES, &mut this.frames)) {
                    Taken::Frames => this.events(None),
                    Taken::Last(reason) => {
                        this.frames
                            .iter()
                            .for_each(|frame| this.session.sending(frame));
                        let last = this.session.last_words(&reason);
                        let piece = this.events(last);
                        this.end(reason);
                        piece
                    }
                }
            }
        };
        Poll::Ready(piece.map(|piece| Ok(http_body::Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.state == State::Over
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

impl Drop for EventStream {
    /// The client is gone.
    fn drop(&mut self) {
        self.end(CloseReason::TransportLost);
    }
}
