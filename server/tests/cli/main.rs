//! The built binary from outside: arguments, exit codes, output, signals, settings.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod app_server;
mod check_config;
mod effects;
mod legacy;
mod metrics;
mod origins;
mod program;
mod reload;
mod service;
mod settings;
mod tls;
mod token;
