//! The hub protocol of ASP.NET Core SignalR: what a client and a hub say to each other.
//!
//! Bytes in, messages out, and back; no socket, clock or randomness. The module does not know what
//! hubs exist, what types a method takes, or how a transport moves bytes: arguments, items and
//! results stay encoded as they came ([`Raw`]).
//!
//! How the parts meet on the server's side of one connection:
//!
//! 1. [`negotiate`] answers the client's first request, unless it skips that.
//! 2. A [`Deframer`] cuts what the transport delivers into records. The first one, JSON whatever
//!    comes later, is a [`HandshakeRequest`]; [`HandshakeRequest::accept`] picks the [`Encoding`].
//! 3. From then on each frame is either passed on after a glance at its type ([`scan()`]) or taken
//!    apart ([`parse`]) into a [`Message`].
//! 4. Answers are appended to a buffer by the functions of [`write`](mod@write), byte for byte as
//!    the .NET writers do it. On server-sent events they travel in an [`sse`] event.
//! 5. With stateful reconnect, a [`SendBuffer`] and a [`ReceiveCounter`] outlive the transport
//!    ([`replay`]).
//!
//! Section numbers in this module are those of the project's notes on ASP.NET Core SignalR.

mod deframe;
mod encoding;
mod error;
mod handshake;
mod json;
mod json_scan;
mod json_text;
mod message;
mod messagepack;
pub mod negotiate;
pub mod replay;
mod scan;
pub mod sse;
pub mod write;

pub use deframe::{DeframeError, Deframer};
pub use encoding::{Encoding, MessageType, RECORD_SEPARATOR, TransferFormat};
pub use error::{JsonKind, ParseError, PayloadError};
pub use handshake::{
    Accepted, HandshakeError, HandshakeRefusal, HandshakeRequest, HandshakeResponse,
};
pub use message::{
    Arguments, CancelInvocation, Close, Completion, DecodeError, Headers, Invocation, Message,
    Outcome, Raw, StreamInvocation, StreamItem,
};
pub use replay::{ReceiveCounter, SendBuffer};
pub use scan::{scan, sequence_id};

/// Takes one framed message apart (3.3).
///
/// `framed` is what a [`Deframer`] hands out: the record separator or length prefix included.
/// Unknown keys, surplus elements and any order of JSON keys are accepted; of duplicate keys the
/// last one counts. A type that is not known gives [`Message::Unknown`].
///
/// # Errors
///
/// [`ParseError`] for everything that makes the genuine server end the connection (3.4). What only
/// makes a call fail is not an error here: see [`PayloadError`].
pub fn parse(encoding: Encoding, framed: &[u8]) -> Result<Message<'_>, ParseError> {
    match encoding {
        Encoding::Json => json::parse(framed),
        Encoding::MessagePack => messagepack::parse(framed),
    }
}
