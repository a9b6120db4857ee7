//! A process under test, and what it has used.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// A process under test. It is killed when dropped.
#[derive(Debug)]
pub struct Subject {
    child: Child,
    address: String,
}

impl Subject {
    /// Starts a program and waits for its `READY http://ADDRESS` line.
    ///
    /// # Errors
    ///
    /// When it cannot be started or does not become ready within `limit`.
    pub async fn start(program: &Path, args: &[String], limit: Duration) -> Result<Self> {
        let mut child = Command::new(program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("start {}", program.display()))?;
        let stdout = child.stdout.take().context("no standard output")?;
        let mut lines = BufReader::new(stdout).lines();
        let ready = async {
            while let Some(line) = lines.next_line().await? {
                if let Some(url) = line.strip_prefix("READY http://") {
                    let address = url.split_whitespace().next().unwrap_or_default();
                    return Ok(address.trim_end_matches('/').to_owned());
                }
            }
            bail!("{} ended before it was ready", program.display())
        };
        let address = timeout(limit, ready).await.context("not ready in time")??;
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { child, address })
    }

    /// Where it listens, as `host:port`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// CPU time so far, user and system, over all threads.
    ///
    /// # Errors
    ///
    /// When the process is gone.
    pub fn cpu(&self) -> Result<Duration> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.id()?))?;
        let mut nanoseconds = 0;
        for task in tasks {
            // A thread may end while we look.
            let Ok(text) = std::fs::read_to_string(task?.path().join("schedstat")) else {
                continue;
            };
            let first = text.split_whitespace().next().unwrap_or_default();
            nanoseconds += first.parse::<u64>().unwrap_or_default();
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// Resident memory in KiB.
    ///
    /// # Errors
    ///
    /// When the process is gone.
    pub fn resident_kib(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id()?))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .context("VmRSS")?;
        let number = line.split_whitespace().next().context("VmRSS")?;
        number.parse().context("VmRSS")
    }

    /// Asks it to end and waits for that.
    ///
    /// # Errors
    ///
    /// When it does not end.
    pub async fn stop(mut self, limit: Duration) -> Result<()> {
        let id = self.id()?.to_string();
        Command::new("kill").args(["-TERM", &id]).status().await?;
        timeout(limit, self.child.wait())
            .await
            .context("did not end in time")??;
        Ok(())
    }

    fn id(&self) -> Result<u32> {
        self.child.id().context("the process has ended")
    }
}
