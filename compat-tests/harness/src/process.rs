//! Programs that are started, watched and always ended.

use std::collections::VecDeque;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::watch;
use tokio::time::timeout;

/// How every JSON Web Token begins.
const TOKEN_START: &str = "eyJ";
/// Lines of output that are kept for a report.
const KEPT_LINES: usize = 60;

/// A program that serves. Killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// An app stops when this is closed.
    _stdin: Option<ChildStdin>,
    url: String,
    log: Log,
}

impl Server {
    /// Starts a program and waits for its `READY URL` line.
    pub(crate) async fn start(program: &str, args: &[String]) -> Result<Self> {
        let mut child = Command::new(program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("start {program}"))?;
        let (ready, mut is_ready) = watch::channel(None);
        let log = Log::default();
        let stdout = child.stdout.take().context("no standard output")?;
        let stderr = child.stderr.take().context("no standard error")?;
        tokio::spawn(log.clone().follow(stderr, None));
        tokio::spawn(log.clone().follow(stdout, Some(ready)));
        let stdin = child.stdin.take();
        let url = timeout(Duration::from_secs(60), is_ready.wait_for(Option::is_some)).await;
        let url = match url {
            Ok(Ok(url)) => url.clone().unwrap_or_default(),
            _ => bail!("{program} did not become ready:\n{}", log.text()),
        };
        Ok(Self {
            child,
            _stdin: stdin,
            url,
            log,
        })
    }

    /// The URL that it printed, without a slash at its end.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Its address as `host:port`.
    pub(crate) fn address(&self) -> &str {
        self.url
            .trim_start_matches("http://")
            .trim_start_matches("https://")
    }

    /// What it printed last.
    pub(crate) fn log(&self) -> String {
        self.log.text()
    }

    /// The first line of all its output that contains a token.
    pub(crate) fn leak(&self) -> Option<String> {
        self.log.0.lock().leak.clone()
    }

    /// Its process id.
    pub(crate) fn id(&self) -> Result<u32> {
        self.child.id().context("the process has ended")
    }

    /// Sends a signal by name, such as `TERM`.
    pub(crate) async fn signal(&self, name: &str) -> Result<()> {
        let status = Command::new("kill")
            .args(["-s", name, &self.id()?.to_string()])
            .status()
            .await?;
        if !status.success() {
            bail!("the signal was not sent");
        }
        Ok(())
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&mut self, limit: Duration) -> Result<ExitStatus> {
        Ok(timeout(limit, self.child.wait())
            .await
            .context("it did not end in time")??)
    }

    /// Ends it at once.
    pub(crate) async fn kill(&mut self) -> Result<()> {
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
            {
                let mut kept = self.0.lock();
                if kept.leak.is_none() && line.contains(TOKEN_START) {
                    kept.leak = Some(line.clone());
                }
                if kept.lines.len() == KEPT_LINES {
                    kept.lines.pop_front();
                }
                kept.lines.push_back(line);
            }
        }
    }

    fn text(&self) -> String {
        let kept = self.0.lock();
        kept.lines
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// What a program that runs to its end gave.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: Option<ExitStatus>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    pub(crate) fn is_success(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// The last lines of both outputs.
    pub(crate) fn tail(&self) -> String {
        let all: Vec<&str> = self.stdout.lines().chain(self.stderr.lines()).collect();
        all[all.len().saturating_sub(15)..].join("\n")
    }
}

/// Runs a program to its end, or kills it after `limit` (no status then).
pub(crate) async fn run(mut command: Command, limit: Duration) -> Result<Finished> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .process_group(0)
        .spawn()
        .with_context(|| format!("start {:?}", command.as_std().get_program()))?;
    let group = child.id();
    let out = tokio::spawn(read_all(child.stdout.take()));
    let err = tokio::spawn(read_all(child.stderr.take()));
    let status = match timeout(limit, child.wait()).await {
        Ok(status) => Some(status?),
        Err(_) => {
            // The program may have started others: the whole group ends.
            if let Some(group) = group {
                let group = format!("-{group}");
                _ = Command::new("kill")
                    .args(["-s", "KILL", "--", &group])
                    .status()
                    .await;
            }
            None
        }
    };
    Ok(Finished {
        status,
        stdout: out.await?,
        stderr: err.await?,
    })
}

async fn read_all(output: Option<impl AsyncRead + Unpin>) -> String {
    use tokio::io::AsyncReadExt;
    let mut bytes = Vec::new();
    if let Some(mut output) = output {
        _ = output.read_to_end(&mut bytes).await;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A shell command line, run in `folder`.
pub(crate) fn shell(line: &str, folder: &str) -> Command {
    let mut command = Command::new("bash");
    command.args(["-c", line]).current_dir(folder);
    command
}
