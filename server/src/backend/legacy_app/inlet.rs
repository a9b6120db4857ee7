//! What a classic app server has for one client.

use std::collections::VecDeque;
use std::sync::Arc;

use heliograph_protocol::legacy::{AnswerHead, invocation_hub, response_elements};
use heliograph_relay::{CloseReason, ConnectionId, Frame, Inlet, Pushed};
use parking_lot::Mutex;
use tracing::{debug, warn};

use super::payload;
use crate::backend::legacy::{AdmittedHub, Inbox, Reply};

/// Calls of one client that may wait for their answers.
const MAX_CALLS: usize = 1000;

/// The way from the app server to one client.
#[derive(Debug)]
pub(super) struct AppInlet {
    id: ConnectionId,
    inbox: Arc<Inbox>,
    /// The hubs that the client listens to, in lower case.
    hubs: Vec<String>,
    /// Calls by the ids that the client gave them, the oldest first: clients use ids again.
    calls: Mutex<VecDeque<(Box<str>, Reply)>>,
}

impl AppInlet {
    pub(super) fn new(id: ConnectionId, inbox: Arc<Inbox>, hubs: &[AdmittedHub]) -> Self {
        Self {
            id,
            inbox,
            hubs: hubs.iter().map(|hub| hub.name.to_lowercase()).collect(),
            calls: Mutex::default(),
        }
    }

    /// Expects the answer to a call. False when too many are open.
    pub(super) fn expect(&self, id: &str, reply: Reply) -> bool {
        let mut calls = self.calls.lock();
        if calls.len() >= MAX_CALLS {
            return false;
        }
        calls.push_back((id.into(), reply));
        true
    }

    /// Gives up all calls.
    pub(super) fn forget_calls(&self) {
        let calls = std::mem::take(&mut *self.calls.lock());
        drop(calls);
    }

    fn answered(&self, id: &str) -> Option<Reply> {
        let mut calls = self.calls.lock();
        let place = calls.iter().position(|(known, _)| **known == *id)?;
        calls.remove(place).map(|(_, reply)| reply)
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
            Some(AnswerHead { id: Some(id), .. }) => match self.answered(&id) {
                Some(reply) => self.inbox.answer(reply, json.to_vec()),
                None => debug!(conn = ?self.id, "answer to no call of a legacy client"),
            },
            Some(_) => {}
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
        match payload::json(frame.payload()) {
            Some(json) => self.take(json),
            None => warn!(conn = ?self.id, "app server sent a legacy client no message"),
        }
        Pushed::Queued
    }

    fn close(&self, reason: CloseReason) {
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
        self.inbox.close(reason);
    }

    fn groups_changed(&self) {
        self.inbox.groups_changed();
    }
}
