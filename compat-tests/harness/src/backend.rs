//! What the clients are driven against.

use anyhow::{Result, bail};

use crate::servers::{App, Heliograph};
use crate::splitter::Splitter;

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
    app: App,
    service: Option<Heliograph>,
    _splitter: Option<Splitter>,
}

impl Backend {
    /// Starts the backend of this name.
    ///
    /// # Errors
    ///
    /// When one of its programs does not become ready.
    pub async fn start(name: &str) -> Result<Self> {
        match name {
            "embedded" => Ok(Self::alone(App::embedded(&["--stateful", "1"]).await?)),
            "azure" => Self::azure().await,
            "direct" => Self::direct().await,
            REFERENCE => Ok(Self::alone(App::self_hosted(&["--stateful", "1"]).await?)),
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
        let service = self.service.as_ref().map(|service| service.server.log());
        let app = self.app.server.log();
        service
            .into_iter()
            .chain([app])
            .collect::<Vec<_>>()
            .join("\n--\n")
    }

    fn alone(app: App) -> Self {
        Self {
            url: app.server.url().to_owned(),
            app,
            service: None,
            _splitter: None,
        }
    }

    async fn azure() -> Result<Self> {
        let service = Heliograph::start::<&str>(&[]).await?;
        let app = App::azure(&service, &["--stateful", "1"]).await?;
        Ok(Self {
            service: Some(service),
            ..Self::alone(app)
        })
    }

    async fn direct() -> Result<Self> {
        let app = App::self_hosted(&["--stateful", "1"]).await?;
        let settings: Vec<String> = HUBS
            .iter()
            .flat_map(|(hub, path)| direct_settings(hub, path, app.server.url()))
            .collect();
        let service = Heliograph::start(&settings).await?;
        let paths = HUBS.map(|(_, path)| format!("/{path}"));
        let splitter =
            Splitter::start(&paths, service.server.address(), app.server.address()).await?;
        Ok(Self {
            url: splitter.url().to_owned(),
            service: Some(service),
            _splitter: Some(splitter),
            ..Self::alone(app)
        })
    }
}

fn direct_settings(hub: &str, path: &str, app: &str) -> [String; 6] {
    [
        "backend=\"direct\"".to_owned(),
        format!("url=\"{app}/{path}\""),
        format!("path=\"/{path}\""),
        "stateful_reconnect=true".to_owned(),
        // The headers that drivers add to see them in the hub.
        "forward_headers=[\"x-test-user\", \"x-first\", \"x-second\"]".to_owned(),
        // The browser's page has an origin of its own.
        "allowed_origins=[\"*\"]".to_owned(),
    ]
    .map(|setting| format!("hubs.{hub}.{setting}"))
}
