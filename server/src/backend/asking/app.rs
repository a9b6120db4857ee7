//! An app whose negotiate is asked in the name of its legacy clients.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, StatusCode};
use rustls::ClientConfig;
use tokio::time::timeout;

use super::MAX_ANSWER_BYTES;
use super::address::{Address, AddressError, Query, is_one_of};
use super::client::{Answer, Http};
use super::failure::Failure;
use super::passed::{NotPassable, Passed, query_token};
use crate::auth::Identity;
use crate::backend::ClientRequest;
use crate::backend::legacy::NotAdmitted;
use crate::telemetry::names::LEGACY_QUESTIONS;

/// Parameters of the legacy protocol and of redirects to this service: none of the client's own
/// (legacy protocol, 1.3).
const OF_LEGACY: [&str; 14] = [
    "clientProtocol",
    "transport",
    "connectionToken",
    "connectionData",
    "connectionId",
    "messageId",
    "groupsToken",
    "frameId",
    "tid",
    "_",
    "noCache",
    "callback",
    "asrs_request_id",
    "asrs.op",
];

/// Where an app is and how it is asked.
#[derive(Clone)]
pub struct Options {
    /// URL of the hub, or of the SignalR of a classic app, such as `http://127.0.0.1:5000/chat`;
    /// its negotiate is below it.
    pub url: String,
    /// Names of client headers that the app gets to see besides `Authorization`, `Cookie`,
    /// `User-Agent`, `Accept-Language`, `Origin` and `X-Forwarded-For`, `-Proto` and `-Host`.
    pub pass_headers: Vec<String>,
    /// How long the app may take to answer.
    pub timeout: Duration,
    /// TLS towards the app; by default the system's root certificates are trusted.
    pub tls: Option<Arc<ClientConfig>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            url: String::new(),
            pass_headers: Vec::new(),
            timeout: Duration::from_secs(10),
            tls: None,
        }
    }
}

impl fmt::Debug for Options {
    /// Without the URL: its query may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("pass_headers", &self.pass_headers)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Options that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// The URL is none of an app.
    #[error("{0}")]
    Url(Box<str>),
    /// A header belongs to each hop, or its name is none.
    #[error("header '{0}' cannot be passed on")]
    Header(Box<str>),
}

/// An app that can be asked.
pub(super) struct App {
    address: Address,
    passed: Passed,
    timeout: Duration,
    http: Http,
}

impl App {
    /// Nothing is connected before the first question.
    pub(super) fn new(options: &Options) -> Result<Self, OptionsError> {
        let address = Address::parse(&options.url)
            .map_err(|error: AddressError| OptionsError::Url(error.to_string().into()))?;
        let passed = Passed::new(&options.pass_headers)
            .map_err(|NotPassable(name)| OptionsError::Header(name))?;
        Ok(Self {
            address: address.before_negotiate(),
            passed,
            timeout: options.timeout,
            http: Http::new(options.tls.clone(), options.timeout),
        })
    }

    /// Asks in a client's name. `url` makes the URL of what the client itself says; `read` makes of
    /// the body who it is. `hub` is for the error.
    pub(super) async fn who(
        &self,
        request: &ClientRequest,
        hub: &str,
        method: Method,
        url: impl FnOnce(&Address, Query<'_>) -> String,
        read: impl FnOnce(&[u8]) -> Result<Said, Failure>,
    ) -> Said {
        let client = own_query(&request.query);
        let query = Query {
            client: &client,
            access_token: query_token(request),
        };
        let url = url(&self.address, query);
        let asked = self.ask(method, &url, (request, true), MAX_ANSWER_BYTES);
        let said = match asked.await {
            Ok(answer) => said(answer, read),
            Err(failure) => Err(failure),
        };
        let outcome = match &said {
            Ok(Ok(_)) => "accepted",
            Ok(Err(_)) => "refused",
            Err(_) => "failed",
        };
        metrics::counter!(LEGACY_QUESTIONS, "outcome" => outcome).increment(1);
        said.unwrap_or_else(|failure| {
            Err(NotAdmitted::Unavailable {
                hub: hub.into(),
                why: self.complaint(&failure),
            })
        })
    }

    /// Fetches what is the same for all clients; the app does not see which one asks for it.
    pub(super) async fn fetch(
        &self,
        request: &ClientRequest,
        url: impl FnOnce(&Address) -> String,
        max_bytes: usize,
    ) -> Result<Answer, Failure> {
        let url = url(&self.address);
        self.ask(Method::GET, &url, (request, false), max_bytes)
            .await
    }

    async fn ask(
        &self,
        method: Method,
        url: &str,
        (request, with_credentials): (&ClientRequest, bool),
        max_bytes: usize,
    ) -> Result<Answer, Failure> {
        if self.passed.came_back(request) {
            return Err(Failure::CameBack);
        }
        let headers = self.passed.headers(request, with_credentials);
        let asked = self.http.ask(method, url, headers, max_bytes);
        timeout(self.timeout, asked).await?
    }

    /// What is wrong with the app, for the log.
    pub(super) fn complaint(&self, failure: &Failure) -> Box<str> {
        let (text, address) = (failure.text(true), &self.address);
        format!("{text}, asked at {address}").into()
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.address, f)
    }
}

/// What an app says of a client: who it is, or that it may not come in.
pub(super) type Said = Result<Identity, NotAdmitted>;

fn said(
    answer: Answer,
    read: impl FnOnce(&[u8]) -> Result<Said, Failure>,
) -> Result<Said, Failure> {
    match answer.status {
        StatusCode::UNAUTHORIZED => Ok(Err(NotAdmitted::Unauthorized { is_known: false })),
        // For those whom the app knows.
        StatusCode::FORBIDDEN => Ok(Err(NotAdmitted::Unauthorized { is_known: true })),
        _ => read(&page_or_body(answer)?),
    }
}

/// The body of an answer with status 200 that is no page for people.
pub(super) fn page_or_body(answer: Answer) -> Result<Bytes, Failure> {
    if answer.status != StatusCode::OK {
        return Err(Failure::Status(answer.status));
    }
    let kind = answer.headers.get(CONTENT_TYPE);
    if kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html")) {
        return Err(Failure::Page);
    }
    answer.body.ok_or(Failure::TooLarge)
}

/// What of a query is the client's own, as it came.
fn own_query(query: &str) -> String {
    let pairs = query.split('&');
    let own = pairs.filter(|pair| !is_one_of(pair, &OF_LEGACY));
    own.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_the_protocol_are_not_the_clients_own() {
        let query = "transport=webSockets&clientProtocol=2.1&user=a%20b&connectionData=%5B%5D\
                     &_=1&tid=3&asrs%2Eop=%2Fx&Transport=x&a&b=1&&c=%26";
        assert_eq!(own_query(query), "user=a%20b&a&b=1&&c=%26");
        assert_eq!(own_query(""), "");
    }
}
