//! Sans-IO codecs and state machines of the SignalR wire protocols.

pub mod hub;
pub mod legacy;
pub mod service;
pub mod wire;
