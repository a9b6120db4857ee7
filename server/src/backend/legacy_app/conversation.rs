//! A legacy client's side of the hubs of a classic app.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use heliograph_protocol::legacy::HubCall;
use heliograph_relay::{Client, CloseReason, Hub, Relay};
use tokio::time::{Sleep, sleep};
use tracing::warn;

use super::inlet::Call;
use super::line::Line;
use super::names::{app_hub_name, group_hub, hub_name};
use super::{LegacyApps, admit};
use crate::backend::legacy::{FeedError, Inbox, LegacyConversation, LegacyOpening, Reply};

/// What makes the app raise its event for a client that came back.
const RECONNECTED: &[u8] = b"asrs:reconnect";

/// A legacy client's side of the hubs of a classic app.
pub(super) struct AppConversation {
    relay: Arc<Relay>,
    app: Box<str>,
    inbox: Arc<Inbox>,
    line: Arc<Line>,
    /// The client in the hub of the app, and its likes in the hubs that it listens to.
    places: Vec<(Arc<Hub>, Arc<Client>)>,
    /// Ends when the app has had its time to refuse the client.
    objection: Option<Pin<Box<Sleep>>>,
}

impl AppConversation {
    pub(super) fn new(apps: &LegacyApps, opening: &LegacyOpening) -> Self {
        let relay = &apps.relay;
        let app: Box<str> = admit::app(&opening.request.identity).into();
        let inbox = &opening.inbox;
        let user = opening.request.identity.user.as_deref();
        let line = Line::new(&apps.links, relay.hub(&app_hub_name(&app)), opening);
        let mut places = vec![(Arc::clone(line.hub()), Arc::clone(line.client()))];
        let hubs = opening.hubs.iter();
        places.extend(hubs.map(|hub| {
            (
                relay.hub(&hub_name(&app, &hub.name)),
                line.inlet().client(user),
            )
        }));
        let now = Instant::now();
        for (hub, client) in &places {
            if !hub.add(client, now) {
                let text = "The connection id is in use.".into();
                inbox.close(CloseReason::HandshakeFailed(text));
            }
        }
        let conversation = Self {
            relay: Arc::clone(relay),
            app,
            inbox: Arc::clone(inbox),
            line,
            places,
            objection: None,
        };
        // Weak: the inbox is part of what the client owns.
        let member = Arc::downgrade(conversation.line.client());
        inbox.set_groups(move || {
            let groups = member.upgrade().map(|client| client.groups());
            groups.unwrap_or_default()
        });
        if let Some(groups) = &opening.rejoins {
            conversation.rejoin(groups);
        }
        conversation
    }

    /// Puts the client back into its groups, of which it has a token already.
    fn rejoin(&self, groups: &[Box<str>]) {
        let (app_hub, id) = (self.line.hub(), self.line.client().id().as_str());
        for group in groups {
            let hub = group_hub(&self.relay, app_hub, group);
            if hub.is_some_and(|hub| hub.connection(id).is_some()) {
                app_hub.join(id, group);
            }
        }
        _ = self.inbox.take_groups();
    }

    /// A message that is not for the app. On a WebSocket it is answered here if it has an id; a
    /// request is answered by the door.
    fn refuse(&self, id: Option<&str>, reply: Reply, why: String) -> FeedError {
        if let (Some(id), Reply::Channel(_)) = (id, &reply) {
            let id = Some(id.into());
            self.line.inlet().refuse(Call { id, reply }, &why);
        }
        FeedError(why.into())
    }

    fn end(&mut self, reason: &CloseReason) {
        for (hub, client) in self.places.drain(..) {
            hub.remove(&client);
        }
        self.line.end(reason);
    }
}

impl LegacyConversation for AppConversation {
    fn poll_start(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CloseReason>> {
        if let Err(error) = ready!(self.line.poll_open(cx)) {
            let (conn, hub) = (self.line.client().id(), &*self.app);
            warn!(?conn, hub, err = %error, "no app server took a legacy client");
            return Poll::Ready(Err(CloseReason::BackendLost));
        }
        let wait = self.line.links().options().objection;
        let objection = self.objection.get_or_insert_with(|| Box::pin(sleep(wait)));
        ready!(objection.as_mut().poll(cx));
        Poll::Ready(match self.inbox.outbox().close_reason() {
            Some(reason) => Err(reason),
            None => Ok(()),
        })
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.line.poll_ready(cx) {
            Poll::Pending if self.inbox.outbox().is_closing() => Poll::Ready(()),
            ready => ready,
        }
    }

    fn feed(&mut self, text: &[u8], reply: Reply) -> Result<(), FeedError> {
        let call = match HubCall::parse(text) {
            Ok(call) => call,
            Err(error) => return Err(self.refuse(error.id(), reply, error.to_string())),
        };
        let id = call.id.as_deref();
        // The app would not answer at all.
        if self.relay.find(&hub_name(&self.app, &call.hub)).is_none() {
            let why = format!("there is no hub '{}'", call.hub);
            return Err(self.refuse(id, reply, why));
        }
        let call = Call {
            id: id.map(Box::from),
            reply,
        };
        if let Err((call, why)) = self.line.feed(text, call) {
            self.line.inlet().refuse(call, why);
        }
        Ok(())
    }

    fn reconnected(&mut self) {
        self.line.tell(RECONNECTED);
    }

    fn close(mut self: Box<Self>, reason: &CloseReason) {
        self.end(reason);
    }
}

impl Drop for AppConversation {
    /// A door that gives up without a word still takes the client out of its hubs.
    fn drop(&mut self) {
        self.end(&CloseReason::TransportLost);
    }
}

impl fmt::Debug for AppConversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppConversation")
            .field("app", &self.app)
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}
