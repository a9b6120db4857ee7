//! A hub that runs elsewhere: an ASP.NET Core app that knows nothing of us.
//!
//! A client's negotiation asks the hub's own, so that the hub can refuse it and both sides see the
//! same connection id. Its hub handshake opens a WebSocket to the hub; from then on messages pass
//! in both directions, framed anew and never read beyond their type. Groups, users and sends stay
//! inside the hub: nothing but one client's conversation passes through here.
//!
//! The hub pings its clients and watches their pings itself. Stateful reconnect is ours: the hub
//! is never asked for it and sees one connection whatever happens to the client's transport.

mod carry;
mod conversation;
mod negotiate;
mod place;
mod socket;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use heliograph_relay::Hub;
use http::HeaderMap;
use rustls::ClientConfig;
use tracing::{info, warn};

use self::place::Place;
use super::asking::{self, Address, Failure, Http, NotPassable, Passed, Query};
use super::{
    Backend, BoxFuture, ClientRequest, Conversation, OpenError, Opening, Refusal, Rules, Ticket,
};

/// Settings of a hub that runs elsewhere.
#[derive(Clone)]
pub struct Options {
    /// URL of the hub, such as `http://127.0.0.1:5000/chat`; `http` or `https`.
    pub url: String,
    /// Names of client headers that the hub gets to see besides `Authorization`, `Cookie`,
    /// `User-Agent`, `Accept-Language`, `Origin` and `X-Forwarded-For`, `-Proto` and `-Host`.
    pub pass_headers: Vec<String>,
    /// How long the hub may take to answer a negotiation, redirects included.
    pub negotiate_timeout: Duration,
    /// How long it may take until a WebSocket to the hub is open.
    pub connect_timeout: Duration,
    /// How long a client may take to send its handshake request, and the hub to answer it.
    pub handshake_timeout: Duration,
    /// Largest message taken from a client, in bytes. The hub has a limit of its own, which should
    /// be lower, so that its clients are told by the hub.
    pub max_message_bytes: usize,
    /// Largest WebSocket message taken from the hub, in bytes; it may hold several hub messages.
    pub max_hub_message_bytes: usize,
    /// Whether clients may ask for stateful reconnect.
    pub stateful_reconnect: bool,
    /// Whether error texts for clients may show details, such as why the hub cannot be reached.
    pub detailed_errors: bool,
    /// TLS towards the hub; by default the system's root certificates are trusted.
    pub tls: Option<Arc<ClientConfig>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            url: String::new(),
            pass_headers: Vec::new(),
            negotiate_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(10),
            handshake_timeout: Duration::from_secs(15),
            max_message_bytes: 2 << 20,
            max_hub_message_bytes: 16 << 20,
            stateful_reconnect: true,
            detailed_errors: false,
            tls: None,
        }
    }
}

/// Options that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// The URL is none of a hub.
    #[error("the URL of hub '{hub}' cannot be used: {why}")]
    Url {
        /// The hub's name.
        hub: Box<str>,
        /// What is wrong with it.
        why: Box<str>,
    },
    /// A header belongs to each hop, or its name is none.
    #[error("header '{0}' cannot be passed on")]
    Header(Box<str>),
}

/// Runs one hub by passing its clients on to where it really runs.
pub struct Direct {
    hub: Box<str>,
    address: Address,
    passed: Passed,
    options: Options,
    http: Http,
    is_failing: AtomicBool,
}

/// One request's way to a hub.
struct Trip<'a> {
    address: Cow<'a, Address>,
    headers: HeaderMap,
    client_query: &'a str,
    query_token: Option<&'a str>,
}

impl Trip<'_> {
    fn query(&self) -> Query<'_> {
        Query {
            client: self.client_query,
            access_token: self.query_token,
        }
    }
}

