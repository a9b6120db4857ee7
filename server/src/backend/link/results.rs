//! Results that app servers await from clients (service protocol, 8.1).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use heliograph_protocol::service::{Extensions, Message, encode};
use heliograph_relay::{ConnectionId, Hub};
use parking_lot::Mutex;
use tokio::time::Instant;

/// Results that app servers await from clients: bounded in number and in time.
#[derive(Debug)]
pub struct Results {
    table: Mutex<Table>,
    max: usize,
    lifetime: Duration,
}

#[derive(Debug, Default)]
struct Table {
    asked: HashMap<Arc<str>, Asked>,
    of_client: HashMap<ConnectionId, Vec<Arc<str>>>,
    /// By age: the numbers only grow.
    order: BTreeMap<u64, Arc<str>>,
    next: u64,
}

/// One awaited result.
#[derive(Debug)]
pub struct Asked {
    /// The app server that waits.
    pub caller: Box<str>,
    /// Its hub.
    pub hub: Arc<Hub>,
    /// The client that was asked.
    pub client: ConnectionId,
    number: u64,
    born: Instant,
}

/// Why a client cannot be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskError {
    /// Too many results are awaited.
    Full,
    /// The invocation id is in use.
    Taken,
}

impl Results {
    pub(super) fn new(max: usize, lifetime: Duration) -> Self {
        Self {
            table: Mutex::default(),
            max,
            lifetime,
        }
    }

    /// Notes that `caller` awaits a result from a client.
    ///
    /// # Errors
    ///
    /// When there is no place for it.
    pub fn ask(
        &self,
        invocation: &str,
        caller: &str,
        hub: &Arc<Hub>,
        client: &ConnectionId,
    ) -> Result<(), AskError> {
        let mut table = self.table.lock();
        if table.asked.len() >= self.max {
            return Err(AskError::Full);
        }
        if table.asked.contains_key(invocation) {
            return Err(AskError::Taken);
        }
        let id: Arc<str> = invocation.into();
        let number = table.next;
        table.next += 1;
        table.order.insert(number, Arc::clone(&id));
        table
            .of_client
            .entry(client.clone())
            .or_default()
            .push(Arc::clone(&id));
        let asked = Asked {
            caller: caller.into(),
            hub: Arc::clone(hub),
            client: client.clone(),
            number,
            born: Instant::now(),
        };
        table.asked.insert(id, asked);
        Ok(())
    }

    /// The result is there, or not wanted any more: takes it off the list.
    pub fn take(&self, invocation: &str) -> Option<Asked> {
        self.table.lock().take(invocation)
    }

    /// Awaited results.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.lock().asked.len()
    }

    /// Whether no result is awaited.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a result of this client is awaited.
    pub(super) fn is_awaited(&self, client: &ConnectionId) -> bool {
        self.table.lock().of_client.contains_key(client)
    }

    /// A client has gone: those who wait for it are told.
    pub(super) fn client_gone(&self, client: &ConnectionId) {
        self.fail_all(client, &format!("Connection '{client}' is disconnected."));
    }

    /// A client has a new app server, which does not know what it was asked.
    pub(super) fn client_moved(&self, client: &ConnectionId) {
        let text = format!("Connection '{client}' was moved to another server.");
        self.fail_all(client, &text);
    }

    fn fail_all(&self, client: &ConnectionId, error: &str) {
        let failed: Vec<_> = {
            let mut table = self.table.lock();
            let ids = table.of_client.get(client).cloned().unwrap_or_default();
            ids.into_iter()
                .filter_map(|id| Some((table.take(&id)?, id)))
                .collect()
        };
        for (asked, id) in failed {
            fail(&asked, &id, error);
        }
    }

    /// Gives up what has been awaited for too long.
    pub fn expire(&self) {
        let now = Instant::now();
        loop {
            let (asked, id) = {
                let mut table = self.table.lock();
                let Some(id) = table.order.first_key_value().map(|(_, id)| Arc::clone(id)) else {
                    return;
                };
                let born = table.asked.get(&id).map(|asked| asked.born);
                if born.is_some_and(|born| now.duration_since(born) < self.lifetime) {
                    return;
                }
                let Some(asked) = table.take(&id) else { return };
                (asked, id)
            };
            fail(&asked, &id, "The client did not answer in time.");
        }
    }
}

impl Table {
    fn take(&mut self, invocation: &str) -> Option<Asked> {
        let asked = self.asked.remove(invocation)?;
        self.order.remove(&asked.number);
        if let Some(ids) = self.of_client.get_mut(&asked.client) {
            ids.retain(|id| **id != *invocation);
            if ids.is_empty() {
                self.of_client.remove(&asked.client);
            }
        }
        Some(asked)
    }
}

/// Tells the caller, on any of its links, that no result comes.
fn fail(asked: &Asked, invocation: &str, error: &str) {
    if let Some(link) = asked.hub.links().of_server(&asked.caller) {
        let completion = Message::ErrorCompletion {
            invocation_id: invocation,
            connection_id: asked.client.as_str(),
            caller_server_id: &asked.caller,
            error,
            extensions: Extensions::default(),
        };
        link.queue().append(|out| encode(&completion, out));
    }
}
