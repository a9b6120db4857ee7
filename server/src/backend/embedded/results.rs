//! Calls to clients that wait for an answer (3.7).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use heliograph_protocol::hub::Outcome;
use heliograph_relay::ConnectionId;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::HubError;

/// Answers that one hub may await at a time.
const MAX_AWAITED: usize = 100_000;

/// The answers that a hub awaits, by number. Their ids are `s` and that number.
#[derive(Debug, Default)]
pub(super) struct Results {
    last: AtomicU64,
    awaited: Mutex<HashMap<u64, Awaited>>,
}

#[derive(Debug)]
struct Awaited {
    connection: ConnectionId,
    answer: oneshot::Sender<Answer>,
}

/// What a client answered, still encoded.
#[derive(Debug)]
pub(super) enum Answer {
    Value(Vec<u8>),
    Unreadable,
    Void,
    Error(Box<str>),
}

/// An answer that is awaited until this is dropped.
pub(super) struct Ticket {
    results: Arc<Results>,
    number: u64,
    pub(super) answer: oneshot::Receiver<Answer>,
}

impl Ticket {
    /// The id of the call.
    pub(super) fn id(&self) -> String {
        format!("s{}", self.number)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.results.awaited.lock().remove(&self.number);
    }
}

impl Results {
    /// Announces a call to a connection.
    pub(super) fn expect(self: &Arc<Self>, connection: &ConnectionId) -> Result<Ticket, HubError> {
        let (sender, answer) = oneshot::channel();
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let awaited = Awaited {
            connection: connection.clone(),
            answer: sender,
        };
        let mut all = self.awaited.lock();
        if all.len() >= MAX_AWAITED {
            let text = "Too many client results are awaited.";
            return Err(HubError::hidden("InvalidOperationException", text));
        }
        all.insert(number, awaited);
        Ok(Ticket {
            results: Arc::clone(self),
            number,
            answer,
        })
    }

    /// Takes an answer; one that nobody awaits from that connection is ignored.
    pub(super) fn answer(&self, connection: &ConnectionId, id: &str, outcome: &Outcome<'_>) {
        let Some(number) = id.strip_prefix('s').and_then(|digits| digits.parse().ok()) else {
            return;
        };
        let awaited = {
            let mut all = self.awaited.lock();
            match all.get(&number) {
                Some(awaited) if awaited.connection == *connection => all.remove(&number),
                _ => None,
            }
        };
        let Some(awaited) = awaited else {
            return;
        };
        // Whoever asked may have given up.
        _ = awaited.answer.send(match outcome {
            Outcome::Error(text) => Answer::Error((&**text).into()),
            Outcome::Void => Answer::Void,
            Outcome::Result(Ok(value)) => Answer::Value(value.bytes().to_vec()),
            Outcome::Result(Err(_)) => Answer::Unreadable,
        });
    }

    /// Gives up what a connection that is gone would have answered.
    pub(super) fn give_up(&self, connection: &ConnectionId) {
        let mut all = self.awaited.lock();
        if !all.is_empty() {
            all.retain(|_, awaited| awaited.connection != *connection);
        }
    }
}
