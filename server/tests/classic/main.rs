//! Classic app servers (`MapAzureSignalR`) and the legacy clients that they run hubs for, over real
//! sockets on both sides of the service.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::large_futures,
    reason = "tests"
)]
#![allow(dead_code, reason = "what is shared with other tests is not all used")]

#[path = "../core/http.rs"]
mod http;
#[path = "../core/socket.rs"]
mod socket;
#[path = "../support/mod.rs"]
mod support;

mod aborts;
mod app;
mod client;
mod ends;
mod gaps;
mod groups;
mod losses;
mod replay;
mod sends;
mod stage;

use support::{soon, until};
