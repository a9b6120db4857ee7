//! The servers of a test: the service, and apps that serve the conformance hubs.

use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::Value;

use crate::process::Server;
use crate::request::{self, Answer};
use crate::{install, places, wait};

/// The key of the development mode.
pub const KEY: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";

const READY: Duration = Duration::from_secs(30);

/// The service.
#[derive(Debug)]
pub struct Heliograph {
    /// Its process.
    pub server: Server,
}

impl Heliograph {
    /// Starts it on a free port in development mode, with further settings as `name=value`.
    ///
    /// # Errors
    ///
    /// When it does not become ready.
    pub async fn start<S: AsRef<str>>(settings: &[S]) -> Result<Self> {
        let mut args = vec!["--listen".to_owned(), "127.0.0.1:0".to_owned()];
        for setting in settings {
            args.extend(["--set".to_owned(), setting.as_ref().to_owned()]);
        }
        let server = Server::start(&places::program("heliograph"), &args).await?;
        Ok(Self { server })
    }

    /// What an app server connects with.
    #[must_use]
    pub fn connection_string(&self) -> String {
        connection_string(self.server.url())
    }
}

/// What an app server connects with to the service at `url`, in development mode.
#[must_use]
pub fn connection_string(url: &str) -> String {
    format!("Endpoint={url};AccessKey={KEY};Version=1.0;")
}

/// An app with the conformance hubs and their control endpoints.
#[derive(Debug)]
pub struct App {
    /// Its process.
    pub server: Server,
}

impl App {
    /// The reference app as an app server of the service, with further `--options`; returns when
    /// clients can negotiate.
    ///
    /// # Errors
    ///
    /// When it does not become ready, or the .NET programs are not there
    /// ([`install::is_absent`] tells).
    pub async fn azure(heliograph: &Heliograph, options: &[&str]) -> Result<Self> {
        Self::azure_at(&heliograph.connection_string(), options).await
    }

    /// As [`azure`](Self::azure), with a connection string, which may lead through a relay.
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn azure_at(connection_string: &str, options: &[&str]) -> Result<Self> {
        let mut all = vec!["--azure", connection_string];
        all.extend_from_slice(options);
        let app = Self::self_hosted(&all).await?;
        app.ready().await?;
        Ok(app)
    }

    /// The reference app, with further `--options`; it serves its hubs itself.
    ///
    /// # Errors
    ///
    /// As for [`azure`](Self::azure).
    pub async fn self_hosted(options: &[&str]) -> Result<Self> {
        let program = install::dotnet().await?.join("bin/coreapp");
        let mut args = ["--urls", "http://127.0.0.1:0", "--exit-on-eof", "1"].to_vec();
        args.extend_from_slice(options);
        let args: Vec<String> = args.into_iter().map(String::from).collect();
        let server = Server::start(&program, &args).await?;
        Ok(Self { server })
    }

    /// The same hubs in Rust, embedded in a program, with further `--options`.
    ///
    /// # Errors
    ///
    /// When it does not become ready.
    pub async fn embedded(options: &[&str]) -> Result<Self> {
        let mut args = ["--listen", "127.0.0.1:0", "--exit-on-eof", "1"].to_vec();
        args.extend_from_slice(options);
        let args: Vec<String> = args.into_iter().map(String::from).collect();
        let server = Server::start(&places::program("testhub"), &args).await?;
        Ok(Self { server })
    }

    /// Waits until clients can negotiate.
    ///
    /// # Errors
    ///
    /// When they cannot within half a minute.
    pub async fn ready(&self) -> Result<()> {
        wait::until("an app that clients can use", READY, async || {
            let answer = self.request("GET", "/readyz", "").await?;
            Ok(answer.status.is_success().then_some(()))
        })
        .await
    }

    /// A request to a control endpoint.
    ///
    /// # Errors
    ///
    /// When no answer comes.
    pub async fn request(&self, method: &str, path: &str, body: &str) -> Result<Answer> {
        let url = format!("{}{path}", self.server.url());
        request::request(method, &url, body).await
    }

    /// Sends from outside the hub, by the app's hub context: `to` as in
    /// `json!({"to": "all", "args": ["text"]})`.
    ///
    /// # Errors
    ///
    /// When the app refuses.
    pub async fn send(&self, to: &Value) -> Result<()> {
        let answer = self.request("POST", "/send", &to.to_string()).await?;
        if !answer.status.is_success() {
            bail!("/send: {} {}", answer.status, answer.text());
        }
        Ok(())
    }

    /// The hubs' events so far, as `/events` tells them.
    ///
    /// # Errors
    ///
    /// When the app refuses.
    pub async fn events(&self) -> Result<Vec<Value>> {
        let answer = self.request("GET", "/events?after=0&wait=0", "").await?;
        let events = answer.json()?;
        Ok(events.as_array().cloned().unwrap_or_default())
    }
}
