//! What an app server's messages do (service protocol, 4.4).

mod classic;
mod closes;
mod groups;
mod pings;
mod results;
mod sends;

use std::sync::Arc;

use heliograph_protocol::service::{AckStatus, Message, encode, receiver_of};
use heliograph_protocol::wire::DeframeError;
use heliograph_relay::{ByteQueue, CloseReason, Hub};

use super::Door;
use crate::backend::link::AppLink;
use crate::telemetry::names;

/// One link in its hub, on which messages are executed.
#[derive(Debug)]
pub(super) struct Session {
    door: Arc<Door>,
    link: Arc<AppLink>,
}

/// What a message asks of the link itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// The clients are to be moved to another app server.
    Migrate,
}

impl Session {
    pub(super) fn new(door: Arc<Door>, link: Arc<AppLink>) -> Self {
        let (hub, server) = (link.hub().name(), link.link().server());
        tracing::info!(hub, link = link.link().id(), server, kind = ?link.link().kind(), "link opened");
        metrics::gauge!(names::LINKS, "hub" => hub.to_owned()).increment(1);
        Self { door, link }
    }

    pub(super) fn link(&self) -> Arc<AppLink> {
        Arc::clone(&self.link)
    }

    pub(super) fn queue(&self) -> &ByteQueue {
        self.link.link().queue()
    }

    fn hub(&self) -> &Arc<Hub> {
        self.link.hub()
    }

    /// Queues a message for the app server.
    pub(super) fn send(&self, message: &Message<'_>) {
        self.queue().append(|out| encode(message, out));
    }

    /// A message was too large to be taken; `start` are the first bytes of it that are there. A
    /// client that is to get it alone is ended: it would miss an answer, or wait for one for ever.
    pub(super) fn passed_over(&self, err: &DeframeError, start: &[u8]) {
        let client = receiver_of(start).and_then(|id| self.link.client(id));
        let (hub, link) = (self.hub().name(), self.link.link().id());
        let conn = client
            .as_ref()
            .map(|client| tracing::field::debug(client.client().id()));
        tracing::error!(hub, link, conn, %err, "message of an app server not delivered");
        if let Some(client) = client {
            client.client().close(CloseReason::BackendLost);
        }
    }

    fn ack(&self, ack_id: i32, status: AckStatus) {
        self.send(&Message::Ack {
            ack_id,
            status,
            message: "",
            payload: None,
        });
    }

    /// Executes a message. Those of a client are executed on the client's place on this link,
    /// the others on the hub.
    pub(super) fn execute(&self, message: &Message<'_>) -> Option<Effect> {
        tracing::trace!(message = message.name(), "message from app server");
        match message {
            Message::Ping { values } => return self.ping(values),
            Message::ConnectionData {
                connection_id,
                payload,
                extensions,
            } => {
                if let Some(client) = self.link.client(connection_id) {
                    client.deliver(&self.link, payload, extensions);
                } else if let Some(app_hub) = self.app_hub() {
                    classic::deliver(&app_hub, connection_id, payload);
                }
            }
            Message::CloseConnection {
                connection_id,
                error,
                ..
            } => {
                if let Some(client) = self.link.client(connection_id) {
                    client.end(&self.link, error);
                }
            }
            Message::MultiConnectionData { .. }
            | Message::UserData { .. }
            | Message::MultiUserData { .. }
            | Message::BroadcastData { .. }
            | Message::GroupBroadcastData { .. }
            | Message::MultiGroupBroadcastData { .. } => self.multicast(message),
            Message::JoinGroup { .. }
            | Message::LeaveGroup { .. }
            | Message::UserJoinGroup { .. }
            | Message::UserLeaveGroup { .. }
            | Message::JoinGroupWithAck { .. }
            | Message::LeaveGroupWithAck { .. }
            | Message::UserJoinGroupWithAck { .. }
            | Message::UserLeaveGroupWithAck { .. } => self.change_group(message),
            Message::CheckUserInGroupWithAck { .. }
            | Message::CheckGroupExistenceWithAck { .. }
            | Message::CheckConnectionExistenceWithAck { .. }
            | Message::CheckUserExistenceWithAck { .. }
            | Message::GroupMemberQuery { .. } => self.question(message),
            Message::CloseConnectionWithAck { .. }
            | Message::CloseConnectionsWithAck { .. }
            | Message::CloseUserConnectionsWithAck { .. }
            | Message::CloseGroupConnectionsWithAck { .. } => self.close(message),
            Message::ClientInvocation { .. }
            | Message::ClientCompletion { .. }
            | Message::ErrorCompletion { .. } => self.client_result(message),
            Message::AccessKeyRequest { key_id, .. } => self.send(&Message::AccessKeyResponse {
                key_id: *key_id,
                access_key: None,
                error_type: Some("NotSupported"),
                error_message: Some("Entra ID is not supported."),
            }),
            // Nobody here can change a token's claims: the app server looks elsewhere.
            Message::RefreshAuth { ack_id, .. } | Message::GetConnectionClaims { ack_id, .. } => {
                self.ack(*ack_id, AckStatus::NotFound);
            }
            // Answers to what we never ask, and what only a service sends.
            _ => {}
        }
        None
    }
}

impl Drop for Session {
    /// However a link ends, it leaves its hub and takes its clients along.
    fn drop(&mut self) {
        self.door.backend.detach(&self.link);
        metrics::gauge!(names::LINKS, "hub" => self.hub().name().to_owned()).decrement(1);
    }
}
