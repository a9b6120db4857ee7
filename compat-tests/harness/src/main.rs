//! `harness`: runs every test there is and ends with one summary.
//!
//! Steps: what the tests need is installed; the workspace is checked and tested; then, unless
//! `--quick` is given, the WebSocket conformance suite, the foreign clients against every backend,
//! and the scenarios that need servers of their own.

#![expect(clippy::print_stdout, reason = "a program that talks to its user")]

mod backend;
mod cells;
mod checks;
mod clients;
mod expected;
mod install;
mod lines;
mod matrix;
mod process;
mod report;
mod scenarios;
mod splitter;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::report::Report;

/// What to run.
#[derive(Debug, Parser)]
#[command(about = "Runs all tests, or those that the options name")]
struct Options {
    /// Only clients, scenarios or checks with this text in their name
    filter: Option<String>,
    /// Leave out the foreign clients and servers
    #[arg(long)]
    quick: bool,
    /// Only this backend: embedded, azure, direct; or self, the reference server alone
    #[arg(long)]
    backend: Option<String>,
    /// Only this client
    #[arg(long)]
    client: Option<String>,
    /// Only this transport
    #[arg(long)]
    transport: Option<String>,
    /// Only this protocol
    #[arg(long)]
    protocol: Option<String>,
    /// Name what would run, and stop
    #[arg(long)]
    list: bool,
}

impl Options {
    /// Whether the run is narrowed to foreign clients.
    fn names_cells(&self) -> bool {
        self.backend.is_some()
            || self.client.is_some()
            || self.transport.is_some()
            || self.protocol.is_some()
    }

    fn wants(&self, name: &str) -> bool {
        self.filter
            .as_ref()
            .is_none_or(|filter| name.contains(filter.as_str()))
    }
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let options = Options::parse();
    let root = root();
    std::env::set_current_dir(&root)?;
    if options.list {
        list(&options);
        return Ok(ExitCode::SUCCESS);
    }
    let mut report = Report::default();
    if !options.names_cells() && options.filter.is_none() {
        checks::run(&mut report).await?;
    }
    if !options.quick {
        let full = !options.names_cells() && options.filter.is_none();
        if full {
            checks::autobahn(&mut report).await;
        }
        if options.names_cells() || !scenarios::named(&options) {
            let run = cells::run(&options, &mut report).await?;
            if full {
                matrix::write(&root.join("www/guide/compatibility.md"), &run)?;
            }
        }
        if !options.names_cells() {
            scenarios::run(&options, &mut report).await;
        }
    }
    Ok(report.close())
}

/// The project's folder.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn list(options: &Options) {
    if options.names_cells() || !scenarios::named(options) {
        for cell in cells::cells(options) {
            println!("{}", cell.name());
        }
    }
    for scenario in scenarios::all()
        .iter()
        .filter(|scenario| options.wants(scenario.name))
    {
        println!("{:44} {}", scenario.name, scenario.about);
    }
}
