//! Who legacy clients are: apps that are asked, or tokens. Over real sockets between clients,
//! service, and apps that are stubs or genuine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::large_futures,
    reason = "tests"
)]
#![allow(dead_code, reason = "what is shared with other tests is not all used")]

#[path = "../classic/app.rs"]
mod app;
#[path = "../classic/client.rs"]
mod client;
#[path = "../core/http.rs"]
mod http;
#[path = "../core/socket.rs"]
mod socket;
#[path = "../direct/stub.rs"]
mod stub;
#[path = "../support/mod.rs"]
mod support;

mod answers;
mod changes;
mod classic_apps;
mod core_apps;
mod genuine;
mod hubs;
mod stage;

use support::soon;
