//! A hub in this process: what doors and the app hold of it.

use std::collections::HashMap;
use std::fmt;
use std::future::{Future, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};

use heliograph_relay::{CloseReason, Hub};
use tracing::debug;

use super::calls::Farewell;
use super::clients::{Clients, Groups};
use super::connection::Connection;
use super::conversation::Reader;
use super::method::Method;
use super::results::Results;
use super::tasks::{Caught, Tasks};
use super::{Caller, HubBuilder, HubError, Options, Policy, encode};
use crate::backend::{
    Backend, BoxFuture, ClientRequest, Conversation, KeepAlive, OpenError, Opening, Refusal, Rules,
    Ticket,
};
use crate::edge::dialects;

pub(super) type OnConnected =
    Box<dyn Fn(Caller) -> BoxFuture<'static, Result<(), HubError>> + Send + Sync>;
pub(super) type OnDisconnected =
    Box<dyn Fn(Caller, Option<String>) -> BoxFuture<'static, ()> + Send + Sync>;

/// A hub whose methods are Rust functions, ready to be served. Cheap to clone.
#[derive(Clone, Debug)]
pub struct EmbeddedHub(Arc<Core>);

/// A hub seen from outside its methods: sends to its clients at any time, from anywhere. Cheap to
/// clone.
#[derive(Clone, Debug)]
pub struct HubHandle(Arc<Core>);

/// A hub's methods and what they have in common.
pub(super) struct Core {
    pub(super) name: Box<str>,
    pub(super) options: Options,
    /// By the name as it was given, and by that name in lower case.
    pub(super) methods: HashMap<Box<str>, Arc<Method>>,
    /// In the order in which they were given.
    pub(super) declared: Vec<HubMethod>,
    pub(super) policy: Option<Policy>,
    pub(super) on_connected: Option<OnConnected>,
    pub(super) on_reconnected: Option<OnConnected>,
    pub(super) on_disconnected: Option<OnDisconnected>,
    pub(super) results: Arc<Results>,
    pub(super) tasks: Arc<Tasks>,
    /// Where the clients are; known from the first of them on.
    pub(super) hub: OnceLock<Arc<Hub>>,
}

/// A method as its hub declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubMethod {
    /// Its name, as it was given.
    pub name: Box<str>,
    /// How many arguments a call must have.
    pub arguments: usize,
    /// Whether it answers with a stream.
    pub is_stream: bool,
}

/// How a client comes to its hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arrival {
    New,
    Returning,
}

impl EmbeddedHub {
    /// Begins a hub of this name.
    #[must_use]
    pub fn builder(name: &str) -> HubBuilder {
        HubBuilder::new(name)
    }

    pub(super) fn new(core: Core) -> Self {
        Self(Arc::new(core))
    }

    /// The hub's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its methods, in the order in which they were declared.
    #[must_use]
    pub fn methods(&self) -> &[HubMethod] {
        &self.0.declared
    }

    /// The hub as the rest of the app uses it.
    #[must_use]
    pub fn handle(&self) -> HubHandle {
        HubHandle(Arc::clone(&self.0))
    }

    /// Done when no method is running that was not answered at once, and nobody's arrival or end
    /// is still being handled.
    pub async fn finished(&self) {
        self.0.tasks.finished().await;
    }
}

impl HubHandle {
    /// To whom messages may go.
    #[must_use]
    pub fn clients(&self) -> Clients<'_> {
        Clients::new(self.0.hub.get(), &self.0.results)
    }

    /// The hub's groups.
    #[must_use]
    pub fn groups(&self) -> Groups<'_> {
        Groups::new(self.0.hub.get())
    }

    /// Ends a connection. False if it is not there.
    #[must_use]
    pub fn abort(&self, connection: &str) -> bool {
        let client = self.0.hub.get().and_then(|hub| hub.connection(connection));
        let Some(client) = client else {
            return false;
        };
        client.close(CloseReason::Ended {
            error: None,
            allow_reconnect: false,
        });
        true
    }

    /// How many connections the hub has.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.0.hub.get().map_or(0, |hub| hub.len())
    }
}

impl Core {
    /// The method of a name, whatever its case.
    pub(super) fn method(&self, name: &str) -> Option<&Method> {
        let method = match self.methods.get(name) {
            Some(method) => Some(method),
            None => self.methods.get(name.to_lowercase().as_str()),
        };
        method.map(|method| &**method)
    }

    fn open(
        self: &Arc<Self>,
        opening: Opening,
        arrival: Arrival,
    ) -> Result<Box<dyn Conversation>, OpenError> {
        let Opening {
            client,
            hub,
            protocol,
            request,
            ..
        } = opening;
        let Some(encoding) = dialects::encoding(client.dialect()) else {
            let text = format!("The protocol '{protocol}' is not supported.");
            return Err(OpenError::Refused(text.into()));
        };
        if let Some(policy) = &self.policy
            && !policy.allows(&request.identity)
        {
            let text = "The user is not authorized to connect to this hub.";
            return Err(OpenError::Refused(text.into()));
        }
        // The name decides: all routes to this hub lead to one and the same.
        _ = self.hub.set(Arc::clone(&hub));
        client.answer(encode::handshake(encoding));
        let connection = Connection::new(Arc::clone(self), hub, client, request, encoding);
        let connection = Arc::new(connection);
        connect(&connection, arrival);
        Ok(Box::new(Reader::new(connection)))
    }
}

