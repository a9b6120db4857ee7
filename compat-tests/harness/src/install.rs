//! What the tests need: installed if it is missing, with a word about it.

mod steps;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::process::Command;
use tokio::sync::{Mutex, OnceCell};

use crate::places;
use crate::process::{run, shell};

pub use steps::{GO, JAVA, LEGACY_GO, LEGACY_JAVA, LEGACY_NPM, LEGACY_PYTHON, NPM, PYTHON, Step};

const LIMIT: Duration = Duration::from_secs(900);

/// Something of the machine's: how to see whether it is there, and which Debian packages have it.
#[derive(Clone, Copy, Debug)]
pub struct Need {
    /// A shell command that succeeds if it is there.
    pub check: &'static str,
    /// Packages to try, one after the other.
    pub packages: &'static [&'static str],
}

/// To unpack archives.
pub const XZ: Need = Need {
    check: "command -v xz",
    packages: &["xz-utils"],
};
/// For the browser's scenarios.
pub const CHROMIUM: Need = Need {
    check: "test -n \"${CHROMIUM:-}\" || command -v chromium",
    packages: &["chromium"],
};
/// For scenarios behind a proxy.
pub const NGINX: Need = Need {
    check: "command -v nginx",
    packages: &["nginx-light", "nginx"],
};
/// For TLS in .NET.
const OPENSSL: Need = Need {
    check: "PATH=$PATH:/sbin:/usr/sbin ldconfig -p | grep -q 'libssl\\.so\\.3'",
    packages: &["libssl3t64", "libssl3"],
};

/// Something that a test needs is not there and cannot be installed: the test is skipped.
#[derive(Debug)]
struct Absent(String);

impl std::fmt::Display for Absent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Absent {}

/// Whether an error says that something could not be installed.
#[must_use]
pub fn is_absent(error: &anyhow::Error) -> bool {
    error.chain().any(<dyn std::error::Error>::is::<Absent>)
}

fn absent<T>(why: impl Into<String>) -> Result<T> {
    Err(Absent(why.into()).into())
}

/// Makes sure that something is there, from a Debian package if need be.
///
/// # Errors
///
/// When it is not; [`is_absent`] holds then.
pub async fn need(need: &Need) -> Result<()> {
    /// One package manager at a time; it holds a lock of its own and gives up at once.
    static APT: Mutex<()> = Mutex::const_new(());
    static UPDATED: OnceCell<()> = OnceCell::const_new();
    if holds(need.check).await {
        return Ok(());
    }
    let _alone = APT.lock().await;
    let names = need.packages.join(" or ");
    if !holds("command -v apt-get").await {
        return absent(format!("{names} is missing, and there is no apt-get"));
    }
    let sudo = match () {
        () if holds("test \"$(id -u)\" = 0").await => "",
        () if holds("sudo -n true").await => "sudo -n ",
        () => return absent(format!("{names} is missing, and only root may install it")),
    };
    let update = async || {
        println!("installing: apt-get update");
        let line = format!("{sudo}apt-get update -qq");
        // Packages may be installed although one of many sources does not answer.
        _ = run(shell(&line, &places::root()), LIMIT).await;
    };
    UPDATED.get_or_init(update).await;
    for package in need.packages {
        println!("installing: {package} (apt-get)");
        let line = format!(
            "{sudo}env DEBIAN_FRONTEND=noninteractive \
             apt-get install -y -qq --no-install-recommends {package}"
        );
        let done = run(shell(&line, &places::root()), LIMIT).await?;
        if done.is_success() && holds(need.check).await {
            return Ok(());
        }
    }
    absent(format!("{names} is missing and could not be installed"))
}

async fn holds(check: &str) -> bool {
    let done = run(shell(check, Path::new("/")), Duration::from_secs(60)).await;
    done.is_ok_and(|done| done.is_success())
}

