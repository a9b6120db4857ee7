//! Hubs written in Rust, served on loopback, as clients see them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod behaviour;
mod plain_transcripts;
mod support;
mod transcripts;
