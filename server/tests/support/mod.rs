//! What tests of the doors share: a service on loopback, a stub app server, clients without a
//! transport.
#![allow(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod app_server;
pub(crate) mod client;
pub(crate) mod coreapp;
pub(crate) mod log;
pub(crate) mod service;

use std::future::Future;
use std::time::Duration;

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// What must come within [`PATIENCE`].
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain: {what}"),
    }
}

/// Waits until a condition holds that nobody announces.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    soon(what, async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}
