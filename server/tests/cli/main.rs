//! The built binary from outside: arguments, exit codes, output, signals.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod program;
mod service;
mod settings;
mod token;
