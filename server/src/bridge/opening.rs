//! Opening a conversation for a legacy client.

use std::sync::Arc;

use heliograph_relay::{Client, CloseReason};
use tracing::{info, warn};

use super::Bridged;
use crate::auth::Identity;
use crate::backend::legacy::NotAdmitted;
use crate::backend::{
    BoxFuture, ClientRequest, Conversation, OpenError, Opening as CoreOpening, Refusal,
};

const HANDSHAKE: &[u8] = b"{\"protocol\":\"json\",\"version\":1}\x1e";

/// A conversation on its way, or why there will be none.
pub(super) type Opening = BoxFuture<'static, Result<Box<dyn Conversation>, CloseReason>>;

/// How a client comes to a hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    New,
    /// It was connected before, to a service that has forgotten it.
    Returning,
}

/// A client that comes to a hub.
pub(super) struct Comer {
    pub(super) hub: Arc<Bridged>,
    pub(super) client: Arc<Client>,
    pub(super) request: Arc<ClientRequest>,
}

impl Comer {
    /// Asks the hub as a Core client would, and opens a conversation.
    pub(super) async fn open(self, arrival: Arrival) -> Result<Box<dyn Conversation>, CloseReason> {
        let Self {
            hub,
            client,
            request,
        } = self;
        let ticket = match hub.backend.negotiate(&request).await {
            Ok(ticket) => ticket,
            Err(refusal) => return Err(refused(&hub, &client, &refusal)),
        };
        let opening = CoreOpening {
            client: Arc::clone(&client),
            hub: Arc::clone(&hub.hub),
            protocol: "json".into(),
            version: 1,
            handshake: HANDSHAKE.to_vec(),
            request,
            ticket,
        };
        let opened = match arrival {
            Arrival::New => hub.backend.open(opening).await,
            Arrival::Returning => hub.backend.reopen(opening).await,
        };
        opened.map_err(|error| failed(&hub, &client, &error))
    }
}

/// Who the client of a request is in a hub that it does not listen to, and that nobody has asked
/// yet.
pub(super) async fn who(
    hub: &Bridged,
    client: &Client,
    request: &ClientRequest,
) -> Result<Identity, CloseReason> {
    let known = hub.users.who(request, hub.hub.name()).await;
    known.map_err(|refused| {
        let (conn, hub) = (client.id(), hub.name());
        match refused {
            NotAdmitted::Unavailable { .. } => {
                warn!(?conn, err = %refused, "no backend took a legacy client");
            }
            _ => info!(?conn, hub, err = %refused, "hub refused a legacy client"),
        }
        CloseReason::HandshakeFailed(format!("Hub '{hub}' refuses the client.").into())
    })
}

fn refused(hub: &Bridged, client: &Client, refusal: &Refusal) -> CloseReason {
    let (hub, status) = (hub.name(), refusal.status);
    info!(conn = ?client.id(), hub, err = %status, "hub refused a legacy client");
    CloseReason::HandshakeFailed(format!("Hub '{hub}' refuses the client: {status}.").into())
}

fn failed(hub: &Bridged, client: &Client, error: &OpenError) -> CloseReason {
    let hub = hub.name();
    match error {
        OpenError::Refused(_) => info!(conn = ?client.id(), hub, "hub refused a legacy client"),
        _ => warn!(conn = ?client.id(), hub, err = %error, "no backend took a legacy client"),
    }
    CloseReason::HandshakeFailed(error.to_string().into())
}
