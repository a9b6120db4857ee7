//! Methods that take and give values or fail.

use std::collections::BTreeMap;
use std::time::Duration;

use contract::bounds::{LARGEST, REPORTS};
use contract::values::{Person, Types, TypesArguments};
use heliograph::backend::embedded::{Caller, HubBuilder, HubError, Progress};
use serde_json::Value;

use super::{at_most, exception};

pub(super) fn add(hub: HubBuilder) -> HubBuilder {
    errors(simple(hub))
        .method("Types", |_: Caller, arguments: TypesArguments| async {
            Ok(Types::of(arguments))
        })
        .method(
            "EchoPerson",
            |_: Caller, (person,): (Option<Person>,)| async move { Ok(person) },
        )
        .method(
            "Progress",
            |_: Caller, (count, progress): (u32, Progress<u32>)| async move {
                for number in 1..=at_most(REPORTS, count)? {
                    progress.report(&number)?;
                }
                Ok(format!("done {count}"))
            },
        )
        .method("renamedMethod", |_: Caller, (): ()| async { Ok("renamed") })
}

fn simple(hub: HubBuilder) -> HubBuilder {
    hub.method("Echo", |_: Caller, (text,): (Option<String>,)| async {
        Ok(text)
    })
    .method("Add", |_: Caller, (a, b): (i32, i32)| async move {
        Ok(a.wrapping_add(b))
    })
    .method("Void", |_: Caller, (): ()| async { Ok(()) })
    .method("Null", |_: Caller, (): ()| async { Ok(None::<String>) })
    .method("Slow", |caller: Caller, (ms,): (u64,)| async move {
        let gone = tokio::time::timeout(Duration::from_millis(ms), caller.aborted());
        match gone.await {
            Err(_) => Ok(ms),
            Ok(()) => Err(exception("The client is gone.")),
        }
    })
    .method("Large", |_: Caller, (length,): (u32,)| async move {
        Ok("x".repeat(at_most(LARGEST, length)? as usize))
    })
    .method("Length", |_: Caller, (text,): (String,)| async move {
        Ok(text.encode_utf16().count())
    })
}

fn errors(hub: HubBuilder) -> HubBuilder {
    hub.method("Throw", |_: Caller, (text,): (String,)| async {
        Err::<(), _>(exception(text))
    })
    .method("ThrowHub", |_: Caller, (text,): (String,)| async {
        Err::<(), _>(HubError::visible(text))
    })
    .method(
        "ThrowHubData",
        |_: Caller, (text, key, value): (String, String, Value)| async move {
            let data = BTreeMap::from([(key, value)]);
            Err::<(), _>(HubError::visible(text).with_data(data))
        },
    )
}
