//! The two servers that are compared, and how they are started.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use load::Subject;
use tokio::process::Command;

use crate::conversation::Scripts;

/// How long a server may take to start, or to end.
pub(crate) const READY: Duration = Duration::from_secs(60);
/// Where the hub `bench` is served.
pub(crate) const HUB: &str = "/bench";
const HUB_ON: [&str; 2] = ["--set", "bench=true"];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Relay,
    Heliograph,
}

impl Kind {
    /// In the order in which figures stand.
    pub(crate) const BOTH: [Self; 2] = [Self::Relay, Self::Heliograph];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Relay => "bare relay",
            Self::Heliograph => "heliograph",
        }
    }
}

/// What the clients are going to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Load {
    Echo,
    Broadcast,
}

/// The programs.
pub(crate) struct Servers {
    pub(crate) heliograph: PathBuf,
    pub(crate) relay: PathBuf,
}

impl Servers {
    /// Starts one of them.
    pub(crate) async fn start(&self, kind: Kind, load: Load, scripts: &Scripts) -> Result<Subject> {
        self.start_under(&[], kind, load, scripts).await
    }

    /// The same, run by the program that `wrapper` names, with its arguments.
    pub(crate) async fn start_under(
        &self,
        wrapper: &[OsString],
        kind: Kind,
        load: Load,
        scripts: &Scripts,
    ) -> Result<Subject> {
        let (program, arguments) = match kind {
            Kind::Heliograph => (&self.heliograph, service_arguments(&HUB_ON)),
            Kind::Relay => (&self.relay, relay_arguments(load, scripts)),
        };
        let command = match wrapper.split_first() {
            None => Command::new(program),
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
        };
        start(command, &arguments).await
    }

    /// Starts Heliograph with the hub `bench`.
    pub(crate) async fn hub(&self) -> Result<Subject> {
        start(Command::new(&self.heliograph), &service_arguments(&HUB_ON)).await
    }

    /// Starts Heliograph without a hub of that name, which an app server is to bring.
    pub(crate) async fn service(&self) -> Result<Subject> {
        start(Command::new(&self.heliograph), &service_arguments(&[])).await
    }
}

async fn start(mut command: Command, arguments: &[String]) -> Result<Subject> {
    command.args(arguments);
    Subject::start(command, READY).await
}

fn service_arguments(more: &[&str]) -> Vec<String> {
    [&["--listen", "127.0.0.1:0"], more]
        .concat()
        .into_iter()
        .map(String::from)
        .collect()
}

fn relay_arguments(load: Load, scripts: &Scripts) -> Vec<String> {
    let (script, answer) = match load {
        Load::Echo => (&scripts.echo, None),
        Load::Broadcast => (&scripts.broadcast, Some(scripts.completion)),
    };
    let lengths = [
        ("--connect-in", Some(script.connect.len())),
        ("--connect-out", Some(script.connected)),
        ("--in", Some(script.call.len())),
        ("--out", Some(script.answer)),
        ("--answer", answer),
    ];
    lengths
        .into_iter()
        .filter_map(|(name, length)| Some([name.to_owned(), length?.to_string()]))
        .flatten()
        .collect()
}
