//! What the clients are driven against.

use anyhow::{Result, bail};

use crate::process::Server;
use crate::splitter::Splitter;
use crate::{install, places};

/// The key of the development mode.
pub const KEY: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";

/// The backends of a full run.
pub const BACKENDS: [&str; 3] = ["embedded", "azure", "direct"];
/// The reference app alone: tells whether a driver or the service is to blame.
pub const REFERENCE: &str = "self";

/// Hubs with the paths they have in the apps.
const HUBS: [(&str, &str); 3] = [
    ("testhub", "testhub"),
    ("secrethub", "secret"),
    ("bench", "bench"),
];

/// One running backend: an address that serves hubs and control endpoints.
#[derive(Debug)]
pub struct Backend {
    url: String,
    /// Kept alive, in the order in which they are to end.
    servers: Vec<Server>,
    _splitter: Option<Splitter>,
}

impl Backend {
    /// Starts the backend of this name.
    ///
    /// # Errors
    ///
    /// When one of its programs does not become ready.
    pub async fn start(name: &str) -> Result<Self> {
        Self::start_with(name, &[]).await
    }

    /// Starts the backend of this name, its app with further `--options`.
    ///
    /// # Errors
    ///
    /// When one of its programs does not become ready.
    pub async fn start_with(name: &str, options: &[&str]) -> Result<Self> {
        let options = [&STATEFUL, options].concat();
        match name {
            "embedded" => Ok(Self::alone(testhub(&options).await?)),
            "azure" => Self::azure(&options).await,
            "direct" => Self::direct(&options).await,
            REFERENCE => Ok(Self::alone(app(&options).await?)),
            other => bail!(
                "there is no backend '{other}', but {} and {REFERENCE}",
                BACKENDS.join(", ")
            ),
        }
    }

    /// The address that drivers get.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What its programs printed last.
    #[must_use]
    pub fn log(&self) -> String {
        let logs: Vec<String> = self.servers.iter().map(Server::log).collect();
        logs.join("\n--\n")
    }

    fn alone(app: Server) -> Self {
        Self {
            url: app.url().to_owned(),
            servers: vec![app],
            _splitter: None,
        }
    }

    async fn azure(options: &[&str]) -> Result<Self> {
        let service = service(&[]).await?;
        let connection = connection_string(&service);
        let app = app(&[&["--azure", &connection], options].concat()).await?;
        Ok(Self {
            url: app.url().to_owned(),
            servers: vec![app, service],
            _splitter: None,
        })
    }

    async fn direct(options: &[&str]) -> Result<Self> {
        let app = app(options).await?;
        let settings: Vec<String> = HUBS
            .iter()
            .flat_map(|(hub, path)| direct_settings(hub, path, app.url()))
            .collect();
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        let service = service(&settings).await?;
        let paths = HUBS.map(|(_, path)| format!("/{path}"));
        let splitter = Splitter::start(&paths, service.address(), app.address()).await?;
        Ok(Self {
            url: splitter.url().to_owned(),
            servers: vec![service, app],
            _splitter: Some(splitter),
        })
    }
}

/// What every app gets, so that a client which is granted no stateful reconnects has found a fault.
const STATEFUL: [&str; 2] = ["--stateful", "1"];

/// The service on a free port in development mode, with further settings as `name=value`.
///
/// # Errors
///
/// When it does not become ready.
pub async fn service(settings: &[&str]) -> Result<Server> {
    let mut args = vec!["--listen", "127.0.0.1:0"];
    for setting in settings {
        args.extend(["--set", setting]);
    }
    Server::start(&places::program("heliograph"), &args).await
}

/// The reference app with further `--options`: self-hosted, or an app server with `--azure`.
///
/// # Errors
///
/// When it does not become ready, or the .NET programs are not there
/// ([`install::is_absent`] tells).
pub async fn app(options: &[&str]) -> Result<Server> {
    let program = install::dotnet().await?.join("bin/coreapp");
    let args = ["--urls", "http://127.0.0.1:0", "--exit-on-eof", "1"];
    Server::start(&program, &[&args[..], options].concat()).await
}

/// The same hubs in Rust, embedded in a program.
async fn testhub(options: &[&str]) -> Result<Server> {
    let args = ["--listen", "127.0.0.1:0", "--exit-on-eof", "1"];
    let args = [&args[..], options].concat();
    Server::start(&places::program("testhub"), &args).await
}

/// The hubs of the conformance contract, embedded in a program that takes the service's settings,
/// with further options.
///
/// # Errors
///
/// When it does not become ready.
pub async fn conformance(options: &[&str]) -> Result<Server> {
    conformance_at("127.0.0.1:0", options).await
}

/// The same at this address.
///
/// # Errors
///
/// When it does not become ready.
pub async fn conformance_at(address: &str, options: &[&str]) -> Result<Server> {
    let args = ["--listen", address, "--exit-on-eof", "1"];
    let args = [&args[..], options].concat();
    Server::start(&places::program("conformance"), &args).await
}

/// What an app server connects with.
#[must_use]
pub fn connection_string(service: &Server) -> String {
    format!("Endpoint={};AccessKey={KEY};Version=1.0;", service.url())
}

fn direct_settings(hub: &str, path: &str, app: &str) -> [String; 6] {
    [
        "backend=\"direct\"".to_owned(),
        format!("url=\"{app}/{path}\""),
        format!("path=\"/{path}\""),
        "stateful_reconnect=true".to_owned(),
        // The headers that drivers add to see them in the hub.
        "forward_headers=[\"x-test-user\", \"x-first\", \"x-second\", \"x-third\"]".to_owned(),
        // The browser's page has an origin of its own.
        "allowed_origins=[\"*\"]".to_owned(),
    ]
    .map(|setting| format!("hubs.{hub}.{setting}"))
}