/// Tells the hub of a new client. Nothing is read from the client until that is done.
fn connect(connection: &Arc<Connection>, arrival: Arrival) {
    let core = &connection.core;
    let handler = match arrival {
        Arrival::New => &core.on_connected,
        Arrival::Returning => &core.on_reconnected,
    };
    let Some(handler) = handler else {
        connection.lane.open();
        return;
    };
    let caller = Caller::new(Arc::clone(connection));
    let future = catch_unwind(AssertUnwindSafe(|| handler(caller)));
    let mut future = match future {
        Ok(future) => Caught(future),
        Err(panic) => return refuse(connection, &HubError::panicked(&*panic)),
    };
    // Polled again by the task if it is not done at once, so that no waking is lost.
    match Pin::new(&mut future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => {
            connected(
                connection,
                outcome.unwrap_or_else(|p| Err(HubError::panicked(&*p))),
            );
        }
        Poll::Pending => {
            let tasks = Arc::clone(&connection.core.tasks);
            let connection = Arc::clone(connection);
            tasks.spawn(async move {
                let outcome = future.await;
                connected(
                    &connection,
                    outcome.unwrap_or_else(|p| Err(HubError::panicked(&*p))),
                );
            });
        }
    }
}

fn connected(connection: &Arc<Connection>, outcome: Result<(), HubError>) {
    match outcome {
        Ok(()) => {
            if let Some(farewell) = connection.lane.open() {
                say_farewell(connection, farewell);
            }
        }
        Err(error) => refuse(connection, &error),
    }
}

/// The hub failed to take a client. It hears nothing of the client's end.
fn refuse(connection: &Connection, error: &HubError) {
    let general = "Connection closed with an error.".to_owned();
    let text = error.add_to(general, connection.core.options.detailed_errors);
    connection.client.close(CloseReason::Ended {
        error: Some(text.into()),
        allow_reconnect: false,
    });
    connection.set_gone();
}

/// A client is back on a new channel.
pub(super) fn reconnect(connection: &Arc<Connection>) {
    if connection.core.on_reconnected.is_none() || connection.is_gone() {
        return;
    }
    let connection = Arc::clone(connection);
    let tasks = Arc::clone(&connection.core.tasks);
    tasks.spawn(async move {
        if let Some(on_reconnected) = &connection.core.on_reconnected
            && let Err(error) = on_reconnected(Caller::new(Arc::clone(&connection))).await
        {
            let hub = connection.hub.name();
            debug!(conn = ?connection.client.id(), hub, err = error.name(), "reconnected failed");
        }
    });
}

/// A client is gone: it has left its groups already.
pub(super) fn disconnect(connection: &Arc<Connection>, reason: &CloseReason) {
    if let CloseReason::ClientClosed(_) = reason {
        connection.set_stopped();
    }
    connection.set_gone();
    connection.streams.clear();
    connection.core.results.give_up(connection.client.id());
    if let Some(farewell) = connection.lane.close(Farewell(error_of(reason))) {
        say_farewell(connection, farewell);
    }
}

fn say_farewell(connection: &Arc<Connection>, farewell: Farewell) {
    if connection.core.on_disconnected.is_none() {
        return;
    }
    let connection = Arc::clone(connection);
    let tasks = Arc::clone(&connection.core.tasks);
    tasks.spawn(async move {
        if let Some(on_disconnected) = &connection.core.on_disconnected {
            on_disconnected(Caller::new(Arc::clone(&connection)), farewell.0).await;
        }
    });
}

/// What a hub hears of a connection's end: nothing if it was an orderly one.
fn error_of(reason: &CloseReason) -> Option<String> {
    let message = |detail: &str| match detail.split_once(": ") {
        Some((_, message)) => message.to_owned(),
        None => detail.to_owned(),
    };
    match reason {
        CloseReason::ClientClosed(error) => error.as_deref().map(str::to_owned),
        CloseReason::ClientTimeout => Some(
            "Client hasn't sent a message/ping within the configured ClientTimeoutInterval."
                .to_owned(),
        ),
        CloseReason::ProtocolError(detail) | CloseReason::ResumeFailed(detail) => {
            Some(message(detail))
        }
        CloseReason::SlowClient => Some("The client reads too slowly.".to_owned()),
        _ => None,
    }
}

impl Backend for EmbeddedHub {
    fn rules(&self, _hub: &Hub) -> Rules {
        let options = &self.0.options;
        Rules {
            stateful_reconnect: options.stateful_reconnect,
            max_message_bytes: options.max_message_bytes,
            handshake_timeout: options.handshake_timeout,
            keep_alive: Some(KeepAlive {
                interval: options.keep_alive_interval,
                client_timeout: options.client_timeout,
            }),
            detailed_errors: options.detailed_errors,
        }
    }

    fn negotiate<'a>(
        &'a self,
        request: &'a ClientRequest,
    ) -> BoxFuture<'a, Result<Ticket, Refusal>> {
        let allowed = self
            .0
            .policy
            .as_ref()
            .is_none_or(|p| p.allows(&request.identity));
        let answer = if allowed {
            Ok(Ticket::default())
        } else {
            Err(Policy::refusal(&request.identity))
        };
        Box::pin(ready(answer))
    }

    fn open(&self, opening: Opening) -> BoxFuture<'_, Result<Box<dyn Conversation>, OpenError>> {
        Box::pin(ready(self.0.open(opening, Arrival::New)))
    }

    fn reopen(&self, opening: Opening) -> BoxFuture<'_, Result<Box<dyn Conversation>, OpenError>> {
        Box::pin(ready(self.0.open(opening, Arrival::Returning)))
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedHub")
            .field("name", &self.name)
            .field("options", &self.options)
            .field("methods", &self.methods.keys())
            .finish_non_exhaustive()
    }
}
