//! The `heliograph` binary: settings in, service up, exit code out.

mod signals;

use std::fmt::Display;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use heliograph::app::{self, App, Parts};
use heliograph::config::cli::{Cli, Command};
use heliograph::config::{LogFormat, Settings, Sources};
use heliograph::{doors, telemetry};
use tokio::sync::oneshot;
use tokio::time::Instant;

use self::signals::{Asked, Signals};

/// Descriptors that are not for the connections of clients and app servers.
const SPARE_DESCRIPTORS: u64 = 256;
/// Bad usage or settings, as clap has it too.
const BAD_SETTINGS: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let sources = cli.sources();
    let settings = match sources.load() {
        Ok(settings) => settings,
        Err(error) => {
            complain(&error);
            return ExitCode::from(BAD_SETTINGS);
        }
    };
    let done = match &cli.command {
        Some(Command::CheckConfig(_)) => Ok(check(&settings)),
        Some(Command::Token(token)) => app::token(&settings, &token.kind)
            .map(|token| say(&token))
            .map_err(anyhow::Error::from),
        None => serve(settings, &sources),
    };
    done.unwrap_or_else(|error| {
        complain(&format!("{error:#}"));
        ExitCode::FAILURE
    })
}

/// Looks at what a start would look at beyond the settings themselves: files, hubs.
fn check(settings: &Settings) -> ExitCode {
    let faults = doors::faults(settings);
    if faults.is_empty() {
        return say(&"the settings are good");
    }
    for fault in faults {
        complain(&format!("{:#}", anyhow::Error::from(fault)));
    }
    ExitCode::from(BAD_SETTINGS)
}

fn serve(mut settings: Settings, sources: &Sources) -> anyhow::Result<ExitCode> {
    let format = match settings.log.format {
        LogFormat::Text => telemetry::Format::Text,
        LogFormat::Json => telemetry::Format::Json,
    };
    telemetry::init_log(&settings.log.level, format)?;
    let metrics = telemetry::init_metrics()?;
    fit_descriptors(&mut settings);
    let settings = &settings;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let code = runtime.block_on(async {
        let parts = Parts::new(settings);
        let doors = doors::open(settings, &parts)?;
        let app = App::new(settings, parts.drain.clone(), doors, Some(metrics))?;
        let signals = Signals::new().context("cannot listen to signals")?;
        greet(&app, settings);
        run(app, signals, sources, &parts, settings.timeouts.drain.0).await
    });
    // Whatever still runs is past its time.
    runtime.shutdown_background();
    code
}

/// Asks for as many descriptors as the system grants, and allows no more connections than that:
/// one too many is then closed rather than left waiting.
fn fit_descriptors(settings: &mut Settings) {
    let granted = match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(granted) => granted,
        Err(err) => return tracing::warn!(%err, "cannot ask for more descriptors"),
    };
    let room = usize::try_from(granted.saturating_sub(SPARE_DESCRIPTORS)).unwrap_or(usize::MAX);
    if room < settings.limits.connections {
        tracing::info!(
            count = room,
            "the system allows fewer connections than the settings"
        );
        settings.limits.connections = room;
    }
}

/// Runs until a signal has ended it.
async fn run(
    app: App,
    mut signals: Signals,
    sources: &Sources,
    parts: &Parts,
    patience: Duration,
) -> anyhow::Result<ExitCode> {
    let address = app.address();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(app.run(async move {
        let _ = stopped.await;
        Instant::now() + patience
    }));
    while signals.next().await == Asked::Reload {
        reload(sources, address, parts);
    }
    let _ = stop.send(());
    let again = async { while signals.next().await == Asked::Reload {} };
    tokio::select! {
        drained = running => {
            let drained = drained.context("the service failed")?;
            if drained.left > 0 || !drained.in_time {
                tracing::warn!(count = drained.left, "time to drain is up, connections were cut");
            }
            tracing::info!("ended");
            Ok(ExitCode::SUCCESS)
        }
        () = again => {
            tracing::warn!("a second signal ends the service at once");
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Reads the settings again. Only keys are put in force; other settings keep their values.
fn reload(sources: &Sources, address: SocketAddr, parts: &Parts) {
    match app::reload_keys(sources, address, &parts.keys) {
        Ok(()) => tracing::info!("access keys were read again"),
        Err(err) => tracing::error!(%err, "settings cannot be read again, keys stay as they are"),
    }
}

/// Says what runs where; the last line is for programs that wait for it.
fn greet(app: &App, settings: &Settings) {
    let mode = if settings.is_development() {
        ", development mode"
    } else {
        ""
    };
    let mut lines = vec![
        format!("Heliograph {}{mode}", env!("CARGO_PKG_VERSION")),
        format!(
            "  endpoint    {}",
            settings
                .client_endpoint()
                .unwrap_or_else(|| app.shown_url())
        ),
        format!("  connection  {}", app.connection_string(settings)),
    ];
    if app.is_everywhere() {
        lines.push(format!(
            "              for {} put a name or address of this machine that apps and clients know",
            app::THIS_HOST
        ));
    }
    lines.extend(app.demo_url().map(|url| format!("  demo        {url}")));
    lines.push("  operator    /healthz /readyz /metrics".to_owned());
    if !app.hubs().is_empty() {
        lines.push(format!("  hubs        {}", app.hubs().join(" ")));
    }
    if !settings.legacy.path.is_empty() {
        let path = &settings.legacy.path;
        let hubs = match &settings.legacy.app_url {
            Some(_) => "those of the app at legacy.app_url".to_owned(),
            None if app.legacy_hubs().is_empty() => "none".to_owned(),
            None => app.legacy_hubs().join(" "),
        };
        lines.push(format!("  legacy      {path} (hubs: {hubs})"));
    }
    lines.push(format!("READY {}", app.url()));
    say(&lines.join("\n"));
}

/// Standard output may be closed: nothing is lost then but the text.
fn say(text: &dyn Display) -> ExitCode {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
    ExitCode::SUCCESS
}

fn complain(text: &dyn Display) {
    let _ = writeln!(io::stderr().lock(), "heliograph: {text}");
}
