//! The hubs: everything a hub can do, one method each.

mod sends;
mod streams;

use std::sync::Arc;
use std::time::Duration;

use heliograph::backend::embedded::{Caller, EmbeddedHub, HubBuilder, HubError, Options, Policy};

use crate::identity::{NAME, ROLE};
use crate::journal::Journal;
use crate::objects::{Complex, WhoAmI};
use crate::values::{Any, Bytes};

/// The name that `?onconnect=throw` fails with.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct InvalidOperationException(String);

/// All hubs of the app.
#[derive(Clone, Debug)]
pub(crate) struct Hubs {
    pub(crate) test: EmbeddedHub,
    pub(crate) secret: EmbeddedHub,
    pub(crate) bench: EmbeddedHub,
}

impl Hubs {
    pub(crate) fn new(options: &Options, journal: &Arc<Journal>) -> Self {
        Self {
            test: test(options, journal),
            secret: secret(options, journal),
            bench: heliograph::backend::embedded::bench(options.clone()),
        }
    }

    /// The hub that a control request names.
    pub(crate) fn find(&self, name: Option<&str>) -> Option<&EmbeddedHub> {
        match name {
            None | Some("test") => Some(&self.test),
            Some("secret") => Some(&self.secret),
            Some("bench") => Some(&self.bench),
            Some(_) => None,
        }
    }
}

fn test(options: &Options, journal: &Arc<Journal>) -> EmbeddedHub {
    let hub = reporting("testhub", "TestHub", options, journal);
    let hub = caller(values(hub), journal);
    let hub = sends::add(hub);
    streams::add(hub, journal).build()
}

fn secret(options: &Options, journal: &Arc<Journal>) -> EmbeddedHub {
    reporting("secrethub", "SecretHub", options, journal)
        .require(Policy::user())
        .require_for("AdminOnly", Policy::role("admin"))
        .method("AdminOnly", |_: Caller, (): ()| async { Ok("ok") })
        .method("Summary", |caller: Caller, (): ()| async move {
            let identity = caller.identity();
            let roles = identity.claims.iter().filter(|(kind, _)| kind == ROLE);
            let roles: Vec<_> = roles.map(|(_, role)| role.as_str()).collect();
            Ok(format!(
                "{}|{}|{}|{}",
                caller.user().unwrap_or_default(),
                identity.claim(NAME).unwrap_or_default(),
                roles.join(","),
                identity.claim("dept").unwrap_or_default(),
            ))
        })
        .build()
}

/// A hub that reports arrivals and ends.
fn reporting(
    name: &str,
    class: &'static str,
    options: &Options,
    journal: &Arc<Journal>,
) -> HubBuilder {
    let (arrivals, ends) = (Arc::clone(journal), Arc::clone(journal));
    EmbeddedHub::builder(name)
        .options(options.clone())
        .on_connected(move |caller| arrived(Arc::clone(&arrivals), class, caller))
        .on_disconnected(move |caller, error| {
            ends.left(&caller);
            ends.add(class, "disconnected", &caller, error);
            async {}
        })
        .method("Echo", |_: Caller, (text,): (Option<String>,)| async move {
            Ok(text)
        })
        .method("WhoAmI", |caller: Caller, (): ()| async move {
            Ok(who_is(&caller))
        })
}

async fn arrived(
    journal: Arc<Journal>,
    class: &'static str,
    caller: Caller,
) -> Result<(), HubError> {
    journal.arrived(&caller);
    journal.add(class, "connected", &caller, None);
    match caller.request().query_value("onconnect").as_deref() {
        Some("throw") => {
            let text = "refused by onconnect=throw".to_owned();
            return Err(InvalidOperationException(text).into());
        }
        Some("abort") => caller.abort(),
        Some("send") => {
            let me = caller.clients().caller();
            me.send("Message", ("sent from OnConnectedAsync",)).await?;
        }
        _ => {}
    }
    for group in caller.request().query_values("group") {
        caller.join(&group);
    }
    Ok(())
}

