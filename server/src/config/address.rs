//! Addresses to listen on, with errors that name what was found.

use std::net::SocketAddr;

use serde::de::{Deserialize, Deserializer, Error as _, Unexpected};

const EXPECTED: &str = "an address and a port such as 127.0.0.1:8888";

/// Reads `ADDR:PORT`.
///
/// # Errors
///
/// What was expected instead.
pub(super) fn parse(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("expected {EXPECTED}"))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse()
        .map_err(|_| D::Error::invalid_value(Unexpected::Str(&text), &EXPECTED))
}
