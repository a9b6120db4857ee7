//! What a connection's conversation, its callers and its tasks share.

use std::any::Any;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use heliograph_protocol::hub::Encoding;
use heliograph_relay::{Client, CloseReason, Hub};
use http::Extensions;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tracing::debug;

use super::HubError;
use super::calls::Lane;
use super::encode::{self, Buffer};
use super::hub::Core;
use super::streams::Streams;
use crate::backend::ClientRequest;
use crate::edge::dialects::LEGACY;

/// One connection of a hub.
pub(super) struct Connection {
    pub(super) core: Arc<Core>,
    pub(super) hub: Arc<Hub>,
    pub(super) client: Arc<Client>,
    pub(super) request: Arc<ClientRequest>,
    pub(super) encoding: Encoding,
    /// What the hub's methods keep for the connection.
    pub(super) items: Mutex<Extensions>,
    pub(super) lane: Lane,
    pub(super) streams: Streams,
    /// Calls that run beside the lane.
    beside: AtomicUsize,
    gone: AtomicBool,
    /// The client said goodbye.
    stopped: AtomicBool,
    going: Notify,
}

impl Connection {
    pub(super) fn new(
        core: Arc<Core>,
        hub: Arc<Hub>,
        client: Arc<Client>,
        request: Arc<ClientRequest>,
        encoding: Encoding,
    ) -> Self {
        Self {
            lane: Lane::new(&core.options),
            core,
            hub,
            client,
            request,
            encoding,
            items: Mutex::default(),
            streams: Streams::default(),
            beside: AtomicUsize::new(0),
            gone: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            going: Notify::new(),
        }
    }

    /// Ends the connection.
    pub(super) fn abort(&self) {
        self.client.close(CloseReason::Ended {
            error: None,
            allow_reconnect: false,
        });
        self.set_gone();
    }

    /// Whether the bridge speaks for the client.
    pub(super) fn is_legacy(&self) -> bool {
        self.client.dialect() == LEGACY
    }

    pub(super) fn set_stopped(&self) {
        self.stopped.store(true, Ordering::Release);
    }

    pub(super) fn has_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    pub(super) fn set_gone(&self) {
        self.gone.store(true, Ordering::Release);
        self.going.notify_waiters();
        self.lane.wake();
    }

    pub(super) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// Done when the connection is ending.
    pub(super) async fn gone(&self) {
        let mut going = pin!(self.going.notified());
        going.as_mut().enable();
        if !self.is_gone() {
            going.await;
        }
    }

    /// Done when the client has read enough of what waits for it.
    pub(super) async fn room(&self) {
        poll_fn(|cx| self.client.outbox().poll_room(cx)).await;
    }

    /// A place among the calls that run beside the lane, until it is dropped.
    pub(super) fn beside(self: &Arc<Self>) -> Beside {
        self.beside.fetch_add(1, Ordering::Relaxed);
        Beside(Arc::clone(self))
    }

    pub(super) fn calls_beside(&self) -> usize {
        self.beside.load(Ordering::Relaxed)
    }

    /// Answers a call, if an answer is wanted.
    pub(super) fn complete(
        &self,
        id: Option<&str>,
        target: &str,
        outcome: Result<Result<Buffer, HubError>, Box<dyn Any + Send>>,
    ) {
        match outcome.unwrap_or_else(|panic| Err(HubError::panicked(&*panic))) {
            Ok(result) => {
                if let Some(id) = id {
                    let frame = encode::result(self.encoding, id, &result);
                    self.client.push(frame);
                }
            }
            Err(error) => self.push_failure(id, &self.failed(target, &error), &error),
        }
    }

    /// Answers a call with an error, its data where the client is to see it, if an answer is
    /// wanted.
    pub(super) fn push_failure(&self, id: Option<&str>, text: &str, error: &HubError) {
        match (id, error.data()) {
            (Some(id), Some(data)) if self.is_legacy() && error.is_visible() => {
                self.client.push(encode::error_with_data(id, text, data));
            }
            _ => self.push_error(id, text),
        }
    }

    /// The text for a method that failed.
    pub(super) fn failed(&self, target: &str, error: &HubError) -> String {
        let hub = self.hub.name();
        debug!(conn = ?self.client.id(), hub, err = error.name(), "hub method failed");
        let general = format!("An unexpected error occurred invoking '{target}' on the server.");
        error.add_to(general, self.core.options.detailed_errors)
    }

    /// Answers a call with an error, if an answer is wanted.
    pub(super) fn push_error(&self, id: Option<&str>, text: &str) {
        if let Some(id) = id {
            let frame = encode::error(self.encoding, id, text);
            self.client.push(frame);
        }
    }
}

/// A call that runs beside the lane.
pub(super) struct Beside(Arc<Connection>);

impl Drop for Beside {
    fn drop(&mut self) {
        self.0.beside.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("hub", &self.hub.name())
            .field("client", &self.client.id())
            .finish_non_exhaustive()
    }
}
