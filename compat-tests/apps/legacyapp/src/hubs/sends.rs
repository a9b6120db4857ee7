//! Methods that send, but for those of groups.

use std::sync::Arc;
use std::time::Duration;

use contract::bounds::{LONGEST_BURST, WAITING};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{Arguments, Caller, Done, Fault, Hub, at_most, nothing};
use crate::app::To;

static PLACES: Semaphore = Semaphore::const_new(WAITING);

/// These methods; `None` for all others.
pub(super) async fn invoke(
    caller: &Caller,
    call: (&str, usize),
    arguments: &Arguments,
) -> Option<Done> {
    Some(match call {
        ("callback", 1) => match arguments.only::<String>() {
            Ok(text) => caller.to_caller(&text).await,
            Err(fault) => Err(fault),
        },
        ("callbackargs", 0) => {
            let arguments = json!([1, "two", {"Three": 3}, [4, 5], null, true]);
            caller.call("many", &arguments.to_string()).await;
            nothing()
        }
        ("burst", 2) => burst(caller, arguments).await,
        ("pushlater", 3) => push_later(caller, arguments),
        ("broadcast" | "broadcastothers", 1) => match arguments.only::<String>() {
            Ok(text) if call.0 == "broadcast" => caller.to_all(&text, &[]).await,
            Ok(text) => caller.to_all(&text, &[&caller.connection.id]).await,
            Err(fault) => Err(fault),
        },
        ("broadcastexcept", 2) => match arguments.all::<(String, Vec<String>)>() {
            Ok((text, ids)) => {
                let ids: Vec<_> = ids.iter().map(String::as_str).collect();
                caller.to_all(&text, &ids).await
            }
            Err(fault) => Err(fault),
        },
        ("sendconnection" | "senduser", 2) => match arguments.all::<(String, String)>() {
            Ok((id, text)) if call.0 == "sendconnection" => {
                caller.received(To::Connection(&id), &text).await
            }
            Ok((user, text)) => caller.received(To::User(&user), &text).await,
            Err(fault) => Err(fault),
        },
        _ => return None,
    })
}

async fn burst(caller: &Caller, arguments: &Arguments) -> Done {
    let (count, prefix): (u32, String) = arguments.all()?;
    numbered(caller, at_most(LONGEST_BURST, count)?, &prefix).await;
    nothing()
}

fn push_later(caller: &Caller, arguments: &Arguments) -> Done {
    let (ms, count, prefix): (u64, u32, String) = arguments.all()?;
    let count = at_most(LONGEST_BURST, count)?;
    let place = PLACES.try_acquire();
    let place = place.map_err(|_| Fault::visible("Too many of these wait."))?;
    let later = Caller::new(
        &caller.app,
        &Arc::clone(&caller.connection),
        Hub::Conformance,
        None,
    );
    tokio::spawn(async move {
        let _place = place;
        let gone = timeout(Duration::from_millis(ms), later.connection.gone());
        if gone.await.is_err() {
            numbered(&later, count, &prefix).await;
        }
    });
    nothing()
}

/// Sends the caller numbered texts, no faster than the service reads them.
async fn numbered(caller: &Caller, count: u32, prefix: &str) {
    for number in 0..count {
        if caller.connection.is_gone() {
            break;
        }
        _ = caller.to_caller(&format!("{prefix}{number}")).await;
    }
}
