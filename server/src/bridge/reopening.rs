//! Opening a conversation while the connection goes on, by a task of its own.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use heliograph_relay::CloseReason;
use tokio::sync::oneshot;
use tokio::time::sleep;
use tracing::debug;

use super::line::{Line, Record};
use super::opening::Arrival;

/// How long after the loss of a hub, and after each failure, it is tried again.
const DELAYS: [Duration; 6] = [
    Duration::ZERO,
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(15),
];

/// The client's connection has ended, for this reason.
struct Ended(CloseReason);

/// Opens a hub that the client does not listen to, for its first call.
pub(super) async fn for_call(
    line: Arc<Line>,
    record: Record,
    mut ended: oneshot::Receiver<CloseReason>,
) {
    if let Ok(false) = attempt(&line, Some(record), &mut ended).await {
        line.give_up();
    }
}

/// Opens a hub anew that is lost; the client hears nothing of it, but for the calls that were open.
/// Without success the connection ends for `reason`.
pub(super) async fn after_loss(line: Arc<Line>, reason: CloseReason) {
    let Some((lost, mut ended)) = line.leave() else {
        return;
    };
    lost.close(&reason);
    line.inlet().fail_calls();
    let (conn, hub) = (line.client().id(), line.hub().name());
    debug!(?conn, hub, "hub of a legacy client lost");
    for delay in DELAYS {
        if until_end(sleep(delay), &mut ended).await.is_err() {
            return;
        }
        match attempt(&line, None, &mut ended).await {
            Ok(false) => {}
            Ok(true) => {
                debug!(?conn, hub, "hub of a legacy client is back");
                return;
            }
            Err(Ended(_)) => return,
        }
    }
    line.inlet().close_connection(reason);
}

/// Opens a conversation and hands it over. False if the hub does not take the client.
async fn attempt(
    line: &Line,
    record: Option<Record>,
    ended: &mut oneshot::Receiver<CloseReason>,
) -> Result<bool, Ended> {
    line.inlet().renew();
    let Ok(mut conversation) = until_end(line.open(Arrival::New), ended).await? else {
        return Ok(false);
    };
    let ready = until_end(poll_fn(|cx| conversation.poll_ready(cx)), ended).await;
    if let Err(Ended(reason)) = ready {
        conversation.close(&reason);
        return Err(Ended(reason));
    }
    match line.settle(conversation, record) {
        None => Ok(true),
        Some(conversation) => {
            conversation.close(&CloseReason::TransportLost);
            Ok(false)
        }
    }
}

async fn until_end<T>(
    future: impl Future<Output = T>,
    ended: &mut oneshot::Receiver<CloseReason>,
) -> Result<T, Ended> {
    match select(pin!(future), ended).await {
        Either::Left((output, _)) => Ok(output),
        Either::Right((reason, _)) => Err(Ended(reason.unwrap_or(CloseReason::TransportLost))),
    }
}
