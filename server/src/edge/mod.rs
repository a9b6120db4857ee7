//! What all front ends share over HTTP.

pub mod websocket;
