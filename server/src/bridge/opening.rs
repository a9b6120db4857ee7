//! Opening a conversation for a legacy client.

use std::sync::Arc;

use heliograph_relay::{Client, CloseReason};
use tracing::{info, warn};

use super::Bridged;
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

/// Asks the hub as a Core client would, and opens a conversation.
pub(super) fn open(
    hub: &Arc<Bridged>,
    client: &Arc<Client>,
    request: &Arc<ClientRequest>,
    arrival: Arrival,
) -> Opening {
    let (hub, client, request) = (Arc::clone(hub), Arc::clone(client), Arc::clone(request));
    Box::pin(async move {
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
