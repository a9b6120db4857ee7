//! The way of one legacy client to an app server that runs its hubs.

use std::convert::Infallible;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};

use atomic_waker::AtomicWaker;
use heliograph_relay::{Client, CloseReason, Hub};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::inlet::{AppInlet, Call};
use super::reopening::{self, Loss};
use crate::backend::legacy::LegacyOpening;
use crate::backend::link::LinkBackend;
use crate::backend::{
    Backend, BoxFuture, ClientRequest, Conversation, Inbound, OpenError, Opening, Ticket,
};

/// A conversation on its way.
type Begun = BoxFuture<'static, Result<Box<dyn Conversation>, OpenError>>;

/// The way of one legacy client to an app server. When the app server's connection is lost the
/// client goes on with another one, on which it is opened anew.
pub(super) struct Line {
    links: Arc<LinkBackend>,
    /// Where the clients of the app are.
    hub: Arc<Hub>,
    client: Arc<Client>,
    inlet: Arc<AppInlet>,
    request: Arc<ClientRequest>,
    /// Locked while the conversation is called. What the conversation calls in turn, the inlet,
    /// stays away from here.
    phase: Mutex<Phase>,
    /// The conversation is lost, whoever has it.
    is_lost: AtomicBool,
    /// Who waits to feed.
    waiting: AtomicWaker,
}

enum Phase {
    Opening(Begun),
    Open(Box<dyn Conversation>),
    /// A task opens it anew, as long as this is not dropped.
    Away(oneshot::Sender<Infallible>),
    Over,
}

impl Line {
    /// A line for a client of the app whose clients are in `hub`. [`Line::poll_open`] opens it.
    pub(super) fn new(
        links: &Arc<LinkBackend>,
        hub: Arc<Hub>,
        opening: &LegacyOpening,
    ) -> Arc<Self> {
        Arc::new_cyclic(|line: &Weak<Self>| {
            let inlet = AppInlet::new(
                opening.id.clone(),
                Arc::clone(&opening.inbox),
                &opening.hubs,
                Weak::clone(line),
            );
            let inlet = Arc::new(inlet);
            let line = Self {
                links: Arc::clone(links),
                hub,
                client: inlet.client(opening.request.identity.user.as_deref()),
                inlet,
                request: Arc::new(as_the_app_wants_it(opening)),
                phase: Mutex::new(Phase::Over),
                is_lost: AtomicBool::new(false),
                waiting: AtomicWaker::new(),
            };
            *line.phase.lock() = Phase::Opening(line.open());
            line
        })
    }

    /// The client in the hub of the app, which has its groups.
    pub(super) fn client(&self) -> &Arc<Client> {
        &self.client
    }

    pub(super) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    pub(super) fn inlet(&self) -> &Arc<AppInlet> {
        &self.inlet
    }

    pub(super) fn links(&self) -> &LinkBackend {
        &self.links
    }

    /// A conversation with an app server, as soon as there is one; it is waited for.
    pub(super) fn open(&self) -> Begun {
        let links = Arc::clone(&self.links);
        let opening = Opening {
            client: Arc::clone(&self.client),
            hub: Arc::clone(&self.hub),
            // It has none: this tells the link what kind of client comes.
            protocol: "".into(),
            version: 0,
            handshake: Vec::new(),
            request: Arc::clone(&self.request),
            ticket: Ticket::default(),
        };
        self.is_lost.store(false, Ordering::Release);
        Box::pin(async move { links.open(opening).await })
    }

    /// Ready when an app server has been told of the client.
    ///
    /// # Errors
    ///
    /// Why it was not.
    pub(super) fn poll_open(self: &Arc<Self>, cx: &mut Context<'_>) -> Poll<Result<(), OpenError>> {
        {
            let mut phase = self.phase.lock();
            let Phase::Opening(begun) = &mut *phase else {
                return Poll::Ready(Ok(()));
            };
            match ready!(begun.as_mut().poll(cx)) {
                Ok(conversation) => *phase = Phase::Open(conversation),
                Err(error) => {
                    *phase = Phase::Over;
                    return Poll::Ready(Err(error));
                }
            }
        }
        if self.is_lost() {
            // It was lost before anybody had it.
            self.reopen(Loss::Gone);
        }
        Poll::Ready(Ok(()))
    }

