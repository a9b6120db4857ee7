//! The program under test, with the settings that the recorded server had at a path.

use std::net::SocketAddr;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// What the server had at each of its paths: our settings, and whether it showed all errors. A path
/// that is not here is not served.
const PATHS: [(&str, &[&str], bool); 7] = [
    ("/signalr", &[], false),
    ("/detail", &[], true),
    ("/jsonp", &["jsonp=true"], true),
    ("/fast", &FAST, true),
    (
        "/lpdelay",
        &[
            "keep_alive=2s",
            "disconnect=6s",
            "long_poll=5s",
            "poll_delay=500ms",
        ],
        false,
    ),
    ("/nokeepalive", &["keep_alive=0s", "long_poll=5s"], false),
    (
        "/smallbuffer",
        &[
            "keep_alive=2s",
            "disconnect=6s",
            "long_poll=5s",
            "replay_messages=32",
        ],
        false,
    ),
];
/// What the server had for a recording alone. Its limit of messages was for WebSockets only.
const FOR_ONE: (&str, &str) = ("js-ws-large", "limits.max_message_bytes=65536");
const FAST: [&str; 3] = ["keep_alive=2s", "disconnect=6s", "long_poll=5s"];

/// The program, which ends with this.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Program {
    /// Starts a program that serves at this path as the recorded server did there.
    pub(crate) async fn start(recording: &str, path: &str) -> Self {
        let (_, settings, detailed) = PATHS
            .iter()
            .find(|(known, ..)| *known == path)
            .unwrap_or_else(|| panic!("{path} is not served"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_conformance"));
        command.args([
            "--listen",
            "127.0.0.1:0",
            "--exit-on-eof",
            "1",
            "--redirect",
            "1",
        ]);
        command.args(["--detailed", if *detailed { "1" } else { "0" }]);
        command.args(["--set", &format!("legacy.path={path}")]);
        command.args(["--set", "allowed_origins=[\"http://page.test\"]"]);
        for setting in *settings {
            command.args(["--set", &format!("legacy.{setting}")]);
        }
        if recording == FOR_ONE.0 {
            command.args(["--set", FOR_ONE.1]);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = loop {
            let line = lines.next_line().await.unwrap();
            let line = line.unwrap_or_else(|| panic!("the program for {path} did not start"));
            if let Some(url) = line.strip_prefix("READY http://") {
                break url.parse().unwrap();
            }
        };
        // Its output has to go somewhere until the end.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { address, child }
    }

    /// Tells the program to stop.
    pub(crate) fn stop(&mut self) {
        self.child.stdin.take();
    }
}
