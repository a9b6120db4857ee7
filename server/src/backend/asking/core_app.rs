//! Apps with ASP.NET Core hubs.

use std::time::SystemTime;

use heliograph_protocol::hub::negotiate::{NegotiateAnswer, parse_answer};
use http::Method;

use super::address::Address;
use super::app::{App, Options, OptionsError};
use super::failure::Failure;
use crate::auth::{Identity, Verifier};
use crate::backend::ClientRequest;
use crate::backend::legacy::NotAdmitted;

/// An app with a Core hub, whose negotiate says who its legacy clients are (service protocol, 6.1).
///
/// One with the Azure SDK sends clients to this service with a token, which names the user and has
/// the claims. One that serves its clients itself names nobody: whoever it lets in is anonymous
/// here, and known to the hub by the same cookies and headers.
#[derive(Debug)]
pub struct CoreApp {
    app: App,
    verifier: Verifier,
}

impl CoreApp {
    /// An app whose tokens `verifier` checks.
    ///
    /// # Errors
    ///
    /// [`OptionsError`] when the options cannot be used.
    pub fn new(options: &Options, verifier: Verifier) -> Result<Self, OptionsError> {
        let app = App::new(options)?;
        Ok(Self { app, verifier })
    }

    /// Who the client of a request is in this hub.
    ///
    /// # Errors
    ///
    /// Why the app does not let it in, or cannot be asked.
    pub async fn who(&self, request: &ClientRequest, hub: &str) -> Result<Identity, NotAdmitted> {
        let read = |body: &[u8]| match parse_answer(body).map_err(|_| Failure::Unreadable)? {
            NegotiateAnswer::Connect(_) => Ok(Ok(Identity::anonymous())),
            NegotiateAnswer::Error(text) => Ok(Err(NotAdmitted::Refused(text.into()))),
            NegotiateAnswer::Redirect(redirect) => {
                let token = redirect.access_token.ok_or(Failure::NoToken)?;
                let identity = self.verifier.client(&token, hub, SystemTime::now());
                identity.map(Ok).map_err(Failure::Token)
            }
        };
        self.app
            .who(request, hub, Method::POST, Address::negotiate_url, read)
            .await
    }
}
