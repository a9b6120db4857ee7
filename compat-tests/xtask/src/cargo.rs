//! Cargo, and the programs that it has built.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Runs `cargo build`; false if it failed, which cargo has explained then.
pub(crate) fn build(arguments: &[&str]) -> io::Result<bool> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let status = Command::new(cargo).arg("build").args(arguments).status()?;
    Ok(status.success())
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from)
}

/// Becomes another program, so that it gets the signals and its exit code is ours.
#[cfg(unix)]
pub(crate) fn hand_over<A: AsRef<OsStr>>(program: &Path, arguments: &[A]) -> io::Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;
    let error = Command::new(program).args(arguments).exec();
    Err(io::Error::new(
        error.kind(),
        format!("cannot start {}: {error}", program.display()),
    ))
}

/// Runs another program and ends as it ended.
#[cfg(not(unix))]
pub(crate) fn hand_over<A: AsRef<OsStr>>(program: &Path, arguments: &[A]) -> io::Result<ExitCode> {
    let status = Command::new(program).args(arguments).status()?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