impl Direct {
    /// Passes clients of `hub` on. Nothing is connected before the first client comes.
    ///
    /// # Errors
    ///
    /// [`OptionsError`] when the options cannot be used.
    pub fn new(hub: &str, options: Options) -> Result<Self, OptionsError> {
        let address = Address::parse(&options.url).map_err(|error| OptionsError::Url {
            hub: hub.into(),
            why: error.to_string().into(),
        })?;
        let passed = Passed::new(&options.pass_headers)
            .map_err(|NotPassable(name)| OptionsError::Header(name))?;
        let http = Http::new(options.tls.clone(), options.connect_timeout);
        Ok(Self {
            hub: hub.into(),
            address,
            passed,
            options,
            http,
            is_failing: AtomicBool::new(false),
        })
    }

    /// What a request to the hub's place for a client says.
    fn trip<'a>(
        &'a self,
        request: &'a ClientRequest,
        place: &'a Place,
    ) -> Result<Trip<'a>, Failure> {
        if self.passed.came_back(request) {
            return Err(Failure::CameBack);
        }
        let (address, is_home) = match &place.url {
            None => (Cow::Borrowed(&self.address), true),
            Some(url) => {
                let address = Address::parse(url).map_err(|_| Failure::RedirectUrl)?;
                (Cow::Owned(address), false)
            }
        };
        let own_origin = is_home || address.is_same_origin(&self.address);
        let mut headers = self.passed.headers(request, own_origin);
        let mut query_token = None;
        if let Some(token) = &place.access_token {
            asking::set_bearer(&mut headers, token).ok_or(Failure::Unreadable)?;
        } else if own_origin {
            query_token = asking::query_token(request);
        }
        asking::add_cookies(&mut headers, &place.cookies);
        Ok(Trip {
            address,
            headers,
            // A redirect names the whole query that it wants.
            client_query: if is_home { &request.query } else { "" },
            query_token,
        })
    }

    /// A failure as a sentence for clients.
    fn sentence(&self, failure: &Failure) -> String {
        let why = failure.text(self.options.detailed_errors);
        format!("Hub '{}' is unavailable: {why}.", self.hub)
    }

    /// Counts a failure; says so aloud when the hub worked until now.
    fn note_failure(&self, failure: &Failure) {
        let reason = failure.label();
        metrics::counter!("heliograph.direct.failures", "reason" => reason).increment(1);
        if !self.is_failing.swap(true, Ordering::Relaxed) {
            let cause = failure.cause();
            let cause = cause.as_deref();
            let (hub, app) = (&*self.hub, &self.address);
            warn!(hub, %app, err = %failure, cause, "hub is unavailable");
        }
    }

    fn note_success(&self) {
        if self.is_failing.load(Ordering::Relaxed) && self.is_failing.swap(false, Ordering::Relaxed)
        {
            info!(hub = &*self.hub, "hub is available again");
        }
    }
}

impl Backend for Direct {
    fn rules(&self, _hub: &Hub) -> Rules {
        Rules {
            stateful_reconnect: self.options.stateful_reconnect,
            max_message_bytes: self.options.max_message_bytes,
            handshake_timeout: self.options.handshake_timeout,
            keep_alive: None,
            detailed_errors: self.options.detailed_errors,
        }
    }

    fn negotiate<'a>(
        &'a self,
        request: &'a ClientRequest,
    ) -> BoxFuture<'a, Result<Ticket, Refusal>> {
        Box::pin(self.ask(request))
    }

    fn open(&self, opening: Opening) -> BoxFuture<'_, Result<Box<dyn Conversation>, OpenError>> {
        Box::pin(self.converse(opening))
    }
}

impl fmt::Debug for Options {
    /// Without the URL: its query may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("pass_headers", &self.pass_headers)
            .field("negotiate_timeout", &self.negotiate_timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("handshake_timeout", &self.handshake_timeout)
            .field("max_message_bytes", &self.max_message_bytes)
            .field("max_hub_message_bytes", &self.max_hub_message_bytes)
            .field("stateful_reconnect", &self.stateful_reconnect)
            .field("detailed_errors", &self.detailed_errors)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Direct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Direct")
            .field("hub", &self.hub)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
