//! App servers and the clients that they run hubs for, over real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::large_futures,
    reason = "tests"
)]

#[path = "../support/mod.rs"]
mod support;

mod clients;
mod door;
mod genuine;
mod hub;
mod large;
mod moves;
mod old_sdks;
mod passages;
mod patience;
mod replay;
mod results;
mod whole;
