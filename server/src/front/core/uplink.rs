//! What a client sends: bytes in, whole messages out to the backend.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use heliograph_protocol::hub::{
    Deframer, Encoding, HandshakeError, MessageType, scan, sequence_id,
};
use heliograph_relay::{Client, CloseReason};
use tracing::{debug, info};

use super::Door;
use super::handshake::{self, Greeting};
use super::resume::Resume;
use super::session::Session;
use crate::backend::{BoxFuture, Conversation, Inbound, OpenError};

/// The receiving half of a session. One task at a time owns it, by the lock around it.
///
/// Feeding never blocks: what the backend cannot take yet stays in the backlog, and nothing more
/// is to be read until [`Uplink::poll_pump`] is ready again.
pub(super) struct Uplink {
    phase: Phase,
    /// The handshake is JSON in every hub protocol.
    deframer: Deframer,
    max_message_bytes: usize,
    backlog: Vec<u8>,
    encoding: Option<Encoding>,
    /// Stateful reconnect is on.
    pub(super) resume: Option<Box<Resume>>,
}

enum Phase {
    Handshake,
    Opening(BoxFuture<'static, Result<Box<dyn Conversation>, OpenError>>),
    Open(Box<dyn Conversation>),
    /// Nothing passes any more. A conversation that is still here has to be told of the end.
    Over(Option<Box<dyn Conversation>>),
}

impl Uplink {
    pub(super) fn new(max_message_bytes: usize) -> Self {
        Self {
            phase: Phase::Handshake,
            deframer: Deframer::new(Encoding::Json, max_message_bytes),
            max_message_bytes,
            backlog: Vec::new(),
            encoding: None,
            resume: None,
        }
    }

    /// Takes a piece of what the client sent, in order, and passes on what it completes.
    ///
    /// # Errors
    ///
    /// Why the connection ends.
    pub(super) fn receive(
        &mut self,
        door: &Door,
        session: &Arc<Session>,
        cx: &mut Context<'_>,
        piece: &[u8],
    ) -> Result<(), CloseReason> {
        if self.backlog.is_empty() {
            let mut rest = piece;
            let pumped = self.pump(door, session, cx, &mut rest);
            self.backlog.extend_from_slice(rest);
            match pumped {
                Poll::Ready(result) => result,
                Poll::Pending => Ok(()),
            }
        } else {
            self.backlog.extend_from_slice(piece);
            Ok(())
        }
    }

    /// Ready when all that was received is with the backend and more may be read.
    pub(super) fn poll_pump(
        &mut self,
        door: &Door,
        session: &Arc<Session>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), CloseReason>> {
        let backlog = std::mem::take(&mut self.backlog);
        let mut rest = backlog.as_slice();
        let pumped = self.pump(door, session, cx, &mut rest);
        if !rest.is_empty() {
            let used = backlog.len() - rest.len();
            self.backlog = backlog;
            self.backlog.drain(..used);
        }
        pumped
    }

    /// Bytes received and not with the backend yet.
    pub(super) fn backlog_bytes(&self) -> usize {
        self.backlog.len()
    }

    /// Whether there is something to do without another byte from the client.
    pub(super) fn has_work(&self) -> bool {
        !self.backlog.is_empty() || matches!(self.phase, Phase::Opening(_))
    }

    /// Forgets a half-received message: the transport that carried it is gone.
    pub(super) fn transport_lost(&mut self) {
        let encoding = self.encoding.unwrap_or(Encoding::MessagePack);
        self.deframer = Deframer::new(encoding, self.max_message_bytes);
        self.backlog = Vec::new();
    }

    /// A new transport carries the session on.
    pub(super) fn resumed(&mut self) {
        if let Phase::Open(conversation) = &mut self.phase {
            conversation.resumed();
        }
    }

    /// The session is over: out of the hub, then the hub is told.
    pub(super) fn end(&mut self, session: &Session, reason: &CloseReason) {
        if let Some(client) = session.client() {
            session.hub.remove(client);
        }
        if let Some(conversation) = self.stop() {
            conversation.close(reason);
        }
        self.backlog = Vec::new();
        self.resume = None;
        let (hub, label) = (session.hub.name(), reason.label());
        match reason {
            // Without a transport there was no connection.
            _ if !session.is_attached() => {}
            // What a client, or whoever wrote it, did wrong.
            CloseReason::ProtocolError(err) => {
                info!(conn = ?session.id, hub, reason = label, err = &**err, "connection ended");
            }
            CloseReason::SlowClient => {
                info!(conn = ?session.id, hub, reason = label, "connection ended");
            }
            _ => debug!(conn = ?session.id, hub, reason = label, "connection ended"),
        }
    }

    /// Lets nothing pass any more.
    fn stop(&mut self) -> Option<Box<dyn Conversation>> {
        match std::mem::replace(&mut self.phase, Phase::Over(None)) {
            Phase::Open(conversation) => Some(conversation),
            Phase::Over(conversation) => conversation,
            Phase::Handshake | Phase::Opening(_) => None,
        }
    }

    /// Passes on what it can. After an error the session is over, although somebody may come back
    /// before it has ended.
    fn pump(
        &mut self,
        door: &Door,
        session: &Arc<Session>,
        cx: &mut Context<'_>,
        input: &mut &[u8],
    ) -> Poll<Result<(), CloseReason>> {
        let pumped = self.advance(door, session, cx, input);
        if let Poll::Ready(Err(_)) = pumped {
            self.phase = Phase::Over(self.stop());
        }
        pumped
    }

