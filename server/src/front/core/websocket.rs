//! WebSockets: one task owns the socket, writes what the outbox holds and feeds the uplink.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use heliograph_relay::{CloseReason, Frame, Taken};

use super::Door;
use super::close::{close_message, handshake_error, unanswered};
use super::session::{Binding, Session};
use super::uplink::Uplink;
use crate::edge::websocket::{CloseCode, ReadError, Received, Socket, SocketError};
use crate::edge::{Stream, while_open};

/// Bytes taken from the outbox at a time.
const BATCH_BYTES: usize = 64 << 10;
/// How long the peer may take to answer our close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes read from a client while its hub takes nothing.
const BACKLOG_BYTES: usize = 64 << 10;
/// Frames that an idle driver keeps room for.
const IDLE_CAPACITY: usize = 8;

/// How a link came to its end.
enum Outcome {
    /// The outbox closed; what it held is in the batch.
    Ended(CloseReason),
    /// The client said goodbye on the WebSocket level.
    Closed,
    /// The client broke the WebSocket protocol.
    Broken(ReadError),
    /// The stream broke.
    Lost,
    /// A newer link took over.
    Replaced,
}

/// One WebSocket that carries a session, from its upgrade to its end.
pub(super) struct Link {
    pub(super) door: Arc<Door>,
    pub(super) session: Arc<Session>,
    /// The number in [`Binding::WebSocket`] as long as no newer link came.
    pub(super) number: u32,
}

impl Link {
    /// Carries the session until the link ends; ends the session unless it may be resumed.
    pub(super) async fn drive(self, stream: Stream, leftover: Bytes) {
        let session = Arc::clone(&self.session);
        // An older link of the same session gives the uplink back as soon as it is told.
        let mut uplink = session.uplink.lock().await;
        // Frames come in pieces and are not kept; a hub message that is too large is the uplink's
        // affair, so that its client is told as on every other transport.
        let mut socket = Socket::new(stream, &leftover, u64::MAX);
        let mut batch = VecDeque::new();
        drop(leftover);
        if let (Some(resume), (dialect, Some(encoding))) = (&uplink.resume, session.encoding()) {
            batch.extend(resume.repeat(dialect, encoding));
            uplink.resumed();
        }
        let outcome = poll_fn(|cx| self.poll(cx, &mut uplink, &mut socket, &mut batch)).await;
        let mut code = CloseCode::NORMAL;
        match outcome {
            Outcome::Ended(reason) => {
                // No new link may find the token while the client reads its last message.
                self.door.sessions.remove(&session);
                batch.extend(session.last_words(&reason));
                self.end(&mut uplink, reason);
            }
            Outcome::Closed => {
                self.pass_rest(&mut uplink).await;
                self.end(&mut uplink, CloseReason::ClientClosed(None));
            }
            Outcome::Broken(error) => {
                code = error.close_code();
                self.end(
                    &mut uplink,
                    CloseReason::ProtocolError(error.to_string().into()),
                );
            }
            Outcome::Lost if self.may_resume(&uplink) => {
                uplink.transport_lost();
                return self.detach();
            }
            Outcome::Lost => {
                self.pass_rest(&mut uplink).await;
                return self.end(&mut uplink, CloseReason::TransportLost);
            }
            Outcome::Replaced => uplink.transport_lost(),
        }
        drop(uplink);
        let finish = poll_fn(|cx| {
            let mut rest = std::iter::from_fn(|| batch.pop_front());
            if socket.poll_write(cx, &mut rest)?.is_pending() {
                return Poll::Pending;
            }
            // Behind the last frame; only the first call counts.
            socket.close(code);
            socket.poll_finish(cx)
        });
        // Either way the socket is dropped: there is nothing left to save.
        _ = tokio::time::timeout(CLOSE_TIMEOUT, finish).await;
    }

    /// Gives a hub that stalls some time for what the client sent before it went.
    async fn pass_rest(&self, uplink: &mut Uplink) {
        if uplink.backlog_bytes() == 0 {
            return;
        }
        let (door, session) = (&self.door, &self.session);
        let pumped = poll_fn(|cx| uplink.poll_pump(door, session, cx));
        let pumped = tokio::time::timeout(CLOSE_TIMEOUT, while_open(&session.outbox, pumped)).await;
        if let Ok(Some(Err(reason))) = pumped {
            session.outbox.close(reason);
        }
    }

    /// The upgrade came to nothing.
    pub(super) fn abandon(self) {
        if self.session.resumable.load(Ordering::Acquire) {
            self.detach();
        } else {
            self.door.forget(&self.session, CloseReason::TransportLost);
        }
    }

