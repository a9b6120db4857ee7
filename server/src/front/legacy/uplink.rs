//! What a legacy client sends, on its way to whoever runs its hubs.

use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use heliograph_relay::CloseReason;

use crate::backend::legacy::{FeedError, LegacyConversation, Reply};

/// The receiving half of a connection. One task at a time owns it, by the lock around it.
pub(super) struct Uplink {
    conversation: Option<Box<dyn LegacyConversation>>,
    /// How the start went, once it is over.
    start: Option<Result<(), CloseReason>>,
}

impl Uplink {
    pub(super) fn new(conversation: Box<dyn LegacyConversation>) -> Self {
        Self {
            conversation: Some(conversation),
            start: None,
        }
    }

    /// Lets the hubs hear of the client, unless they have.
    ///
    /// # Errors
    ///
    /// Why the connection ends.
    pub(super) async fn start(&mut self) -> Result<(), CloseReason> {
        poll_fn(|cx| self.poll_start(cx)).await
    }

    fn poll_start(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CloseReason>> {
        if let Some(start) = &self.start {
            return Poll::Ready(start.clone());
        }
        let Some(conversation) = &mut self.conversation else {
            return Poll::Ready(Err(CloseReason::TransportLost));
        };
        let start = ready!(conversation.poll_start(cx));
        self.start = Some(start.clone());
        Poll::Ready(start)
    }

    /// Ready when a message may be fed. A client that sends without having asked for the start
    /// (0, rule 15) gets it first.
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CloseReason>> {
        ready!(self.poll_start(cx))?;
        match &mut self.conversation {
            Some(conversation) => conversation.poll_ready(cx).map(Ok),
            None => Poll::Ready(Err(CloseReason::TransportLost)),
        }
    }

    /// Takes one message, after [`Uplink::poll_ready`].
    pub(super) fn feed(&mut self, text: &[u8], reply: Reply) -> Result<(), FeedError> {
        match &mut self.conversation {
            Some(conversation) => conversation.feed(text, reply),
            None => Ok(()),
        }
    }

    /// The client is back on a new channel. Hubs that have not heard of it yet hear nothing.
    pub(super) fn reconnected(&mut self) {
        if let (Some(conversation), Some(Ok(()))) = (&mut self.conversation, &self.start) {
            conversation.reconnected();
        }
    }

    /// The connection is over: its hubs are told.
    pub(super) fn end(&mut self, reason: &CloseReason) {
        if let Some(conversation) = self.conversation.take() {
            conversation.close(reason);
        }
    }
}

impl fmt::Debug for Uplink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uplink")
            .field("is_open", &self.conversation.is_some())
            .field("start", &self.start)
            .finish_non_exhaustive()
    }
}
