//! What all binary protocols here share: length prefixes, MessagePack, and cutting a byte stream
//! into messages.
//!
//! Nothing in this module knows what a message means. [`Deframer`] turns the bytes of a connection
//! into whole messages, [`Reader`] takes one apart without copying, [`Writer`] appends values to a
//! buffer and [`varint`] measures and writes the prefix in front of each message.

mod deframe;
pub mod messagepack;
pub mod varint;

pub use deframe::{DeframeError, Deframer};
pub use messagepack::{Kind, ReadError, Reader, Writer};
