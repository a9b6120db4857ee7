//! Hubs in Rust, served from this process.
//!
//! ```
//! use heliograph::backend::embedded::{Caller, EmbeddedHub};
//!
//! let chat = EmbeddedHub::builder("chat")
//!     .on_connected(|caller: Caller| async move {
//!         caller.join("lobby");
//!         Ok(())
//!     })
//!     .method("Send", |caller: Caller, (user, text): (String, String)| async move {
//!         caller.clients().all().send("receive", (user, text)).await?;
//!         Ok(())
//!     })
//!     .build();
//! assert_eq!(chat.name(), "chat");
//! ```
//!
//! A hub is put together from functions ([`HubBuilder`]); what they take is read by serde from the
//! client's JSON or MessagePack ([`Parameters`]), what they return is written by it. [`Caller`] is
//! the client that calls, [`Clients`] is to whom one may send, [`HubHandle`] does the same from
//! outside. [`crate::embed`] serves hubs on a port of their own.
//!
//! The calls of one client run one at a time, in order, and beside them its streams; nothing else
//! that the client sends waits behind a call. A panic in a method is answered as an error.
//!
//! In MessagePack, structs are maps from field names; `serde`'s `is_human_readable` tells the two
//! encodings apart.

mod arguments;
mod builder;
mod caller;
mod calls;
mod clients;
mod connection;
mod conversation;
mod demo;
mod encode;
mod error;
mod hub;
mod method;
mod policy;
mod progress;
mod results;
mod streams;
mod tasks;
mod upload;

pub use arguments::{Arguments, Binder, Encoded, Parameter, Parameters};
pub use builder::{HubBuilder, Options};
pub use caller::Caller;
pub use clients::{CallerClients, Clients, Groups, Recipients, SingleClient};
pub use demo::{bench, chat};
pub use error::{BindError, HubError};
pub use hub::{EmbeddedHub, HubHandle, HubMethod};
pub use policy::Policy;
pub use progress::Progress;
pub use upload::Upload;
