//! What is different for classic app servers (service protocol, 6.3): groups and single clients
//! belong to the app, whichever of its connections a message comes on.

use std::sync::Arc;

use heliograph_relay::{FrameClass, Hub, Joined};

use super::Session;
use crate::backend::legacy_app;
use crate::edge::dialects::{self, LEGACY};

impl Session {
    /// Where the clients of a classic app are; `None` on links of Core apps.
    pub(super) fn app_hub(&self) -> Option<Arc<Hub>> {
        legacy_app::app_of(&self.door.relay, self.hub().name())
    }

    /// The hub whose groups a message names.
    pub(super) fn group_hub(&self) -> Arc<Hub> {
        self.app_hub().unwrap_or_else(|| Arc::clone(self.hub()))
    }

    /// Adds a connection to a group. A legacy client must get no call of a hub that it does not
    /// listen to; it may call such a hub, which may put it into a group, and nothing comes of that.
    pub(super) fn join(&self, hub: &Hub, connection: &str, group: &str) -> Joined {
        if hub.connection(connection).is_none() {
            return Joined::NotFound;
        }
        let owner = legacy_app::group_hub(&self.door.relay, hub, group);
        if owner.is_some_and(|owner| owner.connection(connection).is_none()) {
            return Joined::Ok;
        }
        hub.join(connection, group)
    }
}

/// Gives a message to a client that is on another link of its app.
pub(super) fn deliver(app_hub: &Hub, connection: &str, payload: &[u8]) {
    if let Some(client) = app_hub.connection(connection) {
        client.push(dialects::frame(LEGACY, payload, FrameClass::Counted));
    }
}
