//! What a Core hub says to one legacy client alone.

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use heliograph_protocol::hub::{
    self, Completion, Encoding, HandshakeResponse, Invocation, Message, MessageType, Outcome,
    StreamItem, write,
};
use heliograph_protocol::legacy::{HubAnswer, HubOutcome, write_progress};
use heliograph_relay::{Client, CloseReason, ConnectionId, Frame, Inlet, Pushed};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::runtime::Handle;
use tokio::time::sleep;
use tracing::{debug, warn};

use super::Bridged;
use super::calls::{Calls, OpenCall};
use super::failure::{self, Failure};
use super::line::{Line, Record};
use super::reopening;
use super::transcode::records;
use crate::backend::legacy::{Inbox, Reply};
use crate::edge::dialects::LEGACY;

/// The error for a hub that wants a result from a legacy client.
const NO_RESULTS: &str = "Results are not supported by this client.";

/// How long a hub waits for that error: app servers listen for an answer only a moment after they
/// have asked (service protocol, 8.1).
const ANSWER_DELAY: Duration = Duration::from_millis(50);

/// The way from one hub to a legacy client: JSON messages in, legacy objects out to its [`Inbox`].
///
/// Any task may come in here, also one that feeds the hub at this moment.
#[derive(Debug)]
pub(super) struct HubInlet {
    id: ConnectionId,
    hub: Arc<Bridged>,
    inbox: Arc<Inbox>,
    /// Whether the client listens to the hub. One that does not is never called, and goes on when
    /// the hub ends its conversation.
    is_listed: bool,
    calls: Mutex<Calls>,
    /// There was a conversation: one that is lost may be had anew.
    opened: AtomicBool,
    /// The hub has ended the conversation.
    over: AtomicBool,
    line: Weak<Line>,
}

/// What embedded hubs add to a completion.
#[derive(Deserialize)]
struct Addition<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

impl HubInlet {
    pub(super) fn new(
        id: ConnectionId,
        hub: Arc<Bridged>,
        inbox: Arc<Inbox>,
        is_listed: bool,
        line: Weak<Line>,
    ) -> Self {
        Self {
            id,
            hub,
            inbox,
            is_listed,
            calls: Mutex::default(),
            opened: AtomicBool::new(false),
            over: AtomicBool::new(false),
            line,
        }
    }

    /// A client of this user, which is reached through here.
    pub(super) fn client(self: &Arc<Self>, user: Option<&str>) -> Client {
        let outbox = Arc::clone(self.inbox.outbox());
        Client::new(self.id.clone(), user, LEGACY, outbox).through(Arc::clone(self) as _)
    }

    /// Takes in a call that goes to the hub: its invocation id there. If too many are open it is
    /// answered.
    pub(super) fn begin(&self, call: OpenCall) -> Option<u64> {
        // The lock is not held any more when the call is answered.
        let begun = self.calls.lock().begin(call);
        match begun {
            Ok(number) => Some(number),
            Err(call) => {
                let text = "Too many calls wait for their answers.";
                answer(
                    &self.inbox,
                    call.reply,
                    call.id.as_deref(),
                    HubOutcome::Error(text),
                );
                None
            }
        }
    }

    /// Answers all calls with an error: the hub cannot.
    pub(super) fn fail_calls(&self) {
        let calls = self.calls.lock().take();
        for call in calls {
            let text = failure::general(&call.hub, &call.method);
            answer(
                &self.inbox,
                call.reply,
                call.id.as_deref(),
                HubOutcome::Error(&text),
            );
        }
    }

    /// Nobody waits for an answer any more.
    pub(super) fn drop_calls(&self) {
        let calls = self.calls.lock().take();
        drop(calls);
    }

    /// Whether the hub has ended the conversation.
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// There is a conversation.
    pub(super) fn opened(&self) {
        self.opened.store(true, Ordering::Release);
    }

    /// A new conversation is begun.
    pub(super) fn renew(&self) {
        self.over.store(false, Ordering::Release);
    }

