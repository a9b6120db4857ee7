//! `cargo xtask`: builds, runs, tests and measures Heliograph.
//!
//! Small on purpose: `cargo xtask run` is a newcomer's first command. What tests need is in the
//! package `harness`, which `cargo xtask test` builds.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that talks to its user"
)]

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const USAGE: &str = "\
cargo xtask run [ARGS]    build and start the service; ARGS go to heliograph
cargo xtask test [ARGS]   install what the tests need and run them all
                          --quick leaves out foreign clients; FILTER runs one client or scenario;
                          --help lists the rest
cargo xtask bench [ARGS]  Heliograph beside a bare relay, CPU and memory
";

/// The client library that the demo page loads.
const CLIENT: &str = "@microsoft/signalr@10.0.11";
const CLIENT_SCRIPT: &str = "node_modules/@microsoft/signalr/dist/browser/signalr.min.js";

fn main() -> ExitCode {
    let mut args = env::args().skip(1);
    let task = args.next().unwrap_or_default();
    let rest: Vec<String> = args.collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    if let Err(error) = env::set_current_dir(&root) {
        eprintln!("xtask: {}: {error}", root.display());
        return ExitCode::FAILURE;
    }
    match task.as_str() {
        "run" => run(&rest),
        "test" => test(&rest),
        "bench" => bench(&rest),
        "" | "help" | "--help" | "-h" => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        other => {
            eprintln!("xtask: there is no task '{other}'\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Builds the service, gets the demo page its script if it can, and starts it.
fn run(args: &[String]) -> ExitCode {
    if !cargo(&["build", "--release", "--bin", "heliograph"]) {
        return ExitCode::FAILURE;
    }
    let mut command = Command::new("target/release/heliograph");
    if let Some(script) = demo_script() {
        command.arg("--demo-script").arg(script);
    }
    replace_with(command.args(args))
}

/// The client library for the demo page, from npm.
fn demo_script() -> Option<PathBuf> {
    let folder = Path::new("target/demo");
    let script = folder.join(CLIENT_SCRIPT);
    if script.exists() {
        return Some(script);
    }
    println!("xtask: installing {CLIENT} from npm for the demo page");
    let installed = std::fs::create_dir_all(folder).is_ok()
        && Command::new("npm")
            .args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"])
            .arg(folder)
            .arg(CLIENT)
            .status()
            .is_ok_and(|status| status.success());
    if !installed || !script.exists() {
        println!("xtask: npm did not give it; the demo page says how to get its script");
        return None;
    }
    Some(script)
}

/// Builds what the tests start, then hands over to the harness.
fn test(args: &[String]) -> ExitCode {
    let is_quick = args
        .iter()
        .any(|arg| arg == "--quick" || arg == "--list" || arg == "--help");
    if !is_quick
        && !cargo(&[
            "build",
            "--release",
            "--bin",
            "heliograph",
            "--bin",
            "testhub",
        ])
    {
        return ExitCode::FAILURE;
    }
    if !cargo(&["build", "--package", "harness"]) {
        return ExitCode::FAILURE;
    }
    replace_with(Command::new("target/debug/harness").args(args))
}

fn bench(args: &[String]) -> ExitCode {
    if !cargo(&["build", "--release", "--bin", "heliograph"]) {
        return ExitCode::FAILURE;
    }
    if !cargo(&["build", "--release", "--package", "load"]) {
        return ExitCode::FAILURE;
    }
    replace_with(Command::new("target/release/bench").args(args))
}

fn cargo(args: &[&str]) -> bool {
    match Command::new(env!("CARGO")).args(args).status() {
        Ok(status) => status.success(),
        Err(error) => {
            eprintln!("xtask: cargo: {error}");
            false
        }
    }
}

/// Becomes the program, so that signals and the exit code are its own.
fn replace_with(command: &mut Command) -> ExitCode {
    #[cfg(unix)]
    let error = std::os::unix::process::CommandExt::exec(command);
    #[cfg(not(unix))]
    let error = match command.status() {
        Ok(status) if status.success() => return ExitCode::SUCCESS,
        Ok(_) => return ExitCode::FAILURE,
        Err(error) => error,
    };
    eprintln!("xtask: {}: {error}", command.get_program().display());
    ExitCode::FAILURE
}
