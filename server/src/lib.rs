//! A self-hosted SignalR service.
//!
//! The rooms: [`front`] holds the doors (HTTP in, relay calls out), [`backend`] whoever runs a
//! hub, [`edge`] what all doors share over HTTP, [`auth`] tokens. `server/ARCHITECTURE.md` is the
//! map.

pub mod app;
pub mod auth;
pub mod backend;
pub mod bridge;
pub mod config;
pub mod doors;
pub mod drain;
pub mod edge;
pub mod embed;
pub mod front;
pub mod telemetry;