    /// The hub ends the conversation, and the connection with it; one that is lost is opened anew
    /// (section 11).
    pub(super) fn end(&self, reason: CloseReason) {
        let hub = self.hub.name();
        debug!(conn = ?self.id, hub, reason = reason.label(), "hub ended a bridged conversation");
        if self.over.swap(true, Ordering::AcqRel) {
            return;
        }
        let Some(line) = self.line.upgrade() else {
            return;
        };
        if !self.is_listed {
            self.fail_calls();
        } else if is_loss(&reason)
            && self.opened.load(Ordering::Acquire)
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(reopening::after_loss(Arc::clone(&line), reason));
        } else {
            self.close_connection(reason);
        }
        line.wake();
    }

    /// Ends the connection.
    pub(super) fn close_connection(&self, reason: CloseReason) {
        self.inbox.close(reason);
    }

    fn take(&self, record: &[u8]) {
        match hub::parse(Encoding::Json, record) {
            Ok(Message::Completion(completion)) => self.completion(record, &completion),
            Ok(Message::Invocation(call)) => self.invocation(&call),
            Ok(Message::StreamItem(item)) => self.progress(&item),
            Ok(Message::Close(close)) => self.end(CloseReason::Ended {
                error: close.error.as_deref().map(Box::from),
                allow_reconnect: close.allow_reconnect,
            }),
            Ok(
                Message::Ping
                | Message::Ack(_)
                | Message::Sequence(_)
                | Message::CancelInvocation(_)
                | Message::StreamInvocation(_)
                | Message::Unknown(_),
            ) => {}
            Err(err) => self.unreadable(&err),
        }
    }

    fn completion(&self, record: &[u8], completion: &Completion<'_>) {
        let Some(call) = self.calls.lock().end(&completion.invocation_id) else {
            return;
        };
        let mut object = Vec::new();
        let id = call.id.as_deref();
        let outcome = |out: &mut Vec<u8>, outcome| {
            let state = None;
            HubAnswer { state, id, outcome }.write(out);
        };
        match &completion.outcome {
            Outcome::Void => outcome(&mut object, HubOutcome::Nothing),
            Outcome::Result(value) => match value.map(|value| str::from_utf8(value.bytes())) {
                Ok(Ok(value)) => {
                    let value = self.hub.names().to_clients(value);
                    outcome(&mut object, HubOutcome::Value(&value));
                }
                _ => {
                    self.unreadable(&"a result is no text");
                    Failure::Error(None).write(&mut object, &self.hub, &call, None);
                }
            },
            Outcome::Error(text) => {
                let failure = Failure::read(text);
                let data = addition(record, failure);
                let data = data.map(|data| self.hub.names().to_clients(data.get()));
                failure.write(&mut object, &self.hub, &call, data.as_deref());
            }
        }
        self.inbox.answer(call.reply, object);
    }

    fn progress(&self, item: &StreamItem<'_>) {
        let value = item.item.map(|item| str::from_utf8(item.bytes()));
        let Ok(Ok(value)) = value else {
            return self.unreadable(&"an item is no text");
        };
        let value = self.hub.names().to_clients(value);
        let mut element = Vec::new();
        // Locked until it is told: the answer comes behind it, whoever brings that.
        let calls = self.calls.lock();
        if let Some(call) = calls.find(&item.invocation_id)
            && let Some(id) = &call.id
        {
            write_progress(&mut element, id, &value);
            self.inbox.message(&element);
        }
    }

    fn invocation(&self, call: &Invocation<'_>) {
        if let Some(id) = &call.invocation_id {
            return self.refuse_result(id);
        }
        if !self.is_listed {
            return;
        }
        match self.hub.transcoder.element(call) {
            Some(element) => self.inbox.message(&element),
            None => self.unreadable(&"the arguments of a call are no text"),
        }
    }

    /// Tells the hub that the client gives no result. By a task of its own: whoever comes in here
    /// may hold what the hub needs to take it.
    fn refuse_result(&self, id: &str) {
        let (Some(line), Ok(runtime)) = (self.line.upgrade(), Handle::try_current()) else {
            return;
        };
        let mut framed = Vec::new();
        write::completion_error(Encoding::Json, &mut framed, id, NO_RESULTS);
        let kind = MessageType::Completion;
        let record = Record { framed, kind };
        runtime.spawn(async move {
            sleep(ANSWER_DELAY).await;
            line.tell(&record);
        });
    }

    fn unreadable(&self, err: &dyn Display) {
        let hub = self.hub.name();
        warn!(conn = ?self.id, hub, %err, "what a hub sent to a legacy client cannot be read");
    }
}

impl Inlet for HubInlet {
    fn answer(&self, frame: Frame) {
        match HandshakeResponse::parse(frame.payload()) {
            Ok(HandshakeResponse { error: None }) => {}
            Ok(HandshakeResponse { error: Some(error) }) => {
                self.end(CloseReason::HandshakeFailed(error.into()));
            }
            Err(err) => {
                self.unreadable(&err);
                self.end(CloseReason::BackendLost);
            }
        }
    }

    fn push(&self, frame: Frame) -> Pushed {
        if self.inbox.outbox().is_closing() {
            return Pushed::Gone;
        }
        records(frame.payload()).for_each(|record| self.take(record));
        Pushed::Queued
    }

    fn close(&self, reason: CloseReason) {
        self.end(reason);
    }

    fn groups_changed(&self) {
        self.inbox.groups_changed();
    }
}

/// Whether the hub may be there again in a moment.
fn is_loss(reason: &CloseReason) -> bool {
    matches!(
        reason,
        CloseReason::BackendLost
            | CloseReason::Ended {
                allow_reconnect: true,
                ..
            }
    )
}

/// What the hub adds to an exception.
fn addition<'a>(record: &'a [u8], failure: Failure<'_>) -> Option<&'a RawValue> {
    let (Failure::HubException(_), Some((_, record))) = (failure, record.split_last()) else {
        return None;
    };
    let addition: Addition<'_> = serde_json::from_slice(record).ok()?;
    addition.data
}

/// Gives a call its answer.
pub(super) fn answer(inbox: &Inbox, reply: Reply, id: Option<&str>, outcome: HubOutcome<'_>) {
    let mut object = Vec::new();
    let state = None;
    HubAnswer { state, id, outcome }.write(&mut object);
    inbox.answer(reply, object);
}
