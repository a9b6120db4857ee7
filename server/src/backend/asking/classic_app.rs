//! Apps with hubs of ASP.NET SignalR 2.x.

use std::time::SystemTime;

use heliograph_protocol::legacy::AppNegotiation;
use http::Method;
use http::header::CONTENT_TYPE;
use serde_json::json;

use super::address::Address;
use super::app::{App, Options, OptionsError, page_or_body};
use super::failure::Failure;
use crate::auth::{Identity, Verifier};
use crate::backend::ClientRequest;
use crate::backend::legacy::NotAdmitted;

/// Largest proxy script.
const MAX_SCRIPT_BYTES: usize = 1 << 20;

/// A classic app with the Azure SDK, whose negotiate says who its clients are, and which of its hubs
/// let them in (service protocol, 6.2).
#[derive(Debug)]
pub struct ClassicApp {
    app: App,
    verifier: Verifier,
}

impl ClassicApp {
    /// An app whose tokens `verifier` checks.
    ///
    /// # Errors
    ///
    /// [`OptionsError`] when the options cannot be used.
    pub fn new(options: &Options, verifier: Verifier) -> Result<Self, OptionsError> {
        let app = App::new(options)?;
        Ok(Self { app, verifier })
    }

    /// Who the client of a request is that lists these hubs. The app lets in whom one of them lets
    /// in.
    ///
    /// # Errors
    ///
    /// Why the app does not let it in, or cannot be asked.
    pub async fn who(
        &self,
        request: &ClientRequest,
        hubs: &[&str],
    ) -> Result<Identity, NotAdmitted> {
        let read = |body: &[u8]| match AppNegotiation::parse(body) {
            Ok(AppNegotiation::Error(text)) => Ok(Err(NotAdmitted::Refused(text.into()))),
            Ok(AppNegotiation::Plain { .. }) => Err(Failure::NoRedirect),
            Ok(AppNegotiation::Redirect { access_token, .. }) if access_token.is_empty() => {
                Err(Failure::NoToken)
            }
            Ok(AppNegotiation::Redirect { access_token, .. }) => {
                let identity = self
                    .verifier
                    .legacy_client(&access_token, SystemTime::now());
                identity.map(Ok).map_err(Failure::Token)
            }
            Err(_) => Err(Failure::Unreadable),
        };
        let listed: Vec<_> = hubs.iter().map(|name| json!({ "name": name })).collect();
        let listed = json!(listed).to_string();
        self.app
            .who(
                request,
                hubs.first().copied().unwrap_or_default(),
                Method::GET,
                |address, query| address.classic_negotiate_url(&listed, query),
                read,
            )
            .await
    }

    /// The app's own proxy script, for a client that asks for it.
    ///
    /// # Errors
    ///
    /// What is wrong with what it answers, for the log.
    pub async fn script(&self, request: &ClientRequest) -> Result<Vec<u8>, Box<str>> {
        let fetched = self
            .app
            .fetch(request, Address::script_url, MAX_SCRIPT_BYTES);
        let read = fetched.await.and_then(|answer| {
            let kind = answer.headers.get(CONTENT_TYPE);
            let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
            let is_script = kind.to_ascii_lowercase().contains("javascript");
            let body = page_or_body(answer)?;
            is_script.then(|| body.to_vec()).ok_or(Failure::NoScript)
        });
        read.map_err(|failure| self.app.complaint(&failure))
    }
}
