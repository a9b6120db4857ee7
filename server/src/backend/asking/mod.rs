//! Asking apps over HTTP in a client's name: where an app is, which of a client's headers and
//! parameters it gets to see, and what can go wrong.
//!
//! Two kinds of app are asked who a legacy client is, by their own negotiate: a [`CoreApp`] and a
//! [`ClassicApp`]. Their answers are for us alone; no client sees more of them than who it is. What
//! [`super::direct`] needs of the same it takes from here.

mod address;
mod app;
mod classic_app;
mod client;
mod core_app;
mod failure;
mod passed;

pub use app::{Options, OptionsError};
pub use classic_app::ClassicApp;
pub use core_app::CoreApp;

pub(in crate::backend) use address::{Address, Query};
pub(in crate::backend) use client::{Answer, Http};
pub(in crate::backend) use failure::Failure;
pub(in crate::backend) use passed::{NotPassable, Passed, add_cookies, query_token, set_bearer};

/// Largest answer to negotiate.
pub(in crate::backend) const MAX_ANSWER_BYTES: usize = 64 << 10;
