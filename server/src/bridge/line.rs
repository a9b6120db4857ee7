//! One hub of one legacy client: its client in the relay, and the conversation with its backend.

use std::fmt;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};

use atomic_waker::AtomicWaker;
use heliograph_protocol::hub::MessageType;
use heliograph_relay::{Client, CloseReason, ConnectionId};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::Bridged;
use super::inlet::HubInlet;
use super::opening::{self, Arrival, Comer, Opening};
use super::reopening;
use crate::backend::legacy::Inbox;
use crate::backend::{ClientRequest, Conversation, Inbound};

/// What a line is made of.
pub(super) struct Ends<'a> {
    pub(super) hub: &'a Arc<Bridged>,
    pub(super) id: ConnectionId,
    /// The plain id of the connection, where the hub knows it by another.
    pub(super) alias: Option<ConnectionId>,
    pub(super) request: Arc<ClientRequest>,
    pub(super) inbox: &'a Arc<Inbox>,
    pub(super) is_listed: bool,
}

/// One hub of one legacy client.
pub(super) struct Line {
    hub: Arc<Bridged>,
    client: Arc<Client>,
    inlet: Arc<HubInlet>,
    /// With who the client is in this hub, if it listens to it.
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
    Opening(Opening),
    /// A task opens it; what is sent here ends that.
    Away(oneshot::Sender<CloseReason>),
    Open(Box<dyn Conversation>),
}

/// A call for the hub.
pub(super) struct Record {
    pub(super) framed: Vec<u8>,
    pub(super) kind: MessageType,
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
            let client = inlet.client(user);
            let client = match ends.alias {
                Some(alias) => client.known_as(alias),
                None => client,
            };
            Self {
                hub: Arc::clone(ends.hub),
                client: Arc::new(client),
                inlet,
                request: ends.request,
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

    /// Opens a conversation.
    pub(super) fn open(&self, arrival: Arrival) -> Opening {
        let comer = Comer {
            hub: Arc::clone(&self.hub),
            client: Arc::clone(&self.client),
            request: Arc::clone(&self.request),
        };
        if self.is_listed {
            return Box::pin(comer.open(arrival));
        }
        let inlet = Arc::clone(&self.inlet);
        Box::pin(async move {
            let (hub, request) = (&comer.hub, &comer.request);
            let identity = opening::who(hub, &comer.client, request).await?;
            // It is in no hub of the relay, so that the hub may know it by a client of its own.
            let client = inlet.client(identity.user.as_deref());
            let request = ClientRequest {
                identity,
                ..ClientRequest::clone(request)
            };
            let comer = Comer {
                hub: comer.hub,
                client: Arc::new(client),
                request: Arc::new(request),
            };
            comer.open(arrival).await
        })
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
                    Ok(conversation) => {
                        self.inlet.opened();
                        *phase = Phase::Open(conversation);
                    }
                    Err(reason) => {
                        *phase = Phase::Idle;
                        return Poll::Ready(Err(reason));
                    }
                }
            }
        }
        self.poll_ready(cx).map(Ok)
    }

    /// Ready when a message may be fed. A hub that is lost holds nobody up.
    pub(super) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        // Who need not wait leaves no waker behind: it would keep the memory of a task that is done.
        if self.poll_phase(cx).is_ready() {
            return Poll::Ready(());
        }
        self.waiting.register(cx.waker());
        self.poll_phase(cx)
    }

    fn poll_phase(&self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut *self.phase.lock() {
            Phase::Open(conversation) if !self.inlet.is_over() => conversation.poll_ready(cx),
            Phase::Opening(_) => Poll::Pending,
            Phase::Away(_) if !self.is_listed => Poll::Pending,
            Phase::Idle | Phase::Away(_) | Phase::Open(_) => Poll::Ready(()),
        }
    }

    /// Passes a call on. A hub that the client does not listen to is opened by its first call.
    ///
    /// # Errors
    ///
    /// Why the conversation ends.
    pub(super) fn feed(self: &Arc<Self>, record: Record) -> Result<(), CloseReason> {
        let mut phase = self.phase.lock();
        match &mut *phase {
            Phase::Open(conversation) if !self.inlet.is_over() => record.feed(conversation),
            Phase::Idle | Phase::Open(_) if !self.is_listed => {
                let (end, ended) = oneshot::channel();
                let before = std::mem::replace(&mut *phase, Phase::Away(end));
                if let Phase::Open(conversation) = before {
                    conversation.close(&CloseReason::TransportLost);
                }
                let line = Arc::clone(self);
                tokio::spawn(reopening::for_call(line, record, ended));
                Ok(())
            }
            // It is lost, and perhaps opened anew.
            _ => {
                self.inlet.fail_calls();
                Ok(())
            }
        }
    }

    /// Passes a message on that is no answer to what the client did, if the hub still listens.
    pub(super) fn tell(&self, record: &Record) {
        if let Phase::Open(conversation) = &mut *self.phase.lock()
            && let Err(reason) = record.feed(conversation)
        {
            self.inlet.end(reason);
        }
    }

    /// Takes the conversation that is over, to open another in its place; what comes with it tells
    /// of the connection's end. `None` when there is none, or another is being opened.
    pub(super) fn leave(&self) -> Option<(Box<dyn Conversation>, oneshot::Receiver<CloseReason>)> {
        let mut phase = self.phase.lock();
        let (end, ended) = oneshot::channel();
        match std::mem::replace(&mut *phase, Phase::Away(end)) {
            Phase::Open(conversation) => Some((conversation, ended)),
            other => {
                *phase = other;
                None
            }
        }
    }

    /// Takes in what a task has opened, with the call that it was opened for. Gives it back if it is
    /// over already or is not wanted any more.
    pub(super) fn settle(
        &self,
        mut conversation: Box<dyn Conversation>,
        record: Option<Record>,
    ) -> Option<Box<dyn Conversation>> {
        {
            let mut phase = self.phase.lock();
            if self.inlet.is_over() || !matches!(*phase, Phase::Away(_)) {
                return Some(conversation);
            }
            let fed = record.map_or(Ok(()), |record| record.feed(&mut conversation));
            *phase = Phase::Open(conversation);
            if let Err(reason) = fed {
                self.inlet.end(reason);
            }
        }
        self.wake();
        None
    }

    /// A task has opened nothing.
    pub(super) fn give_up(&self) {
        {
            let mut phase = self.phase.lock();
            if let Phase::Away(_) = *phase {
                *phase = Phase::Idle;
            }
        }
        self.inlet.fail_calls();
        self.wake();
    }

    /// Lets the connection's task look again.
    pub(super) fn wake(&self) {
        self.waiting.wake();
    }

    /// The client has a new channel. Whether the hub hears of it, or is not there to hear of it.
    pub(super) fn reconnected(&self) -> bool {
        match &mut *self.phase.lock() {
            Phase::Open(conversation) => conversation.reconnected(),
            _ => true,
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
}

impl Record {
    fn feed(&self, conversation: &mut Box<dyn Conversation>) -> Result<(), CloseReason> {
        conversation.feed(Inbound {
            framed: &self.framed,
            kind: Some(self.kind),
        })
    }
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
