//! What a classic app server has for one client.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use heliograph_protocol::legacy::{
    AnswerHead, HubAnswer, HubOutcome, invocation_hub, response_elements,
};
use heliograph_relay::{Client, CloseReason, ConnectionId, Frame, Inlet, Pushed};
use parking_lot::Mutex;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::line::Line;
use super::payload;
use super::reopening::Loss;
use crate::backend::legacy::{AdmittedHub, Inbox, Reply};
use crate::edge::dialects::LEGACY;

/// Calls of one client that may wait for their answers.
const MAX_CALLS: usize = 1000;

/// The way from the app server to one client.
#[derive(Debug)]
pub(super) struct AppInlet {
    id: ConnectionId,
    inbox: Arc<Inbox>,
    /// The hubs that the client listens to, in lower case.
    hubs: Vec<String>,
    /// Calls, the oldest first: clients use ids again.
    calls: Mutex<VecDeque<Call>>,
    /// Since when no app server has talked to the client, if one was lost.
    alone_since: Mutex<Option<Instant>>,
    line: Weak<Line>,
}

/// A call that waits for its answer.
#[derive(Debug)]
pub(super) struct Call {
    /// The id that the client gave it.
    pub(super) id: Option<Box<str>>,
    pub(super) reply: Reply,
}

impl AppInlet {
    pub(super) fn new(
        id: ConnectionId,
        inbox: Arc<Inbox>,
        hubs: &[AdmittedHub],
        line: Weak<Line>,
    ) -> Self {
        Self {
            id,
            inbox,
            hubs: hubs.iter().map(|hub| hub.name.to_lowercase()).collect(),
            calls: Mutex::default(),
            alone_since: Mutex::default(),
            line,
        }
    }

    /// The client as one of the relay's hubs knows it.
    pub(super) fn client(self: &Arc<Self>, user: Option<&str>) -> Arc<Client> {
        let (outbox, way) = (Arc::clone(self.inbox.outbox()), Arc::clone(self));
        Arc::new(Client::new(self.id.clone(), user, LEGACY, outbox).through(way))
    }

    /// Expects the answer to a call, or gives it back when too many are open.
    pub(super) fn expect(&self, call: Call) -> Result<(), Call> {
        let mut calls = self.calls.lock();
        if calls.len() >= MAX_CALLS {
            return Err(call);
        }
        calls.push_back(call);
        Ok(())
    }

    /// Answers all calls with an error: the app server cannot.
    pub(super) fn fail_calls(&self) {
        let calls = std::mem::take(&mut *self.calls.lock());
        for call in calls {
            self.refuse(call, "the app server went away");
        }
    }

    /// Answers a call with an error.
    pub(super) fn refuse(&self, call: Call, why: &str) {
        let mut object = Vec::new();
        let answer = HubAnswer {
            state: None,
            id: call.id.as_deref(),
            outcome: HubOutcome::Error(why),
        };
        answer.write(&mut object);
        self.inbox.answer(call.reply, object);
    }

    /// Nobody waits for an answer any more.
    pub(super) fn drop_calls(&self) {
        let calls = std::mem::take(&mut *self.calls.lock());
        drop(calls);
    }

    /// Since when no app server has talked to the client, which has just lost one.
    pub(super) fn alone_since(&self, loss: Loss) -> Instant {
        let mut since = self.alone_since.lock();
        if loss == Loss::Gone {
            *since = None;
        }
        *since.get_or_insert_with(Instant::now)
    }

    /// Ends the connection.
    pub(super) fn end(&self, reason: CloseReason) {
        self.inbox.close(reason);
    }

    fn answered(&self, id: Option<&str>) -> Option<Reply> {
        let mut calls = self.calls.lock();
        let place = calls.iter().position(|call| call.id.as_deref() == id)?;
        calls.remove(place).map(|call| call.reply)
    }

    fn take(&self, json: &[u8]) {
        if let Some(elements) = response_elements(json) {
            let is_listed = invocation_hub(elements.as_bytes())
                .is_none_or(|hub| self.hubs.contains(&hub.to_lowercase()));
            // Some clients fail at a hub that they do not know (0, rule 9).
            if is_listed && !elements.is_empty() {
                self.inbox.message(elements.as_bytes());
            }
            return;
        }
        match AnswerHead::parse(json) {
            Some(head) if head.is_progress => self.inbox.message(json),
            Some(head) => match self.answered(head.id.as_deref()) {
                Some(reply) => self.inbox.answer(reply, json.to_vec()),
                None => debug!(conn = ?self.id, "answer to no call of a legacy client"),
            },
            None => warn!(conn = ?self.id, "app server sent a legacy client what cannot be read"),
        }
    }
}

impl Inlet for AppInlet {
    fn answer(&self, frame: Frame) {
        self.push(frame);
    }

    fn push(&self, frame: Frame) -> Pushed {
        if self.inbox.outbox().is_closing() {
            return Pushed::Gone;
        }
        *self.alone_since.lock() = None;
        match payload::json(frame.payload()) {
            Some(json) => self.take(json),
            None => warn!(conn = ?self.id, "app server sent a legacy client no message"),
        }
        Pushed::Queued
    }

    fn close(&self, reason: CloseReason) {
        let loss = match &reason {
            CloseReason::BackendLost => Some(Loss::Gone),
            CloseReason::Ended {
                allow_reconnect: true,
                ..
            } => Some(Loss::Refused),
            _ => None,
        };
        if let (Some(loss), Some(line)) = (loss, self.line.upgrade()) {
            return line.lost(loss);
        }
        // Texts of exceptions are not for clients.
        let reason = match reason {
            CloseReason::Ended {
                error: Some(err),
                allow_reconnect,
            } => {
                debug!(conn = ?self.id, %err, "app server ended a legacy client");
                CloseReason::Ended {
                    error: None,
                    allow_reconnect,
                }
            }
            other => other,
        };
        self.end(reason);
    }

    fn groups_changed(&self) {
        self.inbox.groups_changed();
    }
}
