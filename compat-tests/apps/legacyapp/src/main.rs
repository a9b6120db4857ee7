//! The hubs of the conformance contract in an app server of the kind of `MapAzureSignalR`, for
//! clients of ASP.NET SignalR 2.x behind the service (service protocol, 6.2 and 6.3).
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "drivers read what it prints"
)]

mod app;
mod call;
mod connection;
mod control;
mod endpoint;
mod hubs;
mod link;
mod negotiate;
mod options;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::routing::any;
use clap::Parser;
use contract::identity::Believer;
use contract::redirect::Redirect;
use contract::stop::stopped;
use heliograph::auth::{self, KeyPair, Keys, Verifier};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use self::app::App;
use self::control::Control;
use self::hubs::Hub;
use self::link::Driver;
use self::negotiate::Front;
use self::options::Options;

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("legacyapp: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(options: &Options) -> Result<()> {
    let listener = TcpListener::bind(options.listen).await;
    let listener = listener.with_context(|| format!("cannot listen at {}", options.listen))?;
    let url = format!("http://{}", listener.local_addr()?);
    let stop = Arc::new(Notify::new());
    let stopped = stopped(options.exit_on_eof, Arc::clone(&stop))?;

    let drivers = drivers(options)?;
    let links = drivers.iter().map(|driver| Arc::clone(driver.link()));
    let app = App::new(&options.app, links.collect(), options.detailed);
    for driver in drivers {
        tokio::spawn(driver.run(Arc::clone(&app)));
    }
    let control = Control {
        app: Arc::clone(&app),
        stop,
    };
    let front = Front {
        app: Arc::clone(&app),
        redirect: redirect(options),
    };
    let clients = Router::new()
        .route("/signalr/{*rest}", any(negotiate::answer))
        .with_state(front);
    let served = axum::serve(listener, control.router().merge(clients)).into_future();
    tokio::spawn(served);
    tokio::pin!(stopped);
    tokio::select! {
        () = app.complete() => {
            println!("READY {url}");
            stopped.await;
        }
        () = &mut stopped => {}
    }
    // As with the original nothing is said: the connections break with the process.
    println!("STOPPED");
    Ok(())
}

/// The connections of the app and of each hub.
fn drivers(options: &Options) -> Result<Vec<Driver>> {
    let server = format!("legacyapp_{:016x}", getrandom::u64()?);
    let keys = Hub::ALL.map(|hub| App::hub_key(&options.app, hub));
    let keys = keys.into_iter().chain([App::app_key(&options.app)]);
    let keys = keys.flat_map(|key| std::iter::repeat_n(key, options.links));
    let drivers = keys
        .enumerate()
        .map(|(number, key)| Driver::new(number, &key, &options.azure, &server));
    Ok(drivers.collect())
}

/// How clients are sent to the service.
fn redirect(options: &Options) -> Redirect {
    let keys = Keys::new(KeyPair::single(options.azure.key().clone()));
    Redirect {
        target: format!("{}/aspnetclient", options.azure.url()),
        key: options.azure.key().clone(),
        lifetime: options.token_life.0,
        believer: Believer(Verifier::new(keys, auth::Options::default())),
        app: Some(options.app.clone()),
    }
}
