//! The hub handshake as the door reads it: only to learn the dialect.

use std::sync::Arc;

use heliograph_protocol::hub::{Encoding, HandshakeError, HandshakeRefusal, HandshakeRequest};
use heliograph_relay::{Client, CloseReason};
use tracing::{info, warn};

use super::Door;
use super::session::{Entrance, Session};
use crate::backend::{OpenError, Opening, Transport};
use crate::edge::dialects::{JSON, MESSAGEPACK};

/// What a handshake request leads to.
pub(super) struct Greeting {
    pub(super) opening: Opening,
    /// `None` for a protocol that is carried and never read.
    pub(super) encoding: Option<Encoding>,
    /// Stateful reconnect is on: granted, over WebSockets, in version 2.
    pub(super) resumable: bool,
}

/// Reads the handshake record, its separator included.
///
/// # Errors
///
/// The text of the handshake error for the client.
pub(super) fn read(
    door: &Door,
    session: &Arc<Session>,
    record: &[u8],
) -> Result<Greeting, Box<str>> {
    let request = HandshakeRequest::parse(record).map_err(|error| {
        if session.detailed_errors() {
            Box::<str>::from(error.detailed())
        } else {
            HandshakeError::TEXT.into()
        }
    })?;
    let protocol = &*request.protocol;
    let dialect = door.dialects.find(protocol).ok_or_else(|| {
        refusal(&HandshakeRefusal::Protocol {
            name: protocol.to_owned(),
        })
    })?;
    let newest = if dialect == JSON || dialect == MESSAGEPACK {
        2
    } else {
        1
    };
    let version = request.version;
    if version > newest {
        return Err(refusal(&HandshakeRefusal::Version {
            version,
            name: protocol.to_owned(),
        }));
    }
    let encoding = match dialect {
        JSON => Some(Encoding::Json),
        MESSAGEPACK => Some(Encoding::MessagePack),
        _ => None,
    };
    if dialect != JSON && session.transport() == Some(Transport::ServerSentEvents) {
        // What we only carry is as binary as messagepack.
        let encoding = encoding.unwrap_or(Encoding::MessagePack);
        return Err(refusal(&HandshakeRefusal::Format { encoding }));
    }
    let entrance = session.take_entrance().map(|entrance| *entrance);
    let Some(Entrance {
        ticket,
        request: Some(request),
        ..
    }) = entrance
    else {
        return Err(HandshakeError::TEXT.into());
    };
    let client = Client::new(
        session.id.clone(),
        request.identity.user.as_deref(),
        dialect,
        Arc::clone(&session.outbox),
    );
    let resumable = session.stateful
        && version == 2
        && encoding.is_some()
        && session.transport() == Some(Transport::WebSockets);
    let opening = Opening {
        client: Arc::new(client),
        hub: Arc::clone(&session.hub),
        protocol: protocol.into(),
        version,
        handshake: record.to_vec(),
        request,
        ticket,
    };
    Ok(Greeting {
        opening,
        encoding,
        resumable,
    })
}

fn refusal(refusal: &HandshakeRefusal) -> Box<str> {
    refusal.to_string().into()
}

/// The end of a client that no backend takes.
pub(super) fn open_failed(session: &Session, error: &OpenError) -> CloseReason {
    let hub = session.hub.name();
    match error {
        OpenError::Refused(_) => info!(conn = ?session.id, hub, "hub refused the client"),
        _ => warn!(conn = ?session.id, hub, err = %error, "no backend took the client"),
    }
    let mut text = error.to_string();
    if !matches!(error, OpenError::Refused(_)) {
        if let Some(first) = text.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        text.push('.');
    }
    CloseReason::HandshakeFailed(text.into())
}
