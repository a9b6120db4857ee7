//! Opening a client on another connection of its app while the client's own goes on.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use heliograph_relay::CloseReason;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout_at};
use tracing::debug;

use super::line::Line;

/// Time between two tries.
const PAUSE: Duration = Duration::from_millis(250);

/// How an app server was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// Its connection is gone.
    Gone,
    /// It still has the client by a connection that is gone, and takes no second one.
    Refused,
}

/// The client's connection has ended.
struct Ended;

/// Opens a client anew whose app server is lost, on the connection that stands or comes first. It
/// hears nothing of that, but for the calls that were open. When none comes in time its connection
/// ends.
pub(super) async fn after_loss(line: Arc<Line>, loss: Loss) {
    let Some((lost, mut ended)) = line.leave() else {
        return;
    };
    lost.close(&CloseReason::BackendLost);
    line.inlet().fail_calls();
    let (conn, hub) = (line.client().id(), line.hub().name());
    debug!(?conn, hub, "app server of a legacy client lost");
    let deadline = line.inlet().alone_since(loss) + line.links().options().wait_for_server;
    let mut pause = match loss {
        Loss::Gone => Duration::ZERO,
        Loss::Refused => PAUSE,
    };
    loop {
        let attempt = async {
            sleep(pause).await;
            line.open().await
        };
        let opened = match until_end(timeout_at(deadline, attempt), &mut ended).await {
            Ok(Ok(Ok(conversation))) => conversation,
            Ok(_) => return line.give_up(),
            Err(Ended) => return,
        };
        let Some(lost) = line.settle(opened) else {
            debug!(?conn, hub, "legacy client is with an app server again");
            return;
        };
        lost.close(&CloseReason::TransportLost);
        pause = PAUSE;
    }
}

async fn until_end<T>(
    future: impl Future<Output = T>,
    ended: &mut oneshot::Receiver<Infallible>,
) -> Result<T, Ended> {
    match select(pin!(future), ended).await {
        Either::Left((output, _)) => Ok(output),
        Either::Right(_) => Err(Ended),
    }
}
