//! The whole protocol against recorded bytes and arbitrary ones.

mod arbitrary;
mod properties;
mod recorded;
mod shown;
mod vectors;