fn values(hub: HubBuilder) -> HubBuilder {
    hub.method("Add", |_: Caller, (a, b): (i32, i32)| async move {
        Ok(a.wrapping_add(b))
    })
    .method(
        "EchoAny",
        |_: Caller, (value,): (Any,)| async move { Ok(value) },
    )
    .method("EchoBytes", |_: Caller, (bytes,): (Bytes,)| async move {
        Ok(bytes)
    })
    .method(
        "EchoComplexObject",
        |_: Caller, (value,): (Complex,)| async move { Ok(value) },
    )
    .method("Length", |_: Caller, (text,): (String,)| async move {
        Ok(text.encode_utf16().count())
    })
    .method("Big", |_: Caller, (length,): (u32,)| async move {
        Ok("x".repeat(length as usize))
    })
    .method("Nothing", |_: Caller, (): ()| async { Ok(()) })
    .method("Null", |_: Caller, (): ()| async { Ok(None::<String>) })
    .method("Slow", |caller: Caller, (ms,): (u64,)| async move {
        let slept = tokio::time::timeout(Duration::from_millis(ms), caller.aborted()).await;
        match slept {
            Err(_) => Ok("done"),
            Ok(()) => Err(HubError::hidden(
                "TaskCanceledException",
                "A task was canceled.",
            )),
        }
    })
    .method(
        "ThrowException",
        |_: Caller, (text,): (String,)| async move {
            Err::<(), HubError>(InvalidOperationException(text).into())
        },
    )
    .method(
        "ThrowHubException",
        |_: Caller, (text,): (String,)| async move { Err::<(), _>(HubError::visible(text)) },
    )
}

fn caller(hub: HubBuilder, journal: &Arc<Journal>) -> HubBuilder {
    let journal = Arc::clone(journal);
    hub.method(
        "GetCallerConnectionId",
        |caller: Caller, (): ()| async move { Ok(caller.id().to_owned()) },
    )
    .method("UserId", |caller: Caller, (): ()| async move {
        Ok(caller.user().map(str::to_owned))
    })
    .method("Query", |caller: Caller, (name,): (String,)| async move {
        Ok(caller.request().query_values(&name).join(","))
    })
    .method("Header", |caller: Caller, (name,): (String,)| async move {
        let headers = caller.request().headers.iter();
        let values = headers.filter(|(known, _)| known.eq_ignore_ascii_case(&name));
        Ok(values.map(|(_, value)| value).collect::<Vec<_>>().join(","))
    })
    .method("Server", |_: Caller, (): ()| async {
        Ok(std::process::id().to_string())
    })
    .method("Note", move |caller: Caller, (text,): (String,)| {
        journal.add("TestHub", "note", &caller, Some(text));
        std::future::ready(Ok(()))
    })
    .method("AbortMe", |caller: Caller, (): ()| async move {
        caller.abort();
        Ok(())
    })
}

fn who_is(caller: &Caller) -> WhoAmI {
    let (identity, request) = (caller.identity(), caller.request());
    let mut headers: Vec<(String, Vec<String>)> = Vec::new();
    for (name, value) in request.headers.iter() {
        match headers.iter_mut().find(|(known, _)| known == name) {
            Some((_, values)) => values.push(value.to_owned()),
            None => headers.push((name.to_owned(), vec![value.to_owned()])),
        }
    }
    let authenticated = !identity.is_anonymous();
    let query = &request.query;
    WhoAmI {
        connection_id: caller.id().to_owned(),
        user_id: caller.user().map(str::to_owned),
        authenticated,
        authentication_type: authenticated.then(|| "Test".to_owned()),
        name: identity.claim(NAME).map(str::to_owned),
        claims: identity
            .claims
            .iter()
            .map(|(kind, value)| [kind.clone(), value.clone()])
            .collect(),
        path: request.path.to_string(),
        query: if query.is_empty() {
            String::new()
        } else {
            format!("?{query}")
        },
        headers,
        remote_ip: caller.remote().map(|address| address.to_string()),
        transport: caller
            .transport()
            .map(|transport| transport.name().to_owned()),
        features: Vec::new(),
    }
}
