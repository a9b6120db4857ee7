//! Messages for many clients.

use std::sync::Arc;

use heliograph_protocol::service::{Message, Payloads};
use heliograph_relay::{Dialect, Encode, Frame, FrameClass, FrameSet, Hub, Pushed, Send, Target};

use super::Session;
use crate::edge::dialects::{self, Dialects, JSON, LEGACY};

/// One message as the app server encoded it for each hub protocol; framed for those that a
/// receiver needs. For legacy clients it is made of what there is for `json`.
struct Encoded<'a> {
    hub: &'a Hub,
    payloads: &'a Payloads<'a>,
    dialects: &'a Dialects,
}

impl Encode for Encoded<'_> {
    fn encode(&self, dialect: Dialect) -> Option<Frame> {
        let written = if dialect == LEGACY { JSON } else { dialect };
        let protocol = self.dialects.name(written);
        let Some(payload) = self.payloads.find(protocol) else {
            tracing::debug!(
                dialect = protocol,
                "message lacks the protocol of a receiver"
            );
            metrics::counter!("signalr.server.links.messages.dropped", "reason" => "no_payload")
                .increment(1);
            return None;
        };
        if dialect == LEGACY {
            return self.hub.transcode()?.transcode(payload);
        }
        Some(dialects::frame(dialect, payload, FrameClass::Counted))
    }
}

impl Session {
    pub(super) fn multicast(&self, message: &Message<'_>) {
        let (send, payloads, extensions) = match message {
            Message::MultiConnectionData {
                connection_ids,
                payloads,
                extensions,
            } => (
                Send::to(Target::Connections(connection_ids)),
                payloads,
                extensions,
            ),
            Message::UserData {
                user_id,
                payloads,
                extensions,
            } => {
                let users = Target::Users(std::slice::from_ref(user_id));
                (Send::to(users), payloads, extensions)
            }
            Message::MultiUserData {
                user_ids,
                payloads,
                extensions,
            } => (Send::to(Target::Users(user_ids)), payloads, extensions),
            Message::BroadcastData {
                excluded_connection_ids,
                payloads,
                extensions,
            } => {
                let send = Send {
                    except: excluded_connection_ids,
                    ..Send::to(Target::All)
                };
                (send, payloads, extensions)
            }
            Message::GroupBroadcastData {
                group,
                excluded_connection_ids,
                payloads,
                extensions,
                excluded_user_ids,
                ..
            } => {
                let send = Send {
                    target: Target::Groups(std::slice::from_ref(group)),
                    except: excluded_connection_ids,
                    except_users: excluded_user_ids,
                };
                (send, payloads, extensions)
            }
            Message::MultiGroupBroadcastData {
                groups,
                payloads,
                extensions,
            } => (Send::to(Target::Groups(groups)), payloads, extensions),
            _ => return,
        };
        if extensions.filter.is_some() {
            // Better to nobody than to those whom the filter leaves out.
            tracing::warn!(hub = self.hub().name(), "message with a filter dropped");
            metrics::counter!("signalr.server.links.messages.dropped", "reason" => "filter")
                .increment(1);
            return;
        }
        self.deliver(&send, payloads);
    }

    /// Queues a message for its receivers and returns how many they are.
    pub(super) fn deliver(&self, send: &Send<'_>, payloads: &Payloads<'_>) -> usize {
        // What is for one legacy client alone goes to its inlet: it may be a question.
        if let Target::Connections([id]) = send.target
            && self.hub().transcode().is_some()
            && let Some(client) = self.hub().connection(id)
            && client.dialect() == LEGACY
            && let Some(payload) = payloads.find(self.door.dialects.name(JSON))
        {
            let frame = dialects::frame(JSON, payload, FrameClass::Counted);
            return usize::from(client.push(frame) == Pushed::Queued);
        }
        let encoded = Encoded {
            hub: self.hub(),
            payloads,
            dialects: &self.door.dialects,
        };
        let hub = match send.target {
            Target::Groups(_) | Target::Connections(_) => self.group_hub(),
            Target::All | Target::Users(_) => Arc::clone(self.hub()),
        };
        hub.send(send, &mut FrameSet::new(&encoded))
    }
}
