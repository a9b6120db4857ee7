//! The protocol of ASP.NET SignalR 2.x, which came before ASP.NET Core: what its clients and a
//! server say to each other.
//!
//! Bytes in, messages out, and back; no socket, clock or randomness. The module does not know HTTP,
//! what hubs exist or what their methods take: arguments, results and state stay JSON text as they
//! came ("raw" in the names of this module).
//!
//! How the parts meet on the server's side of one connection:
//!
//! 1. The client names its version ([`ClientProtocol`]) and the hubs that it listens to
//!    ([`connection_data()`]); a [`Negotiation`] answers.
//! 2. Over a [`LegacyTransport`] goes one [`Envelope`] after the other, each with the [`Cursor`] to
//!    resume from, and in it what [`write_invocation`] made; [`framing`] wraps it.
//! 3. What the client sends is a [`HubCall`]; a [`HubAnswer`] goes back.
//!
//! An app server behind the service makes envelopes and answers of its own: [`AppNegotiation`],
//! [`response_elements`] and [`AnswerHead`] read them.
//!
//! Section numbers in this module are those of the project's notes on legacy ASP.NET SignalR.

mod answer;
mod app_negotiation;
mod call;
mod connection_data;
mod cursor;
mod envelope;
pub mod framing;
mod invocation;
mod json;
mod negotiation;
pub mod proxy_script;
mod transport;
mod version;

pub use answer::{AnswerHead, HubAnswer, HubOutcome, write_progress};
pub use app_negotiation::{AppNegotiation, NegotiationError};
pub use call::{CallError, CallFault, HubCall};
pub use connection_data::{ConnectionDataError, connection_data};
pub use cursor::Cursor;
pub use envelope::{
    Envelope, envelope_cursor, envelope_elements, envelope_groups, response_elements, write_error,
};
pub use invocation::{invocation_hub, write_invocation, write_invocation_of};
pub use negotiation::{Negotiation, write_negotiation_error};
pub use transport::LegacyTransport;
pub use version::ClientProtocol;

/// A sign of life, which is a message of its own on every transport but long polling (3.1).
pub const KEEP_ALIVE: &[u8] = b"{}";

/// The answer to `/start` (1.6); clients take no other.
pub const STARTED: &str = r#"{ "Response": "started" }"#;

/// The answer to `/ping` (1.6).
pub const PONG: &str = r#"{ "Response": "pong" }"#;
