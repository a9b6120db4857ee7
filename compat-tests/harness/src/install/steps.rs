//! What clients are installed or built with. A step leaves a stamp, so that it is quick when
//! nothing has changed.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::{LIMIT, Need, absent, need};
use crate::places;
use crate::process::{run, shell};

/// Folders that are made, not written.
const MADE: [&str; 5] = ["node_modules", "target", ".venv", "bin", "__pycache__"];

/// One command that makes a client ready to run.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Name of the stamp.
    pub name: &'static str,
    /// Where the command runs, from the project's folder.
    pub folder: &'static str,
    /// What the machine must have.
    pub needs: &'static [Need],
    /// The command.
    pub line: &'static str,
    /// Files and folders in `folder` that the result depends on.
    pub inputs: &'static [&'static str],
    /// A file or folder in `folder` that the command makes.
    pub output: &'static str,
    /// What the command says, and says only, when its registry has not got a package or does not
    /// answer. Any other failure is ours.
    pub unavailable: &'static [&'static str],
}

/// For the JavaScript clients.
const NODE: &[Need] = &[
    Need {
        check: "node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)'",
        packages: &["nodejs"],
    },
    Need {
        check: "command -v npm",
        packages: &["npm"],
    },
];

/// The JavaScript clients.
pub const NPM: Step = Step {
    name: "npm",
    folder: "compat-tests/clients/js",
    needs: NODE,
    line: "npm ci --silent --no-audit --no-fund",
    inputs: &["package.json", "package-lock.json", ".npmrc"],
    output: "node_modules",
    unavailable: &[
        "npm error code E404",
        "npm error code ENOTFOUND",
        "npm error code EAI_AGAIN",
        "npm error code ETIMEDOUT",
    ],
};

/// The JavaScript clients of ASP.NET SignalR.
pub const LEGACY_NPM: Step = Step {
    name: "legacy-npm",
    folder: "compat-tests/clients/legacy-js",
    inputs: &["package.json", "package-lock.json"],
    ..NPM
};

/// The Java client.
pub const JAVA: Step = Step {
    name: "maven",
    folder: "compat-tests/clients/java",
    needs: &[
        Need {
            check: "command -v javac",
            packages: &["default-jdk-headless"],
        },
        Need {
            check: "command -v mvn",
            packages: &["maven"],
        },
    ],
    line: "mvn -q -B package",
    inputs: &["pom.xml", "src", "../java-common"],
    output: "target/compat-java.jar",
    unavailable: &["Could not find artifact", "Could not transfer artifact"],
};

/// The Java client of ASP.NET SignalR.
pub const LEGACY_JAVA: Step = Step {
    name: "legacy-maven",
    folder: "compat-tests/clients/legacy-java",
    output: "target/compat-legacy-java.jar",
    ..JAVA
};

/// The Python clients.
pub const PYTHON: Step = Step {
    name: "pip",
    folder: "compat-tests/clients/python",
    needs: &[Need {
        check: "python3 -c 'import ensurepip, venv'",
        packages: &["python3-venv"],
    }],
    line: "python3 -m venv .venv && \
           .venv/bin/pip install -q --disable-pip-version-check -r requirements.txt",
    inputs: &["requirements.txt"],
    output: ".venv/bin/python",
    unavailable: &["No matching distribution found for"],
};

/// The Python clients of ASP.NET SignalR, which go by the same name, so that each has a folder of
/// its own.
pub const LEGACY_PYTHON: Step = Step {
    name: "legacy-pip",
    folder: "compat-tests/clients/legacy-python",
    line: "for client in client unified; do \
           python3 -m venv .venv/$client && .venv/$client/bin/pip install -q \
           --disable-pip-version-check -r requirements-$client.txt || exit 1; done",
    inputs: &["requirements-client.txt", "requirements-unified.txt"],
    output: ".venv/unified/bin/python",
    ..PYTHON
};

