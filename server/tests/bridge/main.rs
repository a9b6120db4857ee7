//! Legacy clients in the hubs of Core clients, without a transport but where that counts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::large_futures,
    reason = "tests"
)]
#![allow(dead_code, reason = "what is shared with other tests is not all used")]

mod app_servers;
mod calls;
#[path = "../classic/client.rs"]
mod client;
mod genuine;
mod groups;
#[path = "../core/http.rs"]
mod http;
mod lives;
mod names;
#[path = "../core/socket.rs"]
mod socket;
mod stage;
mod starts;
#[path = "../support/mod.rs"]
mod support;
mod unlisted;

use support::soon;
