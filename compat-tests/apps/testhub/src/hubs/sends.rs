//! Methods that send (each calls `Message(text)` at its receivers), ask, or change groups.

use std::time::Duration;

use heliograph::backend::embedded::{Caller, HubBuilder, HubError};

/// Clients may take as long as they like to answer, within reason.
const FOREVER: Duration = Duration::from_secs(3600);

pub(super) fn add(hub: HubBuilder) -> HubBuilder {
    asking(grouping(to_some(to_many(hub))))
}

fn to_many(hub: HubBuilder) -> HubBuilder {
    hub.method("ToAll", |caller: Caller, (m,): (String,)| async move {
        caller.clients().all().send("Message", (m,)).await
    })
    .method(
        "ToAllExcept",
        |caller: Caller, (ids, m): (Vec<String>, String)| async move {
            caller
                .clients()
                .all_except(&ids)
                .send("Message", (m,))
                .await
        },
    )
    .method("ToOthers", |caller: Caller, (m,): (String,)| async move {
        caller.clients().others().send("Message", (m,)).await
    })
    .method(
        "ToGroup",
        |caller: Caller, (group, m): (String, String)| async move {
            caller.clients().group(&group).send("Message", (m,)).await
        },
    )
    .method(
        "ToGroups",
        |caller: Caller, (groups, m): (Vec<String>, String)| async move {
            caller.clients().groups(&groups).send("Message", (m,)).await
        },
    )
    .method(
        "ToGroupExcept",
        |caller: Caller, (group, ids, m): (String, Vec<String>, String)| async move {
            caller
                .clients()
                .group_except(&group, &ids)
                .send("Message", (m,))
                .await
        },
    )
    .method(
        "ToOthersInGroup",
        |caller: Caller, (group, m): (String, String)| async move {
            caller
                .clients()
                .others_in_group(&group)
                .send("Message", (m,))
                .await
        },
    )
}

fn to_some(hub: HubBuilder) -> HubBuilder {
    hub.method("ToCaller", |caller: Caller, (m,): (String,)| async move {
        caller.clients().caller().send("Message", (m,)).await
    })
    .method(
        "InvokeWithString",
        |caller: Caller, (m,): (String,)| async move {
            caller
                .clients()
                .client(caller.id())
                .send("Message", (m,))
                .await
        },
    )
    .method(
        "ToClient",
        |caller: Caller, (id, m): (String, String)| async move {
            caller.clients().client(&id).send("Message", (m,)).await
        },
    )
    .method(
        "ToClients",
        |caller: Caller, (ids, m): (Vec<String>, String)| async move {
            caller.clients().clients(&ids).send("Message", (m,)).await
        },
    )
    .method(
        "ToUser",
        |caller: Caller, (user, m): (String, String)| async move {
            caller.clients().user(&user).send("Message", (m,)).await
        },
    )
    .method(
        "ToUsers",
        |caller: Caller, (users, m): (Vec<String>, String)| async move {
            caller.clients().users(&users).send("Message", (m,)).await
        },
    )
    .method("Many", |caller: Caller, (count,): (u32,)| async move {
        for i in 0..count {
            let me = caller.clients().caller();
            me.send("Message", (i.to_string(),)).await?;
        }
        Ok(())
    })
}

fn grouping(hub: HubBuilder) -> HubBuilder {
    hub.method("Join", |caller: Caller, (group,): (String,)| async move {
        caller.join(&group);
        Ok(())
    })
    .method("Leave", |caller: Caller, (group,): (String,)| async move {
        caller.leave(&group);
        Ok(())
    })
    .method(
        "JoinFor",
        |caller: Caller, (id, group): (String, String)| async move {
            caller.groups().add(&id, &group);
            Ok(())
        },
    )
    .method(
        "LeaveFor",
        |caller: Caller, (id, group): (String, String)| async move {
            caller.groups().remove(&id, &group);
            Ok(())
        },
    )
}

fn asking(hub: HubBuilder) -> HubBuilder {
    hub.method(
        "AskMe",
        |caller: Caller, (question,): (String,)| async move {
            ask(&caller, caller.id(), &question, FOREVER).await
        },
    )
    .method(
        "AskOther",
        |caller: Caller, (id, question): (String, String)| async move {
            ask(&caller, &id, &question, FOREVER).await
        },
    )
    .method(
        "AskWithin",
        |caller: Caller, (id, ms, question): (String, u64, String)| async move {
            ask(&caller, &id, &question, Duration::from_millis(ms)).await
        },
    )
}

async fn ask(
    caller: &Caller,
    id: &str,
    question: &str,
    timeout: Duration,
) -> Result<Option<String>, HubError> {
    let client = caller.clients().client(id);
    client.invoke("Ask", (question,), timeout).await
}
