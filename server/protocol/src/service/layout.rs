//! Numbers, names and shortest forms of the message types (section 4.3).

use super::Message;

impl Message<'_> {
    /// The number on the wire.
    #[must_use]
    pub const fn number(&self) -> u8 {
        match self {
            Self::HandshakeRequest { .. } => 1,
            Self::HandshakeResponse { .. } => 2,
            Self::Ping { .. } => 3,
            Self::OpenConnection { .. } => 4,
            Self::CloseConnection { .. } => 5,
            Self::ConnectionData { .. } => 6,
            Self::MultiConnectionData { .. } => 7,
            Self::UserData { .. } => 8,
            Self::MultiUserData { .. } => 9,
            Self::BroadcastData { .. } => 10,
            Self::JoinGroup { .. } => 11,
            Self::LeaveGroup { .. } => 12,
            Self::GroupBroadcastData { .. } => 13,
            Self::MultiGroupBroadcastData { .. } => 14,
            Self::ServiceError { .. } => 15,
            Self::UserJoinGroup { .. } => 16,
            Self::UserLeaveGroup { .. } => 17,
            Self::JoinGroupWithAck { .. } => 18,
            Self::LeaveGroupWithAck { .. } => 19,
            Self::Ack { .. } => 20,
            Self::CheckUserInGroupWithAck { .. } => 21,
            Self::ServiceEvent { .. } => 22,
            Self::CheckGroupExistenceWithAck { .. } => 23,
            Self::CheckConnectionExistenceWithAck { .. } => 24,
            Self::CheckUserExistenceWithAck { .. } => 25,
            Self::UserJoinGroupWithAck { .. } => 26,
            Self::UserLeaveGroupWithAck { .. } => 27,
            Self::AccessKeyRequest { .. } => 28,
            Self::AccessKeyResponse { .. } => 29,
            Self::CloseConnectionWithAck { .. } => 30,
            Self::CloseConnectionsWithAck { .. } => 31,
            Self::CloseUserConnectionsWithAck { .. } => 32,
            Self::CloseGroupConnectionsWithAck { .. } => 33,
            Self::ClientInvocation { .. } => 34,
            Self::ClientCompletion { .. } => 35,
            Self::ErrorCompletion { .. } => 36,
            Self::ServiceMapping { .. } => 37,
            Self::ConnectionReconnect { .. } => 38,
            Self::ConnectionFlowControl { .. } => 39,
            Self::GroupMemberQuery { .. } => 40,
            Self::RefreshAuth { .. } => 41,
            Self::GetConnectionClaims { .. } => 42,
            Self::UpdateConnectionClaims { .. } => 43,
        }
    }

    /// The name of the message, for logs and metrics.
    #[must_use]
    pub fn name(&self) -> &'static str {
        layout(i64::from(self.number())).map_or("", |layout| layout.name)
    }
}

/// What is known of a message type before its fields are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub(super) name: &'static str,
    /// The shortest array any SDK ever wrote, the type included.
    pub(super) min_elements: usize,
}

/// The layout of a message type; `None` for numbers that are not in use.
pub(super) fn layout(number: i64) -> Option<Layout> {
    let index = usize::try_from(number.checked_sub(1)?).ok()?;
    let (name, min_elements) = *LAYOUTS.get(index)?;
    Some(Layout { name, min_elements })
}

const LAYOUTS: [(&str, usize); 43] = [
    ("HandshakeRequest", 2),
    ("HandshakeResponse", 2),
    ("Ping", 1),
    ("OpenConnection", 3),
    ("CloseConnection", 3),
    ("ConnectionData", 3),
    ("MultiConnectionData", 3),
    ("UserData", 3),
    ("MultiUserData", 3),
    ("BroadcastData", 3),
    ("JoinGroup", 3),
    ("LeaveGroup", 3),
    ("GroupBroadcastData", 4),
    ("MultiGroupBroadcastData", 3),
    ("ServiceError", 2),
    ("UserJoinGroup", 3),
    ("UserLeaveGroup", 3),
    ("JoinGroupWithAck", 4),
    ("LeaveGroupWithAck", 4),
    ("Ack", 4),
    ("CheckUserInGroupWithAck", 4),
    ("ServiceEvent", 6),
    ("CheckGroupExistenceWithAck", 4),
    ("CheckConnectionExistenceWithAck", 4),
    ("CheckUserExistenceWithAck", 4),
    ("UserJoinGroupWithAck", 5),
    ("UserLeaveGroupWithAck", 5),
    ("AccessKeyRequest", 4),
    ("AccessKeyResponse", 6),
    ("CloseConnectionWithAck", 5),
    ("CloseConnectionsWithAck", 5),
    ("CloseUserConnectionsWithAck", 6),
    ("CloseGroupConnectionsWithAck", 6),
    ("ClientInvocation", 6),
    ("ClientCompletion", 7),
    ("ErrorCompletion", 6),
    ("ServiceMapping", 5),
    ("ConnectionReconnect", 3),
    ("ConnectionFlowControl", 5),
    ("GroupMemberQuery", 6),
    ("RefreshAuth", 6),
    ("GetConnectionClaims", 4),
    ("UpdateConnectionClaims", 4),
];
