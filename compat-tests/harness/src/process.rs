//! Programs that are started, watched and always ended, with all that they have started.

use std::collections::VecDeque;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::panics;

/// How every JSON Web Token begins.
const TOKEN_START: &str = "eyJ";
/// Lines of output that are kept of a server.
const KEPT_LINES: usize = 60;
/// How long a program may take to say that it is ready.
const START: Duration = Duration::from_secs(60);
/// How long a program that is too slow may take to clean up.
const GRACE: Duration = Duration::from_secs(5);

/// A program that serves. Killed, with its children, when dropped.
#[derive(Debug)]
pub struct Server {
    _group: Group,
    child: Child,
    /// An app stops when this is closed.
    _stdin: Option<ChildStdin>,
    url: String,
    log: Log,
}

impl Server {
    /// Starts a program and waits for its `READY URL` line.
    ///
    /// # Errors
    ///
    /// When it does not start or has not said so after a minute; its output is in the error.
    pub async fn start(program: &Path, args: &[&str]) -> Result<Self> {
        let name = program.display();
        let mut child = Command::new(program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .process_group(0)
            .spawn()
            .with_context(|| format!("start {name}"))?;
        let group = Group(child.id());
        let (ready, mut is_ready) = watch::channel(None);
        let log = Log::default();
        let stdout = child.stdout.take().context("no standard output")?;
        let stderr = child.stderr.take().context("no standard error")?;
        tokio::spawn(log.clone().follow(stderr, None));
        tokio::spawn(log.clone().follow(stdout, Some(ready)));
        let stdin = child.stdin.take();
        let url = match timeout(START, is_ready.wait_for(Option::is_some)).await {
            Ok(Ok(url)) => url.clone().unwrap_or_default(),
            _ => bail!("{name} did not become ready:\n{}", log.text()),
        };
        Ok(Self {
            child,
            _stdin: stdin,
            url,
            log,
            _group: group,
        })
    }

    /// The URL that it printed, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its address as `host:port`.
    #[must_use]
    pub fn address(&self) -> &str {
        self.url.split_once("://").map_or("", |(_, rest)| rest)
    }

    /// What it printed last.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// The first line of all its output that contains a token.
    #[must_use]
    pub fn leak(&self) -> Option<String> {
        self.log.0.lock().leak.clone()
    }

    /// Its process id.
    ///
    /// # Errors
    ///
    /// When it has ended.
    pub fn id(&self) -> Result<u32> {
        self.child.id().context("the process has ended")
    }

    /// Sends a signal by name, such as `TERM`.
    ///
    /// # Errors
    ///
    /// When it has ended.
    pub async fn signal(&self, name: &str) -> Result<()> {
        let id = self.id()?.to_string();
        let status = Command::new("kill")
            .args(["-s", name, &id])
            .status()
            .await?;
        if !status.success() {
            bail!("the signal was not sent");
        }
        Ok(())
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    ///
    /// When it still runs after `limit`.
    pub async fn ended(&mut self, limit: Duration) -> Result<ExitStatus> {
        let status = timeout(limit, self.child.wait()).await;
        Ok(status.context("it did not end in time")??)
    }

    /// Ends it at once, as a crash does.
    ///
    /// # Errors
    ///
    /// When it cannot be killed.
    pub async fn kill(&mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }
}

/// The last lines of a program's output.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    lines: VecDeque<String>,
    /// The first line that contains a token.
    leak: Option<String>,
}

impl Log {
    async fn follow(
        self,
        output: impl AsyncRead + Unpin,
        ready: Option<watch::Sender<Option<String>>>,
    ) {
        let mut lines = BufReader::new(output).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if let (Some(ready), Some(rest)) = (&ready, line.strip_prefix("READY ")) {
                let url = rest.split_whitespace().next().unwrap_or_default();
                ready.send_replace(Some(url.trim_end_matches('/').to_owned()));
            }
            self.push(line);
        }
    }

    fn push(&self, line: String) {
        panics::look_at(&line);
        let mut kept = self.0.lock();
        if kept.leak.is_none() && line.contains(TOKEN_START) {
            kept.leak = Some(line.clone());
        }
        if kept.lines.len() == KEPT_LINES {
            kept.lines.pop_front();
        }
        kept.lines.push_back(line);
    }

    fn text(&self) -> String {
        let kept = self.0.lock();
        let lines: Vec<&str> = kept.lines.iter().map(String::as_str).collect();
        lines.join("\n")
    }
}

/// What a program that runs to its end gave.
#[derive(Debug)]
pub struct Finished {
    /// How it ended; `None` if it was too slow and was ended.
    pub status: Option<ExitStatus>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Finished {
    /// Whether it ended by itself and with success.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// The last lines of both outputs.
    #[must_use]
    pub fn tail(&self) -> String {
        let all: Vec<&str> = self.stdout.lines().chain(self.stderr.lines()).collect();
        let from = all.len().saturating_sub(15);
        all.into_iter().skip(from).collect::<Vec<_>>().join("\n")
    }
}

/// Runs a program to its end, or ends it after `limit`, with what it has started. Dropping the
/// future ends it too.
///
/// # Errors
///
/// When it does not start.
pub async fn run(mut command: Command, limit: Duration) -> Result<Finished> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .process_group(0)
        .spawn()
        .with_context(|| format!("start {}", command.as_std().get_program().display()))?;
    let group = Group(child.id());
    let out = tokio::spawn(read_all(child.stdout.take()));
    let err = tokio::spawn(read_all(child.stderr.take()));
    let status = match timeout(limit, child.wait()).await {
        Ok(status) => Some(status?),
        Err(_) => {
            // A driver that is asked to end takes its browser along.
            group.signal("TERM");
            _ = timeout(GRACE, child.wait()).await;
            None
        }
    };
    // What is left of the group would keep the outputs open.
    drop(group);
    Ok(Finished {
        status,
        stdout: out.await?,
        stderr: err.await?,
    })
}

async fn read_all(output: Option<impl AsyncRead + Unpin>) -> String {
    use tokio::io::AsyncReadExt as _;
    let mut bytes = Vec::new();
    if let Some(mut output) = output {
        _ = output.read_to_end(&mut bytes).await;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A shell command line, run in `folder`.
#[must_use]
pub fn shell(line: &str, folder: &Path) -> Command {
    let mut command = Command::new("bash");
    command.args(["-c", line]).current_dir(folder);
    command
}

/// The process group that a program leads; killed when dropped.
#[derive(Debug)]
struct Group(Option<u32>);

impl Group {
    fn signal(&self, name: &str) {
        if let Some(id) = self.0 {
            // An error means that nobody is left.
            _ = std::process::Command::new("kill")
                .args(["-s", name, "--", &format!("-{id}")])
                .stderr(Stdio::null())
                .status();
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal("KILL");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_program_that_is_too_slow_is_ended_with_its_children() {
        let line = "sleep 60 & echo $!; wait";
        let limit = Duration::from_millis(500);
        let done = run(shell(line, Path::new(".")), limit).await.unwrap();
        assert!(done.status.is_none());
        let child = done.stdout.trim().to_owned();
        assert!(!child.is_empty());
        let gone = async || {
            let line = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
            Ok((line.is_empty() || line.contains(") Z ")).then_some(()))
        };
        crate::scenarios::until("the child's end", GRACE, gone)
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn the_output_of_a_server_that_does_not_start_is_told() {
        let args = ["-c", "echo out of order >&2"];
        let error = Server::start(Path::new("sh"), &args).await.unwrap_err();
        assert!(format!("{error:#}").contains("did not become ready"));
    }
}
