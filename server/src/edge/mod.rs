//! What all doors share over HTTP.

pub mod answers;
pub mod clock;
pub mod cors;
pub mod dialects;
pub mod forwarded;
pub mod legacy_frames;
pub mod listener;
pub mod paths;
mod stream;
pub mod tls;
mod unread;
pub mod websocket;
mod while_open;

pub use listener::{Peer, Scheme};
pub use stream::{Slot, Stream};
pub use while_open::{LOOK, while_open};
