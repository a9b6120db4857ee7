//! Hubs that classic ASP.NET apps run (`MapAzureSignalR`), over the connections that they hold open
//! to us at `/aspnetserver` (service protocol, 6.3).
//!
//! An app has one kind of connection for its clients, `app_app`, and one for each hub, `app_chat`,
//! on which it sends to all of the hub and to its users. Each of them is a hub of the relay; a
//! client is in that of the app, where its groups are, and in that of each hub that it listens to.
//! Nothing is translated: what clients and hubs say to each other passes as the JSON that it is.
//!
//! A client is on one connection of its app. When that is lost the app takes the client for gone;
//! the client is opened on another and keeps its groups, and for the app a new one has come.

mod admit;
mod asked;
mod conversation;
mod inlet;
mod line;
mod names;
mod payload;
mod reopening;

use std::sync::Arc;

use heliograph_relay::Relay;

pub use asked::{AskedApps, Clients};
pub use names::{app_of, group_hub, relay_name};
pub use payload::Transcoder;

use self::conversation::AppConversation;
use super::legacy::{
    Admission, LegacyBackend, LegacyConversation, LegacyOpening, LegacyRules, NotAdmitted,
};
use super::link::LinkBackend;
use super::{BoxFuture, ClientRequest, Refusal};

/// Runs hubs of legacy clients by handing the clients to classic app servers.
#[derive(Clone, Debug)]
pub struct LegacyApps {
    relay: Arc<Relay>,
    links: Arc<LinkBackend>,
}

impl LegacyApps {
    /// The apps whose connections are among `links`.
    #[must_use]
    pub fn new(relay: Arc<Relay>, links: Arc<LinkBackend>) -> Self {
        Self { relay, links }
    }
}

impl LegacyBackend for LegacyApps {
    fn rules(&self) -> LegacyRules {
        LegacyRules {
            max_message_bytes: self.links.options().max_client_message_bytes,
            // The app knows of no other start.
            starts_at_connect: true,
            names_users: false,
        }
    }

    fn admit<'a>(
        &'a self,
        request: &'a ClientRequest,
        hubs: &'a [Box<str>],
    ) -> BoxFuture<'a, Result<Admission, NotAdmitted>> {
        Box::pin(self.admit(request, hubs))
    }

    fn open(&self, opening: LegacyOpening) -> Box<dyn LegacyConversation> {
        Box::new(AppConversation::new(self, &opening))
    }

    fn script<'a>(
        &'a self,
        _request: &'a ClientRequest,
        _url: &'a str,
    ) -> BoxFuture<'a, Result<Vec<u8>, Refusal>> {
        // Only the app knows its methods, and it serves the script itself.
        Box::pin(std::future::ready(Err(Refusal {
            status: http::StatusCode::NOT_FOUND,
            headers: http::HeaderMap::new(),
            body: Vec::new(),
        })))
    }
}
