//! Hubs written in Rust, served on loopback, as clients see them.

mod behaviour;
mod support;
mod transcripts;
