//! Streams from hub methods to their callers (3.7).

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::{Either, select};
use heliograph_protocol::hub::write;
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::oneshot;

use super::HubError;
use super::connection::Connection;
use super::encode::{self, Buffer};
use super::method::{StreamFailure, StreamRun};
use super::tasks::Caught;

/// The running streams of a connection, by id.
#[derive(Debug, Default)]
pub(super) struct Streams(Mutex<HashMap<Box<str>, oneshot::Sender<()>>>);

impl Streams {
    /// Ends a stream at its client's wish.
    pub(super) fn cancel(&self, id: &str) {
        let running = self.0.lock().remove(id);
        drop(running);
    }

    /// Ends all: the client is gone.
    pub(super) fn clear(&self) {
        let all = std::mem::take(&mut *self.0.lock());
        drop(all);
    }

    fn add(&self, id: &str) -> Option<oneshot::Receiver<()>> {
        let mut all = self.0.lock();
        if all.contains_key(id) {
            return None;
        }
        let (sender, cancelled) = oneshot::channel();
        all.insert(id.into(), sender);
        Some(cancelled)
    }
}

/// The way of a stream's items to the client.
pub(super) struct Items {
    connection: Arc<Connection>,
    id: Arc<str>,
}

impl Items {
    /// Queues an item.
    pub(super) fn push<T: Serialize>(&self, item: &T) -> Result<(), HubError> {
        let encoding = self.connection.encoding;
        let item = Buffer::of(encoding, item)?;
        let frame = encode::frame(encoding, |out| {
            write::stream_item(encoding, out, &self.id, item.bytes());
        });
        self.connection.client.push(frame);
        Ok(())
    }

    /// Done when the client has read enough of what waits for it.
    pub(super) async fn room(&self) {
        self.connection.room().await;
    }
}

/// Runs a stream beside everything else that its connection does.
pub(super) fn start(connection: &Arc<Connection>, id: &str, target: &str, run: StreamRun) {
    let Some(cancelled) = connection.streams.add(id) else {
        let text = format!("Invocation ID '{id}' is already in use.");
        connection.push_error(Some(id), &text);
        return;
    };
    let (connection, target) = (Arc::clone(connection), Box::<str>::from(target));
    let id: Arc<str> = id.into();
    let tasks = Arc::clone(&connection.core.tasks);
    let slot = connection.beside();
    tasks.spawn(async move {
        let _slot = slot;
        let items = Items {
            connection: Arc::clone(&connection),
            id: Arc::clone(&id),
        };
        let body = Caught(Box::pin(async move { run(items).await }));
        let (ended, is_cancelled) = match select(body, cancelled).await {
            Either::Left((ended, _)) => (Some(ended), false),
            // The stream is dropped here, before its end is told.
            Either::Right(_) => (None, true),
        };
        if !is_cancelled {
            connection.streams.cancel(&id);
        }
        let detailed = connection.core.options.detailed_errors;
        let failed = |failure| match failure {
            StreamFailure::Start(error) => (connection.failed(&target, &error), error),
            StreamFailure::Items(error) => {
                let general = "An error occurred on the server while streaming results.";
                (error.add_to(general.to_owned(), detailed), error)
            }
        };
        let error = match ended {
            None | Some(Ok(Ok(()))) => None,
            Some(Ok(Err(failure))) => Some(failed(failure)),
            Some(Err(panic)) => Some(failed(StreamFailure::Items(HubError::panicked(&*panic)))),
        };
        if let Some((text, error)) = error {
            connection.push_failure(Some(&id), &text, &error);
            return;
        }
        let encoding = connection.encoding;
        let frame = encode::frame(encoding, |out| write::completion_void(encoding, out, &id));
        connection.client.push(frame);
    });
}
