//! The hubs of the conformance contract, as a classic app has them: with state and overloads, and
//! without progress, which the SDK for app servers lacks.

mod caller;
mod groups;
mod methods;
mod sends;
mod values;

use contract::bounds;
use contract::identity::Said;
use contract::values::marked;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(crate) use caller::Caller;
pub(crate) use methods::of as methods;

/// A hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hub {
    Conformance,
    Second,
    Greeter,
    Failing,
    Guarded,
}

impl Hub {
    pub(crate) const ALL: [Self; 5] = [
        Self::Conformance,
        Self::Second,
        Self::Greeter,
        Self::Failing,
        Self::Guarded,
    ];

    /// The name that clients are called with.
    pub(crate) fn declared(self) -> &'static str {
        match self {
            Self::Conformance => "Conformance",
            Self::Second => "Second",
            Self::Greeter => "greeter",
            Self::Failing => "failing",
            Self::Guarded => "Guarded",
        }
    }

    /// The hub of this name, whatever its case.
    pub(crate) fn find(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|hub| hub.declared().eq_ignore_ascii_case(name))
    }

    /// Whether it lets this client in.
    pub(crate) fn admits(self, said: &Said) -> bool {
        self != Self::Guarded || said.user.is_some()
    }
}

/// How a call fails.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// With an ordinary exception.
    Hidden(String),
    /// With an exception that is meant for the client.
    Visible { text: String, data: Option<Value> },
    /// There is no such method, or none with so many arguments.
    NoMethod,
    /// The caller may not.
    Unauthorized,
}

impl Fault {
    fn visible(text: impl Into<String>) -> Self {
        let text = text.into();
        Self::Visible { text, data: None }
    }

    /// What clients are told that may know.
    pub(crate) fn detail(&self, hub: Hub, method: &str) -> String {
        match self {
            Self::Hidden(text) | Self::Visible { text, .. } => text.clone(),
            Self::NoMethod => {
                format!("'{method}' method could not be resolved. No method found with that name.")
            }
            Self::Unauthorized => {
                let hub = hub.declared();
                format!("Caller is not authorized to invoke the {method} method on {hub}.")
            }
        }
    }
}

/// What a method gives: JSON text.
type Done = Result<String, Fault>;

/// The arguments of a call.
#[derive(Debug)]
pub(crate) struct Arguments(Vec<Value>);

impl Arguments {
    /// Reads the text of an array.
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        let values = serde_json::from_str(text);
        values
            .map(Self)
            .map_err(|error| Fault::Hidden(error.to_string()))
    }

    /// All of them as a tuple.
    fn all<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        let values = Value::Array(self.0.clone());
        serde_json::from_value(values).map_err(|error| Fault::Hidden(error.to_string()))
    }

    /// The only one.
    fn only<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        self.all::<(T,)>().map(|(value,)| value)
    }
}

/// A result.
fn value(result: impl Serialize) -> Done {
    serde_json::to_string(&result).map_err(|error| Fault::Hidden(error.to_string()))
}

/// No result.
fn nothing() -> Done {
    value(())
}

/// Runs a method: names compare ignoring case, and of one name the number of arguments decides.
pub(crate) async fn invoke(
    caller: &Caller,
    method: &str,
    arguments: &Arguments,
) -> Result<String, Fault> {
    if !caller.hub.admits(caller.said()) {
        return Err(Fault::Unauthorized);
    }
    let method = method.to_lowercase();
    let call = (&*method, arguments.0.len());
    match (caller.hub, call) {
        (Hub::Conformance, _) => conformance(caller, call, arguments).await,
        (Hub::Greeter, ("echo", 1)) => value(arguments.only::<String>()?),
        (Hub::Second, ("echo", 1)) => value(marked(&arguments.only::<String>()?)),
        (Hub::Second, ("callback", 1)) => {
            caller
                .to_caller(&marked(&arguments.only::<String>()?))
                .await
        }
        (Hub::Second, ("broadcast", 1)) => {
            caller
                .to_all(&marked(&arguments.only::<String>()?), &[])
                .await
        }
        (Hub::Guarded, ("who", 0)) => value(&caller.said().user),
        (Hub::Guarded, ("callback", 1)) => caller.to_caller(&arguments.only::<String>()?).await,
        (Hub::Second | Hub::Greeter | Hub::Failing | Hub::Guarded, _) => Err(Fault::NoMethod),
    }
}

async fn conformance(caller: &Caller, call: (&str, usize), arguments: &Arguments) -> Done {
    if let Some(done) = values::invoke(caller, call, arguments).await {
        return done;
    }
    if let Some(done) = caller::invoke(caller, call, arguments) {
        return done;
    }
    if let Some(done) = sends::invoke(caller, call, arguments).await {
        return done;
    }
    let done = groups::invoke(caller, call, arguments).await;
    done.unwrap_or(Err(Fault::NoMethod))
}

fn at_most(bound: u32, count: u32) -> Result<u32, Fault> {
    bounds::at_most(bound, count).map_err(Fault::visible)
}