/// Where the .NET programs are, unpacked once below cargo's target folder.
///
/// # Errors
///
/// When they are not there, and [`is_absent`] holds, or when they cannot be unpacked.
pub async fn dotnet() -> Result<PathBuf> {
    static READY: OnceCell<Result<PathBuf, Trouble>> = OnceCell::const_new();
    let unpack = async || {
        let fixture = places::fixture("TEST_DOTNET", "../shared/dotnet");
        let target = places::target().join("dotnet");
        unpack_dotnet(&fixture, &target).await.map_err(Trouble::of)
    };
    let ready = READY.get_or_init(unpack).await;
    ready.clone().map_err(Trouble::again)
}

/// What stands for an error that is told more than once.
#[derive(Clone, Debug)]
struct Trouble {
    is_absent: bool,
    why: String,
}

impl Trouble {
    #[expect(
        clippy::needless_pass_by_value,
        reason = "takes what `map_err` has to give"
    )]
    fn of(error: anyhow::Error) -> Self {
        Self {
            is_absent: is_absent(&error),
            why: format!("{error:#}"),
        }
    }

    fn again(self) -> anyhow::Error {
        if self.is_absent {
            Absent(self.why).into()
        } else {
            anyhow::Error::msg(self.why)
        }
    }
}

async fn unpack_dotnet(fixture: &Path, target: &Path) -> Result<PathBuf> {
    let setup = fixture.join("setup.sh");
    if !setup.exists() {
        return absent(format!(
            "no .NET programs at {} (TEST_DOTNET names another folder)",
            setup.display()
        ));
    }
    need(&XZ).await?;
    need(&OPENSSL).await?;
    let mut command = Command::new("sh");
    command.arg(&setup).arg(target);
    let done = run(command, LIMIT).await.context("unpack .NET")?;
    if !done.is_success() {
        bail!("the .NET programs cannot be unpacked: {}", done.tail());
    }
    Ok(target.to_owned())
}

/// Makes sure that the compiler has the standard library of a target, by rustup if need be.
///
/// # Errors
///
/// When it has not; [`is_absent`] holds then.
pub async fn rust_target(target: &str) -> Result<()> {
    let is_there = format!("test -d \"$(rustc --print target-libdir --target {target})\"");
    if holds(&is_there).await {
        return Ok(());
    }
    if !holds("command -v rustup").await {
        return absent(format!(
            "the target {target} is missing, and there is no rustup"
        ));
    }
    let line = format!("rustup target add {target}");
    println!("installing: {line}");
    let done = run(shell(&line, &places::root()), LIMIT).await?;
    if done.is_success() && holds(&is_there).await {
        return Ok(());
    }
    absent(format!("`{line}` failed: {}", done.tail()))
}

/// Where the archive of the Autobahn suite is.
///
/// # Errors
///
/// When it is not to be had; [`is_absent`] holds then.
pub async fn autobahn() -> Result<PathBuf> {
    let tools = places::fixture("TEST_TOOLS", "../shared/tools");
    if !tools.join("autobahn.tar.xz").exists() {
        return absent(format!(
            "no autobahn.tar.xz in {} (TEST_TOOLS names another folder)",
            tools.display()
        ));
    }
    need(&XZ).await?;
    Ok(tools)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[tokio::test]
    async fn missing_programs_are_absent_and_a_failing_setup_is_not() {
        let folder = places::target()
            .join("tmp")
            .join(format!("setup-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let error = unpack_dotnet(&folder, &folder).await.unwrap_err();
        assert!(is_absent(&error), "{error:#}");
        fs::write(
            folder.join("setup.sh"),
            "echo the archive is damaged >&2; exit 3",
        )
        .unwrap();
        let error = unpack_dotnet(&folder, &folder).await.unwrap_err();
        fs::remove_dir_all(&folder).unwrap();
        assert!(!is_absent(&error), "{error:#}");
        let again = Trouble::of(error).again();
        assert!(!is_absent(&again), "{again:#}");
        assert!(
            again.to_string().contains("the archive is damaged"),
            "{again:#}"
        );
    }
}
