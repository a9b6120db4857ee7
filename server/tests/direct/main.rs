//! Hubs that run elsewhere, behind the client door: a scripted hub for all that can go wrong, and
//! a genuine ASP.NET Core app.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::large_futures,
    reason = "tests"
)]

#[path = "../support/mod.rs"]
mod support;

mod bad_clients;
mod bad_hubs;
mod conversations;
mod failures;
mod front;
mod genuine;
mod negotiations;
mod pace;
mod raw;
mod stub;
