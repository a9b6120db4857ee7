//! The script of the demo page: the unmodified JavaScript client from npm.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const VERSION: &str = "10.0.11";

/// The script's path below `target`, installed there if npm can; says what it does. Without the
/// script the demo page tells how to get it.
pub(crate) fn script(target: &Path) -> Option<PathBuf> {
    let folder = target.join("demo");
    let package = folder.join("node_modules/@microsoft/signalr");
    let script = package.join("dist/browser/signalr.min.js");
    if !is_there(&package, &script) {
        install(&folder);
    }
    is_there(&package, &script).then_some(script)
}

fn is_there(package: &Path, script: &Path) -> bool {
    let manifest = fs::read_to_string(package.join("package.json")).unwrap_or_default();
    manifest.contains(&format!("\"version\": \"{VERSION}\"")) && script.is_file()
}

fn install(folder: &Path) {
    let what = format!("@microsoft/signalr@{VERSION}");
    println!(
        "installing {what} into {} for the demo page",
        folder.display()
    );
    if let Err(error) = fs::create_dir_all(folder) {
        return println!("{} cannot be made: {error}", folder.display());
    }
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let status = Command::new(npm)
        .args([
            "install",
            "--no-save",
            "--no-audit",
            "--no-fund",
            "--silent",
        ])
        .args(["--fetch-retries=1", "--fetch-timeout=20000", "--prefix"])
        .arg(folder)
        .arg(&what)
        .status();
    match status {
        Ok(status) if status.success() => {}
        Ok(_) => println!("npm could not install it; the demo page tells how to get its script"),
        Err(_) => println!("there is no npm here; the demo page tells how to get its script"),
    }
}
