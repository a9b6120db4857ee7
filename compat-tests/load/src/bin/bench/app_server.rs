//! Echo through Heliograph to a real app server, beside the same app asked directly.
//!
//! The app is ASP.NET Core on the unmodified Azure SDK, started twice: as an app server of
//! Heliograph and by itself. All three processes live through all rounds, which alternate, so that
//! .NET has compiled what it is going to.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use load::{Script, Subject};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use crate::conversation::learn_echo;
use crate::drive;
use crate::figures::{count, micros_each};
use crate::negotiate;
use crate::servers::{HUB, READY, Servers};

/// The variable that names the folder of the .NET programs, and its default.
const FOLDER: (&str, &str) = ("TEST_DOTNET", "../shared/dotnet");
/// The key of the development mode.
const KEY: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";
/// Clients that call at the same time, each with one call under way.
pub(crate) const CALLERS: usize = 32;
const CALLS: usize = 500;
/// Calls of one client alone, for the round trip.
const CALLS_ALONE: usize = 1000;
/// Times that all callers run before anything is measured.
const WARM_UPS: usize = 4;
const LIMIT: Duration = Duration::from_secs(180);

/// What one round of one way gave.
#[derive(Clone, Copy)]
pub(crate) struct Round {
    /// CPU of Heliograph; zero where it is not in between.
    pub(crate) service_us: f64,
    pub(crate) app_us: f64,
    pub(crate) round_trip_us: f64,
    pub(crate) echoes_per_s: f64,
}

/// The rounds of both ways, the direct one first, or why there are none.
pub(crate) async fn measure(
    servers: &Servers,
    target: &Path,
    rounds: usize,
) -> Result<[Vec<Round>; 2]> {
    let program = unpack(target).await?;
    let measured = timeout(LIMIT, run(servers, &program, rounds)).await;
    measured.with_context(|| format!("it took more than {} s", LIMIT.as_secs()))?
}

/// One way to the hub.
struct Way<'a> {
    service: Option<&'a Subject>,
    app: &'a Subject,
    script: Script,
}

async fn run(servers: &Servers, program: &Path, rounds: usize) -> Result<[Vec<Round>; 2]> {
    let service = servers.service().await?;
    let connection = format!(
        "Endpoint=http://{};AccessKey={KEY};Version=1.0;",
        service.address()
    );
    let behind = start(program, &["--azure", &connection]).await?;
    let alone = start(program, &[]).await?;
    let target = negotiate::redirect(behind.address(), HUB).await?;
    let ways = [
        Way {
            service: None,
            app: &alone,
            script: learn_echo(alone.address(), HUB).await?,
        },
        Way {
            service: Some(&service),
            app: &behind,
            script: learn_echo(service.address(), &target).await?,
        },
    ];
    for way in &ways {
        way.warm_up().await?;
    }
    let mut results: [Vec<Round>; 2] = Default::default();
    for _ in 0..rounds {
        for (way, results) in ways.iter().zip(&mut results) {
            results.push(way.round().await?);
        }
    }
    for subject in [behind, alone, service] {
        subject.stop(READY).await?;
    }
    Ok(results)
}

impl Way<'_> {
    fn address(&self) -> &str {
        self.service.unwrap_or(self.app).address()
    }

    async fn warm_up(&self) -> Result<()> {
        let mut peers = drive::connect(self.address(), &self.script, CALLERS).await?;
        for _ in 0..WARM_UPS {
            peers = drive::echo(peers, &self.script, CALLS).await?;
            // The app's methods are compiled again in the background.
            drive::settle(self.app).await?;
        }
        Ok(())
    }

    async fn round(&self) -> Result<Round> {
        let peers = drive::connect(self.address(), &self.script, CALLERS).await?;
        let calls = count(CALLS * CALLERS);
        let (service, app) = (self.service_cpu()?, self.app.cpu()?);
        let start = Instant::now();
        let mut peers = drive::echo(peers, &self.script, CALLS).await?;
        let took = start.elapsed();
        let service_us = micros_each(self.service_cpu()?.saturating_sub(service), calls);
        let app_us = micros_each(self.app.cpu_since(app)?, calls);

        peers.truncate(1);
        let start = Instant::now();
        drive::echo(peers, &self.script, CALLS_ALONE).await?;
        Ok(Round {
            service_us,
            app_us,
            round_trip_us: micros_each(start.elapsed(), count(CALLS_ALONE)),
            echoes_per_s: calls / took.as_secs_f64(),
        })
    }

    fn service_cpu(&self) -> Result<Duration> {
        self.service.map_or(Ok(Duration::ZERO), Subject::cpu)
    }
}

/// Starts the app and waits until clients can negotiate.
async fn start(program: &Path, options: &[&str]) -> Result<Subject> {
    let mut command = Command::new(program);
    command.args(["--urls", "http://127.0.0.1:0"]).args(options);
    let app = Subject::start(command, READY).await?;
    let connected = async {
        while negotiate::status(app.address(), "GET", "/readyz").await? != 200 {
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    };
    match timeout(READY, connected).await {
        Ok(connected) => connected.map(|()| app),
        Err(_) => bail!("the app did not get ready"),
    }
}

/// Unpacks the .NET programs below cargo's target folder, which is quick if they are there, and
/// returns the app.
async fn unpack(target: &Path) -> Result<PathBuf> {
    let (variable, default) = FOLDER;
    let folder = std::env::var_os(variable).unwrap_or_else(|| default.into());
    let setup = root().join(folder).join("setup.sh");
    if !setup.exists() {
        bail!(
            "no .NET programs at {} ({variable} names another folder)",
            setup.display()
        );
    }
    let target = target.join("dotnet");
    let done = Command::new("sh").arg(&setup).arg(&target).output().await?;
    if !done.status.success() {
        let why = String::from_utf8_lossy(&done.stderr);
        bail!("the .NET programs cannot be unpacked: {}", why.trim());
    }
    Ok(target.join("bin/coreapp"))
}

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}
