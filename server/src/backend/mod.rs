//! Whoever runs a hub: app servers (`link`, and `legacy_app` for classic ones), a hub elsewhere
//! (`direct`), Rust (`embedded`).
//!
//! A door speaks to all of them through [`Backend`] and [`Conversation`]; what comes back from a
//! backend goes straight to the client's outbox.

pub mod asking;
pub mod direct;
pub mod embedded;
pub mod legacy;
pub mod legacy_app;
pub mod link;
mod request;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use heliograph_protocol::hub::MessageType;
use heliograph_relay::{Client, CloseReason, Hub};
use http::{HeaderMap, HeaderValue, StatusCode};

pub use heliograph_protocol::hub::negotiate::Transport;
pub use request::{Bearer, ClientRequest, Headers, form_pairs};

/// A boxed future: opening and negotiating happen once per connection.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Port: runs hubs for clients.
pub trait Backend: Send + Sync + fmt::Debug {
    /// How the door treats clients of this hub.
    fn rules(&self, hub: &Hub) -> Rules;

    /// Asked when a client negotiates, before it gets any id.
    ///
    /// # Errors
    ///
    /// The answer for a client that the hub refuses.
    fn negotiate<'a>(
        &'a self,
        request: &'a ClientRequest,
    ) -> BoxFuture<'a, Result<Ticket, Refusal>> {
        let _ = request;
        Box::pin(std::future::ready(Ok(Ticket::default())))
    }

    /// Opens a conversation for a client that has sent its handshake request. The client is in
    /// the hub already and its outbox is held: the backend answers the handshake with
    /// [`heliograph_relay::Outbox::answer`], now or later.
    ///
    /// # Errors
    ///
    /// The text of the handshake error for the client.
    fn open(&self, opening: Opening) -> BoxFuture<'_, Result<Box<dyn Conversation>, OpenError>>;

    /// As [`Backend::open`], for a client that was connected before, to a service that has
    /// forgotten it: a hub that tells the two apart hears of a return and not of an arrival.
    ///
    /// # Errors
    ///
    /// The text of the handshake error for the client.
    fn reopen(&self, opening: Opening) -> BoxFuture<'_, Result<Box<dyn Conversation>, OpenError>> {
        self.open(opening)
    }
}

/// Port: one client's side of a hub. The door feeds it one whole message at a time, in order.
pub trait Conversation: Send + fmt::Debug {
    /// Ready when the next message may be fed. A full backend stops us reading from its clients.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// Takes one framed hub message. An error ends the connection.
    ///
    /// # Errors
    ///
    /// Why the connection ends.
    fn feed(&mut self, message: Inbound<'_>) -> Result<(), CloseReason>;

    /// A resumed client attached a new transport: what was half received is void.
    fn resumed(&mut self) {}

    /// A legacy client opened a new channel, after it had lost the one before. Nothing is void.
    /// Whether the hub tells that from other news: others do not hear of it.
    fn reconnected(&mut self) -> bool {
        false
    }

    /// The client is gone: it is out of the hub already, and the hub is told.
    fn close(self: Box<Self>, reason: &CloseReason);
}

/// One whole message from a client, framed as it came.
#[derive(Clone, Copy, Debug)]
pub struct Inbound<'a> {
    /// The message with its separator or length prefix.
    pub framed: &'a [u8],
    /// Its type; `None` when it was not or could not be read.
    pub kind: Option<MessageType>,
}

/// How a door treats the clients of a hub.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Whether clients may ask for stateful reconnect.
    pub stateful_reconnect: bool,
    /// Largest message taken from a client, in bytes with its framing.
    pub max_message_bytes: usize,
    /// How long a client may take to send its handshake request.
    pub handshake_timeout: Duration,
    /// Set when the door pings and watches clients because the hub does not.
    pub keep_alive: Option<KeepAlive>,
    /// Whether error texts may show details.
    pub detailed_errors: bool,
}

/// Hub-level keep-alive done by the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    /// Time between pings to the client.
    pub interval: Duration,
    /// How long a client that has pinged once may be silent.
    pub client_timeout: Duration,
}

/// What a backend's own negotiation left for the connection.
#[derive(Clone, Default)]
pub struct Ticket {
    /// The public id that the hub gave, if it gives ids.
    pub connection_id: Option<Box<str>>,
    /// What the backend needs to find the connection again, never shown to the client or a log.
    pub secret: Option<Box<str>>,
    /// `Set-Cookie` lines for the client's browser. The door takes them out for its answer.
    pub set_cookies: Vec<HeaderValue>,
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket")
            .field("connection_id", &self.connection_id)
            .field("secret", &self.secret.as_ref().map(|_| "***"))
            .field("set_cookies", &self.set_cookies.len())
            .finish()
    }
}

/// The answer to a client that the hub refuses at negotiate.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The status.
    pub status: StatusCode,
    /// Headers worth passing on, such as `WWW-Authenticate`.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

/// Everything about a client that opens a conversation.
#[derive(Debug)]
pub struct Opening {
    /// The client: id, user, dialect, outbox.
    pub client: Arc<Client>,
    /// Its hub.
    pub hub: Arc<Hub>,
    /// Name of the hub protocol as the handshake gave it.
    pub protocol: Box<str>,
    /// Version of the hub protocol as the handshake gave it.
    pub version: i32,
    /// The handshake record, byte for byte, with its separator.
    pub handshake: Vec<u8>,
    /// What the client's transport request said.
    pub request: Arc<ClientRequest>,
    /// What the backend's negotiation left.
    pub ticket: Ticket,
}

/// Why no conversation could be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Nobody runs the hub at this time.
    #[error("no server is available for hub '{0}'")]
    NoServer(Box<str>),
    /// The one app server that the client has to go to is not there.
    #[error("server '{server}', which this client belongs to, is not connected for hub '{hub}'")]
    ServerGone {
        /// The hub's name.
        hub: Box<str>,
        /// The app server's name.
        server: Box<str>,
    },
    /// The hub cannot be reached or refuses.
    #[error("hub '{hub}' is unavailable: {why}")]
    Unavailable {
        /// The hub's name.
        hub: Box<str>,
        /// What went wrong, without secrets.
        why: Box<str>,
    },
    /// The hub does not take this client; the text is the whole handshake error.
    #[error("{0}")]
    Refused(Box<str>),
}
