//! One run of a client's driver: its command, its lines, and whether they can be trusted.

use anyhow::{Result, bail};

use crate::backend::{Backend, Kind};
use crate::cells::Cell;
use crate::clients::{Client, Manner};
use crate::process::{Finished, run, shell};
use crate::report::{Counts, Outcome};
use crate::world::World;
use crate::{install, lines, places};

use std::time::Duration;

/// How long a driver may take to name its scenarios.
const LIST_LIMIT: Duration = Duration::from_secs(60);
/// Marks a scenario in a driver's list that runs only on request.
const SLOW_MARK: &str = " (slow)";
/// Marks one for which the server must be a classic one, or one that does as much.
const CLASSIC_MARK: &str = " (classic)";
/// What drivers say when a connection is not granted stateful reconnects. Every backend of ours has
/// them switched on, so it is no reason to skip anything.
const NOT_GRANTED: [&str; 2] = ["does not grant stateful", "not granted"];
/// How a driver ends when a scenario failed.
const SOME_FAILED: i32 = 1;

/// What a driver calls one of its scenarios.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The name.
    pub name: String,
    /// Whether it runs only on request.
    pub is_slow: bool,
}

/// What a driver has to run.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// Only scenarios with this text in their name.
    pub case: Option<&'a str>,
    /// The names of those, of which there must be one.
    pub names: &'a [String],
    /// Whether the slow ones are among them.
    pub is_slow: bool,
}

/// What a driver gave.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Driven {
    /// The outcomes by the scenarios' names, in the driver's order.
    pub outcomes: Vec<(String, Outcome)>,
    /// Why it is not all that was to come.
    pub trouble: Option<String>,
}

impl Driven {
    /// The outcome of one scenario.
    #[must_use]
    pub fn outcome(&self, name: &str) -> Option<&Outcome> {
        let found = self.outcomes.iter().find(|(given, _)| given == name);
        found.map(|(_, outcome)| outcome)
    }
}

/// The scenarios of a client's driver.
///
/// # Errors
///
/// When the driver cannot name them.
pub async fn list(client: &Client) -> Result<Vec<Listed>> {
    let line = command(client).await?;
    // The drivers of .NET clients want an address in any case.
    let url = if client.follows_table() {
        ""
    } else {
        " http://127.0.0.1"
    };
    let folder = places::root().join(client.folder);
    let done = run(
        shell(&format!("exec {line}{url} --list"), &folder),
        LIST_LIMIT,
    )
    .await?;
    let listed: Vec<Listed> = done.stdout.lines().map(read_listed).collect();
    if !done.is_success() || listed.is_empty() {
        bail!("its scenarios cannot be listed: {}", done.tail());
    }
    Ok(listed)
}

fn read_listed(line: &str) -> Listed {
    let bare = line.strip_suffix(SLOW_MARK);
    let name = bare.unwrap_or(line);
    let name = name.strip_suffix(CLASSIC_MARK).unwrap_or(name);
    Listed {
        name: name.trim().to_owned(),
        is_slow: bare.is_some(),
    }
}

/// Runs a cell's driver against its backend.
///
/// # Errors
///
/// When the driver does not start.
pub async fn drive(cell: &Cell, backend: &Backend, order: &Order<'_>) -> Result<Driven> {
    let line = format!(
        "exec {}{}",
        command(cell.client).await?,
        options(cell, backend.url(), backend.path(), order)?
    );
    let folder = places::root().join(cell.client.folder);
    let done = run(shell(&line, &folder), cell.limit(order.is_slow)).await?;
    let driven = read(&done);
    if let Some(why) = &driven.trouble {
        println!("{}: {why}\n{}", cell.name(), done.tail());
        println!("-- its backend printed last:\n{}\n--", backend.log());
    }
    Ok(driven)
}

/// What the driver is told, behind its command.
fn options(cell: &Cell, url: &str, path: &str, order: &Order<'_>) -> Result<String> {
    let Cell {
        client,
        transport,
        protocol,
        backend,
        ..
    } = cell;
    let mut line = match (client.manner, client.world) {
        (Manner::Table, World::Core) => {
            format!(" --url {url} --transport {transport} --protocol {protocol}")
        }
        (Manner::Table, World::Legacy) => {
            let kind = match backend {
                Kind {
                    is_classic: true, ..
                } => " --classic",
                Kind {
                    is_testhub: true, ..
                } => " --testhub",
                _ => "",
            };
            format!(" --url {url} --path {path} --transport {transport}{kind}")
        }
        (Manner::CoreClient, _) => format!(" {url} --transport {transport} --protocol {protocol}"),
        (Manner::LegacyClient, _) => {
            // Cells that run at once must not share a user.
            let user = format!("{}-{transport}-{}", client.name, backend.name);
            // Each way to name a user is taken somewhere.
            let identity = match *transport {
                _ if backend.is_testhub => format!("--query user={user}"),
                "longPolling" => format!("--token {user}"),
                "auto" => format!("--cookie as={user}"),
                _ => format!("--query as={user}"),
            };
            format!(" {url}{path} --transport {transport} {identity} --user {user}")
        }
    };
    if let Some(case) = order.case {
        // This driver knows whole names only.
        let names = order.names.join(",");
        let case = match client.manner {
            Manner::LegacyClient => names.as_str(),
            Manner::Table | Manner::CoreClient => case,
        };
        if case.contains('\'') {
            bail!("no scenario has such a name");
        }
        line += &format!(" --case '{case}'");
    }
    if order.is_slow {
        line += " --slow";
    }
    Ok(line)
}

