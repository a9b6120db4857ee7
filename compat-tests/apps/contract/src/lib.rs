//! What the programs with the hubs of the conformance contract have in common: who their callers
//! are, what happened to each connection, the values of the methods, and how an app sends its
//! clients to the service.
//!
//! It does not know how the hubs are run.

pub mod bounds;
pub mod identity;
pub mod journal;
pub mod redirect;
pub mod stop;
pub mod switches;
pub mod values;

/// What clients are called by the methods that send.
pub const RECEIVED: &str = "received";
