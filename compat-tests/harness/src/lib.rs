//! What the tests with foreign programs are made of, and the runner of all tests.
//!
//! [`backend`] starts the service and apps with the conformance hubs, [`splitter`] puts two servers
//! under one address; [`scenarios`] are tests with servers of their own. The parts of the runner:
//! [`install`], [`checks`], the [`cells`] of [`clients`], the [`table`] of what they are asked, the
//! [`driver`] that asks one of them, the [`matrix`] that runs them, the `plan` that judges
//! them by what is [`expected`], the [`page`] that shows it, and the [`report`]; [`panics`] of the
//! service are looked for in whatever is printed.
//!
//! Every program that is started is killed, with its children, when its handle is dropped.

#![expect(
    clippy::print_stdout,
    reason = "the runner and its parts tell what they do"
)]

pub mod backend;
pub mod cells;
pub mod checks;
pub mod clients;
pub mod driver;
pub mod expected;
pub mod install;
pub mod lines;
pub mod matrix;
pub mod page;
pub mod panics;
pub mod places;
mod plan;
pub mod process;
pub mod report;
pub mod scenarios;
pub mod splitter;
pub mod table;
pub mod world;
