//! Putting a hub together.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::Stream;
use serde::Serialize;

use super::arguments::Parameters;
use super::hub::{Core, HubMethod, OnConnected, OnDisconnected};
use super::method::Method;
use super::results::Results;
use super::tasks::Tasks;
use super::{Caller, EmbeddedHub, HubError, Policy};

/// Settings of a hub; the defaults are those of ASP.NET Core (3.5).
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether clients see the texts of all errors.
    pub detailed_errors: bool,
    /// Whether clients may ask for stateful reconnect.
    pub stateful_reconnect: bool,
    /// Largest message taken from a client, in bytes with its framing.
    pub max_message_bytes: usize,
    /// Time between pings to a client.
    pub keep_alive_interval: Duration,
    /// How long a client that has pinged once may be silent.
    pub client_timeout: Duration,
    /// How long a client may take to send its handshake request.
    pub handshake_timeout: Duration,
    /// Calls of one client that run at a time; those with streams run beside them.
    pub parallel_calls: usize,
    /// Calls of one client that may wait for their turn before nothing more is read from it.
    pub queued_calls: usize,
    /// Calls with streams, in either direction, that one client may have open.
    pub streams: usize,
    /// Items of one stream from a client that may wait before nothing more is read from it.
    pub upload_items: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            detailed_errors: false,
            stateful_reconnect: false,
            max_message_bytes: 32 * 1024,
            keep_alive_interval: Duration::from_secs(15),
            client_timeout: Duration::from_secs(30),
            handshake_timeout: Duration::from_secs(15),
            parallel_calls: 1,
            queued_calls: 64,
            streams: 100,
            upload_items: 10,
        }
    }
}

/// A hub in the making: begun by [`EmbeddedHub::builder`], ended by [`HubBuilder::build`].
pub struct HubBuilder {
    name: Box<str>,
    options: Options,
    methods: Vec<(Box<str>, Method)>,
    policies: Vec<(String, Policy)>,
    policy: Option<Policy>,
    on_connected: Option<OnConnected>,
    on_reconnected: Option<OnConnected>,
    on_disconnected: Option<OnDisconnected>,
}

impl HubBuilder {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            options: Options::default(),
            methods: Vec::new(),
            policies: Vec::new(),
            policy: None,
            on_connected: None,
            on_reconnected: None,
            on_disconnected: None,
        }
    }

    /// Sets the settings.
    #[must_use]
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Runs for every new client before its first call is read. An error refuses the client,
    /// which must not come back by itself.
    #[must_use]
    pub fn on_connected<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(Caller) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), HubError>> + Send + 'static,
    {
        self.on_connected = Some(Box::new(move |caller| Box::pin(handler(caller))));
        self
    }

    /// Runs for a legacy client each time that it comes back within its window, beside its calls. In
    /// place of [`HubBuilder::on_connected`] it runs for one that comes back and is not known any
    /// more; an error refuses that one.
    #[must_use]
    pub fn on_reconnected<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(Caller) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), HubError>> + Send + 'static,
    {
        self.on_reconnected = Some(Box::new(move |caller| Box::pin(handler(caller))));
        self
    }

    /// Runs once for every client that is gone, unless it was refused: with an error if the client
    /// gave one or broke the rules. The client has left its groups by then.
    #[must_use]
    pub fn on_disconnected<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(Caller, Option<String>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.on_disconnected = Some(Box::new(move |caller, error| {
            Box::pin(handler(caller, error))
        }));
        self
    }

    /// Adds a method. Clients may write its name in any case; of two with one name the last counts.
    #[must_use]
    pub fn method<A, F, Fut, R>(mut self, name: &str, handler: F) -> Self
    where
        A: Parameters,
        F: Fn(Caller, A) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, HubError>> + Send + 'static,
        R: Serialize + 'static,
    {
        self.methods.push((name.into(), Method::value(handler)));
        self
    }

    /// Adds a method that answers with a stream. The stream is dropped when its client cancels it
    /// or is gone, and is not polled while too much waits to be read.
    #[must_use]
    pub fn stream<A, F, Fut, S, T>(mut self, name: &str, handler: F) -> Self
    where
        A: Parameters,
        F: Fn(Caller, A) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<S, HubError>> + Send + 'static,
        S: Stream<Item = Result<T, HubError>> + Send + 'static,
        T: Serialize + Send + 'static,
    {
        self.methods.push((name.into(), Method::stream(handler)));
        self
    }

    /// Lets only those in who pass.
    #[must_use]
    pub fn require(mut self, policy: Policy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Lets only those call a method who pass.
    #[must_use]
    pub fn require_for(mut self, method: &str, policy: Policy) -> Self {
        self.policies.push((method.to_lowercase(), policy));
        self
    }

    /// The hub.
    #[must_use]
    pub fn build(self) -> EmbeddedHub {
        let mut declared: Vec<HubMethod> = Vec::new();
        let mut methods: HashMap<Box<str>, (String, Arc<Method>)> = HashMap::new();
        for (name, mut method) in self.methods {
            let lower = name.to_lowercase();
            let policy = self.policies.iter().rev().find(|(of, _)| *of == lower);
            method.policy = policy.map(|(_, policy)| policy.clone());
            declared.retain(|known| known.name.to_lowercase() != lower);
            declared.push(HubMethod {
                name: name.clone(),
                arguments: method.arguments,
                is_stream: method.is_stream,
            });
            let method = Arc::new(method);
            methods.retain(|_, (known, _)| *known != lower);
            methods.insert(lower.clone().into(), (lower.clone(), Arc::clone(&method)));
            methods.insert(name, (lower, method));
        }
        EmbeddedHub::new(Core {
            name: self.name,
            options: self.options,
            methods: methods
                .into_iter()
                .map(|(name, (_, method))| (name, method))
                .collect(),
            declared,
            policy: self.policy,
            on_connected: self.on_connected,
            on_reconnected: self.on_reconnected,
            on_disconnected: self.on_disconnected,
            results: Arc::new(Results::default()),
            tasks: Arc::new(Tasks::default()),
            hub: OnceLock::new(),
        })
    }
}

impl fmt::Debug for HubBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let methods = self.methods.iter().map(|(name, _)| name);
        f.debug_struct("HubBuilder")
            .field("name", &self.name)
            .field("methods", &methods.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
