//! The server half of the WebSocket protocol (RFC 6455).
//!
//! Knows frames, the opening and the closing handshake. Does not know SignalR, HTTP routing, timers
//! or what a payload means; offers no extensions and no subprotocols.
//!
//! [`handshake::accept`] recognises an upgrade request; [`Socket`] then owns the stream. What it
//! reads goes through a [`Reader`], which hands out data in the pieces in which it arrives; what
//! it writes are complete frames that [`writer::frame`] made once and any number of sockets share.

mod code;
pub mod handshake;
mod mask;
mod outgoing;
mod reader;
mod socket;
mod utf8;
pub mod writer;

pub use code::{CloseCode, MessageKind, Opcode};
pub use reader::{Event, Fragment, ReadError, Reader};
pub use socket::{Received, Socket, SocketError};
