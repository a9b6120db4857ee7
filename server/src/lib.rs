//! A self-hosted SignalR service.
