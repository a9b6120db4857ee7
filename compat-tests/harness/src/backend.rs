//! The servers that the clients are driven against.

use anyhow::{Context, Result};

use crate::install;
use crate::process::Server;
use crate::splitter::Splitter;

/// The key of the development mode.
pub(crate) const KEY: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";

/// The backends of a full run.
pub(crate) const BACKENDS: [&str; 3] = ["embedded", "azure", "direct"];

/// The built service.
pub(crate) const SERVICE: &str = "target/release/heliograph";
/// The reference app's twin on our embedded hubs.
pub(crate) const TESTHUB: &str = "target/release/testhub";

/// One running backend: an address that serves hubs and control endpoints.
#[derive(Debug)]
pub(crate) struct Backend {
    url: String,
    /// Kept alive, in the order in which they are to end.
    servers: Vec<Server>,
    _splitter: Option<Splitter>,
}

impl Backend {
    pub(crate) async fn start(name: &str) -> Result<Self> {
        match name {
            "embedded" => Self::embedded().await,
            "azure" => Self::azure().await,
            "direct" => Self::direct().await,
            "self" => {
                let app = app(&["--stateful", "1"]).await?;
                Ok(Self {
                    url: app.url().to_owned(),
                    servers: vec![app],
                    _splitter: None,
                })
            }
            other => anyhow::bail!("there is no backend '{other}'"),
        }
    }

    /// The address that drivers get.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// What its programs printed last.
    pub(crate) fn log(&self) -> String {
        self.servers
            .iter()
            .map(Server::log)
            .collect::<Vec<_>>()
            .join("\n--\n")
    }

    async fn embedded() -> Result<Self> {
        let args = [
            "--listen",
            "127.0.0.1:0",
            "--exit-on-eof",
            "1",
            "--stateful",
            "1",
        ];
        let args = args
            .into_iter()
            .chain(["--max-message", "1048576", "--parallel", "8"]);
        let app = Server::start(TESTHUB, &args.map(String::from).collect::<Vec<_>>()).await?;
        Ok(Self {
            url: app.url().to_owned(),
            servers: vec![app],
            _splitter: None,
        })
    }

    async fn azure() -> Result<Self> {
        let service = service(&[]).await?;
        let connection = connection_string(&service);
        let app = app(&["--stateful", "1", "--azure", &connection]).await?;
        Ok(Self {
            url: app.url().to_owned(),
            servers: vec![app, service],
            _splitter: None,
        })
    }

    async fn direct() -> Result<Self> {
        let app = app(&["--stateful", "1"]).await?;
        let hubs = [
            ("testhub", "testhub"),
            ("secrethub", "secret"),
            ("bench", "bench"),
        ];
        let settings: Vec<String> = hubs
            .iter()
            .flat_map(|(hub, path)| {
                [
                    format!("hubs.{hub}.backend=\"direct\""),
                    format!("hubs.{hub}.url=\"{}/{path}\"", app.url()),
                    format!("hubs.{hub}.path=\"/{path}\""),
                    format!("hubs.{hub}.stateful_reconnect=true"),
                    format!(
                        "hubs.{hub}.forward_headers=[\"x-test-user\", \"x-first\", \"x-second\", \"x-third\"]"
                    ),
                    // The browser's page has an origin of its own.
                    format!("hubs.{hub}.allowed_origins=[\"*\"]"),
                ]
            })
            .collect();
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        let service = service(&settings).await?;
        let paths = hubs.map(|(_, path)| format!("/{path}"));
        let splitter = Splitter::start(&paths, service.address(), app.address()).await?;
        let url = splitter.url().to_owned();
        Ok(Self {
            url,
            servers: vec![service, app],
            _splitter: Some(splitter),
        })
    }
}

/// The service, with further settings as `name=value`.
pub(crate) async fn service(settings: &[&str]) -> Result<Server> {
    let mut args = vec!["--listen".to_owned(), "127.0.0.1:0".to_owned()];
    for setting in settings {
        args.extend(["--set".to_owned(), (*setting).to_owned()]);
    }
    Server::start(SERVICE, &args).await
}

/// The reference app: self-hosted, or an app server with `--azure`.
pub(crate) async fn app(options: &[&str]) -> Result<Server> {
    let dotnet = install::dotnet().await?;
    let program = dotnet.join("bin/coreapp");
    let program = program.to_str().context("a path that is no text")?;
    let mut args: Vec<String> = ["--urls", "http://127.0.0.1:0", "--exit-on-eof", "1"]
        .map(String::from)
        .into();
    args.extend(options.iter().map(|option| (*option).to_owned()));
    Server::start(program, &args).await
}

/// What an app server connects with.
pub(crate) fn connection_string(service: &Server) -> String {
    format!("Endpoint={};AccessKey={KEY};Version=1.0;", service.url())
}
