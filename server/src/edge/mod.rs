//! What all doors share over HTTP.

pub mod forwarded;
pub mod listener;
mod stream;
pub mod tls;

pub use listener::{Peer, Scheme};
pub use stream::{Slot, Stream};
