//! Methods that take and give values or fail.

use std::collections::BTreeMap;
use std::time::Duration;

use heliograph::backend::embedded::{Caller, HubBuilder, HubError, Progress};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{at_most, exception};

/// Characters that `Large` gives at most.
const LARGEST: u32 = 16 << 20;
/// Reports that `Progress` makes at most.
const REPORTS: u32 = 10_000;

/// The person of `EchoPerson`. Names are written as .NET declares them, and read in that form and
/// in camel case.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "PascalCase")]
struct Person {
    #[serde(alias = "name")]
    name: Option<String>,
    #[serde(alias = "age")]
    age: i32,
    #[serde(alias = "tags")]
    tags: Option<Vec<String>>,
    /// A date, as it came.
    #[serde(alias = "born")]
    born: Option<String>,
    #[serde(alias = "friend")]
    friend: Option<Box<Self>>,
}

/// The result of `Types`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Types {
    b: bool,
    i: i32,
    l: i64,
    d: f64,
    s: String,
    list: Vec<i32>,
    sum: i32,
}

pub(super) fn add(hub: HubBuilder) -> HubBuilder {
    errors(simple(hub))
        .method(
            "Types",
            |_: Caller, (b, i, l, d, s, list): (bool, i32, i64, f64, String, Vec<i32>)| async move {
                let sum = list.iter().fold(0_i32, |sum, n| sum.wrapping_add(*n));
                Ok(Types {
                    b,
                    i,
                    l,
                    d,
                    s,
                    list,
                    sum,
                })
            },
        )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn persons_are_read_in_both_cases_and_written_in_one() {
        let text = r#"{"Name":"Ann","age":7,"Tags":["a"],"friend":{"name":"Bob"}}"#;
        let person: Person = serde_json::from_str(text).unwrap();
        assert_eq!(
            serde_json::to_string(&person).unwrap(),
            r#"{"Name":"Ann","Age":7,"Tags":["a"],"Born":null,"Friend":{"Name":"Bob","Age":0,"Tags":null,"Born":null,"Friend":null}}"#
        );
    }
}
