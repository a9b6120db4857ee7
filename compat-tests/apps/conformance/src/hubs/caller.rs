//! Methods about the caller: who it is, what its request said, what it may do.

use std::sync::Arc;

use contract::identity::cookies;
use contract::journal::Journal;
use contract::values::joined;
use heliograph::backend::embedded::{Caller, HubBuilder, Policy};

pub(super) fn add(hub: HubBuilder, journal: &Arc<Journal>) -> HubBuilder {
    let journal = Arc::clone(journal);
    guarded(request(hub)).method("Log", move |_: Caller, (id,): (String,)| {
        let events = journal.of(&id);
        async { Ok(events) }
    })
}

fn request(hub: HubBuilder) -> HubBuilder {
    hub.method("ConnectionId", |caller: Caller, (): ()| async move {
        Ok(caller.id().to_owned())
    })
    .method("UserName", |caller: Caller, (): ()| async move {
        Ok(caller.user().map(str::to_owned))
    })
    .method("Query", |caller: Caller, (name,): (String,)| async move {
        Ok(joined(&caller.request().query_values(&name)))
    })
    .method("Header", |caller: Caller, (name,): (String,)| async move {
        let headers = caller.request().headers.iter();
        let values = headers.filter(|(known, _)| known.eq_ignore_ascii_case(&name));
        let values: Vec<String> = values.map(|(_, value)| value.to_owned()).collect();
        Ok(joined(&values))
    })
    .method(
        "CookieValue",
        |caller: Caller, (name,): (String,)| async move {
            let lines = caller.request().headers.iter();
            let lines = lines.filter(|(header, _)| *header == "cookie");
            let mut cookies = lines.flat_map(|(_, line)| cookies(line));
            let found = cookies.find(|(known, _)| *known == name);
            Ok(found.map(|(_, value)| value.to_owned()))
        },
    )
}

fn guarded(hub: HubBuilder) -> HubBuilder {
    let name = |caller: Caller, (): ()| async move { Ok(caller.user().map(str::to_owned)) };
    hub.require_for("Secret", Policy::user())
        .method("Secret", name)
        .require_for("AdminOnly", Policy::role("admin"))
        .method("AdminOnly", name)
}
