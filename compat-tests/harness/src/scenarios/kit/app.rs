//! A running reference app.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::http::{Answer, http};
use crate::backend::{app, connection_string};
use crate::process::Server;
use crate::scenarios::until;

/// The reference app with its control endpoints.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) server: Server,
}

impl App {
    /// An app server of the service; waits until clients can negotiate.
    pub(crate) async fn start(service: &Server, options: &[&str]) -> Result<Self> {
        let app = Self::start_unready(&connection_string(service), options).await?;
        app.ready().await?;
        Ok(app)
    }

    /// An app server that may have no service yet.
    pub(crate) async fn start_unready(connection: &str, options: &[&str]) -> Result<Self> {
        let options = [&["--azure", connection], options].concat();
        Ok(Self {
            server: app(&options).await?,
        })
    }

    /// Clients can negotiate.
    pub(crate) async fn ready(&self) -> Result<()> {
        until("the app's link", Duration::from_secs(20), || async {
            let answer = self.get("/readyz").await?;
            Ok((answer.status == 200).then_some(()))
        })
        .await
    }

    /// A URL of the app.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.url())
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Answer> {
        http("GET", &self.url(path), &[], "").await
    }

    pub(crate) async fn post(&self, path: &str) -> Result<()> {
        let answer = http("POST", &self.url(path), &[], "").await?;
        ensure!(
            answer.status < 300,
            "{path}: {} {}",
            answer.status,
            answer.body
        );
        Ok(())
    }

    /// Its process, as the hub method `Server` names it.
    pub(crate) fn process(&self) -> Result<Value> {
        Ok(self.server.id()?.to_string().into())
    }

    /// Sends `Message(text)` from outside a hub.
    pub(crate) async fn send(&self, to: &str, ids: &[&str], text: &str) -> Result<()> {
        let body = json!({"to": to, "ids": ids, "target": "Message", "args": [text]});
        let headers = [("content-type", "application/json")];
        let answer = http("POST", &self.url("/send"), &headers, &body.to_string()).await?;
        ensure!(
            answer.status == 200,
            "/send: {} {}",
            answer.status,
            answer.body
        );
        Ok(())
    }

    /// Events of a connection, oldest first.
    pub(crate) async fn events(&self, connection: &str) -> Result<Vec<Value>> {
        let all = self.get("/events").await?.json()?;
        let all = all.as_array().context("events are a list")?;
        let of_connection = all
            .iter()
            .filter(|event| event["connectionId"] == connection);
        Ok(of_connection.cloned().collect())
    }

    /// How often something happened to a connection.
    pub(crate) async fn count(&self, event: &str, connection: &str) -> Result<usize> {
        let events = self.events(connection).await?;
        Ok(events.iter().filter(|e| e["event"] == event).count())
    }

    /// Waits until something has happened to a connection.
    pub(crate) async fn happened(
        &self,
        event: &str,
        connection: &str,
        limit: Duration,
    ) -> Result<Value> {
        until(&format!("'{event}' at the app"), limit, || async {
            let events = self.events(connection).await?;
            Ok(events.into_iter().find(|e| e["event"] == event))
        })
        .await
    }
}
