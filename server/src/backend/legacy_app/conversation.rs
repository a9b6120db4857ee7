//! A legacy client's side of the hubs of a classic app.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use heliograph_protocol::legacy::HubCall;
use heliograph_relay::{Client, CloseReason, Hub};
use tracing::warn;

use super::inlet::AppInlet;
use super::names::{app_hub_name, group_hub, hub_name};
use super::{LegacyApps, admit};
use crate::backend::legacy::{FeedError, LegacyConversation, LegacyOpening, Reply};
use crate::backend::{
    Backend, BoxFuture, ClientRequest, Conversation, Inbound, OpenError, Opening, Ticket,
};
use crate::edge::dialects::LEGACY;

/// What makes the app raise its event for a client that came back.
const RECONNECTED: &[u8] = b"asrs:reconnect";

/// A legacy client's side of the hubs of a classic app.
pub(super) struct AppConversation {
    apps: LegacyApps,
    app: Box<str>,
    inlet: Arc<AppInlet>,
    /// The client in the hub of the app, which has its groups.
    client: Arc<Client>,
    /// It and its likes in the hubs that it listens to, with these.
    places: Vec<(Arc<Hub>, Arc<Client>)>,
    phase: Phase,
}

enum Phase {
    Opening(BoxFuture<'static, Result<Box<dyn Conversation>, OpenError>>),
    Open(Box<dyn Conversation>),
    Over,
}

impl AppConversation {
    pub(super) fn new(apps: &LegacyApps, opening: &LegacyOpening) -> Self {
        let app: Box<str> = admit::app(&opening.request.identity).into();
        let inbox = &opening.inbox;
        let inlet = AppInlet::new(opening.id.clone(), Arc::clone(inbox), &opening.hubs);
        let inlet = Arc::new(inlet);
        let user = opening.request.identity.user.as_deref();
        let client = || {
            let (outbox, way) = (Arc::clone(inbox.outbox()), Arc::clone(&inlet));
            Arc::new(Client::new(opening.id.clone(), user, LEGACY, outbox).through(way))
        };
        let app_hub = apps.relay.hub(&app_hub_name(&app));
        let hubs = opening.hubs.iter();
        let hubs = hubs.map(|hub| apps.relay.hub(&hub_name(&app, &hub.name)));
        let hubs: Vec<_> = std::iter::once(Arc::clone(&app_hub)).chain(hubs).collect();
        let places: Vec<_> = hubs.into_iter().map(|hub| (hub, client())).collect();
        let now = Instant::now();
        for (hub, client) in &places {
            if !hub.add(client, now) {
                warn!(conn = ?opening.id, hub = hub.name(), "connection id is in use");
            }
        }
        let client = places.first().map_or_else(client, |(_, c)| Arc::clone(c));
        let member = Arc::clone(&client);
        inbox.set_groups(move || member.groups());
        for group in opening.rejoins.iter().flatten() {
            let hub = group_hub(&apps.relay, &app_hub, group);
            if hub.is_some_and(|hub| hub.connection(client.id().as_str()).is_some()) {
                app_hub.join(client.id().as_str(), group);
            }
        }
        let links = Arc::clone(&apps.links);
        let opening = Opening {
            client: Arc::clone(&client),
            hub: app_hub,
            // It has none: this tells the link what kind of client comes.
            protocol: "".into(),
            version: 0,
            handshake: Vec::new(),
            request: Arc::new(as_the_app_wants_it(opening)),
            ticket: Ticket::default(),
        };
        Self {
            apps: apps.clone(),
            app,
            inlet,
            client,
            places,
            phase: Phase::Opening(Box::pin(async move { links.open(opening).await })),
        }
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

impl LegacyConversation for AppConversation {
    fn poll_start(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CloseReason>> {
        if let Phase::Opening(opening) = &mut self.phase {
            match ready!(opening.as_mut().poll(cx)) {
                Ok(conversation) => self.phase = Phase::Open(conversation),
                Err(error) => {
                    warn!(conn = ?self.client.id(), hub = &*self.app, err = %error, "no app server took a legacy client");
                    self.phase = Phase::Over;
                    return Poll::Ready(Err(CloseReason::BackendLost));
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.phase {
            Phase::Open(conversation) => conversation.poll_ready(cx),
            Phase::Opening(_) | Phase::Over => Poll::Ready(()),
        }
    }

    fn feed(&mut self, text: &[u8], reply: Reply) -> Result<(), FeedError> {
        let call = HubCall::parse(text).map_err(|error| FeedError(error.to_string().into()))?;
        // The app would not answer at all.
        if self
            .apps
            .relay
            .find(&hub_name(&self.app, &call.hub))
            .is_none()
        {
            return Err(FeedError(format!("there is no hub '{}'", call.hub).into()));
        }
        if let Some(id) = &call.id
            && !self.inlet.expect(id, reply)
        {
            return Err(FeedError("too many calls wait for their answers".into()));
        }
        let message = Inbound {
            framed: text,
            kind: None,
        };
        if let Phase::Open(conversation) = &mut self.phase
            && let Err(reason) = conversation.feed(message)
        {
            self.client.close(reason);
        }
        Ok(())
    }

    fn reconnected(&mut self) {
        if let Phase::Open(conversation) = &mut self.phase {
            let message = Inbound {
                framed: RECONNECTED,
                kind: None,
            };
            if let Err(reason) = conversation.feed(message) {
                self.client.close(reason);
            }
        }
    }

    fn close(mut self: Box<Self>, reason: &CloseReason) {
        for (hub, client) in &self.places {
            hub.remove(client);
        }
        if let Phase::Open(conversation) = std::mem::replace(&mut self.phase, Phase::Over) {
            conversation.close(reason);
        }
        self.inlet.forget_calls();
    }
}

impl fmt::Debug for AppConversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppConversation")
            .field("app", &self.app)
            .field("client", &self.client.id())
            .finish_non_exhaustive()
    }
}
