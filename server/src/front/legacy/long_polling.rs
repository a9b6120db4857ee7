//! Long polling: each poll answers with all that waits, in one envelope (4.7).

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use heliograph_protocol::legacy::{
    Envelope, KEEP_ALIVE, envelope_cursor, envelope_elements, envelope_groups, framing,
};
use heliograph_relay::{CloseReason, Frame};
use tokio::time::{Instant, Sleep, sleep_until};

use super::answers;
use super::channel::Opened;
use super::send::gone;
use super::session::{Begin, Step};

/// Messages that one poll takes at most.
const BATCH: usize = 5000;

pub(super) fn poll(opened: Opened, callback: Option<&str>) -> Result<Response, Response> {
    let is_connect = opened.begin == Begin::Connect;
    let attached = match opened.attach() {
        Ok(attached) => attached,
        Err(Some(last)) => return Ok(answers::json(callback, last.payload())),
        Err(None) => return Err(gone()),
    };
    let until = Instant::now() + opened.door.options.connection_timeout;
    let mut body = PollBody {
        number: attached.number,
        frames: attached.first,
        callback: callback.map(Box::from),
        until: Box::pin(sleep_until(until)),
        is_over: false,
        opened,
    };
    if is_connect {
        let document = body.document(Merged::of(&body.frames), None);
        body.end();
        return Ok(answers::poll(callback.is_some(), Body::from(document)));
    }
    Ok(answers::poll(callback.is_some(), Body::new(body)))
}

/// A poll that waits, with a space for each keep-alive, and ends with one document.
struct PollBody {
    opened: Opened,
    number: u32,
    frames: VecDeque<Frame>,
    callback: Option<Box<str>>,
    until: Pin<Box<Sleep>>,
    is_over: bool,
}

/// Frames that are to be one document.
struct Merged<'f> {
    /// Something that stands in no envelope: it is the whole document.
    bare: Option<&'f Frame>,
    /// The last frame in an envelope, which has the cursor.
    last: Option<&'f Frame>,
    groups: Option<&'f str>,
    elements: Vec<&'f [u8]>,
}

impl<'f> Merged<'f> {
    fn of(frames: &'f VecDeque<Frame>) -> Self {
        let mut merged = Self {
            bare: None,
            last: None,
            groups: None,
            elements: Vec::new(),
        };
        for frame in frames {
            let payload = frame.payload();
            if envelope_cursor(payload).is_none() {
                if payload != KEEP_ALIVE {
                    merged.bare = Some(frame);
                }
                continue;
            }
            merged.last = Some(frame);
            merged.groups = envelope_groups(payload).or(merged.groups);
            let elements = envelope_elements(payload).unwrap_or_default();
            if !elements.is_empty() {
                merged.elements.push(elements);
            }
        }
        merged
    }

    fn is_empty(&self) -> bool {
        self.bare.is_none() && self.last.is_none()
    }
}

impl PollBody {
    /// The document that answers the poll.
    fn document(&self, merged: Merged<'_>, end: Option<&CloseReason>) -> Vec<u8> {
        let last_words = end.and_then(|reason| self.opened.last_words(reason));
        let mut document = Vec::new();
        match (last_words, merged.bare) {
            // A fatal error takes the place of what the client would have had to poll for again.
            (Some(error), _) if merged.elements.is_empty() => {
                document.extend_from_slice(error.payload());
            }
            (_, Some(bare)) => document.extend_from_slice(bare.payload()),
            _ => {
                let position = self.opened.session.position();
                let last = merged.last.unwrap_or(&position);
                let Some(cursor) = envelope_cursor(last.payload()) else {
                    return document;
                };
                let delay = self.opened.door.options.long_poll_delay.as_millis();
                let envelope = Envelope {
                    init: self.opened.begin == Begin::Connect,
                    reconnect: end == Some(&CloseReason::Draining),
                    groups: merged.groups,
                    delay: u32::try_from(delay).ok(),
                    ..Envelope::at(cursor)
                };
                envelope.write(&mut document, merged.elements);
            }
        }
        let Some(callback) = &self.callback else {
            return document;
        };
        let mut script = Vec::new();
        framing::write_jsonp(&mut script, callback, &document);
        script
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let mut end = None;
        let mut is_timely = true;
        while Merged::of(&self.frames).is_empty() {
            let is_sign_of_life = !self.frames.is_empty();
            self.frames.clear();
            if is_sign_of_life && self.callback.is_none() {
                return Poll::Ready(Some(Bytes::from_static(b" ")));
            }
            let taken = self
                .opened
                .session
                .poll_take(cx, self.number, &mut self.frames);
            match taken {
                Poll::Ready(Step::Frames) => {}
                Poll::Ready(Step::Replaced) => break,
                Poll::Ready(Step::Last(reason)) => {
                    end = Some(reason);
                    break;
                }
                Poll::Pending => {
                    ready!(self.until.as_mut().poll(cx));
                    is_timely = false;
                    break;
                }
            }
        }
        if end.is_none() && is_timely {
            end = self.take_more(cx);
        }
        let document = self.document(Merged::of(&self.frames), end.as_ref());
        self.frames.clear();
        self.end();
        if let Some(reason) = end {
            self.opened.door.end_later(&self.opened.session, reason);
        }
        Poll::Ready(Some(document.into()))
    }

    /// Takes what else is there: one document holds it all.
    fn take_more(&mut self, cx: &mut Context<'_>) -> Option<CloseReason> {
        while self.frames.len() < BATCH {
            let taken = self
                .opened
                .session
                .poll_take(cx, self.number, &mut self.frames);
            match taken {
                Poll::Ready(Step::Frames) => {}
                Poll::Ready(Step::Last(reason)) => return Some(reason),
                Poll::Ready(Step::Replaced) | Poll::Pending => return None,
            }
        }
        None
    }

    fn end(&mut self) {
        if !self.is_over {
            self.is_over = true;
            self.opened.detach(self.number);
        }
    }
}

impl http_body::Body for PollBody {
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
        self.is_over
    }
}

impl Drop for PollBody {
    /// The client is gone.
    fn drop(&mut self) {
        self.end();
    }
}
