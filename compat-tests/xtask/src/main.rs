//! `cargo xtask`: builds, runs, tests and measures Heliograph.
//!
//! It has no dependencies, so that `cargo xtask run` starts to build the service at once. What a
//! test run needs is in the `harness` package, which `cargo xtask test` builds first.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that talks to its user"
)]

mod cargo;
mod demo;

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use cargo::{build, hand_over, target};

const USAGE: &str = "\
cargo xtask run [-- OPTIONS]     build and start the service; OPTIONS are those of `heliograph`
cargo xtask test [OPTIONS]       install what the tests need, run them all, print one summary
cargo xtask bench [OPTIONS]      measure the service beside a bare relay

`cargo xtask test --help` and `cargo xtask bench --help` list their options.";

/// As clap has it for wrong arguments.
const WRONG_USE: u8 = 2;

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let command = arguments.next().unwrap_or_default();
    let mut rest: Vec<OsString> = arguments.collect();
    if rest.first().is_some_and(|first| first == "--") {
        rest.remove(0);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let done = env::set_current_dir(&root).and_then(|()| match command.to_str() {
        Some("run") => run(&rest),
        Some("test") => test(&rest),
        Some("bench") => bench(&rest),
        _ => {
            eprintln!("{USAGE}");
            Ok(ExitCode::from(WRONG_USE))
        }
    });
    done.unwrap_or_else(|error| {
        eprintln!("xtask: {error}");
        ExitCode::FAILURE
    })
}

fn run(arguments: &[OsString]) -> io::Result<ExitCode> {
    println!("building the service");
    if !build(&[
        "--release",
        "--package",
        "heliograph",
        "--bin",
        "heliograph",
    ])? {
        return Ok(ExitCode::FAILURE);
    }
    let mut all = Vec::new();
    let is_given = |name| arguments.iter().any(|given| is_option(given, name));
    if !is_given("--demo-script") {
        let scripts = demo::scripts(&target());
        if let Some(script) = scripts.client {
            all.extend([OsString::from("--demo-script"), script.into_os_string()]);
        }
        if !scripts.legacy.is_empty() {
            let list = format!("demo_legacy_scripts={:?}", scripts.legacy);
            all.extend([OsString::from("--set"), list.into()]);
        }
    }
    all.extend_from_slice(arguments);
    hand_over(&program("release", "heliograph"), &all)
}

fn test(arguments: &[OsString]) -> io::Result<ExitCode> {
    println!("building everything");
    // Binaries and tests in one go: what they depend on is then built once, with the same features.
    if !build(&["--workspace", "--bins", "--tests", "--examples"])? {
        println!("FAIL build: see above\n0 passed, 1 failed, 0 skipped");
        return Ok(ExitCode::FAILURE);
    }
    hand_over(&program("debug", "compat"), arguments)
}

fn bench(arguments: &[OsString]) -> io::Result<ExitCode> {
    println!("building the service and its measure");
    if !build(&[
        "--release",
        "--package",
        "heliograph",
        "--package",
        "load",
        "--bins",
    ])? {
        return Ok(ExitCode::FAILURE);
    }
    hand_over(&program("release", "bench"), arguments)
}

fn program(profile: &str, name: &str) -> PathBuf {
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    target().join(profile).join(file)
}

fn is_option(given: &OsStr, name: &str) -> bool {
    let given = given.to_string_lossy();
    given
        .strip_prefix(name)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
}
