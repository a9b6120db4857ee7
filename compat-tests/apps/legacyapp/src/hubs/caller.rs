//! Who calls, and the methods about that.

use std::sync::Arc;

use contract::RECEIVED;
use contract::identity::{Said, cookies};
use contract::values::joined;
use heliograph_protocol::legacy::write_invocation;
use parking_lot::Mutex;
use serde_json::{Map, Value};

use super::{Arguments, Done, Fault, Hub, nothing, value};
use crate::app::{App, To};
use crate::connection::Connection;

/// A client, as one of its hubs sees it during a call or an event.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(super) app: Arc<App>,
    pub(super) connection: Arc<Connection>,
    pub(crate) hub: Hub,
    state: Mutex<State>,
}

/// What the client keeps for the hub.
#[derive(Debug, Default)]
struct State {
    all: Map<String, Value>,
    changed: Map<String, Value>,
}

impl Caller {
    /// The client with this state, the text of a JSON object.
    pub(crate) fn new(
        app: &Arc<App>,
        connection: &Arc<Connection>,
        hub: Hub,
        state: Option<&str>,
    ) -> Self {
        let all = state.and_then(|state| serde_json::from_str(state).ok());
        Self {
            app: Arc::clone(app),
            connection: Arc::clone(connection),
            hub,
            state: Mutex::new(State {
                all: all.unwrap_or_default(),
                changed: Map::new(),
            }),
        }
    }

    pub(super) fn said(&self) -> &Said {
        &self.connection.said
    }

    /// The client has come.
    ///
    /// # Errors
    ///
    /// What went wrong: it may not stay.
    pub(crate) async fn connected(&self) -> Result<(), String> {
        match self.hub {
            Hub::Conformance => self.note("connected"),
            Hub::Second => self.note("second-connected"),
            Hub::Greeter => _ = self.to_caller("hello").await,
            Hub::Failing => return Err("OnConnected failed".to_owned()),
            Hub::Guarded => {}
        }
        Ok(())
    }

    /// The client has come back.
    pub(crate) fn reconnected(&self) {
        if self.hub == Hub::Conformance {
            self.note("reconnected");
        }
    }

    /// The client is gone. How, the service does not say: it counts as stopped.
    pub(crate) fn disconnected(&self) {
        if self.hub == Hub::Conformance {
            self.note("disconnected:true");
        }
    }

    fn note(&self, event: &'static str) {
        self.app.journal.add(&self.connection.id, event);
    }

    /// A value of the client's state.
    pub(super) fn state(&self, name: &str) -> Option<Value> {
        self.state.lock().all.get(name).cloned()
    }

    /// Changes the client's state.
    pub(super) fn set_state(&self, name: &str, value: &Value) {
        let mut state = self.state.lock();
        state.all.insert(name.to_owned(), value.clone());
        state.changed.insert(name.to_owned(), value.clone());
    }

    /// What the call has changed of the client's state: the text of a JSON object.
    pub(crate) fn changed_state(&self) -> Option<String> {
        let state = self.state.lock();
        (!state.changed.is_empty()).then(|| Value::Object(state.changed.clone()).to_string())
    }

    /// Calls a method of the caller, which gets what has changed of its state.
    pub(super) async fn call(&self, method: &str, arguments: &str) {
        let mut element = Vec::new();
        let state = self.changed_state();
        let hub = self.hub.declared();
        write_invocation(&mut element, hub, method, arguments, state.as_deref());
        self.to(To::Connection(&self.connection.id), &element).await;
    }

    /// Sends the caller a text.
    pub(super) async fn to_caller(&self, text: &str) -> Done {
        self.call(RECEIVED, &value([text])?).await;
        nothing()
    }

    /// Sends all of the hub a text, but for these.
    pub(super) async fn to_all(&self, text: &str, except: &[&str]) -> Done {
        self.received(To::All { except }, text).await
    }

    /// Sends a text.
    pub(super) async fn received(&self, to: To<'_>, text: &str) -> Done {
        let element = self.hub.received(text)?;
        self.to(to, &element).await;
        nothing()
    }

    async fn to(&self, to: To<'_>, element: &[u8]) {
        let from = Some(&*self.connection);
        self.app.send(self.hub, from, to, element).await;
    }
}

impl Hub {
    /// A call of what clients are sent texts by.
    pub(crate) fn received(self, text: &str) -> Result<Vec<u8>, Fault> {
        let mut element = Vec::new();
        let arguments = value([text])?;
        write_invocation(&mut element, self.declared(), RECEIVED, &arguments, None);
        Ok(element)
    }
}

/// The methods about the caller; `None` for all others.
pub(super) fn invoke(caller: &Caller, call: (&str, usize), arguments: &Arguments) -> Option<Done> {
    let (connection, said) = (&caller.connection, caller.said());
    let named = |find: &dyn Fn(&str) -> Option<String>| {
        let name: String = arguments.only()?;
        value(find(&name))
    };
    Some(match call {
        ("connectionid", 0) => value(&connection.id),
        ("username", 0) => value(&said.user),
        ("secret", 0) if said.user.is_some() => value(&said.user),
        ("adminonly", 0) if said.roles.iter().any(|role| role == "admin") => value(&said.user),
        ("secret" | "adminonly", 0) => Err(Fault::Unauthorized),
        ("query", 1) => named(&|name| joined(&connection.query_values(name))),
        ("header", 1) => named(&|name| connection.header(name).map(str::to_owned)),
        ("cookievalue", 1) => named(&|name| {
            let mut cookies = cookies(connection.header("cookie")?);
            let (_, value) = cookies.find(|(known, _)| *known == name)?;
            Some(value.to_owned())
        }),
        ("log", 1) => arguments
            .only::<String>()
            .and_then(|id| value(caller.app.journal.of(&id))),
        _ => return None,
    })
}
