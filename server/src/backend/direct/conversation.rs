//! A client's side of its conversation with a hub elsewhere.

use std::sync::Arc;
use std::task::{Context, Poll};

use heliograph_protocol::hub::{Deframer, Encoding};
use heliograph_relay::{ByteQueue, CloseReason};
use tokio::sync::oneshot;
use tracing::debug;

use super::Direct;
use super::carry::Carrier;
use super::place::Place;
use crate::backend::asking::Failure;
use crate::backend::{Conversation, Inbound, OpenError, Opening};
use crate::edge::dialects;

/// Bytes that may wait for the hub before its client is made to wait.
const MIN_HIGH_WATER_BYTES: usize = 64 << 10;

/// Feeds the task that owns the WebSocket. Its end, by whatever way, ends that task.
#[derive(Debug)]
struct Feed {
    queue: Arc<ByteQueue>,
    _alive: oneshot::Sender<()>,
}

impl Direct {
    /// Opens the WebSocket and leaves it to a task of its own.
    pub(super) async fn converse(
        &self,
        opening: Opening,
    ) -> Result<Box<dyn Conversation>, OpenError> {
        let dialled = match Place::from_secret(opening.ticket.secret.as_deref()) {
            Some(place) => self.dial(&opening.request, &place).await,
            None => Err(Failure::Ticket),
        };
        let socket = dialled.map_err(|failure| {
            self.note_failure(&failure);
            OpenError::Unavailable {
                hub: self.hub.clone(),
                why: failure.text(self.options.detailed_errors).into(),
            }
        })?;
        self.note_success();
        debug!(conn = ?opening.client.id(), hub = &*self.hub, "connected to the hub");
        // A queue takes eight times its high-water mark: that mark and one message always fit.
        let high_water = (self.options.max_message_bytes / 7 + 1).max(MIN_HIGH_WATER_BYTES);
        let queue = Arc::new(ByteQueue::new(high_water));
        queue.append(|bytes| bytes.extend_from_slice(&opening.handshake));
        let (alive, gone) = oneshot::channel();
        let encoding = dialects::encoding(opening.client.dialect());
        let carrier = Carrier {
            hub: self.hub.clone(),
            detailed: self.options.detailed_errors,
            socket,
            queue: Arc::clone(&queue),
            gone,
            encoding,
            client: opening.client,
            deframer: Deframer::new(Encoding::Json, self.options.max_hub_message_bytes),
            awaits_answer: true,
            incoming: bytes::Bytes::new(),
            held: None,
        };
        tokio::spawn(carrier.run(self.options.handshake_timeout));
        Ok(Box::new(Feed {
            queue,
            _alive: alive,
        }))
    }
}

impl Conversation for Feed {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.queue.poll_ready(cx)
    }

    fn feed(&mut self, message: Inbound<'_>) -> Result<(), CloseReason> {
        if self
            .queue
            .append(|bytes| bytes.extend_from_slice(message.framed))
        {
            Ok(())
        } else {
            // The carrier has said why already, and the first reason wins.
            Err(CloseReason::BackendLost)
        }
    }

    fn close(self: Box<Self>, _reason: &CloseReason) {}
}
