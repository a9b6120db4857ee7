//! One legacy connection and its hubs.

use std::fmt;
use std::io::Write as _;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use heliograph_protocol::hub::{MessageType, RECORD_SEPARATOR};
use heliograph_protocol::legacy::{CallError, CallFault, ClientProtocol, HubCall, HubOutcome};
use heliograph_relay::{CloseReason, ConnectionId};

use super::calls::OpenCall;
use super::inlet::answer;
use super::line::{Ends, Line, Record};
use super::losses::Loss;
use super::opening::Arrival;
use super::{Bridged, Hubs, failure};
use crate::auth::Identity;
use crate::backend::ClientRequest;
use crate::backend::legacy::{
    AdmittedHub, FeedError, Inbox, LegacyConversation, LegacyOpening, Reply,
};

/// What stands between the name of a hub and that of one of its groups.
const GROUP_SEPARATOR: char = '.';

/// A legacy client's side of its hubs.
pub(super) struct BridgeConversation {
    hubs: Arc<Hubs>,
    id: ConnectionId,
    request: Arc<ClientRequest>,
    inbox: Arc<Inbox>,
    protocol: ClientProtocol,
    arrival: Arrival,
    is_started: bool,
    /// Those of the hubs that the client lists, then those that it has called nevertheless.
    lines: Vec<Arc<Line>>,
}

impl BridgeConversation {
    /// Puts the client into its hubs.
    pub(super) fn new(hubs: &Arc<Hubs>, opening: LegacyOpening) -> Self {
        if opening.request.query_value("connectionData").is_none() {
            hubs.losses.warn(Loss::Raw, "", opening.protocol);
        }
        let is_return = opening.rejoins.is_some();
        let mut conversation = Self {
            hubs: Arc::clone(hubs),
            id: opening.id,
            request: opening.request,
            inbox: opening.inbox,
            protocol: opening.protocol,
            arrival: if is_return {
                Arrival::Returning
            } else {
                Arrival::New
            },
            is_started: false,
            lines: Vec::with_capacity(opening.hubs.len()),
        };
        for AdmittedHub { name, identity } in opening.hubs {
            let Some(hub) = hubs.find(&name) else {
                continue;
            };
            let request = conversation.request_of(identity);
            let line = conversation.add(hub, request, true);
            if !hub.hub.add(line.client(), Instant::now()) {
                let text = "The connection id is in use.".into();
                conversation.inbox.close(CloseReason::HandshakeFailed(text));
            }
        }
        conversation.watch_groups();
        if let Some(groups) = &opening.rejoins {
            conversation.rejoin(groups);
        }
        conversation
    }

    /// Lets the inbox know the groups, by names such as `Hub.group`.
    fn watch_groups(&self) {
        let clients = self.lines.iter().map(|line| {
            let client = Arc::downgrade(line.client());
            (Arc::clone(line.hub()), client)
        });
        // Weak: the inbox is part of what the clients own.
        let clients: Vec<_> = clients.collect();
        self.inbox.set_groups(move || {
            let mut names = Vec::new();
            for (hub, client) in &clients {
                let groups = client.upgrade().map(|client| client.groups());
                let groups = groups.unwrap_or_default();
                names.extend(groups.iter().map(|group| qualified(hub.name(), group)));
            }
            names
        });
    }

    /// Puts the client back into its groups, of which it has a token already.
    fn rejoin(&self, groups: &[Box<str>]) {
        for name in groups {
            for line in &self.lines {
                if let Some(group) = unqualified(line.hub().name(), name) {
                    line.hub().hub.join(line.client().id().as_str(), group);
                }
            }
        }
        _ = self.inbox.take_groups();
    }

    /// The client's request, by who it is in one hub.
    fn request_of(&self, identity: Option<Identity>) -> Arc<ClientRequest> {
        match identity {
            None => Arc::clone(&self.request),
            Some(identity) => Arc::new(ClientRequest {
                identity,
                ..ClientRequest::clone(&self.request)
            }),
        }
    }

    /// Makes a line to a hub.
    fn add(
        &mut self,
        hub: &Arc<Bridged>,
        request: Arc<ClientRequest>,
        is_listed: bool,
    ) -> Arc<Line> {
        let before = self.lines.iter().filter(|line| line.hub().own_ids).count();
        let (mut id, mut alias) = (self.id.clone(), None);
        if hub.own_ids && before > 0 {
            alias = Some(id.clone());
            id = ConnectionId::new(&format!("{}_{}", self.id, before + 1));
        }
        let line = Line::new(Ends {
            hub,
            id,
            alias,
            request,
            inbox: &self.inbox,
            is_listed,
        });
        self.lines.push(Arc::clone(&line));
        line
    }

    /// The line to the hub that a call names.
    fn line(&mut self, name: &str) -> Option<Arc<Line>> {
        let hubs = Arc::clone(&self.hubs);
        let hub = hubs.find(name)?;
        let known = self.lines.iter().find(|line| Arc::ptr_eq(line.hub(), hub));
        match known.map(Arc::clone) {
            Some(line) => Some(line),
            None => Some(self.add(hub, Arc::clone(&self.request), false)),
        }
    }

