//! Methods that send (each calls `received(text)` at its receivers) or change groups.

use std::sync::Arc;
use std::time::Duration;

use contract::RECEIVED;
use contract::bounds::{LONGEST_BURST, WAITING};
use heliograph::backend::embedded::{Caller, HubBuilder, HubError};
use serde_json::json;
use tokio::sync::Semaphore;

use super::at_most;

pub(super) fn add(hub: HubBuilder) -> HubBuilder {
    groups(many(one(hub)))
}

fn one(hub: HubBuilder) -> HubBuilder {
    let waiting = Arc::new(Semaphore::new(WAITING));
    hub.method(
        "Callback",
        |caller: Caller, (text,): (String,)| async move {
            caller.clients().caller().send(RECEIVED, (text,)).await
        },
    )
    .method("CallbackArgs", |caller: Caller, (): ()| async move {
        let me = caller.clients().caller();
        let arguments = (1, "two", json!({"Three": 3}), [4, 5], None::<i32>, true);
        me.send("many", arguments).await
    })
    .method(
        "Burst",
        |caller: Caller, (count, prefix): (u32, String)| async move {
            let count = at_most(LONGEST_BURST, count)?;
            burst(&caller, count, &prefix).await
        },
    )
    .method(
        "PushLater",
        move |caller: Caller, (ms, count, prefix): (u64, u32, String)| {
            let place = Arc::clone(&waiting).try_acquire_owned();
            async move {
                let place = place.map_err(|_| HubError::visible("Too many of these wait."))?;
                let count = at_most(LONGEST_BURST, count)?;
                tokio::spawn(async move {
                    let _place = place;
                    let gone = tokio::time::timeout(Duration::from_millis(ms), caller.aborted());
                    if gone.await.is_err() {
                        // Nobody waits to be told that telling failed.
                        _ = burst(&caller, count, &prefix).await;
                    }
                });
                Ok(())
            }
        },
    )
    .method(
        "SendConnection",
        |caller: Caller, (id, text): (String, String)| async move {
            caller.clients().client(&id).send(RECEIVED, (text,)).await
        },
    )
}

/// Sends the caller numbered texts, no faster than it reads them.
async fn burst(caller: &Caller, count: u32, prefix: &str) -> Result<(), HubError> {
    for number in 0..count {
        if caller.is_aborted() {
            break;
        }
        let me = caller.clients().caller();
        me.send(RECEIVED, (format!("{prefix}{number}"),)).await?;
    }
    Ok(())
}

fn many(hub: HubBuilder) -> HubBuilder {
    hub.method(
        "Broadcast",
        |caller: Caller, (text,): (String,)| async move {
            caller.clients().all().send(RECEIVED, (text,)).await
        },
    )
    .method(
        "BroadcastOthers",
        |caller: Caller, (text,): (String,)| async move {
            caller.clients().others().send(RECEIVED, (text,)).await
        },
    )
    .method(
        "BroadcastExcept",
        |caller: Caller, (text, ids): (String, Vec<String>)| async move {
            let others = caller.clients().all_except(&ids);
            others.send(RECEIVED, (text,)).await
        },
    )
    .method(
        "SendUser",
        |caller: Caller, (user, text): (String, String)| async move {
            caller.clients().user(&user).send(RECEIVED, (text,)).await
        },
    )
}

fn groups(hub: HubBuilder) -> HubBuilder {
    hub.method(
        "JoinGroup",
        |caller: Caller, (group,): (String,)| async move {
            caller.join(&group);
            Ok(())
        },
    )
    .method(
        "LeaveGroup",
        |caller: Caller, (group,): (String,)| async move {
            caller.leave(&group);
            Ok(())
        },
    )
    .method(
        "SendGroup",
        |caller: Caller, (group, text): (String, String)| async move {
            caller.clients().group(&group).send(RECEIVED, (text,)).await
        },
    )
    .method(
        "SendGroupExcept",
        |caller: Caller, (group, text, ids): (String, String, Vec<String>)| async move {
            let members = caller.clients().group_except(&group, &ids);
            members.send(RECEIVED, (text,)).await
        },
    )
    .method(
        "SendOthersInGroup",
        |caller: Caller, (group, text): (String, String)| async move {
            let members = caller.clients().others_in_group(&group);
            members.send(RECEIVED, (text,)).await
        },
    )
}