/// The Go client.
pub const GO: Step = Step {
    name: "go",
    folder: "compat-tests/clients/go",
    needs: &[Need {
        // From 1.21 on it gets the version that go.mod asks for by itself.
        check: "go version | grep -qE 'go1\\.(2[1-9]|[3-9][0-9])'",
        packages: &["golang-go"],
    }],
    line: "go build -o bin/compat-go .",
    inputs: &[".", "../go-common"],
    output: "bin/compat-go",
    unavailable: &["404 Not Found", "410 Gone", "no such host", "i/o timeout"],
};

/// The Go client of ASP.NET SignalR.
pub const LEGACY_GO: Step = Step {
    name: "legacy-go",
    folder: "compat-tests/clients/legacy-go",
    line: "go build -o bin/compat-legacy-go .",
    output: "bin/compat-legacy-go",
    ..GO
};

impl Step {
    /// Runs the command if its inputs have changed since it last succeeded here.
    ///
    /// # Errors
    ///
    /// When it fails; [`is_absent`](super::is_absent) holds if that is for want of a tool or of a
    /// package.
    pub async fn run(&self) -> Result<()> {
        let folder = places::root().join(self.folder);
        if !folder.is_dir() {
            return absent(format!("there is no folder {}", self.folder));
        }
        let stamp = places::target().join("compat").join(self.name);
        let mark = self.mark(&folder).context("read what is installed")?;
        let is_done = fs::read_to_string(&stamp).is_ok_and(|found| found == mark);
        if is_done && folder.join(self.output).exists() {
            return Ok(());
        }
        for missing in self.needs {
            need(missing).await?;
        }
        println!("installing: {} (in {})", self.line, self.folder);
        let done = run(shell(self.line, &folder), LIMIT).await?;
        if !done.is_success() {
            let why = format!("`{}` failed: {}", self.line, done.tail());
            let says = |text: &&str| done.stdout.contains(*text) || done.stderr.contains(*text);
            if self.unavailable.iter().any(says) {
                return absent(why);
            }
            bail!(why);
        }
        fs::create_dir_all(places::target().join("compat"))?;
        fs::write(&stamp, mark).context("leave a stamp")
    }

    fn mark(&self, folder: &Path) -> io::Result<String> {
        let mut hasher = DefaultHasher::new();
        (self.line, folder).hash(&mut hasher);
        for input in self.inputs {
            hash(&folder.join(input), &mut hasher)?;
        }
        Ok(format!("{:016x}", hasher.finish()))
    }
}

fn hash(path: &Path, hasher: &mut DefaultHasher) -> io::Result<()> {
    path.hash(hasher);
    if !path.is_dir() {
        fs::read(path)?.hash(hasher);
        return Ok(());
    }
    let mut inside = fs::read_dir(path)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    inside.retain(|path| !MADE.iter().any(|made| path.ends_with(made)));
    inside.sort();
    inside.iter().try_for_each(|path| hash(path, hasher))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::install::is_absent;

    const FAILING: Step = Step {
        name: "failing",
        folder: "compat-tests",
        needs: &[],
        line: "echo 'cannot find symbol' >&2; exit 1",
        inputs: &[],
        output: "nothing",
        unavailable: &["no such package"],
    };

    #[tokio::test]
    async fn a_command_of_ours_that_fails_is_a_failure() {
        let error = FAILING.run().await.unwrap_err();
        assert!(!is_absent(&error), "{error:#}");
        assert!(format!("{error:#}").contains("cannot find symbol"));
    }

    #[tokio::test]
    async fn a_package_that_the_registry_lacks_is_absent() {
        let lacking = Step {
            line: "echo 'no such package: x' >&2; exit 1",
            ..FAILING
        };
        let error = lacking.run().await.unwrap_err();
        assert!(is_absent(&error), "{error:#}");
    }

    #[tokio::test]
    async fn a_tool_or_a_folder_that_is_missing_is_absent() {
        let tool = Step {
            needs: &[Need {
                check: "false",
                packages: &[],
            }],
            ..FAILING
        };
        let folder = Step {
            folder: "compat-tests/nowhere",
            ..FAILING
        };
        for step in [tool, folder] {
            let error = step.run().await.unwrap_err();
            assert!(is_absent(&error), "{error:#}");
        }
    }
}
