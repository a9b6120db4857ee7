//! Methods that take and give values or fail, and those with state.

use std::time::Duration;

use contract::bounds::LARGEST;
use contract::values::{Person, Types, TypesArguments};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{Arguments, Caller, Done, Fault, at_most, nothing, value};

/// These methods; `None` for all others.
pub(super) async fn invoke(
    caller: &Caller,
    call: (&str, usize),
    arguments: &Arguments,
) -> Option<Done> {
    Some(match call {
        ("echo", 1) => arguments.only::<Option<String>>().and_then(value),
        ("add", 2) => arguments
            .all::<(i32, i32)>()
            .and_then(|(a, b)| value(a.wrapping_add(b))),
        ("types", 6) => arguments
            .all::<TypesArguments>()
            .and_then(|arguments| value(Types::of(arguments))),
        ("echoperson", 1) => arguments.only::<Option<Person>>().and_then(value),
        ("void" | "null", 0) => nothing(),
        ("slow", 1) => slow(caller, arguments).await,
        ("large", 1) => large(arguments),
        ("length", 1) => arguments
            .only::<String>()
            .and_then(|text| value(text.encode_utf16().count())),
        ("overload", 0) => value("none"),
        ("overload", 1) => arguments
            .only::<i32>()
            .and_then(|number| value(format!("int {number}"))),
        ("renamedmethod", 0) => value("renamed"),
        ("throw", 1) => arguments.only().and_then(|text| Err(Fault::Hidden(text))),
        ("throwhub", 1) => arguments
            .only::<String>()
            .and_then(|text| Err(Fault::visible(text))),
        ("throwhubdata", 3) => throw_data(arguments),
        _ => return state(caller, call, arguments).await,
    })
}

async fn state(caller: &Caller, call: (&str, usize), arguments: &Arguments) -> Option<Done> {
    let counter = || caller.state("counter").unwrap_or(Value::Null);
    Some(match call {
        ("nextcount", 0) => {
            let next = counter().as_i64().unwrap_or_default().wrapping_add(1);
            caller.set_state("counter", &next.into());
            value(next)
        }
        ("readcounter", 0) => value(match counter() {
            Value::Null => None,
            Value::String(text) => Some(text),
            other => Some(other.to_string()),
        }),
        ("pushstate", 1) => match arguments.only::<String>() {
            Ok(text) => {
                caller.set_state("pushed", &text.as_str().into());
                caller.to_caller(&text).await
            }
            Err(fault) => Err(fault),
        },
        _ => return None,
    })
}

async fn slow(caller: &Caller, arguments: &Arguments) -> Done {
    let ms: u64 = arguments.only()?;
    let gone = timeout(Duration::from_millis(ms), caller.connection.gone());
    match gone.await {
        Err(_) => value(ms),
        Ok(()) => Err(Fault::Hidden("The client is gone.".to_owned())),
    }
}

fn large(arguments: &Arguments) -> Done {
    let length = at_most(LARGEST, arguments.only()?)?;
    value("x".repeat(length as usize))
}

fn throw_data(arguments: &Arguments) -> Done {
    let (text, key, value): (String, String, Value) = arguments.all()?;
    Err(Fault::Visible {
        text,
        data: Some(json!({ key: value })),
    })
}
