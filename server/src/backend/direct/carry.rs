//! One client's WebSocket to its hub: a task that owns it from the hub handshake to its end.

use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Sink as _, Stream as _, StreamExt as _};
use heliograph_protocol::hub::{
    DeframeError, Deframer, Encoding, HandshakeResponse, MessageType, scan,
};
use heliograph_relay::{ByteQueue, Client, CloseReason, Frame, FrameClass};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message, Utf8Bytes};
use tracing::{debug, warn};

use super::socket::Socket;
use crate::backend::asking::Failure;
use crate::edge::dialects;

/// How long the hub may take to read what is left and to answer our close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Carries messages between one client and its hub.
///
/// Hub to client: a message is pushed when the client's outbox has room for it
/// ([`heliograph_relay::Outbox::poll_room_for`]); until then nothing more is read, so that a slow
/// client slows its hub down and is not closed. Client to hub: a bounded queue, of which all that
/// waits leaves in one WebSocket message.
pub(super) struct Carrier {
    pub(super) hub: Box<str>,
    pub(super) detailed: bool,
    pub(super) socket: Socket,
    pub(super) queue: Arc<ByteQueue>,
    /// Resolves when the client's side is gone.
    pub(super) gone: oneshot::Receiver<()>,
    pub(super) client: Arc<Client>,
    /// `None` for a hub protocol that is carried and never read.
    pub(super) encoding: Option<Encoding>,
    pub(super) deframer: Deframer,
    pub(super) awaits_answer: bool,
    /// What is left of a WebSocket message from the hub.
    pub(super) incoming: Bytes,
    /// A message for which the client's outbox had no room yet.
    pub(super) held: Option<Frame>,
}

/// How a conversation ends.
#[derive(Debug)]
enum End {
    /// The client's side is gone.
    ClientGone,
    /// The hub has said goodbye to the client, or refused its handshake.
    Told(CloseReason),
    /// No handshake was answered.
    NoAnswer(Failure),
    /// The hub closed the WebSocket, or it broke.
    Lost(Option<tungstenite::Error>),
    /// What the hub sent cannot be cut into messages.
    Malformed(DeframeError),
}

impl Carrier {
    /// Carries until either side ends; closes the client's outbox unless that has happened.
    pub(super) async fn run(mut self, handshake_timeout: Duration) {
        metrics::gauge!("heliograph.direct.connections").increment(1);
        let answered = poll_fn(|cx| match self.poll(cx) {
            Poll::Ready(end) => Poll::Ready(Some(end)),
            Poll::Pending if self.awaits_answer => Poll::Pending,
            Poll::Pending => Poll::Ready(None),
        });
        let end = match timeout(handshake_timeout, answered).await {
            Ok(Some(end)) => end,
            Ok(None) => poll_fn(|cx| self.poll(cx)).await,
            Err(_) => End::NoAnswer(Failure::TimedOut),
        };
        let end = match end {
            End::Lost(Some(error)) if self.awaits_answer && is_nonsense(&error) => {
                End::NoAnswer(Failure::Nonsense(error.into()))
            }
            End::Lost(_) if self.awaits_answer => End::NoAnswer(Failure::ClosedEarly),
            End::Malformed(_) if self.awaits_answer => End::NoAnswer(Failure::NoHandshake),
            end => end,
        };
        debug!(conn = ?self.client.id(), hub = &*self.hub, reason = ?end, "conversation ended");
        let reason = self.reason(&end);
        self.client.close(reason);
        self.queue.close();
        metrics::gauge!("heliograph.direct.connections").decrement(1);
        if !matches!(end, End::Lost(Some(_))) {
            // A hub that does not read to the end is left to the operating system.
            _ = timeout(CLOSE_TIMEOUT, self.say_goodbye()).await;
        }
    }

    /// What the client's side is told.
    fn reason(&self, end: &End) -> CloseReason {
        match end {
            End::Told(reason) => reason.clone(),
            End::NoAnswer(failure) => {
                let reason = failure.label();
                metrics::counter!("heliograph.direct.failures", "reason" => reason).increment(1);
                warn!(hub = &*self.hub, err = %failure, "hub did not answer a handshake");
                let why = failure.text(self.detailed);
                let text = format!("Hub '{}' is unavailable: {why}.", self.hub);
                CloseReason::HandshakeFailed(text.into())
            }
            End::Malformed(error) => {
                warn!(hub = &*self.hub, err = %error, "what a hub sent cannot be read");
                CloseReason::BackendLost
            }
            End::Lost(Some(error)) if is_nonsense(error) => {
                warn!(hub = &*self.hub, err = %error, "what a hub sent cannot be read");
                CloseReason::BackendLost
            }
            // A client that is gone has had its reason, which then counts.
            End::Lost(_) | End::ClientGone => CloseReason::BackendLost,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        if Pin::new(&mut self.gone).poll(cx).is_ready() {
            return Poll::Ready(End::ClientGone);
        }
        if let Poll::Ready(end) = self.poll_down(cx) {
            return Poll::Ready(end);
        }
        match self.poll_up(cx) {
            Poll::Ready(Ok(())) => Poll::Ready(End::ClientGone),
            // What the hub has sent before it broke may say why: it is read first.
            Poll::Ready(Err(error)) => match self.poll_down(cx) {
                Poll::Ready(end) => Poll::Ready(end),
                Poll::Pending => Poll::Ready(End::Lost(Some(error))),
            },
            Poll::Pending => Poll::Pending,
        }
    }

    /// From the hub to the client, until the hub has nothing more or the outbox has no room.
    fn poll_down(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        loop {
            while let Some(frame) = &self.held {
                let outbox = self.client.outbox();
                ready!(outbox.poll_room_for(cx, frame.len_bytes()));
                let is_close = frame.class() == FrameClass::Close;
                if let Some(frame) = self.held.take() {
                    self.client.push(frame);
                }
                if is_close {
                    return Poll::Ready(End::Told(CloseReason::Ended {
                        error: None,
                        allow_reconnect: false,
                    }));
                }
                if let Err(end) = self.cut() {
                    return Poll::Ready(end);
                }
            }
            match ready!(Pin::new(&mut self.socket).poll_next(cx)) {
                Some(Ok(Message::Text(text))) => self.incoming = text.into(),
                Some(Ok(Message::Binary(bytes))) => self.incoming = bytes,
                // The library answers pings and close frames itself.
                Some(Ok(Message::Close(_))) | None => return Poll::Ready(End::Lost(None)),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Err(error)) => return Poll::Ready(End::Lost(Some(error))),
            }
            if let Err(end) = self.cut() {
                return Poll::Ready(end);
            }
        }
    }