    fn poll(
        &self,
        cx: &mut Context<'_>,
        uplink: &mut Uplink,
        socket: &mut Socket<Stream, Frame>,
        batch: &mut VecDeque<Frame>,
    ) -> Poll<Outcome> {
        loop {
            if self.is_replaced() {
                return Poll::Ready(Outcome::Replaced);
            }
            if let Some(resume) = &mut uplink.resume
                && self.session.was_silent.load(Ordering::Relaxed)
            {
                resume.heard();
            }
            if let Poll::Ready(outcome) = self.poll_write(cx, uplink, socket, batch) {
                return Poll::Ready(outcome);
            }
            match uplink.poll_pump(&self.door, &self.session, cx) {
                // Reading goes on for a while: a client may ping, or vanish, while its hub stalls.
                Poll::Pending if uplink.backlog_bytes() >= BACKLOG_BYTES => return Poll::Pending,
                Poll::Pending | Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(reason)) => {
                    self.session.outbox.close(reason);
                    continue;
                }
            }
            // What the backend cannot take at once stays in the uplink and is tried again, with
            // this task's own waker, before the next read.
            let mut failure = None;
            let received = socket.poll_read(cx, |fragment| {
                if failure.is_none() {
                    let mut cx = Context::from_waker(Waker::noop());
                    let piece = fragment.bytes;
                    failure = uplink
                        .receive(&self.door, &self.session, &mut cx, piece)
                        .err();
                }
            });
            if let Some(reason) = failure {
                self.session.outbox.close(reason);
                continue;
            }
            match received {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(Received::Some)) => {}
                Poll::Ready(Ok(Received::Close(_))) => return Poll::Ready(Outcome::Closed),
                Poll::Ready(Err(SocketError::Protocol(error))) => {
                    return Poll::Ready(Outcome::Broken(error));
                }
                Poll::Ready(Ok(Received::End) | Err(_)) => return Poll::Ready(Outcome::Lost),
            }
        }
    }

    /// Writes until nothing waits (pending), the stream is full (pending) or the link ends.
    fn poll_write(
        &self,
        cx: &mut Context<'_>,
        uplink: &mut Uplink,
        socket: &mut Socket<Stream, Frame>,
        batch: &mut VecDeque<Frame>,
    ) -> Poll<Outcome> {
        let outbox = &self.session.outbox;
        loop {
            let mut frames = std::iter::from_fn(|| batch.pop_front());
            match socket.poll_write(cx, &mut frames) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(Outcome::Lost),
                Poll::Pending => {
                    return if outbox.poll_closing(cx).is_ready() && self.session.is_hopeless() {
                        Poll::Ready(Outcome::Lost)
                    } else {
                        Poll::Pending
                    };
                }
            }
            if batch.capacity() > IDLE_CAPACITY {
                *batch = VecDeque::new();
            }
            if uplink
                .resume
                .as_ref()
                .is_some_and(|resume| !resume.may_send())
                && outbox.poll_closing(cx).is_pending()
            {
                return Poll::Pending;
            }
            let taken = outbox.poll_take(cx, BATCH_BYTES, batch);
            batch.iter().for_each(|frame| self.session.sending(frame));
            if let Some(resume) = &mut uplink.resume {
                batch.iter().for_each(|frame| resume.sending(frame));
                if resume.is_given_up() {
                    self.door.sessions.remove(&self.session);
                }
            }
            match taken {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Taken::Frames) => {}
                Poll::Ready(Taken::Last(reason)) => return Poll::Ready(Outcome::Ended(reason)),
            }
        }
    }

    fn is_replaced(&self) -> bool {
        match *self.session.binding() {
            Binding::WebSocket(number) => number != self.number,
            _ => true,
        }
    }

    fn may_resume(&self, uplink: &Uplink) -> bool {
        let outbox = &self.session.outbox;
        uplink
            .resume
            .as_ref()
            .is_some_and(|resume| !resume.is_given_up())
            && !outbox.is_closing()
    }

    /// Lets the session wait for a new link.
    fn detach(&self) {
        let mut binding = self.session.binding();
        if matches!(*binding, Binding::WebSocket(number) if number == self.number) {
            *binding = Binding::Detached(self.number);
            let by = self.door.clock.after(self.door.options.disconnect_timeout);
            self.session.timers.transport_by.set(by);
        }
    }

    fn end(&self, uplink: &mut Uplink, reason: CloseReason) {
        self.door.sessions.remove(&self.session);
        self.session.outbox.close(reason);
        if self.session.begin_end() {
            let reason = self
                .session
                .outbox
                .close_reason()
                .unwrap_or(CloseReason::TransportLost);
            uplink.end(&self.session, &reason);
            self.session.count_end(&reason);
        }
    }
}

impl Session {
    /// What a client is told at the end, unless the hub has told it already.
    pub(super) fn last_words(&self, reason: &CloseReason) -> Option<Frame> {
        let (dialect, encoding) = self.encoding();
        if self.close_sent.load(Ordering::Relaxed) {
            return None;
        }
        if self.outbox.is_held() {
            let is_awaited =
                self.client().is_some() || matches!(reason, CloseReason::HandshakeFailed(_));
            let text = unanswered(reason).filter(|_| is_awaited)?;
            return Some(handshake_error(text, dialect));
        }
        close_message(reason, dialect, encoding, self.detailed_errors())
    }
}
