//! What the tests need: installed if it is missing, with a word about it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::process::Command;
use tokio::sync::OnceCell;

use crate::process::{run, shell};

const LIMIT: Duration = Duration::from_secs(900);

/// Makes sure that a program is there, from a Debian package if need be.
pub(crate) async fn program(name: &str, package: &str) -> Result<()> {
    static UPDATED: OnceCell<bool> = OnceCell::const_new();
    if has(name).await {
        return Ok(());
    }
    if !has("apt-get").await {
        bail!("{name} is missing, and so is apt-get to install {package}");
    }
    let updated = UPDATED
        .get_or_init(|| async {
            println!("installing: apt-get update");
            let update = run(shell("apt-get update -qq", "."), LIMIT).await;
            update.is_ok_and(|done| done.is_success())
        })
        .await;
    println!("installing: {package} (for {name})");
    let line = format!(
        "DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends {package}"
    );
    let done = run(shell(&line, "."), LIMIT).await?;
    if !done.is_success() || !has(name).await {
        bail!("{package} could not be installed (package list updated: {updated})");
    }
    Ok(())
}

async fn has(name: &str) -> bool {
    let found = Command::new("bash")
        .args(["-c", &format!("command -v {name} >/dev/null")])
        .status();
    found.await.is_ok_and(|status| status.success())
}

/// Where the .NET programs are, unpacked under `target`.
pub(crate) async fn dotnet() -> Result<PathBuf> {
    static READY: OnceCell<Result<PathBuf, String>> = OnceCell::const_new();
    let ready =
        READY.get_or_init(|| async { unpack_dotnet().await.map_err(|error| format!("{error:#}")) });
    match ready.await {
        Ok(path) => Ok(path.clone()),
        Err(why) => bail!("{why}"),
    }
}

async fn unpack_dotnet() -> Result<PathBuf> {
    let home = fixture("TEST_DOTNET", "../shared/dotnet");
    let setup = home.join("setup.sh");
    if !setup.exists() {
        bail!(
            "the .NET programs are not in {} (TEST_DOTNET names another place)",
            home.display()
        );
    }
    program("xz", "xz-utils").await?;
    let target = std::env::current_dir()?.join("target/dotnet");
    let mut command = Command::new("bash");
    command.arg(&setup).arg(&target);
    let done = run(command, LIMIT).await?;
    if !done.is_success() {
        bail!("the .NET programs could not be unpacked: {}", done.tail());
    }
    Ok(target)
}

/// A folder of test material: named by a variable, or at its default place.
pub(crate) fn fixture(variable: &str, default: &str) -> PathBuf {
    #[expect(
        clippy::disallowed_methods,
        reason = "the harness has no settings but these"
    )]
    let named = std::env::var(variable);
    named.map_or_else(|_| Path::new(default).to_owned(), PathBuf::from)
}

/// Runs an install command of a client's folder; it may be repeated and is quick then.
pub(crate) async fn client(line: &str, folder: &str) -> Result<()> {
    println!("installing: {line}  (in {folder})");
    let done = run(shell(line, folder), LIMIT).await?;
    if !done.is_success() {
        bail!("`{line}` failed: {}", done.tail());
    }
    Ok(())
}
