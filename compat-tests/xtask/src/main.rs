//! `cargo xtask`: builds, runs, tests and measures Heliograph.

fn main() {}
