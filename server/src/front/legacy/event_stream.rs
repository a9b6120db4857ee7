//! Server-sent events and forever frames: the answer's body takes from the outbox (4.5, 4.6).

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use heliograph_protocol::legacy::{KEEP_ALIVE, framing};
use heliograph_relay::Frame;
use tokio::time::{Instant, Sleep, sleep_until};

use super::answers;
use super::channel::Opened;
use super::send::gone;
use super::session::Step;

/// A stream that says this and ends.
pub(super) fn refuse(framing: Framing, last: &Frame) -> Response {
    let mut body = framing.start();
    framing.write(&mut body, last.payload());
    answers::stream(framing.kind(), Body::from(body))
}

/// A stream that carries the connection.
pub(super) async fn stream(opened: Opened, framing: Framing) -> Response {
    opened.look_twice().await;
    let attached = match opened.attach() {
        Ok(attached) => attached,
        Err(Some(last)) => return refuse(framing, &last),
        Err(None) => return gone(),
    };
    let options = &opened.door.options;
    let until = options.keep_alive.is_none().then(|| {
        let until = Instant::now() + options.connection_timeout;
        Box::pin(sleep_until(until))
    });
    let body = Stream {
        number: attached.number,
        frames: attached.first,
        opened,
        framing,
        state: State::First,
        until,
    };
    answers::stream(framing.kind(), Body::new(body))
}

/// What goes around a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// Server-sent events.
    Events,
    /// A frame of a page, by its number, that never ends: for browsers without event streams.
    Frame(u32),
}

impl Framing {
    pub(super) fn of(frame_id: Option<u32>) -> Self {
        frame_id.map_or(Self::Events, Self::Frame)
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Events => "text/event-stream",
            Self::Frame(_) => "text/html; charset=UTF-8",
        }
    }

    fn start(self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Events => out.extend_from_slice(framing::SSE_START),
            Self::Frame(id) => framing::write_frame_start(&mut out, id),
        }
        out
    }

    fn write(self, out: &mut Vec<u8>, payload: &[u8]) {
        match self {
            Self::Events => framing::write_event(out, payload),
            Self::Frame(_) if payload == KEEP_ALIVE => {
                out.extend_from_slice(framing::FRAME_KEEP_ALIVE);
            }
            Self::Frame(_) => framing::write_frame_message(out, payload),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    First,
    Open,
    Over,
}

/// All that waits leaves in one piece.
struct Stream {
    opened: Opened,
    number: u32,
    frames: VecDeque<Frame>,
    framing: Framing,
    state: State,
    /// When it ends although there is more to come: without a keep-alive nobody sees that a
    /// client is gone.
    until: Option<Pin<Box<Sleep>>>,
}

impl Stream {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.state == State::First {
            self.state = State::Open;
            return Poll::Ready(Some(self.framing.start().into()));
        }
        if self.state == State::Over {
            return Poll::Ready(None);
        }
        if self.frames.is_empty() {
            let taken = self
                .opened
                .session
                .poll_take(cx, self.number, &mut self.frames);
            let step = match taken {
                Poll::Ready(step) => step,
                Poll::Pending => {
                    if let Some(until) = &mut self.until {
                        ready!(until.as_mut().poll(cx));
                        self.end();
                        return Poll::Ready(None);
                    }
                    return Poll::Pending;
                }
            };
            match step {
                Step::Frames => {}
                Step::Replaced => self.end(),
                Step::Last(reason) => {
                    self.frames.extend(self.opened.last_words(&reason));
                    self.end();
                    self.opened.door.end_later(&self.opened.session, reason);
                }
            }
        }
        let mut out = Vec::new();
        for frame in self.frames.drain(..) {
            self.framing.write(&mut out, frame.payload());
        }
        Poll::Ready((!out.is_empty()).then(|| out.into()))
    }

    fn end(&mut self) {
        if self.state != State::Over {
            self.state = State::Over;
            self.opened.detach(self.number);
        }
    }
}

impl http_body::Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        let piece = ready!(self.poll_piece(cx));
        Poll::Ready(piece.map(|piece| Ok(http_body::Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.state == State::Over && self.frames.is_empty()
    }
}

impl Drop for Stream {
    /// The client is gone.
    fn drop(&mut self) {
        self.end();
    }
}
