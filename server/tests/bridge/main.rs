//! Legacy clients in the hubs of Core clients, without a transport.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::large_futures,
    reason = "tests"
)]

mod app_servers;
mod calls;
mod genuine;
mod groups;
mod lives;
mod names;
mod stage;
#[path = "../support/mod.rs"]
mod support;
mod unlisted;
