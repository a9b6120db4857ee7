//! Groups: changes, and methods that send to them.

use super::{Arguments, Caller, Done, Fault, nothing};
use crate::app::{Change, To};

/// These methods; `None` for all others.
pub(super) async fn invoke(
    caller: &Caller,
    call: (&str, usize),
    arguments: &Arguments,
) -> Option<Done> {
    Some(match call {
        ("joingroup", 1) => change(caller, arguments, Change::Join).await,
        ("leavegroup", 1) => change(caller, arguments, Change::Leave).await,
        ("sendgroup", 2) => match arguments.all::<(String, String)>() {
            Ok((name, text)) => send(caller, &name, &text, &[]).await,
            Err(fault) => Err(fault),
        },
        ("sendothersingroup", 2) => match arguments.all::<(String, String)>() {
            Ok((name, text)) => send(caller, &name, &text, &[&caller.connection.id]).await,
            Err(fault) => Err(fault),
        },
        ("sendgroupexcept", 3) => match arguments.all::<(String, String, Vec<String>)>() {
            Ok((name, text, ids)) => {
                let ids: Vec<_> = ids.iter().map(String::as_str).collect();
                send(caller, &name, &text, &ids).await
            }
            Err(fault) => Err(fault),
        },
        _ => return None,
    })
}

async fn change(caller: &Caller, arguments: &Arguments, change: Change) -> Done {
    let name: String = arguments.only()?;
    let (app, connection) = (&caller.app, &caller.connection);
    if app
        .change_group(caller.hub, connection, &name, change)
        .await
    {
        return nothing();
    }
    Err(Fault::Hidden("The group was not changed.".to_owned()))
}

async fn send(caller: &Caller, name: &str, text: &str, except: &[&str]) -> Done {
    caller.received(To::Group { name, except }, text).await
}
