//! What all doors share over HTTP.

pub mod cors;
pub mod dialects;
pub mod websocket;
