//! One hub of one legacy client: its client in the relay, and the conversation with its backend.

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};

use atomic_waker::AtomicWaker;
use futures_util::future::{Either, select};
use heliograph_protocol::hub::MessageType;
use heliograph_relay::{Client, CloseReason, ConnectionId};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tracing::{info, warn};

use super::Bridged;
use super::inlet::HubInlet;
use crate::backend::legacy::Inbox;
use crate::backend::{
    BoxFuture, ClientRequest, Conversation, Inbound, OpenError, Opening, Refusal,
};
use crate::edge::dialects::LEGACY;

const HANDSHAKE: &[u8] = b"{\"protocol\":\"json\",\"version\":1}\x1e";

/// How a client comes to a hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    New,
    /// It was connected before, to a service that has forgotten it.
    Returning,
}

/// What a line is made of.
pub(super) struct Ends<'a> {
    pub(super) hub: &'a Arc<Bridged>,
    pub(super) id: ConnectionId,
    /// The plain id of the connection, where the hub knows it by another.
    pub(super) alias: Option<ConnectionId>,
    pub(super) request: &'a Arc<ClientRequest>,
    pub(super) inbox: &'a Arc<Inbox>,
    pub(super) is_listed: bool,
}

/// One hub of one legacy client.
pub(super) struct Line {
    hub: Arc<Bridged>,
    client: Arc<Client>,
    inlet: Arc<HubInlet>,
    request: Arc<ClientRequest>,
    is_listed: bool,
    /// Locked while the conversation is called, by whoever feeds it. What the conversation calls in
    /// turn, the inlet, stays away from here.
    phase: Mutex<Phase>,
    /// The connection's task, which waits for the conversation.
    waiting: AtomicWaker,
}

enum Phase {
    Idle,
    Opening(BoxFuture<'static, Result<Box<dyn Conversation>, CloseReason>>),
    /// A task opens it; what is sent here ends that.
    Away(oneshot::Sender<CloseReason>),
    Open(Box<dyn Conversation>),
}

impl Line {
    pub(super) fn new(ends: Ends<'_>) -> Arc<Self> {
        Arc::new_cyclic(|line: &Weak<Self>| {
            let user = ends.request.identity.user.as_deref();
            let inlet = Arc::new(HubInlet::new(
                ends.id.clone(),
                Arc::clone(ends.hub),
                Arc::clone(ends.inbox),
                ends.is_listed,
                Weak::clone(line),
            ));
            let outbox = Arc::clone(ends.inbox.outbox());
            let way = Arc::clone(&inlet);
            let client = Client::new(ends.id, user, LEGACY, outbox).through(way);
            let client = match ends.alias {
                Some(alias) => client.known_as(alias),
                None => client,
            };
            Self {
                hub: Arc::clone(ends.hub),
                client: Arc::new(client),
                inlet,
                request: Arc::clone(ends.request),
                is_listed: ends.is_listed,
                phase: Mutex::new(Phase::Idle),
                waiting: AtomicWaker::new(),
            }
        })
    }

    pub(super) fn hub(&self) -> &Arc<Bridged> {
        &self.hub
    }

    pub(super) fn client(&self) -> &Arc<Client> {
        &self.client
    }

    pub(super) fn inlet(&self) -> &HubInlet {
        &self.inlet
    }

    pub(super) fn is_listed(&self) -> bool {
        self.is_listed
    }

    /// Begins to open the conversation, which [`Line::poll_open`] does.
    pub(super) fn begin(&self, arrival: Arrival) {
        *self.phase.lock() = Phase::Opening(self.open(arrival));
    }

    /// Ready when the conversation is open and takes messages.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub(super) fn poll_open(&self, cx: &mut Context<'_>) -> Poll<Result<(), CloseReason>> {
        {
            let mut phase = self.phase.lock();
            if let Phase::Opening(opening) = &mut *phase {
                match ready!(opening.as_mut().poll(cx)) {
                    Ok(conversation) => *phase = Phase::Open(conversation),
                    Err(reason) => {
                        *phase = Phase::Idle;
                        return Poll::Ready(Err(reason));
                    }
                }
            }
        }
        self.poll_ready(cx).map(Ok)
    }

