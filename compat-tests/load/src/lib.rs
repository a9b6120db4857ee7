//! Measures Heliograph beside a bare relay.
//!
//! [`Peer`] is a raw WebSocket client that sends bytes prepared beforehand and counts what comes
//! back, so that the load costs little; [`Subject`] is a process under test and what it has used.

pub mod legacy;
mod peer;
mod subject;

pub use peer::{Peer, Script, frame};
pub use subject::Subject;
