//! The workspace's own checks and tests, and the WebSocket conformance suite.

use std::time::Duration;

use anyhow::Result;
use tokio::process::Command;

use crate::install::fixture;
use crate::report::{Outcome, Report};
use crate::{install, lines, process};

const LIMIT: Duration = Duration::from_secs(2400);

fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(args);
    command
}

/// One check that is good or not.
async fn run_cargo(report: &mut Report, name: &str, args: &[&str]) -> Result<()> {
    report.section(name);
    let done = process::run(cargo(args), LIMIT).await?;
    let outcome = if done.is_success() {
        Outcome::Passed
    } else {
        println!("{}", done.tail());
        Outcome::Failed("see its output above".into())
    };
    report.add(name, outcome);
    Ok(())
}

/// Everything that cargo can check.
pub(crate) async fn run(report: &mut Report) -> Result<()> {
    run_cargo(report, "cargo fmt --check", &["fmt", "--all", "--check"]).await?;
    let lints = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--quiet",
        "--",
        "-D",
        "warnings",
    ];
    run_cargo(report, "cargo clippy", &lints).await?;
    report.section("cargo test");
    let done = process::run(
        cargo(&[
            "test",
            "--workspace",
            "--no-fail-fast",
            "--",
            "--show-output",
        ]),
        LIMIT,
    )
    .await?;
    let mut passed = 0_usize;
    let mut test = String::new();
    for line in done.stdout.lines() {
        let Some((name, outcome)) = line
            .strip_prefix("test ")
            .and_then(|rest| rest.rsplit_once(" ... "))
        else {
            if let Some(name) = line
                .strip_prefix("---- ")
                .and_then(|l| l.strip_suffix(" stdout ----"))
            {
                name.clone_into(&mut test);
            } else if let Some(why) = line.trim().strip_prefix("skipped: ") {
                // It ended well, but only because it had nothing to try itself on.
                report.add(&test, Outcome::Skipped(why.to_owned()));
                passed = passed.saturating_sub(1);
            }
            continue;
        };
        match outcome {
            "ok" => passed += 1,
            "FAILED" => report.add(name, Outcome::Failed("a test of the workspace".into())),
            other => report.add(name, Outcome::Skipped(other.to_owned())),
        }
    }
    println!("{passed} passed");
    report.add_passed(passed);
    if !done.is_success() {
        println!(
            "{}\n{}",
            done.tail(),
            done.stderr
                .lines()
                .rev()
                .take(30)
                .collect::<Vec<_>>()
                .join("\n")
        );
        if passed == 0 {
            report.add(
                "cargo test",
                Outcome::Failed("the tests do not build".into()),
            );
        }
    }
    Ok(())
}

/// The Autobahn suite against the echo example on our WebSocket code.
pub(crate) async fn autobahn(report: &mut Report) {
    const NAME: &str = "autobahn";
    report.section("WebSocket conformance");
    let tools = fixture("TEST_TOOLS", "../shared/tools");
    if !tools.join("autobahn.tar.xz").exists() {
        let why = format!("the suite is not in {}", tools.display());
        return report.add(NAME, Outcome::Skipped(why));
    }
    if let Err(error) = install::program("xz", "xz-utils").await {
        return report.add(NAME, Outcome::Skipped(format!("{error:#}")));
    }
    let mut command = Command::new("bash");
    command.arg("compat-tests/autobahn/run.sh");
    let done = match process::run(command, Duration::from_secs(900)).await {
        Ok(done) => done,
        Err(error) => return report.add(NAME, Outcome::Failed(format!("{error:#}"))),
    };
    println!("{}", done.tail());
    match done.stdout.lines().last().and_then(lines::read_total) {
        Some([passed, 0, _]) if passed > 0 => report.add_passed(passed),
        Some([_, failed, _]) => report.add(NAME, Outcome::Failed(format!("{failed} cases failed"))),
        None => report.add(NAME, Outcome::Failed("it did not come to its end".into())),
    }
}
