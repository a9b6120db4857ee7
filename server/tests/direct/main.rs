//! Hubs that run elsewhere, behind the client door: a scripted hub for all that can go wrong, and
//! a genuine ASP.NET Core app.

#[path = "../support/mod.rs"]
mod support;

mod conversations;
mod failures;
mod front;
mod genuine;
mod negotiations;
mod pace;
mod stub;
