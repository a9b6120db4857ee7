//! The tasks of a hub, counted so that one can wait for their end.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::watch;

/// Counts running tasks.
#[derive(Debug)]
pub(super) struct Tasks(watch::Sender<usize>);

impl Default for Tasks {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Tasks {
    /// Runs a task to its end.
    pub(super) fn spawn(self: &Arc<Self>, task: impl Future<Output = ()> + Send + 'static) {
        let running = Running::new(Arc::clone(self));
        tokio::spawn(async move {
            task.await;
            drop(running);
        });
    }

    /// Done when no task is running.
    pub(super) async fn finished(&self) {
        let mut count = self.0.subscribe();
        // The sender lives as long as `self` does.
        _ = count.wait_for(|count| *count == 0).await;
    }
}

struct Running(Arc<Tasks>);

impl Running {
    fn new(tasks: Arc<Tasks>) -> Self {
        tasks.0.send_modify(|count| *count += 1);
        Self(tasks)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}

/// A future whose panics become errors.
pub(super) struct Caught<F>(pub(super) F);

impl<F: Future + Unpin> Future for Caught<F> {
    type Output = Result<F::Output, Box<dyn Any + Send>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut self.0).poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    }
}
