//! A client's side of a hub that an app server runs.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use heliograph_relay::CloseReason;
use tokio::time::{Sleep, sleep_until};

use super::linked::LinkedClient;
use super::results::Results;
use crate::backend::{Conversation, Inbound};

/// A client's conversation with an app server.
#[derive(Debug)]
pub(super) struct LinkConversation {
    client: Arc<LinkedClient>,
    results: Arc<Results>,
    hold: Option<Pin<Box<Sleep>>>,
}

impl LinkConversation {
    pub(super) fn new(client: Arc<LinkedClient>, results: Arc<Results>) -> Self {
        Self {
            client,
            results,
            hold: None,
        }
    }
}

impl Conversation for LinkConversation {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(until) = self.client.held_until() {
            let hold = self
                .hold
                .get_or_insert_with(|| Box::pin(sleep_until(until)));
            if hold.deadline() != until {
                hold.as_mut().reset(until);
            }
            ready!(hold.as_mut().poll(cx));
        }
        self.hold = None;
        self.client.link().link().queue().poll_ready(cx)
    }

    fn feed(&mut self, message: Inbound<'_>) -> Result<(), CloseReason> {
        self.client.feed(message);
        Ok(())
    }

    fn resumed(&mut self) {
        self.client.resumed();
    }

    fn close(self: Box<Self>, reason: &CloseReason) {
        let error = match reason {
            CloseReason::ClientClosed(Some(text)) | CloseReason::ProtocolError(text) => text,
            CloseReason::SlowClient => "The client reads too slowly.",
            _ => "",
        };
        self.client.close(error);
    }
}

impl Drop for LinkConversation {
    /// A door that gives up without a word still frees the client's place. Those who wait for
    /// the client's results are told after its app server.
    fn drop(&mut self) {
        self.client.close("");
        self.results.client_gone(self.client.client().id());
    }
}
