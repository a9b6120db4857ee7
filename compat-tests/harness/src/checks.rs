//! The workspace's own checks and tests, and the WebSocket conformance suite.

use std::time::Duration;

use anyhow::Result;
use tokio::process::Command;

use crate::process::{self, Finished};
use crate::report::{Outcome, Report};
use crate::{install, lines, panics, places};

const LIMIT: Duration = Duration::from_secs(2400);
const WASM: &str = "wasm32-unknown-unknown";
const AUTOBAHN_LIMIT: Duration = Duration::from_secs(900);

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// `cargo fmt --check`
    Format,
    /// `cargo clippy`, warnings denied.
    Lints,
    /// `cargo check` of the protocol crate for browsers.
    Wasm,
    /// `cargo test`, each test by itself.
    Tests,
    /// The Autobahn suite against the echo example on our WebSocket code.
    Autobahn,
}

impl Check {
    /// All of them, in order.
    pub const ALL: [Self; 5] = [
        Self::Format,
        Self::Lints,
        Self::Wasm,
        Self::Tests,
        Self::Autobahn,
    ];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Format => "cargo-fmt",
            Self::Lints => "cargo-clippy",
            Self::Wasm => "protocol-on-wasm",
            Self::Tests => "cargo-test",
            Self::Autobahn => "autobahn",
        }
    }

    /// Runs it.
    ///
    /// # Errors
    ///
    /// When cargo cannot be started.
    pub async fn run(self, report: &mut Report) -> Result<()> {
        report.section(self.name());
        match self {
            Self::Format => self.run_cargo(&["fmt", "--all", "--check"], report).await,
            Self::Lints => {
                let lints = ["clippy", "--workspace", "--all-targets", "--quiet"];
                let args = [&lints[..], &["--", "-D", "warnings"]].concat();
                self.run_cargo(&args, report).await
            }
            Self::Wasm => self.run_wasm(report).await,
            Self::Tests => run_tests(report).await,
            Self::Autobahn => {
                run_autobahn(report).await;
                Ok(())
            }
        }
    }

    /// The protocol crate is for clients in browsers too.
    async fn run_wasm(self, report: &mut Report) -> Result<()> {
        match install::rust_target(WASM).await {
            Ok(()) => {
                let package = ["check", "--quiet", "--package", "heliograph-protocol"];
                let args = [&package[..], &["--target", WASM]].concat();
                self.run_cargo(&args, report).await
            }
            Err(error) => {
                let why = format!("{error:#}");
                println!("skip {}: {why}", self.name());
                report.add(self.name(), &Outcome::Skipped(why));
                Ok(())
            }
        }
    }

    /// A check that is good or not.
    async fn run_cargo(self, args: &[&str], report: &mut Report) -> Result<()> {
        let done = process::run(cargo(args), LIMIT).await?;
        let outcome = if done.is_success() {
            println!("ok {}", self.name());
            Outcome::Passed
        } else {
            println!("{}{}", done.stdout, done.stderr);
            let why = "see its output above".to_owned();
            println!("FAIL {}: {why}", self.name());
            Outcome::Failed(why)
        };
        report.add(self.name(), &outcome);
        Ok(())
    }
}

fn cargo(args: &[&str]) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(args).current_dir(places::root());
    command
}

async fn run_tests(report: &mut Report) -> Result<()> {
    // What passed is shown too, since a test that lacks something says there what it skipped.
    let mut args = vec![
        "test",
        "--workspace",
        "--no-fail-fast",
        "--",
        "--show-output",
    ];
    let dotnet = match install::dotnet().await {
        Ok(unpacked) => Some(unpacked),
        Err(error) if install::is_absent(&error) => None,
        Err(error) => {
            let why = format!("{error:#}");
            println!("FAIL dotnet: {why}");
            report.add("dotnet", &Outcome::Failed(why));
            None
        }
    };
    if dotnet.is_some() {
        // Those that are ignored want the reference app.
        args.push("--include-ignored");
    }
    let mut command = cargo(&args);
    command.envs(dotnet.map(|unpacked| ("TEST_DOTNET_UNPACKED", unpacked)));
    let done = process::run(command, LIMIT).await?;
    let tests = read_tests(&done.stdout);
    done.stdout.lines().for_each(panics::look_at);
    panics::tell(Check::Tests.name(), report);
    let failures = tests
        .iter()
        .filter(|(_, outcome)| matches!(outcome, Outcome::Failed(_)));
    let failures = failures.count();
    for (name, outcome) in &tests {
        report.add(name, outcome);
        match outcome {
            Outcome::Passed => {}
            Outcome::Failed(why) => println!("FAIL {name}: {why}"),
            Outcome::Skipped(why) => println!("skip {name}: {why}"),
        }
    }
    println!("{} tests", tests.len());
    if !done.is_success() {
        print_failures(&done);
        if failures == 0 {
            let why = "it ended with an error, see above".to_owned();
            report.add(Check::Tests.name(), &Outcome::Failed(why));
        }
    }
    Ok(())
}

