//! The hubs of the conformance contract, for legacy clients and Core clients at once.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "drivers read what it prints"
)]

mod control;
mod hubs;
mod options;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use clap::Parser;
use contract::identity::Believer;
use contract::journal::Journal;
use contract::redirect::Redirect;
use contract::stop::stopped;
use heliograph::app::{self, Parts};
use heliograph::auth::AccessKey;
use heliograph::backend::embedded;
use heliograph::config::{LogFormat, Settings};
use heliograph::doors;
use heliograph::edge::listener::Listener;
use heliograph::embed::{HubServer, Legacy};
use heliograph::telemetry::{Format, init_log};
use tokio::sync::Notify;

use self::control::Control;
use self::hubs::Hubs;
use self::options::Options;

/// Bad usage or settings, as clap has it too.
const BAD_SETTINGS: u8 = 2;
/// Calls of one client that run at a time: legacy servers never let one wait for another.
const PARALLEL_CALLS: usize = 64;

fn main() -> ExitCode {
    let options = Options::parse();
    let settings = match options.sources().load() {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("conformance: {error}");
            return ExitCode::from(BAD_SETTINGS);
        }
    };
    match run(&options, &settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("conformance: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(options: &Options, settings: &Settings) -> Result<()> {
    let format = match settings.log.format {
        LogFormat::Text => Format::Text,
        LogFormat::Json => Format::Json,
    };
    init_log(&settings.log.level, format)?;
    let parts = Parts::new(settings);
    let hubs = Hubs::new(
        &hub_options(options, settings),
        &Arc::new(Journal::default()),
    );
    let believer = Believer(parts.verifier.clone());
    let stop = Arc::new(Notify::new());

    let tls = app::tls_config(settings)?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let listener = Listener::bind(settings.listen, app::listener_options(settings, tls))
        .with_context(|| format!("cannot listen at {}", settings.listen))?;
    let url = format!("{scheme}://{}", listener.local_addr()?);

    let control = Control {
        hubs: hubs.clone(),
        stop: Arc::clone(&stop),
    };
    let legacy = Legacy::new(&settings.legacy.path, parts.keys.clone())
        .options(doors::legacy_options(settings))
        .redirected(parts.verifier.clone());
    let server = HubServer::builder()
        .legacy(legacy)
        .hub("/conformance", &hubs.conformance)
        .hub("/second", &hubs.second)
        .hub("/greeter", &hubs.greeter)
        .hub("/failing", &hubs.failing)
        .hub("/guarded", &hubs.guarded)
        .authenticator(believer.clone())
        .origins(parts.origins)
        .proxies(parts.proxies)
        .options(doors::client_options(settings))
        .routes(
            control
                .router()
                .merge(redirect(options, settings, &url, &believer)),
        )
        .build();

    let stopped = stopped(options.exit_on_eof, stop)?;
    println!("READY {url}");
    server.serve(listener, stopped).await;
    println!("STOPPED");
    Ok(())
}

/// The routes of an app that redirects, if this is to be one, for a program at `url`.
fn redirect(options: &Options, settings: &Settings, url: &str, believer: &Believer) -> Router {
    if !options.redirect {
        return Router::new();
    }
    let endpoint = settings.client_endpoint();
    let endpoint = endpoint.as_deref().unwrap_or(url).trim_end_matches('/');
    let target = options.redirect_to.clone();
    let redirect = Redirect {
        target: target.unwrap_or_else(|| format!("{endpoint}/aspnetclient")),
        key: AccessKey::new(settings.primary_key()),
        lifetime: options.token_life.0,
        believer: believer.clone(),
        app: None,
    };
    redirect.router()
}

fn hub_options(options: &Options, settings: &Settings) -> embedded::Options {
    embedded::Options {
        detailed_errors: options.detailed,
        stateful_reconnect: true,
        max_message_bytes: settings.limits.max_message_bytes,
        handshake_timeout: settings.timeouts.handshake.0,
        parallel_calls: PARALLEL_CALLS,
        ..embedded::Options::default()
    }
}
