//! Legacy clients in the hubs of Core clients, without a transport.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod app_servers;
mod calls;
mod groups;
mod lives;
mod names;
mod stage;
#[path = "../support/mod.rs"]
mod support;
mod unlisted;