    /// A call that cannot be read. Arguments that nest too deep are an error of the method, as at the
    /// genuine server, which reads them later than the rest (1.2).
    fn answer_unread(&self, error: &CallError, reply: Reply) -> Result<(), FeedError> {
        if let (CallFault::TooDeep("A"), Some((hub, method))) = (error.fault(), error.target()) {
            let text = failure::general(hub, method);
            answer(&self.inbox, reply, error.id(), HubOutcome::Error(&text));
            return Ok(());
        }
        if error.target().is_none() && !self.lines.iter().any(|line| line.is_listed()) {
            self.hubs.losses.warn(Loss::Raw, "", self.protocol);
        }
        Err(self.refuse(error.id(), reply, error.to_string()))
    }

    /// A message that is no call for a hub. On a WebSocket it is answered here if it has an id; a
    /// request is answered by the door.
    fn refuse(&self, id: Option<&str>, reply: Reply, why: String) -> FeedError {
        if let (Some(id), Reply::Channel(_)) = (id, &reply) {
            answer(&self.inbox, reply, Some(id), HubOutcome::Error(&why));
        }
        FeedError(why.into())
    }

    fn end(&mut self, reason: &CloseReason) {
        for line in std::mem::take(&mut self.lines) {
            line.end(reason);
        }
    }
}

impl LegacyConversation for BridgeConversation {
    fn poll_start(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CloseReason>> {
        if !self.is_started && !self.inbox.outbox().is_closing() {
            self.is_started = true;
            self.lines.iter().for_each(|line| line.begin(self.arrival));
        }
        let mut pending = false;
        for line in &self.lines {
            match line.poll_open(cx) {
                Poll::Ready(opened) => opened?,
                Poll::Pending => pending = true,
            }
        }
        // A hub that threw the client out says so by the end of the connection.
        match self.inbox.outbox().close_reason() {
            Some(reason) => Poll::Ready(Err(reason)),
            None if pending => Poll::Pending,
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut pending = false;
        for line in &self.lines {
            pending |= line.poll_ready(cx).is_pending();
        }
        if pending && !self.inbox.outbox().is_closing() {
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    fn feed(&mut self, text: &[u8], reply: Reply) -> Result<(), FeedError> {
        let call = match HubCall::parse(text) {
            Ok(call) => call,
            Err(error) => return self.answer_unread(&error, reply),
        };
        let Some(line) = self.line(&call.hub) else {
            let why = format!("there is no hub '{}'", call.hub);
            return Err(self.refuse(call.id.as_deref(), reply, why));
        };
        let hub = line.hub();
        let limit = hub.max_message_bytes;
        if text.len() > limit {
            let why = format!(
                "hub '{}' takes no message of more than {limit} bytes",
                call.hub
            );
            return Err(self.refuse(call.id.as_deref(), reply, why));
        }
        if call.state.is_some() {
            hub.warn_of(Loss::State, self.protocol);
        }
        let begun = line.inlet().begin(OpenCall {
            id: call.id.as_deref().map(Box::from),
            hub: (&*call.hub).into(),
            method: (&*call.method).into(),
            reply,
        });
        if let Some(number) = begun
            && let Err(reason) = line.feed(record(hub, &call, number))
        {
            line.inlet().end(reason);
        }
        Ok(())
    }

    fn reconnected(&mut self) {
        let listed = self.lines.iter().filter(|line| line.is_listed());
        let unheard = listed.filter(|line| !line.reconnected());
        unheard.for_each(|line| line.hub().warn_of(Loss::Return, self.protocol));
    }

    fn close(mut self: Box<Self>, reason: &CloseReason) {
        self.end(reason);
    }
}

impl Drop for BridgeConversation {
    /// A door that gives up without a word still takes the client out of its hubs.
    fn drop(&mut self) {
        self.end(&CloseReason::TransportLost);
    }
}

impl fmt::Debug for BridgeConversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BridgeConversation")
            .field("id", &self.id)
            .field("is_started", &self.is_started)
            .field("lines", &self.lines)
            .finish_non_exhaustive()
    }
}

/// A call as the hub reads it: `{"type":1,"invocationId":"7","target":"Send","arguments":[…]}`, of
/// type 4 where the answer is a stream.
fn record(hub: &Bridged, call: &HubCall<'_>, number: u64) -> Record {
    let names = hub.names();
    let target = names.target(&call.method);
    let kind = if names.is_stream(target) {
        MessageType::StreamInvocation
    } else {
        MessageType::Invocation
    };
    let arguments = names.to_hub(call.arguments);
    let mut framed = Vec::with_capacity(arguments.len() + target.len() + 64);
    // Writing into memory does not fail.
    _ = write!(
        framed,
        "{{\"type\":{},\"invocationId\":\"{number}\",\"target\":",
        kind.number()
    );
    _ = serde_json::to_writer(&mut framed, target);
    framed.extend_from_slice(b",\"arguments\":");
    framed.extend_from_slice(arguments.as_bytes());
    framed.extend_from_slice(&[b'}', RECORD_SEPARATOR]);
    Record { framed, kind }
}

fn qualified(hub: &str, group: &str) -> Box<str> {
    format!("{hub}{GROUP_SEPARATOR}{group}").into()
}

/// The group of this hub that a name says.
fn unqualified<'a>(hub: &str, name: &'a str) -> Option<&'a str> {
    name.strip_prefix(hub)?.strip_prefix(GROUP_SEPARATOR)
}
