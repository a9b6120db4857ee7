//! Single HTTP requests, for control endpoints and negotiations.

use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(30);

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The whole body.
    pub body: Bytes,
}

impl Answer {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("{} with {}, not JSON", self.status, self.text()))
    }
}

/// One request on a connection of its own; an empty `body` is none.
///
/// # Errors
///
/// When no answer came within half a minute.
pub async fn request(method: &str, url: &str, body: &str) -> Result<Answer> {
    let request = Request::builder()
        .method(method)
        .uri(url)
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body.to_owned())))?;
    send(request)
        .await
        .with_context(|| format!("{method} {url}"))
}

/// As [`request`], with headers of the caller's.
///
/// # Errors
///
/// When no answer came within half a minute.
pub async fn send(request: Request<Full<Bytes>>) -> Result<Answer> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let answered = async {
        let response = client.request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        anyhow::Ok(Answer { status, body })
    };
    tokio::time::timeout(LIMIT, answered)
        .await
        .context("no answer")?
}
