//! The scripts of the demo pages: the unmodified JavaScript clients from npm.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const CLIENT: Package = Package {
    name: "@microsoft/signalr",
    version: "10.0.11",
    script: "dist/browser/signalr.min.js",
};
/// jQuery goes before what is built on it.
const LEGACY: [Package; 2] = [
    Package {
        name: "jquery",
        version: "3.7.1",
        script: "dist/jquery.min.js",
    },
    Package {
        name: "signalr",
        version: "2.4.3",
        script: "jquery.signalR.min.js",
    },
];

struct Package {
    name: &'static str,
    version: &'static str,
    /// Its script, in its folder.
    script: &'static str,
}

/// The scripts of the demo pages.
#[derive(Default)]
pub(crate) struct Scripts {
    pub(crate) client: Option<PathBuf>,
    /// All or none.
    pub(crate) legacy: Vec<PathBuf>,
}

/// The scripts' paths below `target`, installed there if npm can; says what it does. A demo page
/// without its script tells how to get it.
pub(crate) fn scripts(target: &Path) -> Scripts {
    let folder = target.join("demo");
    let all = || std::iter::once(&CLIENT).chain(&LEGACY);
    if all().any(|package| package.script(&folder).is_none()) {
        install(&folder, all());
    }
    let legacy: Vec<PathBuf> = LEGACY.iter().filter_map(|p| p.script(&folder)).collect();
    Scripts {
        client: CLIENT.script(&folder),
        legacy: if legacy.len() == LEGACY.len() {
            legacy
        } else {
            Vec::new()
        },
    }
}

impl Package {
    /// Its script, if this version of it is installed.
    fn script(&self, folder: &Path) -> Option<PathBuf> {
        let package = folder.join("node_modules").join(self.name);
        let script = package.join(self.script);
        let manifest = fs::read_to_string(package.join("package.json")).unwrap_or_default();
        let version = format!("\"version\": \"{}\"", self.version);
        (manifest.contains(&version) && script.is_file()).then_some(script)
    }
}

fn install<'p>(folder: &Path, packages: impl Iterator<Item = &'p Package>) {
    let what: Vec<String> = packages
        .map(|package| format!("{}@{}", package.name, package.version))
        .collect();
    let shown = what.join(", ");
    println!(
        "installing {shown} into {} for the demo pages",
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
        .args(&what)
        .status();
    match status {
        Ok(status) if status.success() => {}
        Ok(_) => {
            println!("npm could not install them; the demo pages tell how to get their scripts");
        }
        Err(_) => println!("there is no npm here; the demo pages tell how to get their scripts"),
    }
}
