//! The protocol between app servers and the service: messages, pings and token claims.
//!
//! [`decode()`] and [`encode()`] turn frames into [`Message`]s and back, [`Ping`] gives a meaning to
//! the side channel inside pings, and [`TokenClaims`] with [`ServiceClaims`] read what an app put
//! into a client's token. Who sends what when is not known here. Sections are those of the service
//! protocol specification; the golden bytes are in `vectors/`.

mod claim_types;
mod claims;
mod connection_data;
mod decode;
mod encode;
mod expire_time;
mod extensions;
mod fields;
mod group_members;
mod layout;
mod message;
mod numbers;
mod payloads;
mod ping;
mod service_claims;
#[cfg(test)]
mod tests;

pub use claim_types::{INBOUND_CLAIM_TYPES, inbound_claim_type};
pub use claims::TokenClaims;
pub use connection_data::write_connection_data;
pub use decode::{DecodeError, Decoded, decode, receiver_of};
pub use encode::encode;
pub use expire_time::ExpireTime;
pub use extensions::Extensions;
pub use group_members::{GroupMember, GroupMembers, write_connection_claims};
pub use message::Message;
pub use numbers::{
    AckStatus, ConnectionType, DataMessageType, FlowControlOperation, FlowControlTarget,
    ServiceEventKind, ServiceEventObject,
};
pub use payloads::Payloads;
pub use ping::{Fin, Ping, Sender};
pub use service_claims::{ServiceClaims, Sticky, Transports};
