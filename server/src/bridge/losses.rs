//! What of the legacy protocol has no place in hubs for Core clients: the log says it once for each
//! hub and kind.

use std::sync::atomic::{AtomicU8, Ordering};

use heliograph_protocol::legacy::ClientProtocol;
use tracing::warn;

/// What is lost.
#[derive(Clone, Copy, Debug)]
pub(super) enum Loss {
    /// State that a client keeps: Core hubs have none.
    State,
    /// The return of a client on a new channel: it has never been away for hubs that are not in Rust.
    Return,
    /// A client of a `PersistentConnection`: it lists no hubs, and sends what is no call.
    Raw,
}

/// What has been said.
#[derive(Debug, Default)]
pub(super) struct Losses(AtomicU8);

impl Losses {
    /// Says what is lost to a hub, unless it has been said. A client of [`Loss::Raw`] has no hub.
    pub(super) fn warn(&self, loss: Loss, hub: &str, protocol: ClientProtocol) {
        let bit = 1 << loss as u8;
        if self.0.fetch_or(bit, Ordering::Relaxed) & bit != 0 {
            return;
        }
        let dialect = protocol.asked();
        match loss {
            Loss::State => {
                warn!(hub, %dialect, "legacy client keeps state, which the hub does not see");
            }
            Loss::Return => {
                warn!(hub, %dialect, "legacy client came back, of which the hub does not hear \
                     (OnReconnected)");
            }
            Loss::Raw => {
                warn!(%dialect, "legacy client knows no hubs, and nothing else is served \
                     (PersistentConnection)");
            }
        }
    }
}
