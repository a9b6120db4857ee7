//! The task that owns one link's socket.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use heliograph_protocol::service::{Decoded, Message, decode};
use heliograph_protocol::wire::{DeframeError, Deframer};
use heliograph_relay::ByteQueue;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};

use super::accept::{Caller, Place};
use super::end::LinkEnd;
use super::execute::{Effect, Session};
use super::{Door, greeting};
use crate::edge::websocket::{CloseCode, MessageKind, Received, Socket, writer};

/// A message that claims to be so many times as large as may be is no message: to pass it over
/// would leave the link deaf until all of it has come.
const NONSENSE: usize = 16;

/// Runs a link from its upgrade to its end. Dropping the future is not safe for the link's
/// clients: the task is left to end by itself.
pub(super) async fn drive<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    door: Arc<Door>,
    caller: Caller,
    place: Place,
    mut draining: watch::Receiver<bool>,
) {
    let now = Instant::now();
    let period = door.options.ping_interval.max(Duration::from_millis(1));
    let mut ticks = interval_at(now + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut driver = Driver {
        // The size of a WebSocket frame means nothing here; messages have their own limit.
        socket: Socket::new(stream, &[], u64::MAX),
        output: Output {
            waiting: None,
            taken: Vec::new(),
            stalled_since: None,
        },
        input: Input {
            deframer: Deframer::new(door.options.max_message_bytes),
            phase: Phase::Greeting { _place: place },
            door,
            caller,
        },
        ticks,
        heard_at: now,
        started_at: now,
        migration: None,
    };
    let end = tokio::select! {
        end = poll_fn(|cx| driver.poll(cx)) => end,
        _ = draining.wait_for(|draining| *draining) => LinkEnd::Draining,
    };
    driver.finish(&end).await;
}

struct Driver<S> {
    socket: Socket<S, Vec<u8>>,
    input: Input,
    output: Output,
    ticks: Interval,
    heard_at: Instant,
    started_at: Instant,
    /// Moves the clients to another app server when this one asks for it.
    migration: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

/// What is read: bytes into messages into effects.
struct Input {
    deframer: Deframer,
    phase: Phase,
    door: Arc<Door>,
    caller: Caller,
}

enum Phase {
    /// Nothing was said yet; the place is given back afterwards.
    Greeting { _place: Place },
    /// The link is in its hub.
    Open(Session),
}

/// What is written.
struct Output {
    /// A frame that the socket has not taken yet.
    waiting: Option<Vec<u8>>,
    /// Empty, but for its capacity.
    taken: Vec<u8>,
    stalled_since: Option<Instant>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Driver<S> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<LinkEnd> {
        while self.ticks.poll_tick(cx).is_ready() {
            if let Some(end) = self.tick() {
                return Poll::Ready(end);
            }
        }
        if let Some(migration) = &mut self.migration
            && migration.as_mut().poll(cx).is_ready()
        {
            self.migration = None;
        }
        loop {
            let read = self.poll_read(cx);
            if let Poll::Ready(Err(end)) = read {
                return Poll::Ready(end);
            }
            if let Poll::Ready(Err(end)) = self.poll_write(cx) {
                return Poll::Ready(end);
            }
            if read.is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Looks at the time, and says that we are there.
    fn tick(&self) -> Option<LinkEnd> {
        let (now, options) = (Instant::now(), &self.input.door.options);
        if self
            .output
            .stalled_since
            .is_some_and(|since| now - since >= options.stall_limit)
        {
            return Some(LinkEnd::Stalled);
        }
        match &self.input.phase {
            Phase::Greeting { .. } => {
                (now - self.started_at >= options.handshake_timeout).then_some(LinkEnd::NoHandshake)
            }
            Phase::Open(_) if now - self.heard_at >= options.silence_limit => Some(LinkEnd::Silent),
            Phase::Open(session) => {
                session.send(&Message::Ping { values: Vec::new() });
                self.input.door.backend.results().expire();
                None
            }
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        let Self { socket, input, .. } = self;
        let greeting = input.is_greeting();
        let mut outcome = Ok(None);
        let received = ready!(socket.poll_read(cx, |fragment| {
            if let Ok(effect) = &mut outcome {
                match input.take(fragment.bytes) {
                    Ok(new) => *effect = new.or_else(|| effect.take()),
                    Err(end) => outcome = Err(end),
                }
            }
        }));
        self.heard_at = Instant::now();
        let effect = outcome?;
        if greeting && !self.input.is_greeting() {
            self.ticks.reset();
        }
        if let (Some(Effect::Migrate), Phase::Open(session)) = (effect, &self.input.phase)
            && self.migration.is_none()
        {
            let (backend, link) = (Arc::clone(&self.input.door.backend), session.link());
            self.migration = Some(Box::pin(async move { backend.migrate(&link).await }));
            // It has to be polled to begin.
            cx.waker().wake_by_ref();
        }
        Poll::Ready(match received? {
            Received::Some => Ok(()),
            Received::Close(code) => Err(LinkEnd::Closed(code)),
            Received::End => Err(LinkEnd::Lost(None)),
        })
    }

    /// Writes what waits; pending once there is nothing left or the socket is full.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        loop {
            let mut batch = self.output.waiting.take().into_iter();
            let written = self.socket.poll_write(cx, &mut batch);
            self.output.waiting = batch.next();
            match written {
                Poll::Ready(Ok(())) => self.output.stalled_since = None,
                Poll::Ready(Err(err)) => return Poll::Ready(Err(LinkEnd::Lost(Some(err)))),
                Poll::Pending => {
                    self.output.stalled_since.get_or_insert_with(Instant::now);
                    return Poll::Pending;
                }
            }
            let Phase::Open(session) = &self.input.phase else {
                return Poll::Pending;
            };
            if !ready!(self.output.poll_fill(cx, session.queue())) {
                // More waits than an app server that reads would ever leave.
                return Poll::Ready(Err(LinkEnd::Stalled));
            }
        }
    }

    /// Ends the link: its clients first, then what waits, then the socket.
    async fn finish(mut self, end: &LinkEnd) {
        self.migration = None;
        let (hub, server) = (&self.input.caller.hub, &self.input.caller.server);
        tracing::info!(hub = &**hub, server = &**server, reason = end.label(), err = %end, "link ended");
        metrics::counter!("signalr.server.links.closed", "reason" => end.label()).increment(1);
        let mut queue = None;
        match &self.input.phase {
            Phase::Greeting { .. } => {
                let mut bytes = Vec::new();
                if let LinkEnd::Refused(text) = end {
                    greeting::write_response(&mut bytes, Some(text));
                    self.output.waiting = Some(writer::frame(MessageKind::Binary, &bytes).0);
                }
            }
            Phase::Open(session) => {
                if let Some(message) = end.service_error() {
                    session.send(&Message::ServiceError { message: &message });
                }
                self.input.door.backend.detach(&session.link());
                queue = Some(session.link());
            }
        }
        if !end.is_polite() {
            return;
        }
        let close_timeout = self.input.door.options.close_timeout;
        let Self { socket, output, .. } = &mut self;
        let goodbye = poll_fn(|cx| {
            loop {
                let mut batch = output.waiting.take().into_iter();
                let written = socket.poll_write(cx, &mut batch);
                output.waiting = batch.next();
                ready!(written)?;
                let more = queue.as_ref().is_some_and(|link| {
                    output.poll_fill(cx, link.link().queue()) == Poll::Ready(true)
                });
                if !more {
                    socket.close(CloseCode::NORMAL);
                    return socket.poll_finish(cx);
                }
            }
        });
        if let Ok(Err(err)) = timeout(close_timeout, goodbye).await {
            tracing::debug!(%err, "goodbye failed");
        }
    }
}

impl Input {
    fn is_greeting(&self) -> bool {
        matches!(self.phase, Phase::Greeting { .. })
    }

    /// Takes bytes and executes the messages that they complete.
    fn take(&mut self, mut bytes: &[u8]) -> Result<Option<Effect>, LinkEnd> {
        let mut effect = None;
        loop {
            let frame = match (self.deframer.next_message(&mut bytes), &self.phase) {
                (Ok(Some(frame)), _) => frame,
                (Ok(None), _) => break,
                (Err(err @ DeframeError::TooLarge { length, limit }), Phase::Open(session))
                    if length / NONSENSE <= limit =>
                {
                    session.passed_over(&err, bytes);
                    continue;
                }
                (Err(err), _) => return Err(err.into()),
            };
            let message = match decode(frame)? {
                Decoded::Message(message) => message,
                Decoded::Unknown(number) => {
                    tracing::debug!(number, "message of unknown type ignored");
                    continue;
                }
            };
            match &self.phase {
                Phase::Open(session) => effect = session.execute(&message).or(effect),
                Phase::Greeting { .. } => {
                    let link = greeting::greet(&self.door, &self.caller, &message)?;
                    self.phase = Phase::Open(Session::new(Arc::clone(&self.door), link));
                }
            }
        }
        Ok(effect)
    }
}

impl Output {
    /// Makes a frame of all that waits in the queue. `Ready(false)` when nothing more will come.
    fn poll_fill(&mut self, cx: &mut Context<'_>, queue: &ByteQueue) -> Poll<bool> {
        let more = ready!(queue.poll_take(cx, &mut self.taken));
        if more {
            self.waiting = Some(writer::frame(MessageKind::Binary, &self.taken).0);
            self.taken.clear();
        }
        Poll::Ready(more)
    }
}
