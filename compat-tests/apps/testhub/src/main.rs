//! The conformance hubs in Rust: the twin of the ASP.NET Core reference app, for the same drivers.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "drivers read what it prints"
)]

mod control;
mod hubs;
mod identity;
mod journal;
mod objects;
mod options;
mod values;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use heliograph::edge::cors::Origins;
use heliograph::edge::listener::{self, Listener};
use heliograph::embed::HubServer;
use heliograph::telemetry::{Format, init_log};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use self::control::Control;
use self::hubs::Hubs;
use self::identity::Believer;
use self::journal::Journal;
use self::options::Options;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments
        .iter()
        .any(|argument| argument == "--help" || argument == "-h")
    {
        print!("{}", options::HELP);
        return ExitCode::SUCCESS;
    }
    let options = match Options::parse(arguments) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("testhub: {error:#}");
            return ExitCode::from(2);
        }
    };
    match run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("testhub: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(options: Options) -> Result<()> {
    init_log(options.log_level(), Format::Text)?;
    let journal = Arc::new(Journal::new());
    let hubs = Hubs::new(&options.hub()?, &journal);
    let stop = Arc::new(Notify::new());
    if options.on("exit-on-eof")? {
        let stop = Arc::clone(&stop);
        std::thread::spawn(move || {
            // An input that cannot be read has ended too.
            _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            stop.notify_one();
        });
    }
    let server = HubServer::builder()
        .hub("/testhub", &hubs.test)
        .hub("/secret", &hubs.secret)
        .hub("/bench", &hubs.bench)
        .authenticator(Believer {
            close_on_expiry: options.on("close-on-expiry")?,
        })
        .origins(Origins::Any);
    let address = options.address()?;
    let listener = Listener::bind(address, listener::Options::default())
        .with_context(|| format!("cannot listen at {address}"))?;
    println!("READY http://{} embedded", listener.local_addr()?);
    let control = Control {
        options,
        hubs,
        journal,
        stop: Arc::clone(&stop),
    };
    let server = server.routes(control.router()).build();
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    let stopped = async move {
        tokio::select! {
            () = stop.notified() => {}
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    server.serve(listener, stopped).await;
    println!("STOPPED");
    Ok(())
}