    /// Ready when a message may be fed, or there is nobody to feed any more.
    pub(super) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.waiting.register(cx.waker());
        match &mut *self.phase.lock() {
            Phase::Open(conversation) if !self.is_lost() => conversation.poll_ready(cx),
            Phase::Over => Poll::Ready(()),
            Phase::Opening(_) | Phase::Open(_) | Phase::Away(_) => Poll::Pending,
        }
    }

    /// Passes a call on, whose answer is awaited. It is given back if too many are, or if there is
    /// nobody to pass it to.
    ///
    /// # Errors
    ///
    /// The call, and why it is not passed on.
    pub(super) fn feed(&self, text: &[u8], call: Call) -> Result<(), (Call, &'static str)> {
        let mut phase = self.phase.lock();
        let Phase::Open(conversation) = &mut *phase else {
            return Err((call, "the app server went away"));
        };
        let call = self.inlet.expect(call);
        call.map_err(|call| (call, "too many calls wait for their answers"))?;
        self.pass(conversation, text);
        Ok(())
    }

    /// Passes a message on that has no answer, if there is somebody to pass it to.
    pub(super) fn tell(&self, text: &[u8]) {
        if let Phase::Open(conversation) = &mut *self.phase.lock() {
            self.pass(conversation, text);
        }
    }

    fn pass(&self, conversation: &mut Box<dyn Conversation>, text: &[u8]) {
        let message = Inbound {
            framed: text,
            kind: None,
        };
        if let Err(reason) = conversation.feed(message) {
            self.inlet.end(reason);
        }
    }

    fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Acquire)
    }

    /// The conversation is lost: another is opened in its place, by a task of its own, since
    /// whoever says so may hold what that needs.
    pub(super) fn lost(self: &Arc<Self>, loss: Loss) {
        if !self.is_lost.swap(true, Ordering::AcqRel) {
            self.reopen(loss);
        }
    }

    fn reopen(self: &Arc<Self>, loss: Loss) {
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(reopening::after_loss(Arc::clone(self), loss));
        }
    }

    /// Takes the conversation that is lost, to open another in its place; what comes with it ends
    /// with the connection. `None` when there is none, or another is being opened.
    pub(super) fn leave(&self) -> Option<(Box<dyn Conversation>, oneshot::Receiver<Infallible>)> {
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

    /// Takes in what a task has opened. Gives it back if it is lost already or not wanted any more.
    pub(super) fn settle(
        &self,
        conversation: Box<dyn Conversation>,
    ) -> Option<Box<dyn Conversation>> {
        {
            let mut phase = self.phase.lock();
            if self.is_lost() || !matches!(*phase, Phase::Away(_)) {
                return Some(conversation);
            }
            *phase = Phase::Open(conversation);
        }
        self.waiting.wake();
        None
    }

    /// There is no app server: the connection ends, and so do calls that wait to be passed on.
    pub(super) fn give_up(&self) {
        *self.phase.lock() = Phase::Over;
        self.waiting.wake();
        self.inlet.end(CloseReason::BackendLost);
    }

    /// The client is gone: the app server is told.
    pub(super) fn end(&self, reason: &CloseReason) {
        let before = std::mem::replace(&mut *self.phase.lock(), Phase::Over);
        match before {
            Phase::Open(conversation) => conversation.close(reason),
            Phase::Away(task) => drop(task),
            Phase::Opening(_) | Phase::Over => {}
        }
        self.inlet.drop_calls();
        self.waiting.wake();
    }
}

/// The app takes a client without a connection token for no client at all.
fn as_the_app_wants_it(opening: &LegacyOpening) -> ClientRequest {
    let mut request = (*opening.request).clone();
    let id = opening.id.as_str();
    request.query = match &*request.query {
        "" => format!("connectionToken={id}"),
        query => format!("{query}&connectionToken={id}"),
    }
    .into();
    request
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = match &*self.phase.lock() {
            Phase::Opening(_) => "opening",
            Phase::Open(_) => "open",
            Phase::Away(_) => "away",
            Phase::Over => "over",
        };
        f.debug_struct("Line")
            .field("hub", &self.hub.name())
            .field("client", &self.client.id())
            .field("phase", &phase)
            .finish_non_exhaustive()
    }
}
