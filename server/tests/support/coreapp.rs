//! The reference ASP.NET Core app, where it is at hand: `TEST_DOTNET` names the folder of its
//! `setup.sh`, by default `../shared/dotnet` beside the repository; `TEST_DOTNET_UNPACKED` the
//! folder that it was unpacked to.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::OnceCell;

use super::service::{KEY, Service};

/// How long the app may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// The running app; it ends with its test.
pub(crate) struct CoreApp {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    address: String,
}

/// The program; unpacking takes a while the first time.
async fn program() -> Result<PathBuf, String> {
    if let Some(unpacked) = std::env::var_os("TEST_DOTNET_UNPACKED") {
        return Ok(PathBuf::from(unpacked).join("bin/coreapp"));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let fixtures = std::env::var_os("TEST_DOTNET").unwrap_or_else(|| "../shared/dotnet".into());
    let setup = root.join(fixtures).join("setup.sh");
    if !setup.is_file() {
        let place = setup.display();
        return Err(format!("no {place} (TEST_DOTNET names its folder)"));
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../dotnet");
    match Command::new("sh").arg(setup).arg(&target).output().await {
        Ok(output) if output.status.success() => Ok(target.join("bin/coreapp")),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => Err(error.to_string()),
    }
}

impl CoreApp {
    /// Starts the app, self-hosted; `None`, with a word why, where there is none.
    pub(crate) async fn start(options: &[&str]) -> Option<Self> {
        static PROGRAM: OnceCell<Result<PathBuf, String>> = OnceCell::const_new();
        let program = match PROGRAM.get_or_init(program).await {
            Ok(program) => program,
            Err(why) => {
                println!("skipped: {why}");
                return None;
            }
        };
        let mut child = Command::new(program)
            .args(["--urls", "http://127.0.0.1:0", "--exit-on-eof", "1"])
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if let Some(url) = line.strip_prefix("READY http://") {
                    let address = url.split_whitespace().next().unwrap();
                    return address.trim_end_matches('/').to_owned();
                }
            }
            panic!("the app ended")
        };
        let address = tokio::time::timeout(PATIENCE, ready).await.unwrap();
        Some(Self {
            child,
            lines,
            address,
        })
    }

    /// Starts the app as an app server of the service and waits until it is connected.
    pub(crate) async fn serving(service: &Service, options: &[&str]) -> Option<Self> {
        let app = Self::serving_at(service.address, KEY, options).await?;
        app.connected().await;
        Some(app)
    }

    /// Starts the app as an app server of the service that is or will be at this address.
    pub(crate) async fn serving_at(
        address: SocketAddr,
        key: &str,
        options: &[&str],
    ) -> Option<Self> {
        let connection = format!("Endpoint=http://{address};AccessKey={key};Version=1.0;");
        Self::start(&[&["--azure", &connection], options].concat()).await
    }

    /// Waits until it is connected.
    pub(crate) async fn connected(&self) {
        let connected = async {
            while !self
                .request("GET", "/readyz")
                .await
                .starts_with("HTTP/1.1 200")
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, connected).await.unwrap();
    }

    /// The URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
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
        let status = tokio::time::timeout(PATIENCE, stopped).await.unwrap();
        assert!(said && status.success());
        start.elapsed()
    }

    /// Ends it at once, as a crash does.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }
}
