//! Waiting for as long as a connection stands.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use heliograph_relay::Outbox;
use tokio::time::timeout;

/// How often one who waits looks whether the connection is ending.
pub const LOOK: Duration = Duration::from_millis(250);

/// Waits for something as long as the connection does not end; `None` when it does.
pub async fn while_open<T>(outbox: &Outbox, done: impl Future<Output = T>) -> Option<T> {
    let mut done = pin!(done);
    // What is there already counts even if it brought the end.
    if let Poll::Ready(done) = poll_fn(|cx| Poll::Ready(done.as_mut().poll(cx))).await {
        return Some(done);
    }
    while !outbox.is_closing() {
        if let Ok(done) = timeout(LOOK, done.as_mut()).await {
            return Some(done);
        }
    }
    None
}
