//! A process under test, and what it has used.

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
    pub async fn start(mut command: Command, limit: Duration) -> Result<Self> {
        let program = command.as_std().get_program().display().to_string();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("start {program}"))?;
        let stdout = child.stdout.take().context("no standard output")?;
        let mut lines = BufReader::new(stdout).lines();
        let ready = async {
            while let Some(line) = lines.next_line().await? {
                if let Some(url) = line.strip_prefix("READY http://") {
                    let address = url.split_whitespace().next().unwrap_or_default();
                    return Ok(address.trim_end_matches('/').to_owned());
                }
            }
            bail!("{program} ended before it was ready")
        };
        let ready = timeout(limit, ready).await;
        let address = ready.with_context(|| format!("{program} was not ready in time"))??;
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
        let process = format!("/proc/{}", self.id()?);
        let mut running = Duration::ZERO;
        for task in std::fs::read_dir(format!("{process}/task"))? {
            // A thread may end while we look.
            let Ok(text) = std::fs::read_to_string(task?.path().join("schedstat")) else {
                continue;
            };
            let first = text.split_whitespace().next().unwrap_or_default();
            running += Duration::from_nanos(first.parse().unwrap_or_default());
        }
        // The threads that run are known to the nanosecond, those that have ended only here.
        let all = ticks(&std::fs::read_to_string(format!("{process}/stat"))?);
        Ok(running.max(all.context("no CPU time in /proc")?))
    }

    /// CPU time since an earlier [`Self::cpu`].
    ///
    /// # Errors
    ///
    /// When the process is gone.
    pub fn cpu_since(&self, earlier: Duration) -> Result<Duration> {
        Ok(self.cpu()?.saturating_sub(earlier))
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

/// User and system time in a line of `/proc/PID/stat`, where Linux counts in hundredths of a
/// second whatever the machine's own tick is.
fn ticks(stat: &str) -> Option<Duration> {
    // The program's name comes before, in brackets, and may contain anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis(10 * (user + system)))
}

#[cfg(test)]
mod tests {
    use super::ticks;
    use std::time::Duration;

    #[test]
    fn cpu_time_is_found_behind_any_program_name() {
        let stat = "7 (a) b ( c) S 1 7 7 0 -1 4194560 100 0 0 0 21 13 0 0 20 0 1 0 5 6 7";
        assert_eq!(ticks(stat), Some(Duration::from_millis(340)));
        assert_eq!(ticks("7 (a)"), None);
    }
}
