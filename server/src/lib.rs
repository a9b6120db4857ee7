//! A self-hosted SignalR service.

pub mod edge;
