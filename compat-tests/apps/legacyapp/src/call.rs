//! One call of a hub's method.

use std::sync::Arc;

use heliograph_protocol::legacy::{HubAnswer, HubCall, HubOutcome};
use serde_json::Value;

use crate::app::App;
use crate::connection::Connection;
use crate::hubs::{Arguments, Caller, Fault, Hub, invoke};

/// Runs a call and tells its outcome. As in the original, what is no call, or names no hub, is
/// passed over without a word.
pub(crate) async fn answer(app: &Arc<App>, connection: &Arc<Connection>, text: &[u8]) {
    let Ok(call) = HubCall::parse(text) else {
        return;
    };
    let Some(hub) = Hub::find(&call.hub) else {
        return;
    };
    let caller = Caller::new(app, connection, hub, call.state);
    let done = match Arguments::parse(call.arguments) {
        Ok(arguments) => invoke(&caller, &call.method, &arguments).await,
        Err(fault) => Err(fault),
    };
    let object = written(&caller, &call, &done, app.is_detailed);
    app.tell(connection, &object).await;
}

fn written(
    caller: &Caller,
    call: &HubCall<'_>,
    done: &Result<String, Fault>,
    is_detailed: bool,
) -> Vec<u8> {
    let state = caller.changed_state();
    let general = format!(
        "There was an error invoking Hub method '{}.{}'.",
        call.hub, call.method
    );
    let (detail, data);
    let outcome = match done {
        Ok(value) => HubOutcome::Value(value),
        Err(Fault::Visible { text, data: given }) => {
            data = given.as_ref().map(Value::to_string);
            HubOutcome::HubException {
                text,
                data: data.as_deref(),
            }
        }
        Err(fault) if is_detailed => {
            detail = fault.detail(caller.hub, &call.method);
            HubOutcome::Error(&detail)
        }
        Err(_) => HubOutcome::Error(&general),
    };
    let answer = HubAnswer {
        state: state.as_deref(),
        id: call.id.as_deref(),
        outcome,
    };
    let mut object = Vec::new();
    answer.write(&mut object);
    object
}
