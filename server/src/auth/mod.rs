//! Tokens: the only place that reads or makes one.

mod identity;

pub use identity::Identity;
