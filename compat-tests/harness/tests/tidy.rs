//! The rules of the house that no compiler checks: who may use whom, and how long a file may be.

#![allow(
    clippy::unwrap_used,
    reason = "a failed test may panic in its helpers too"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use harness::places;
use serde_json::Value;

/// Longest file, in lines.
const LONGEST: usize = 800;
/// Folders with nothing that is written by hand.
const MADE: [&str; 6] = [
    "target",
    "node_modules",
    ".venv",
    ".git",
    "bin",
    "__pycache__",
];

/// Which of our packages each of ours may use; those not listed may use any.
const MAY_USE: [(&str, &[&str]); 6] = [
    ("heliograph-protocol", &[]),
    ("heliograph-relay", &[]),
    ("heliograph", &["heliograph-protocol", "heliograph-relay"]),
    ("harness", &["heliograph-protocol"]),
    ("load", &["heliograph-protocol"]),
    ("xtask", &[]),
];

#[test]
fn packages_use_only_what_they_may() {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(places::root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let name_of = |package: &Value| package["name"].as_str().unwrap().to_owned();
    let ours: Vec<String> = packages.iter().map(name_of).collect();
    let mut broken = Vec::new();
    for (name, may_use) in MAY_USE {
        let package = packages
            .iter()
            .find(|package| package["name"] == name)
            .unwrap();
        for used in package["dependencies"].as_array().unwrap() {
            let used = name_of(used);
            if ours.contains(&used) && !may_use.contains(&used.as_str()) {
                broken.push(format!("{name} uses {used}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn files_stay_short() {
    let root = places::root();
    let too_long: Vec<String> = ["server", "compat-tests", "www"]
        .iter()
        .flat_map(|folder| files(&root.join(folder)))
        .filter(|path| {
            let kind = path.extension().unwrap_or_default().to_string_lossy();
            ["rs", "mjs", "js", "py", "go", "java", "css", "html", "sh"].contains(&&*kind)
        })
        .filter_map(|path| {
            let lines = fs::read_to_string(&path).unwrap().lines().count();
            (lines > LONGEST).then(|| format!("{}: {lines} lines", path.display()))
        })
        .collect();
    assert!(too_long.is_empty(), "{too_long:#?}");
}

#[test]
fn doors_do_not_know_each_other() {
    let front = places::root().join("server/src/front");
    let doors: Vec<String> = fs::read_dir(&front)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.ends_with("mod.rs"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    assert!(doors.len() > 1, "no doors at {}", front.display());
    let mut broken = Vec::new();
    for path in files(&front) {
        let inside = path.strip_prefix(&front).unwrap();
        let first = Path::new(inside.iter().next().unwrap());
        let own = first.file_stem().unwrap().to_string_lossy();
        let text = fs::read_to_string(&path).unwrap();
        for other in doors.iter().filter(|door| **door != own && own != "mod") {
            // A door may have a module of its own by the name of another door.
            let is_own = front.join(&*own).join(other).exists()
                || front.join(&*own).join(format!("{other}.rs")).exists();
            let names = [format!("front::{other}"), format!("super::{other}::")];
            let found = |name: &String| text.contains(name.as_str());
            if found(&names[0]) || (!is_own && found(&names[1])) {
                broken.push(format!("{} uses the door {other}", inside.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn settings_are_read_in_config_and_tokens_in_auth() {
    let root = places::root().join("server");
    let mut broken = Vec::new();
    for folder in ["src", "protocol/src", "relay/src"] {
        for path in files(&root.join(folder)) {
            let text = fs::read_to_string(&path).unwrap();
            let inside = path.strip_prefix(&root).unwrap();
            let reads = |words: &[&str]| words.iter().any(|word| text.contains(word));
            if !inside.starts_with("src/config") && reads(&["env::var", "env::args"]) {
                broken.push(format!("{} reads the environment", inside.display()));
            }
            if !inside.starts_with("src/auth") && reads(&["jsonwebtoken::"]) {
                broken.push(format!("{} reads tokens", inside.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// All files below a folder that are written by hand.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // A folder of programs' sources is called src/bin, and is written by hand.
        let is_made = MADE.iter().any(|made| path.ends_with(made)) && !path.ends_with("src/bin");
        if path.is_dir() && !is_made {
            all.extend(files(&path));
        } else if path.is_file() {
            all.push(path);
        }
    }
    all
}
