//! Who is connected, who is in what, and where a frame goes.
//!
//! The relay knows no wire format and no HTTP: a [`Frame`] is bytes that somebody else encoded, a
//! [`Dialect`] is a number that it compares, a [`CloseReason`] is a fact that each door words in
//! its own way. The types that matter: a [`Hub`] holds the [`Client`]s, users and groups of one
//! hub; a [`Send`] and a [`FrameSet`] say to whom and what; every client has an [`Outbox`] that
//! its driver empties. [`Link`]s are the app-server connections that may carry clients of a hub.
//!
//! # Lock order
//!
//! `Relay::hubs`, then `Hub::groups`, then `Client::membership`, then a group's members, a
//! connection shard, the aliases or a user's connections, then an `Outbox` or a `ByteQueue`. All are short, none is held across
//! an await or while a port is called, except that a [`FrameSet`] may encode a missing dialect
//! while the receivers are walked.

mod client;
mod close;
mod frame;
mod hub;
mod link;
mod membership;
mod outbox;
mod queue;
mod relay;
mod send;
mod user_groups;

pub use client::{Client, ConnectionId, Inlet};
pub use close::CloseReason;
pub use frame::{Dialect, Encode, Frame, FrameClass, FrameSet, Transcode};
pub use hub::Hub;
pub use link::{Link, LinkKind, Links, Sticky};
pub use membership::Joined;
pub use outbox::{Limits, Outbox, Pushed, Taken};
pub use queue::ByteQueue;
pub use relay::Relay;
pub use send::{Send, Target};
