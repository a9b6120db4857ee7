//! Runs the binary.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use http::HeaderName;
use parking_lot::Mutex;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, HandshakeError, WebSocket};

/// A WebSocket of a client.
pub(crate) type Socket = WebSocket<TcpStream>;

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The binary with no variable of ours but these.
pub(crate) fn command(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heliograph"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("HELIOGRAPH_") {
            command.env_remove(name);
        }
    }
    command
        .args(arguments)
        .envs(variables.iter().copied())
        .stdin(Stdio::null());
    command
}

/// A settings file that is gone with its test.
pub(crate) struct Settings(PathBuf);

impl Settings {
    pub(crate) fn new(name: &str) -> Self {
        let file = format!("heliograph-cli-{}-{name}.toml", std::process::id());
        Self(std::env::temp_dir().join(file))
    }

    pub(crate) fn write(&self, text: &str) {
        std::fs::write(&self.0, text).unwrap();
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The status of an answer.
pub(crate) fn status(answer: &str) -> u16 {
    answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or_default()
}

/// Runs it to its end.
pub(crate) fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    command(arguments, variables).output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A running service, killed when dropped.
pub(crate) struct Service {
    child: Child,
    /// What it wrote to standard error, as it comes.
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
    /// What it printed up to and with the line `READY`.
    pub(crate) greeting: Vec<String>,
    pub(crate) address: String,
}

impl Service {
    pub(crate) fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut child = command(arguments, variables)
            .args(["--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut greeting = Vec::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            greeting.push(line.unwrap());
            if greeting
                .last()
                .is_some_and(|line| line.starts_with("READY "))
            {
                break;
            }
        }
        let ready = greeting.last().cloned().unwrap_or_default();
        let address = ready
            .trim_start_matches("READY ")
            .split_once("://")
            .map_or_else(String::new, |(_, address)| address.to_owned());
        let log = Arc::new(Mutex::new(String::new()));
        let (errors, seen) = (child.stderr.take().unwrap(), Arc::clone(&log));
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(errors).lines() {
                let mut log = seen.lock();
                log.push_str(&line.unwrap());
                log.push('\n');
            }
        });
        Self {
            child,
            log,
            reader: Some(reader),
            greeting,
            address,
        }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let tcp = TcpStream::connect(&self.address).unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        tcp
    }

    /// Status line, headers and body of a request.
    pub(crate) fn get(&self, target: &str, headers: &str) -> String {
        self.request("GET", target, headers, "")
    }

    pub(crate) fn post(&self, target: &str, headers: &str, body: &str) -> String {
        self.request("POST", target, headers, body)
    }

    pub(crate) fn request(&self, method: &str, target: &str, headers: &str, body: &str) -> String {
        let mut tcp = self.connect();
        let length = body.len();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
             Content-Length: {length}\r\n{headers}\r\n{body}",
            self.address
        );
        tcp.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        tcp.read_to_string(&mut answer).unwrap();
        answer
    }

    /// The value of a metric, 0 when it is not there.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let page = self.get("/metrics", "");
        let line = page.lines().find_map(|line| line.strip_prefix(name));
        line.map_or(0.0, |value| value.trim().parse().unwrap())
    }

    /// Waits until a metric has this value.
    pub(crate) fn wait_for_metric(&self, name: &str, value: f64) {
        let deadline = Instant::now() + PATIENCE;
        while (self.metric(name) - value).abs() > 0.1 {
            let page = || self.get("/metrics", "");
            assert!(
                Instant::now() < deadline,
                "no {name} {value} in\n{}",
                page()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// A WebSocket, or the status of the refusal.
    pub(crate) fn socket(&self, target: &str, headers: &[(&str, &str)]) -> Result<Socket, u16> {
        let mut request = format!("ws://{}{target}", self.address)
            .into_client_request()
            .unwrap();
        for (name, value) in headers {
            let name = HeaderName::try_from(*name).unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        match tungstenite::client(request, self.connect()) {
            Ok((socket, _)) => Ok(socket),
            Err(HandshakeError::Failure(tungstenite::Error::Http(answer))) => {
                Err(answer.status().as_u16())
            }
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Waits for its end: exit code and what it wrote to standard error.
    pub(crate) fn wait(mut self) -> (Option<i32>, String) {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "the service does not end");
            std::thread::sleep(Duration::from_millis(10));
        };
        self.reader.take().unwrap().join().unwrap();
        let log = self.log.lock().clone();
        (status.code(), log)
    }

    /// Waits until the log has this.
    pub(crate) fn wait_for_log(&self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.log.lock().contains(text) {
            assert!(
                Instant::now() < deadline,
                "{text:?} does not appear in the log"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
