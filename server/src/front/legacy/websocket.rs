//! WebSockets: one task owns the socket, writes what waits and feeds what comes (4.4).

use std::collections::VecDeque;
use std::future::poll_fn;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use heliograph_relay::{CloseReason, Frame};
use http::StatusCode;
use http::request::Parts;
use hyper_util::rt::TokioIo;
use tokio::sync::OwnedMutexGuard;
use tokio::time::timeout;
use tracing::{debug, info};

use super::answers;
use super::channel::{Opened, SECOND_LOOK};
use super::request::Entry;
use super::session::{Session, Step};
use super::uplink::Uplink;
use crate::backend::BoxFuture;
use crate::backend::legacy::Reply;
use crate::edge::Stream;
use crate::edge::websocket::{CloseCode, MessageKind, Received, Socket, SocketError, handshake};

/// How long the peer may take to answer our close frame, and to read its last bytes.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes read from a client while its hubs take nothing.
const BACKLOG_BYTES: usize = 64 << 10;
/// Frames that an idle driver keeps room for.
const IDLE_CAPACITY: usize = 8;

/// How a socket came to its end.
enum Outcome {
    /// The connection is over; what it had to say is in the batch.
    Ended(CloseReason),
    /// The client closed the socket, which is no goodbye.
    Closed,
    /// What the client sent cannot be taken.
    Broken(CloseCode),
    Lost,
    /// A newer channel took over.
    Replaced,
}

/// Answers an upgrade request and lets a task carry the connection.
pub(super) fn upgrade(opened: Opened, entry: &mut Entry<'_>) -> Response {
    let max_message_bytes = entry.route.backend.rules().max_message_bytes;
    accept(&mut entry.parts, move |stream, leftover| {
        tokio::spawn(drive(opened, max_message_bytes, stream, leftover));
    })
}

/// Accepts a socket to say this on it, and no more.
pub(super) fn refuse(entry: &mut Entry<'_>, last: Frame) -> Response {
    accept(&mut entry.parts, |stream, leftover| {
        tokio::spawn(async move {
            let mut socket = Socket::new(stream, &leftover, u64::MAX);
            finish(&mut socket, VecDeque::from([last]), CloseCode::NORMAL).await;
        });
    })
}

/// Gives the socket to `carry` once it is one. The task that waits for that does nothing else, so
/// that no idle connection pays for it.
fn accept(parts: &mut Parts, carry: impl FnOnce(Stream, Bytes) + Send + 'static) -> Response {
    let accept = handshake::accept(&parts.method, parts.version, &parts.headers);
    let upgrade = parts.extensions.remove::<hyper::upgrade::OnUpgrade>();
    let (Some(accept), Some(upgrade)) = (accept, upgrade) else {
        let text = "This connection cannot be upgraded.";
        return answers::error(StatusCode::BAD_REQUEST, text);
    };
    tokio::spawn(async move {
        match upgrade
            .await
            .map(hyper::upgrade::Upgraded::downcast::<TokioIo<Stream>>)
        {
            Ok(Ok(parts)) => carry(parts.io.into_inner(), parts.read_buf),
            Ok(Err(_)) => debug!("upgraded connection is of another kind"),
            Err(error) => debug!(err = %error, "upgrade failed"),
        }
    });
    let response = handshake::switching_protocols(accept);
    response.map(|()| Body::empty()).into_response()
}

pub(super) async fn drive(
    opened: Opened,
    max_message_bytes: usize,
    stream: Stream,
    leftover: Bytes,
) {
    let mut socket = Socket::new(stream, &leftover, u64::MAX);
    drop(leftover);
    let mut incoming = Incoming::new(max_message_bytes);
    if opened.session.transport().1 {
        // Somebody else carries the connection: is this client still there?
        let first = poll_fn(|cx| incoming.poll_read(cx, &mut socket));
        let first = Box::pin(timeout(SECOND_LOOK, first));
        if let Ok(Read::Gone | Read::Closed) = first.await {
            return;
        }
    }
    let mut driver = match opened.attach() {
        Ok(attached) => Driver {
            number: attached.number,
            batch: attached.first,
            incoming,
            turn: Turn::Idle,
            opened,
        },
        Err(last) => {
            let last = last.into_iter().collect();
            return finish(&mut socket, last, CloseCode::NORMAL).await;
        }
    };
    let outcome = poll_fn(|cx| driver.poll(cx, &mut socket)).await;
    driver.turn = Turn::Idle;
    let Driver {
        opened,
        number,
        mut batch,
        ..
    } = driver;
    let code = match outcome {
        Outcome::Ended(reason) => {
            batch.extend(opened.last_words(&reason));
            opened.door.end_later(&opened.session, reason);
            CloseCode::NORMAL
        }
        Outcome::Broken(code) => {
            opened.detach(number);
            code
        }
        Outcome::Lost => return opened.detach(number),
        Outcome::Closed => {
            opened.detach(number);
            batch.clear();
            CloseCode::NORMAL
        }
        Outcome::Replaced => {
            batch.clear();
            CloseCode::NORMAL
        }
    };
    finish(&mut socket, batch, code).await;
}

async fn finish(socket: &mut Socket<Stream, Frame>, mut batch: VecDeque<Frame>, code: CloseCode) {
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
    _ = Box::pin(timeout(CLOSE_TIMEOUT, finish)).await;
}

/// A socket that carries the connection.
struct Driver {
    opened: Opened,
    number: u32,
    batch: VecDeque<Frame>,
    incoming: Incoming,
    turn: Turn,
}

