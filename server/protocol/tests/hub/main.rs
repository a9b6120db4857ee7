//! The hub protocol against recorded bytes and against itself.

mod live;
mod properties;
mod stateful;
mod support;
mod vectors;