async fn command(client: &Client) -> Result<String> {
    if !client.needs_dotnet() {
        return Ok(client.run.to_owned());
    }
    let dotnet = install::dotnet().await?;
    let dotnet = format!("'{}'", dotnet.display());
    Ok(client.run.replace("{dotnet}", &dotnet))
}

fn read(done: &Finished) -> Driven {
    let mut outcomes: Vec<_> = done.stdout.lines().filter_map(lines::read).collect();
    let trouble = trouble(done, &outcomes);
    for (_, outcome) in &mut outcomes {
        if let Outcome::Skipped(why) = outcome
            && NOT_GRANTED.iter().any(|text| why.contains(text))
        {
            *outcome = Outcome::Failed(format!("skipped itself: {why}"));
        }
    }
    Driven { outcomes, trouble }
}

/// The lines must agree with the driver's own count, and with how it ended.
fn trouble(done: &Finished, outcomes: &[(String, Outcome)]) -> Option<String> {
    let Some(status) = done.status else {
        return Some("it was too slow and was ended".to_owned());
    };
    let total = done.stdout.lines().rev().find_map(lines::read_total);
    let counted: Counts = outcomes.iter().map(|(_, outcome)| outcome).collect();
    if total != Some(counted) || counted.sum() == 0 {
        return Some(format!("it broke off ({status})"));
    }
    let due = if counted.failed > 0 { SOME_FAILED } else { 0 };
    (status.code() != Some(due)).then(|| {
        let failed = counted.failed;
        format!("it ended with {status}, with {failed} failed scenarios in its lines")
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    use super::*;
    use crate::cells::Choice;

    fn finished(code: Option<i32>, stdout: &str) -> Finished {
        Finished {
            status: code.map(|code| ExitStatus::from_raw(code << 8)),
            stdout: stdout.to_owned(),
            stderr: String::new(),
        }
    }

    fn is_trusted(code: Option<i32>, stdout: &str) -> bool {
        read(&finished(code, stdout)).trouble.is_none()
    }

    #[test]
    fn a_driver_is_trusted_if_lines_count_and_exit_code_agree() {
        let good = "ok a [1]\nskip b: why\n1 passed, 0 failed, 1 skipped\n";
        let bad = "ok a [1]\nFAIL b: why\n1 passed, 1 failed, 0 skipped\n";
        assert!(is_trusted(Some(0), good));
        assert!(is_trusted(Some(1), bad));
        assert!(!is_trusted(Some(0), bad), "it failed and did not say so");
        assert!(!is_trusted(Some(1), good), "it says that something failed");
        assert!(!is_trusted(Some(2), good), "it crashed at its end");
        assert!(!is_trusted(None, good), "it was ended");
        assert!(!is_trusted(Some(0), "ok a [1]\n"), "it has no count");
        assert!(!is_trusted(Some(0), "0 passed, 0 failed, 0 skipped\n"));
        assert!(!is_trusted(Some(2), ""), "it died before its first line");
    }

    #[test]
    fn a_scenario_that_skips_itself_for_want_of_stateful_reconnects_fails() {
        let of = |why: &str| {
            let lines = format!("skip s: {why}\n0 passed, 0 failed, 1 skipped\n");
            read(&finished(Some(0), &lines)).outcome("s").cloned()
        };
        let is_failure = |why| matches!(of(why), Some(Outcome::Failed(_)));
        assert!(is_failure("the app does not grant stateful reconnects"));
        assert!(is_failure("not granted; start the app with --stateful 1"));
        assert!(!is_failure("this client has no stateful here"));
        assert!(!is_failure("stateful reconnects are for WebSockets"));
    }

    #[test]
    fn slow_scenarios_are_marked_in_a_list() {
        let slow = Listed {
            name: "life-idle".into(),
            is_slow: true,
        };
        assert_eq!(read_listed("life-idle (slow)"), slow);
        assert!(!read_listed("life-events").is_slow);
        assert_eq!(read_listed("state (classic)"), read_listed("state"));
    }

    #[test]
    fn a_driver_of_the_old_net_client_is_told_whole_names_and_a_user_of_its_own() {
        let cells = Choice::default().cells();
        let names = ["group".to_owned(), "progress".to_owned()];
        let order = Order {
            case: Some("g"),
            names: &names,
            is_slow: true,
        };
        let told = |transport: &str, backend: &str| {
            let cell = cells.iter().find(|cell| {
                cell.client.manner == Manner::LegacyClient
                    && (cell.transport, cell.backend.name) == (transport, backend)
            });
            options(cell.unwrap(), "http://a", "/signalr", &order).unwrap()
        };
        assert_eq!(
            told("webSockets", "conformance"),
            " http://a/signalr --transport webSockets \
             --query as=legacyclient-2.4.2-webSockets-conformance \
             --user legacyclient-2.4.2-webSockets-conformance --case 'group,progress' --slow"
        );
        assert!(told("longPolling", "redirected").contains("--token legacyclient-2.4.2-longP"));
        assert!(told("auto", "conformance").contains("--cookie as=legacyclient-2.4.2-auto-conf"));
    }
}
