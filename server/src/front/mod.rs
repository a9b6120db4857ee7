//! Doors: HTTP in, relay calls out. They do not know each other.

pub mod admin;
pub mod core;
pub mod demo;
pub mod legacy;
pub mod service;
