//! The reference app with the genuine Azure SDK, as an app server.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};

use super::service::{KEY, Service};

/// A running app.
pub(crate) struct CoreApp {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    address: String,
}

/// Where the programs are unpacked: `TEST_DOTNET_UNPACKED`, else below the target directory.
async fn programs() -> PathBuf {
    if let Some(there) = std::env::var_os("TEST_DOTNET_UNPACKED") {
        return there.into();
    }
    let fixtures = std::env::var_os("TEST_FIXTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        PathBuf::from,
    );
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dotnet");
    let setup = fixtures.join("dotnet/setup.sh");
    let status = Command::new("sh")
        .arg(setup)
        .arg(&target)
        .status()
        .await
        .unwrap();
    assert!(status.success());
    target
}

impl CoreApp {
    /// Starts the app as an app server of the service and waits until it is connected.
    pub(crate) async fn start(service: &Service, options: &[&str]) -> Self {
        let connection = format!(
            "Endpoint=http://{};AccessKey={KEY};Version=1.0;",
            service.address
        );
        let mut child = Command::new(programs().await.join("bin/coreapp"))
            .args([
                "--urls",
                "http://127.0.0.1:0",
                "--exit-on-eof",
                "1",
                "--azure",
                &connection,
            ])
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let patience = Duration::from_secs(60);
        let ready = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if let Some(url) = line.strip_prefix("READY http://") {
                    return url.split_whitespace().next().unwrap().to_owned();
                }
            }
            panic!("the app ended")
        };
        let address = tokio::time::timeout(patience, ready).await.unwrap();
        let app = Self {
            child,
            lines,
            address,
        };
        let connected = async {
            while !app
                .request("GET", "/readyz")
                .await
                .starts_with("HTTP/1.1 200")
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(patience, connected).await.unwrap();
        app
    }

    /// The whole answer to a request.
    pub(crate) async fn request(&self, method: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            self.address
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// Asks the app to stop, and leaves it to that.
    pub(crate) fn begin_to_stop(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Waits until the app has stopped and returns how long that took.
    pub(crate) async fn stopped(mut self) -> Duration {
        let start = Instant::now();
        self.begin_to_stop();
        let mut said = false;
        let stopped = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                said |= line == "STOPPED";
            }
            self.child.wait().await.unwrap()
        };
        let status = tokio::time::timeout(Duration::from_secs(60), stopped)
            .await
            .unwrap();
        assert!(said && status.success());
        start.elapsed()
    }
}
