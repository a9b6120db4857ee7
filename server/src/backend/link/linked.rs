//! One client on an app server's link.

use std::sync::Arc;
use std::time::Duration;

use heliograph_protocol::hub::{Encoding, MessageType};
use heliograph_protocol::service::{
    DataMessageType, Extensions, Message, encode, write_connection_data,
};
use heliograph_relay::{Client, CloseReason, FrameClass, Hub};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::AppLink;
use super::calls::Calls;
use super::downstream::Downstream;
use super::opening;
use crate::backend::{ClientRequest, Inbound, Opening};
use crate::edge::dialects;

/// How a classic app server refuses a client whose id it has already (service protocol, 6.3).
const DUPLICATE: &str = "Duplicate connection ID";

/// One client on an app server's link: the half that the link's driver and the client's
/// conversation share.
///
/// Lock order: the state, then the clients of a link, then a queue or an outbox.
#[derive(Debug)]
pub(crate) struct LinkedClient {
    pub(super) client: Arc<Client>,
    pub(super) hub: Arc<Hub>,
    pub(super) request: Arc<ClientRequest>,
    pub(super) protocol: Box<str>,
    pub(super) handshake: Box<[u8]>,
    pub(super) state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) link: Arc<AppLink>,
    /// The app server has nothing more to do with the client, or is gone itself.
    pub(super) over: bool,
    pub(super) calls: Calls,
    pub(super) downstream: Downstream,
    /// The app server has said something to a legacy client.
    is_heard: bool,
    held_until: Option<Instant>,
}

impl State {
    /// Whether nothing is half said, in either direction.
    pub(super) fn is_settled(&self) -> bool {
        self.downstream.is_between_messages() && self.calls.is_empty()
    }
}

impl LinkedClient {
    pub(super) fn new(opening: &Opening, link: &Arc<AppLink>, max_partial_bytes: usize) -> Self {
        Self {
            client: Arc::clone(&opening.client),
            hub: Arc::clone(&opening.hub),
            request: Arc::clone(&opening.request),
            protocol: opening.protocol.clone(),
            handshake: opening.handshake.as_slice().into(),
            state: Mutex::new(State {
                link: Arc::clone(link),
                over: false,
                calls: Calls::default(),
                downstream: Downstream::new(max_partial_bytes),
                is_heard: false,
                held_until: None,
            }),
        }
    }

    pub(crate) fn id(&self) -> &str {
        self.client.id().as_str()
    }

    pub(crate) fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// The link that the client is on.
    pub(crate) fn link(&self) -> Arc<AppLink> {
        Arc::clone(&self.state.lock().link)
    }

    /// Whether it is a legacy client of a classic app: what it says is not read here, and there is
    /// no handshake.
    pub(super) fn is_classic(&self) -> bool {
        self.protocol.is_empty()
    }

    pub(super) fn encoding(&self) -> Encoding {
        dialects::encoding(self.client.dialect()).unwrap_or(Encoding::MessagePack)
    }

    /// Whether we can read what the client and its hub say to each other.
    pub(super) fn is_readable(&self) -> bool {
        dialects::encoding(self.client.dialect()).is_some()
    }

    /// Lets the client's next messages wait.
    pub(crate) fn hold(&self, time: Duration) {
        self.state.lock().held_until = Some(Instant::now() + time);
    }

    /// Until when the client's messages wait, if they do.
    pub(super) fn held_until(&self) -> Option<Instant> {
        let mut state = self.state.lock();
        if state
            .held_until
            .is_some_and(|until| until <= Instant::now())
        {
            state.held_until = None;
        }
        state.held_until
    }

    /// Queues a message for the app server.
    pub(super) fn feed(&self, message: Inbound<'_>) {
        let data_type = match message.kind {
            _ if self.is_classic() => None,
            // Whoever reads the door's side of a stateful connection has dealt with these.
            Some(MessageType::Ack | MessageType::Sequence | MessageType::Unknown(_)) => return,
            Some(MessageType::Ping) => Some(DataMessageType::Other),
            Some(MessageType::Close) => Some(DataMessageType::Close),
            _ => Some(DataMessageType::Invocation),
        };
        let mut state = self.state.lock();
        if state.over {
            return;
        }
        if state.link.allows().migration
            && self.is_readable()
            && let Some(kind) = message.kind
        {
            let was_settled = state.is_settled();
            state.calls.sent(self.encoding(), kind, message.framed);
            if !was_settled && state.is_settled() {
                state.link.settled.notify_waiters();
            }
        }
        state.link.link().queue().append(|out| {
            write_connection_data(out, self.id(), message.framed, data_type);
        });
    }

    /// Takes what the app server behind `from` has for the client.
    pub(crate) fn deliver(&self, from: &Arc<AppLink>, payload: &[u8], extensions: &Extensions<'_>) {
        let mut state = self.state.lock();
        if state.over || !Arc::ptr_eq(&state.link, from) {
            return;
        }
        if self.is_classic() {
            state.is_heard = true;
            let frame = dialects::frame(self.client.dialect(), payload, FrameClass::Counted);
            self.client.push(frame);
            return;
        }
        let was_settled = state.is_settled();
        let State {
            downstream, calls, ..
        } = &mut *state;
        let delivered = downstream.deliver(self, payload, extensions, |framed| {
            calls.received(self.encoding(), framed);
        });
        if let Err(err) = delivered {
            tracing::warn!(
                hub = from.hub().name(),
                link = from.link().id(),
                conn = ?self.client.id(),
                %err,
                "app server sent a client what cannot be cut into messages"
            );
            self.client.close(CloseReason::BackendLost);
        }
        if !was_settled && state.is_settled() {
            from.settled.notify_waiters();
        }
    }

    /// The app server behind `from` ends the client. A classic one may say that it has the client
    /// already, by a link that is lost; that concerns the last opening of the client alone.
    pub(crate) fn end(&self, from: &Arc<AppLink>, error: &str) {
        let mut state = self.state.lock();
        if state.over || !Arc::ptr_eq(&state.link, from) {
            return;
        }
        let is_duplicate = self.is_classic() && error.starts_with(DUPLICATE);
        if is_duplicate && state.is_heard {
            return;
        }
        state.over = true;
        from.leave(self.id());
        let error = (!error.is_empty()).then(|| error.into());
        self.client.close(CloseReason::Ended {
            error,
            allow_reconnect: is_duplicate,
        });
    }

    /// A stateful client came back on a new transport: tells the app server.
    pub(super) fn resumed(&self) {
        let state = self.state.lock();
        if !state.over {
            let message = Message::ConnectionReconnect {
                connection_id: self.id(),
            };
            state
                .link
                .link()
                .queue()
                .append(|out| encode(&message, out));
        }
    }

    /// The client is gone: tells the app server unless it knows.
    pub(super) fn close(&self, error: &str) {
        let mut state = self.state.lock();
        if state.over {
            return;
        }
        state.over = true;
        state.link.leave(self.id());
        state
            .link
            .link()
            .queue()
            .append(|out| opening::write_close(out, self.id(), error, &[]));
    }

    /// A link is lost. True if the client was on it and ends with it.
    pub(super) fn lost_link(&self, lost: &AppLink) -> bool {
        let mut state = self.state.lock();
        let mine = !state.over && std::ptr::eq(&*state.link, lost);
        state.over |= mine;
        mine
    }
}