/// Whose turn it is to feed the hubs.
enum Turn {
    Idle,
    Waiting(BoxFuture<'static, OwnedMutexGuard<Uplink>>),
    Mine(OwnedMutexGuard<Uplink>),
}

impl Driver {
    fn poll(&mut self, cx: &mut Context<'_>, socket: &mut Socket<Stream, Frame>) -> Poll<Outcome> {
        loop {
            if let Poll::Ready(outcome) = self.poll_write(cx, socket) {
                return Poll::Ready(outcome);
            }
            if let Poll::Ready(Err(reason)) = self.poll_feed(cx) {
                self.opened.session.inbox.close(reason);
                continue;
            }
            // Reading goes on for a while: a client may vanish while its hubs stall.
            if self.incoming.bytes >= BACKLOG_BYTES {
                return Poll::Pending;
            }
            match self.incoming.poll_read(cx, socket) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Read::Some) => {}
                Poll::Ready(Read::Closed) => return Poll::Ready(Outcome::Closed),
                Poll::Ready(Read::Gone) => return Poll::Ready(Outcome::Lost),
                Poll::Ready(Read::Broken(code)) => {
                    info!(conn = ?self.opened.session.id, reason = code.0, "legacy client sent what cannot be taken");
                    return Poll::Ready(Outcome::Broken(code));
                }
            }
        }
    }

    /// Writes until nothing waits (pending), the stream is full (pending) or the socket ends.
    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut Socket<Stream, Frame>,
    ) -> Poll<Outcome> {
        loop {
            let mut frames = std::iter::from_fn(|| self.batch.pop_front());
            match socket.poll_write(cx, &mut frames) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(Outcome::Lost),
                Poll::Pending => {
                    let session = &self.opened.session;
                    let outbox = session.inbox.outbox();
                    if !session.is_carried_by(self.number) {
                        return Poll::Ready(Outcome::Replaced);
                    }
                    let is_hopeless = outbox.poll_closing(cx).is_ready()
                        && outbox.close_reason() == Some(CloseReason::SlowClient);
                    return if is_hopeless {
                        Poll::Ready(Outcome::Ended(CloseReason::SlowClient))
                    } else {
                        Poll::Pending
                    };
                }
            }
            if self.batch.capacity() > IDLE_CAPACITY {
                self.batch = VecDeque::new();
            }
            match self
                .opened
                .session
                .poll_take(cx, self.number, &mut self.batch)
            {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Step::Frames) => {}
                Poll::Ready(Step::Last(reason)) => return Poll::Ready(Outcome::Ended(reason)),
                Poll::Ready(Step::Replaced) => return Poll::Ready(Outcome::Replaced),
            }
        }
    }

    /// Feeds what has come, in order; pending while the hubs take nothing.
    fn poll_feed(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CloseReason>> {
        while let Some(message) = self.incoming.messages.front() {
            match &mut self.turn {
                Turn::Idle => self.turn = take_turn(&self.opened.session),
                Turn::Waiting(waiting) => match waiting.as_mut().poll(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(uplink) => self.turn = Turn::Mine(uplink),
                },
                Turn::Mine(uplink) => match uplink.poll_ready(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Err(reason)) => return Poll::Ready(Err(reason)),
                    Poll::Ready(Ok(())) => {
                        if let Err(error) = uplink.feed(message, Reply::Channel(self.number)) {
                            debug!(conn = ?self.opened.session.id, err = %error, "message of a legacy client dropped");
                        }
                        self.incoming.pop();
                    }
                },
            }
        }
        self.turn = Turn::Idle;
        Poll::Ready(Ok(()))
    }
}

fn take_turn(session: &Session) -> Turn {
    let uplink = Arc::clone(&session.uplink);
    match Arc::clone(&uplink).try_lock_owned() {
        Ok(uplink) => Turn::Mine(uplink),
        Err(_) => Turn::Waiting(Box::pin(uplink.lock_owned())),
    }
}

/// What a read came to.
#[derive(Debug)]
enum Read {
    Some,
    Closed,
    Gone,
    Broken(CloseCode),
}

/// What a client has sent and its hubs have not taken.
struct Incoming {
    max_message_bytes: usize,
    /// The message that is under way.
    partial: Vec<u8>,
    messages: VecDeque<Vec<u8>>,
    /// Bytes in whole messages.
    bytes: usize,
}

impl Incoming {
    fn new(max_message_bytes: usize) -> Self {
        Self {
            max_message_bytes,
            partial: Vec::new(),
            messages: VecDeque::new(),
            bytes: 0,
        }
    }

    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut Socket<Stream, Frame>,
    ) -> Poll<Read> {
        let mut broken = None;
        let received = socket.poll_read(cx, |fragment| {
            if fragment.kind == MessageKind::Binary {
                broken = broken.or(Some(CloseCode::UNSUPPORTED));
            } else if self.partial.len() + fragment.bytes.len() > self.max_message_bytes {
                broken = broken.or(Some(CloseCode::TOO_BIG));
            }
            if broken.is_none() {
                self.partial.extend_from_slice(fragment.bytes);
                if fragment.last {
                    self.bytes += self.partial.len();
                    self.messages.push_back(mem::take(&mut self.partial));
                }
            }
        });
        received.map(|received| match (broken, received) {
            (Some(code), _) => Read::Broken(code),
            (None, Ok(Received::Some)) => Read::Some,
            (None, Ok(Received::Close(_))) => Read::Closed,
            (None, Err(SocketError::Protocol(error))) => Read::Broken(error.close_code()),
            (None, Ok(Received::End) | Err(_)) => Read::Gone,
        })
    }

    fn pop(&mut self) {
        if let Some(message) = self.messages.pop_front() {
            self.bytes -= message.len();
        }
        if self.messages.is_empty() && self.messages.capacity() > IDLE_CAPACITY {
            self.messages = VecDeque::new();
        }
    }
}