/// The outcomes in the output of `cargo test`, binary after binary.
fn read_tests(output: &str) -> Vec<(String, Outcome)> {
    let mut tests: Vec<(String, Outcome)> = Vec::new();
    let mut first_of_binary = 0;
    let mut shown = None;
    for line in output.lines() {
        if line.starts_with("running ") {
            first_of_binary = tests.len();
            shown = None;
        } else if let Some(name) = line
            .strip_prefix("---- ")
            .and_then(|rest| rest.strip_suffix(" stdout ----"))
        {
            shown = Some(name.to_owned());
        } else if let (Some(name), Some(why)) = (&shown, line.strip_prefix("skipped: ")) {
            let of_binary = tests.iter_mut().skip(first_of_binary);
            if let Some(test) = of_binary.into_iter().find(|test| test.0 == *name) {
                test.1 = Outcome::Skipped(why.to_owned());
            }
        } else if let Some((name, outcome)) = line
            .strip_prefix("test ")
            .and_then(|rest| rest.rsplit_once(" ... "))
        {
            let outcome = match outcome {
                "ok" => Outcome::Passed,
                "FAILED" => Outcome::Failed("a test of the workspace, see below".to_owned()),
                other => Outcome::Skipped(other.to_owned()),
            };
            tests.push((name.to_owned(), outcome));
        }
    }
    tests
}

/// What failing tests printed, or why nothing was built.
fn print_failures(done: &Finished) {
    let mut inside = false;
    for line in done.stdout.lines() {
        inside = match line {
            "failures:" => true,
            _ if line.starts_with("test result:") => false,
            _ => inside,
        };
        if inside {
            println!("{line}");
        }
    }
    let errors: Vec<&str> = done.stderr.lines().collect();
    for line in errors.iter().skip(errors.len().saturating_sub(40)) {
        println!("{line}");
    }
}

async fn run_autobahn(report: &mut Report) {
    let name = Check::Autobahn.name();
    let outcome = match try_autobahn().await {
        Ok(passed) => {
            println!("ok {name}: {passed} cases");
            return report.add_passed(passed);
        }
        Err(error) if install::is_absent(&error) => Outcome::Skipped(format!("{error:#}")),
        Err(error) => Outcome::Failed(format!("{error:#}")),
    };
    println!("{outcome:?}");
    report.add(name, &outcome);
}

/// Runs the suite; gives the number of cases that passed if all did.
async fn try_autobahn() -> Result<usize> {
    let tools = install::autobahn().await?;
    let mut command = Command::new("sh");
    command
        .arg(places::root().join("compat-tests/autobahn/run.sh"))
        .env("TEST_TOOLS", tools)
        .env("WEBSOCKET_ECHO", places::program("examples/websocket_echo"));
    let done = process::run(command, AUTOBAHN_LIMIT).await?;
    let total = done.stdout.lines().rev().find_map(lines::read_total);
    match total {
        Some(counts) if done.is_success() && counts.failed == 0 && counts.passed > 0 => {
            Ok(counts.passed)
        }
        Some(counts) => anyhow::bail!("{} cases failed: {}", counts.failed, done.tail()),
        None => anyhow::bail!("it did not come to its end: {}", done.tail()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_of_cargo_test_are_read_binary_by_binary() {
        let output = "running 2 tests\ntest a ... ok\ntest b ... FAILED\n\nsuccesses:\n\n\
            ---- a stdout ----\nall is well\n\nrunning 3 tests\ntest a ... ok\n\
            test c ... ignored, slow\ntest d ... ok\n\nsuccesses:\n\n---- a stdout ----\n\
            skipped: no tool\n";
        let outcomes = read_tests(output);
        let names: Vec<&str> = outcomes.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a", "b", "a", "c", "d"]);
        assert_eq!(outcomes[0].1, Outcome::Passed);
        assert!(matches!(outcomes[1].1, Outcome::Failed(_)));
        assert_eq!(outcomes[2].1, Outcome::Skipped("no tool".into()));
        assert_eq!(outcomes[3].1, Outcome::Skipped("ignored, slow".into()));
        assert_eq!(outcomes[4].1, Outcome::Passed);
    }
}