    /// Ready when a message may be fed.
    pub(super) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.waiting.register(cx.waker());
        let mut phase = self.phase.lock();
        match &mut *phase {
            Phase::Opening(_) | Phase::Away(_) => Poll::Pending,
            Phase::Open(conversation) if !self.inlet.is_over() => conversation.poll_ready(cx),
            // One that is over is told so when the next call comes, or with the connection.
            Phase::Idle | Phase::Open(_) => Poll::Ready(()),
        }
    }

    /// Passes a call on. A hub that the client does not listen to is opened by its first call.
    ///
    /// # Errors
    ///
    /// Why the connection ends.
    pub(super) fn feed(
        self: &Arc<Self>,
        record: Vec<u8>,
        kind: MessageType,
    ) -> Result<(), CloseReason> {
        let mut phase = self.phase.lock();
        if self.inlet.is_over() {
            let before = std::mem::replace(&mut *phase, Phase::Idle);
            if let Phase::Open(conversation) = before {
                conversation.close(&CloseReason::TransportLost);
            }
        }
        match &mut *phase {
            Phase::Open(conversation) => {
                let message = Inbound {
                    framed: &record,
                    kind: Some(kind),
                };
                conversation.feed(message)
            }
            Phase::Idle if !self.is_listed => {
                self.inlet.renew();
                let (end, ended) = oneshot::channel();
                *phase = Phase::Away(end);
                tokio::spawn(Arc::clone(self).open_for(record, kind, ended));
                Ok(())
            }
            // Nothing is fed before the start, or after an end that is being carried out.
            Phase::Idle | Phase::Opening(_) | Phase::Away(_) => Ok(()),
        }
    }

    /// Passes a message on that is no answer to what the client did, if the hub still listens.
    pub(super) fn tell(&self, record: &[u8]) {
        if let Phase::Open(conversation) = &mut *self.phase.lock() {
            let message = Inbound {
                framed: record,
                kind: Some(MessageType::Completion),
            };
            if let Err(reason) = conversation.feed(message) {
                self.inlet.end(reason);
            }
        }
    }

    /// Lets the connection's task look again.
    pub(super) fn wake(&self) {
        self.waiting.wake();
    }

    /// The client has a new channel.
    pub(super) fn reconnected(&self) {
        if let Phase::Open(conversation) = &mut *self.phase.lock() {
            conversation.reconnected();
        }
    }

    /// The client is gone: out of the hub, then the hub is told.
    pub(super) fn end(&self, reason: &CloseReason) {
        if self.is_listed {
            self.hub.hub.remove(&self.client);
        }
        let before = std::mem::replace(&mut *self.phase.lock(), Phase::Idle);
        match before {
            Phase::Open(conversation) => conversation.close(reason),
            // The task may be done by now: it finds the phase changed then.
            Phase::Away(end) => _ = end.send(reason.clone()),
            Phase::Idle | Phase::Opening(_) => {}
        }
        self.inlet.drop_calls();
    }

    /// Opens the conversation for a call that waits for it.
    async fn open_for(
        self: Arc<Self>,
        record: Vec<u8>,
        kind: MessageType,
        mut ended: oneshot::Receiver<CloseReason>,
    ) {
        let opening = self.open(Arrival::New);
        let opened = match select(opening, &mut ended).await {
            Either::Left((opened, _)) => opened,
            Either::Right(_) => return,
        };
        let Ok(mut conversation) = opened else {
            return self.settle(None);
        };
        {
            let ready = pin!(poll_fn(|cx| conversation.poll_ready(cx)));
            if let Either::Right((reason, _)) = select(ready, &mut ended).await {
                conversation.close(&reason.unwrap_or(CloseReason::TransportLost));
                return;
            }
        }
        self.settle(Some((conversation, record, kind)));
    }

    /// Gives the conversation that a task has opened back to the connection, after its first call.
    fn settle(&self, opened: Option<(Box<dyn Conversation>, Vec<u8>, MessageType)>) {
        let mut phase = self.phase.lock();
        if !matches!(*phase, Phase::Away(_)) {
            drop(phase);
            if let Some((conversation, ..)) = opened {
                conversation.close(&CloseReason::TransportLost);
            }
            return;
        }
        *phase = Phase::Idle;
        match opened {
            None => self.inlet.fail_calls(),
            Some((mut conversation, record, kind)) => {
                let message = Inbound {
                    framed: &record,
                    kind: Some(kind),
                };
                let fed = conversation.feed(message);
                *phase = Phase::Open(conversation);
                if let Err(reason) = fed {
                    self.inlet.end(reason);
                }
            }
        }
        drop(phase);
        self.waiting.wake();
    }

    /// Asks the hub and opens a conversation.
    fn open(
        &self,
        arrival: Arrival,
    ) -> BoxFuture<'static, Result<Box<dyn Conversation>, CloseReason>> {
        let (hub, client) = (Arc::clone(&self.hub), Arc::clone(&self.client));
        let request = Arc::clone(&self.request);
        Box::pin(async move {
            let ticket = match hub.backend.negotiate(&request).await {
                Ok(ticket) => ticket,
                Err(refusal) => return Err(refused(&hub, &client, &refusal)),
            };
            let opening = Opening {
                client: Arc::clone(&client),
                hub: Arc::clone(&hub.hub),
                protocol: "json".into(),
                version: 1,
                handshake: HANDSHAKE.to_vec(),
                request,
                ticket,
            };
            let opened = match arrival {
                Arrival::New => hub.backend.open(opening).await,
                Arrival::Returning => hub.backend.reopen(opening).await,
            };
            opened.map_err(|error| failed(&hub, &client, &error))
        })
    }
}

fn refused(hub: &Bridged, client: &Client, refusal: &Refusal) -> CloseReason {
    let (hub, status) = (hub.name(), refusal.status);
    info!(conn = ?client.id(), hub, err = %status, "hub refused a legacy client");
    CloseReason::HandshakeFailed(format!("Hub '{hub}' refuses the client: {status}.").into())
}

fn failed(hub: &Bridged, client: &Client, error: &OpenError) -> CloseReason {
    let hub = hub.name();
    match error {
        OpenError::Refused(_) => info!(conn = ?client.id(), hub, "hub refused a legacy client"),
        _ => warn!(conn = ?client.id(), hub, err = %error, "no backend took a legacy client"),
    }
    CloseReason::HandshakeFailed(error.to_string().into())
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = match &*self.phase.lock() {
            Phase::Idle => "idle",
            Phase::Opening(_) => "opening",
            Phase::Away(_) => "away",
            Phase::Open(_) => "open",
        };
        f.debug_struct("Line")
            .field("hub", &self.hub.name())
            .field("client", &self.client.id())
            .field("is_listed", &self.is_listed)
            .field("phase", &phase)
            .finish_non_exhaustive()
    }
}