    fn advance(
        &mut self,
        door: &Door,
        session: &Arc<Session>,
        cx: &mut Context<'_>,
        input: &mut &[u8],
    ) -> Poll<Result<(), CloseReason>> {
        loop {
            match &mut self.phase {
                Phase::Over(_) => {
                    *input = &[];
                    return Poll::Ready(Ok(()));
                }
                Phase::Handshake => {
                    // Before the transport is there nobody knows what the request said.
                    if !session.is_attached() {
                        return Poll::Ready(Ok(()));
                    }
                    match self.deframer.next_frame(input) {
                        Ok(None) => return Poll::Ready(Ok(())),
                        Ok(Some(record)) => {
                            let greeting = handshake::read(door, session, &record)
                                .map_err(CloseReason::HandshakeFailed)?;
                            self.open(door, session, greeting)?;
                        }
                        Err(_) => {
                            let text = HandshakeError::CANCELED.into();
                            return Poll::Ready(Err(CloseReason::HandshakeFailed(text)));
                        }
                    }
                }
                Phase::Opening(opening) => match ready!(opening.as_mut().poll(cx)) {
                    Ok(conversation) => {
                        self.phase = Phase::Open(conversation);
                        session.opened(&door.clock);
                    }
                    Err(error) => {
                        return Poll::Ready(Err(handshake::open_failed(session, &error)));
                    }
                },
                Phase::Open(conversation) => {
                    if conversation.poll_ready(cx).is_pending() {
                        session.timers.hub_stalls();
                        return Poll::Pending;
                    }
                    session.timers.hub_takes(&door.clock);
                    let framed = match self.deframer.next_frame(input) {
                        Ok(Some(framed)) => framed,
                        Ok(None) => return Poll::Ready(Ok(())),
                        Err(error) => {
                            let detail = error.detail().into();
                            return Poll::Ready(Err(CloseReason::ProtocolError(detail)));
                        }
                    };
                    let kind = self
                        .encoding
                        .and_then(|encoding| scan(encoding, &framed).ok());
                    if passes(
                        door,
                        session,
                        self.encoding,
                        self.resume.as_deref_mut(),
                        kind,
                        &framed,
                    )? {
                        conversation.feed(Inbound {
                            framed: &framed,
                            kind,
                        })?;
                    }
                }
            }
        }
    }

    /// Makes the client known to its hub and asks the backend for a conversation.
    fn open(
        &mut self,
        door: &Door,
        session: &Arc<Session>,
        greeting: Greeting,
    ) -> Result<(), CloseReason> {
        let Greeting {
            opening,
            encoding,
            resumable,
        } = greeting;
        self.encoding = encoding;
        self.deframer
            .switch_to(encoding.unwrap_or(Encoding::MessagePack));
        if resumable {
            session.resumable.store(true, Ordering::Release);
            self.resume = Some(Box::new(Resume::new(door.options.stateful_buffer_bytes)));
        }
        let client: Arc<Client> = Arc::clone(&opening.client);
        if !session.hub.add(&client, Instant::now()) {
            return Err(CloseReason::HandshakeFailed(
                "The connection id is in use.".into(),
            ));
        }
        session.set_client(client, encoding);
        let backend = Arc::clone(&session.backend);
        self.phase = Phase::Opening(Box::pin(async move { backend.open(opening).await }));
        Ok(())
    }
}

/// Whether a message goes on to the backend. Acks and sequences end here; a message of unknown
/// type would wedge a genuine server's reader and is dropped; a repeated one is skipped.
fn passes(
    door: &Door,
    session: &Session,
    encoding: Option<Encoding>,
    resume: Option<&mut Resume>,
    kind: Option<MessageType>,
    framed: &[u8],
) -> Result<bool, CloseReason> {
    let mut resume = resume;
    if let Some(resume) = &mut resume {
        resume.heard();
    }
    let heard = &session.timers.heard;
    match kind {
        Some(MessageType::Ping) => heard.store(door.clock.now(), Ordering::Relaxed),
        Some(MessageType::Ack | MessageType::Sequence) => {
            let number = encoding.and_then(|encoding| sequence_id(encoding, framed).ok());
            if let (Some(resume), Some(number)) = (resume, number) {
                if kind == Some(MessageType::Ack) {
                    resume.acknowledged(number);
                } else {
                    resume.sequence(number)?;
                }
            }
            return Ok(false);
        }
        Some(MessageType::Unknown(number)) => {
            debug!(conn = ?session.id, number, "message of unknown type dropped");
            return Ok(false);
        }
        _ => {}
    }
    if heard.load(Ordering::Relaxed) != 0 {
        heard.store(door.clock.now(), Ordering::Relaxed);
    }
    let Some(resume) = resume else {
        // Of a protocol that is carried unread all messages count.
        let is_counted = kind.is_none_or(MessageType::is_counted);
        session.meters.messages_in.increment(u64::from(is_counted));
        return Ok(true);
    };
    if kind == Some(MessageType::Close) {
        resume.give_up();
        return Ok(true);
    }
    if !kind.is_some_and(MessageType::is_counted) {
        return Ok(true);
    }
    let fresh = resume.received();
    if let Some(newest) = fresh {
        session.timers.received.store(newest, Ordering::Release);
        session.meters.messages_in.increment(1);
    }
    Ok(fresh.is_some())
}

impl fmt::Debug for Uplink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = match self.phase {
            Phase::Handshake => "handshake",
            Phase::Opening(_) => "opening",
            Phase::Open(_) => "open",
            Phase::Over(_) => "over",
        };
        f.debug_struct("Uplink")
            .field("phase", &phase)
            .field("backlog_bytes", &self.backlog.len())
            .finish_non_exhaustive()
    }
}