    /// Cuts the next message for the client out of what came, if there is a whole one.
    fn cut(&mut self) -> Result<(), End> {
        let incoming = std::mem::take(&mut self.incoming);
        let mut rest = &*incoming;
        while self.held.is_none() {
            let Some(framed) = self
                .deframer
                .next_frame(&mut rest)
                .map_err(End::Malformed)?
            else {
                return Ok(());
            };
            if self.awaits_answer {
                let answer = HandshakeResponse::parse(&framed)
                    .map_err(|_| End::NoAnswer(Failure::NoHandshake))?;
                if let Some(error) = answer.error {
                    let reason = CloseReason::HandshakeFailed(error.into());
                    return Err(End::Told(reason));
                }
                self.awaits_answer = false;
                self.deframer
                    .switch_to(self.encoding.unwrap_or(Encoding::MessagePack));
                let frame = dialects::frame(self.client.dialect(), &framed, FrameClass::Handshake);
                self.client.answer(frame);
            } else if let Some(class) = self.class(&framed) {
                self.held = Some(dialects::frame(self.client.dialect(), &framed, class));
            }
        }
        let used = incoming.len() - rest.len();
        self.incoming = incoming.slice(used..);
        Ok(())
    }

    /// What a message from the hub is for the client's transport; `None` for what is not for it.
    fn class(&self, framed: &[u8]) -> Option<FrameClass> {
        let kind = self
            .encoding
            .and_then(|encoding| scan(encoding, framed).ok());
        match kind {
            Some(MessageType::Close) => Some(FrameClass::Close),
            // Stateful reconnect is between the client and us.
            Some(MessageType::Ack | MessageType::Sequence) => None,
            Some(kind) if !kind.is_counted() => Some(FrameClass::Control),
            _ => Some(FrameClass::Counted),
        }
    }

    /// From the client to the hub. Ready when nothing more comes.
    fn poll_up(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), tungstenite::Error>> {
        let mut socket = Pin::new(&mut self.socket);
        loop {
            ready!(socket.as_mut().poll_ready(cx))?;
            let mut taken = Vec::new();
            match self.queue.poll_take(cx, &mut taken) {
                Poll::Ready(true) => {
                    let message = message(taken, self.encoding == Some(Encoding::Json));
                    socket.as_mut().start_send(message)?;
                }
                Poll::Ready(false) => return Poll::Ready(Ok(())),
                Poll::Pending => {
                    ready!(socket.as_mut().poll_flush(cx))?;
                    return Poll::Pending;
                }
            }
        }
    }

    /// Sends what is left and closes, so that the hub sees its client leave.
    async fn say_goodbye(&mut self) -> Result<(), tungstenite::Error> {
        poll_fn(|cx| self.poll_up(cx)).await?;
        let normal = CloseFrame {
            code: CloseCode::Normal,
            reason: Utf8Bytes::default(),
        };
        self.socket.close(Some(normal)).await?;
        while let Some(message) = self.socket.next().await {
            message?;
        }
        Ok(())
    }
}

/// Whether a hub broke the rules, rather than off.
fn is_nonsense(error: &tungstenite::Error) -> bool {
    match error {
        tungstenite::Error::Capacity(_) | tungstenite::Error::Utf8(_) => true,
        tungstenite::Error::Protocol(error) => {
            *error != ProtocolError::ResetWithoutClosingHandshake
        }
        _ => false,
    }
}

/// Text for JSON, as clients send it. Bytes that are no text go as they came: the hub judges them.
fn message(bytes: Vec<u8>, is_text: bool) -> Message {
    if !is_text {
        return Message::Binary(bytes.into());
    }
    match String::from_utf8(bytes) {
        Ok(text) => Message::Text(text.into()),
        Err(error) => Message::Binary(error.into_bytes().into()),
    }
}
