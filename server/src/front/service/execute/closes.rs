//! Closing clients on demand.

use std::sync::Arc;

use heliograph_protocol::service::{AckStatus, Message};
use heliograph_relay::{Client, CloseReason};

use super::Session;

impl Session {
    pub(super) fn close(&self, message: &Message<'_>) {
        let hub = self.hub();
        let (clients, reason, excluded, ack_id): (_, _, &[&str], _) = match message {
            Message::CloseConnectionWithAck {
                connection_id,
                reason,
                ack_id,
                ..
            } => {
                let Some(client) = hub.connection(connection_id) else {
                    return self.ack(*ack_id, AckStatus::NotFound);
                };
                (vec![client], reason, &[], ack_id)
            }
            Message::CloseConnectionsWithAck {
                reason,
                ack_id,
                excluded_connection_ids,
                ..
            } => (hub.connections(), reason, excluded_connection_ids, ack_id),
            Message::CloseUserConnectionsWithAck {
                user_id,
                reason,
                ack_id,
                excluded_connection_ids,
                ..
            } => (hub.user(user_id), reason, excluded_connection_ids, ack_id),
            Message::CloseGroupConnectionsWithAck {
                group,
                reason,
                ack_id,
                excluded_connection_ids,
                ..
            } => (
                hub.group_members(group),
                reason,
                excluded_connection_ids,
                ack_id,
            ),
            _ => return,
        };
        let is_meant = |client: &&Arc<Client>| !excluded.contains(&client.id().as_str());
        for client in clients.iter().filter(is_meant) {
            let reason = reason.unwrap_or_default().into();
            client.close(CloseReason::Requested(reason));
        }
        self.ack(*ack_id, AckStatus::Ok);
    }
}
