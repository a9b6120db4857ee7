//! The client door over real sockets, before a hub of the tests.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::string_slice,
    reason = "helpers of tests fail by panicking"
)]

mod closes;
mod connections;
mod cross_origin;
mod event_stream;
mod garbage;
mod handshake;
mod http;
mod hub;
mod keep_alive;
mod limits;
mod long_polling;
mod negotiate;
mod replay;
mod socket;
mod stage;
mod stateful;
mod timed_transcripts;
mod tokens;
mod transcripts;

use std::future::Future;
use std::time::Duration;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(10);

/// What must come within [`PATIENCE`].
async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain: {what}"),
    }
}

/// Waits until a condition holds that nobody announces.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    soon(what, async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}
