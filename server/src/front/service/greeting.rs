//! The first message on a link (service protocol, 3.2).

use std::sync::Arc;

use heliograph_protocol::service::{ConnectionType, Message, encode};
use heliograph_relay::{Link, LinkKind};

use super::Door;
use super::accept::Caller;
use super::end::LinkEnd;
use crate::backend::legacy_app;
use crate::backend::link::{Allows, AppLink};

/// Takes the handshake request: the link is in its hub afterwards, with our answer in its queue
/// before anything else.
pub(super) fn greet(
    door: &Door,
    caller: &Caller,
    message: &Message<'_>,
) -> Result<Arc<AppLink>, LinkEnd> {
    let Message::HandshakeRequest {
        version,
        connection_type,
        migration_level,
        allow_stateful_reconnects,
        ..
    } = message
    else {
        return Err(LinkEnd::Refused(
            "The first message must be a handshake request.",
        ));
    };
    if *version != 1 {
        return Err(LinkEnd::Refused(
            "This version of the protocol is not supported.",
        ));
    }
    let kind = match connection_type {
        ConnectionType::OnDemand => LinkKind::OnDemand,
        ConnectionType::Weak => LinkKind::Weak,
        ConnectionType::Default => LinkKind::Default,
        _ => {
            return Err(LinkEnd::Refused(
                "This type of connection is not supported.",
            ));
        }
    };
    let hub = door.relay.hub(&caller.hub);
    if caller.is_classic {
        hub.set_transcode(Arc::new(legacy_app::Transcoder));
    }
    let high_water = door.options.queue_high_water_bytes;
    let link = Link::new(&caller.link, &caller.server, kind, high_water);
    link.queue().append(|out| write_response(out, None));
    let allows = Allows {
        stateful_reconnect: *allow_stateful_reconnects,
        migration: *migration_level > 0,
    };
    Ok(door.backend.attach(&hub, link, allows))
}

/// Appends the answer to a handshake request.
pub(super) fn write_response(out: &mut Vec<u8>, error: Option<&str>) {
    // The SDK reads both nil and an empty text as success; older ones were sent the latter.
    let response = Message::HandshakeResponse {
        error: Some(error.unwrap_or("")),
        connection_id: None,
    };
    encode(&response, out);
}
