//! The hubs of the conformance contract, which drivers of ASP.NET SignalR 2.x clients are written
//! for: `Conformance` with a method for everything that a client can do, and small ones for what
//! takes a hub of its own.
//!
//! Of what the contract says that only a classic server can do, `Conformance` has `Progress` and
//! `ThrowHubData`. Hubs of ASP.NET Core know no state of a client and no overloads, so calls of
//! `NextCount`, `ReadCounter`, `PushState` and `Overload` are answered as those of any method that
//! is not there.

mod caller;
mod sends;
mod values;

use std::sync::Arc;

use contract::RECEIVED;
use contract::bounds;
use contract::journal::Journal;
use contract::values::marked;
use heliograph::backend::embedded::{Caller, EmbeddedHub, HubBuilder, HubError, Options, Policy};

/// All hubs.
#[derive(Clone, Debug)]
pub(crate) struct Hubs {
    pub(crate) conformance: EmbeddedHub,
    pub(crate) second: EmbeddedHub,
    pub(crate) greeter: EmbeddedHub,
    pub(crate) failing: EmbeddedHub,
    pub(crate) guarded: EmbeddedHub,
}

impl Hubs {
    pub(crate) fn new(options: &Options, journal: &Arc<Journal>) -> Self {
        let builder = |name| EmbeddedHub::builder(name).options(options.clone());
        Self {
            conformance: conformance(builder("Conformance"), journal),
            second: second(builder("Second"), journal),
            greeter: greeter(builder("greeter")),
            failing: failing(builder("failing")),
            guarded: guarded(builder("Guarded")),
        }
    }

    /// Each of them.
    pub(crate) fn all(&self) -> [&EmbeddedHub; 5] {
        [
            &self.conformance,
            &self.second,
            &self.greeter,
            &self.failing,
            &self.guarded,
        ]
    }

    /// The hub of this name, whatever its case.
    pub(crate) fn find(&self, name: &str) -> Option<&EmbeddedHub> {
        let mut all = self.all().into_iter();
        all.find(|hub| hub.name().eq_ignore_ascii_case(name))
    }
}

fn conformance(hub: HubBuilder, journal: &Arc<Journal>) -> EmbeddedHub {
    let [arrivals, returns, ends] = [(); 3].map(|()| Arc::clone(journal));
    let hub = hub
        .on_connected(move |caller: Caller| {
            arrivals.add(caller.id(), "connected");
            async { Ok(()) }
        })
        .on_reconnected(move |caller: Caller| {
            returns.add(caller.id(), "reconnected");
            async { Ok(()) }
        })
        .on_disconnected(move |caller: Caller, _error| {
            let has_stopped = caller.has_stopped();
            let event = if has_stopped {
                "disconnected:true"
            } else {
                "disconnected:false"
            };
            ends.add(caller.id(), event);
            async {}
        });
    let hub = values::add(hub);
    let hub = sends::add(hub);
    caller::add(hub, journal).build()
}

fn second(hub: HubBuilder, journal: &Arc<Journal>) -> EmbeddedHub {
    let journal = Arc::clone(journal);
    hub.on_connected(move |caller: Caller| {
        journal.add(caller.id(), "second-connected");
        async { Ok(()) }
    })
    .method("Echo", move |_: Caller, (text,): (String,)| async move {
        Ok(marked(&text))
    })
    .method(
        "Callback",
        move |caller: Caller, (text,): (String,)| async move {
            let me = caller.clients().caller();
            me.send(RECEIVED, (marked(&text),)).await
        },
    )
    .method(
        "Broadcast",
        move |caller: Caller, (text,): (String,)| async move {
            let all = caller.clients().all();
            all.send(RECEIVED, (marked(&text),)).await
        },
    )
    .build()
}

fn greeter(hub: HubBuilder) -> EmbeddedHub {
    hub.on_connected(|caller: Caller| async move {
        let me = caller.clients().caller();
        me.send(RECEIVED, ("hello",)).await
    })
    .method("Echo", |_: Caller, (text,): (String,)| async { Ok(text) })
    .build()
}

fn failing(hub: HubBuilder) -> EmbeddedHub {
    hub.on_connected(|_: Caller| async { Err(exception("OnConnected failed")) })
        .build()
}

fn guarded(hub: HubBuilder) -> EmbeddedHub {
    hub.require(Policy::user())
        .method("Who", |caller: Caller, (): ()| async move {
            Ok(caller.user().map(str::to_owned))
        })
        .method(
            "Callback",
            |caller: Caller, (text,): (String,)| async move {
                caller.clients().caller().send(RECEIVED, (text,)).await
            },
        )
        .build()
}

/// An ordinary exception.
fn exception(text: impl Into<Box<str>>) -> HubError {
    HubError::hidden("InvalidOperationException", text)
}

/// What clients may ask for is bounded, as everything is.
fn at_most(bound: u32, count: u32) -> Result<u32, HubError> {
    bounds::at_most(bound, count).map_err(HubError::visible)
}
