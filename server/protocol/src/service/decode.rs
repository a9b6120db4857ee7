//! Bytes to [`Message`].

use thiserror::Error;

use super::layout::{Layout, layout};
use super::{AckStatus, ConnectionType, ExpireTime, Extensions, Message, fields};
use crate::wire::{ReadError, Reader};

/// What a well-formed frame turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Decoded<'a> {
    /// A message of a known type.
    Message(Message<'a>),
    /// A type that is not in use, to be ignored as the SDKs do (section 3.1).
    Unknown(i64),
}

/// Why a frame is not a message. Always the peer's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The frame does not start with an array and a type number.
    #[error("not an array that starts with a message type")]
    Type(#[source] ReadError),
    /// The array has fewer elements than any SDK ever wrote.
    #[error("{message} of {elements} elements, at least {min} are needed")]
    TooShort {
        /// The message.
        message: &'static str,
        /// The number of elements, the type included.
        elements: usize,
        /// How many are needed.
        min: usize,
    },
    /// An element is not what it should be.
    #[error("malformed {field} in {message}")]
    Field {
        /// The message.
        message: &'static str,
        /// The element, as the specification names it.
        field: &'static str,
        /// What is wrong with it.
        source: ReadError,
    },
}

/// The connection that a `ConnectionData` is for, from the first bytes of a message that is too
/// large to be read whole; `None` for another message, or when there are too few bytes.
#[must_use]
pub fn receiver_of(start: &[u8]) -> Option<&str> {
    const CONNECTION_DATA: i64 = 6;
    let mut reader = Reader::new(start);
    reader.array_len().ok()?;
    if reader.i64().ok()? != CONNECTION_DATA {
        return None;
    }
    reader.str().ok()
}

/// Reads one message from a frame without its length prefix (section 4.3).
///
/// Older and shorter forms are completed with what the missing elements mean; surplus elements
/// are ignored; nil is taken as empty where old writers wrote it. Lists and maps are collected as
/// references, so a message takes at most some 40 times its own size, and only for elements that
/// are really there.
///
/// # Errors
///
/// [`DecodeError`] when the frame is no such array. The connection may go on with the next frame.
pub fn decode(frame: &[u8]) -> Result<Decoded<'_>, DecodeError> {
    let mut reader = Reader::new(frame);
    let elements = reader.array_len().map_err(DecodeError::Type)?;
    if elements == 0 {
        return Err(DecodeError::Type(ReadError::EndOfInput {
            expected: "a message type",
        }));
    }
    let number = reader.i64().map_err(DecodeError::Type)?;
    let Some(layout) = layout(number) else {
        return Ok(Decoded::Unknown(number));
    };
    if elements < layout.min_elements {
        return Err(DecodeError::TooShort {
            message: layout.name,
            elements,
            min: layout.min_elements,
        });
    }
    let mut elements = Elements {
        reader,
        left: elements - 1,
        layout,
    };
    let message = message(number, &mut elements)?;
    // Extension maps at the end that say nothing, and what newer forms add.
    elements.rest("trailing elements", Reader::skip)?;
    Ok(message.map_or(Decoded::Unknown(number), Decoded::Message))
}

fn message<'a>(number: i64, e: &mut Elements<'a>) -> Result<Option<Message<'a>>, DecodeError> {
    // Fields are evaluated in the order written, which is the order on the wire.
    Ok(Some(match number {
        1 => {
            let version = e.next("version", fields::int)?;
            let connection_type: ConnectionType = e.next("connectionType", fields::int)?.into();
            let target = e.next("target", fields::text)?;
            let migration_level = e.next("migrationLevel", fields::int)?;
            e.skip_extensions()?;
            let allow_stateful_reconnects = e.next("allowStatefulReconnects", fields::bool)?;
            Message::HandshakeRequest {
                version,
                connection_type,
                target,
                migration_level,
                allow_stateful_reconnects,
            }
        }
        2 => {
            let error = e.next("error", fields::str_or_nil)?;
            e.skip_extensions()?;
            let connection_id = e.next("connectionId", fields::str_or_nil)?;
            Message::HandshakeResponse {
                error,
                connection_id,
            }
        }
        3 => Message::Ping {
            values: e.rest("values", fields::text)?,
        },
        4 => Message::OpenConnection {
            connection_id: e.next("connectionId", fields::str)?,
            claims: e.next("claims", fields::claims)?,
            headers: e.next("headers", fields::headers)?,
            query_string: e.next("queryString", fields::text)?,
            extensions: e.next("extensions", Extensions::read)?,
        },
        5 => Message::CloseConnection {
            connection_id: e.next("connectionId", fields::str)?,
            error: e.next("error", fields::text)?,
            headers: e.next("headers", fields::headers)?,
            extensions: e.next("extensions", Extensions::read)?,
        },
        6 => Message::ConnectionData {
            connection_id: e.next("connectionId", fields::str)?,
            payload: e.next("payload", fields::bin)?,
            extensions: e.next("extensions", Extensions::read)?,
        },
        7 => Message::MultiConnectionData {
            connection_ids: e.next("connectionIds", fields::list)?,
            payloads: e.next("payloads", fields::payloads)?,
            extensions: e.next("extensions", Extensions::read)?,
        },
        8 => Message::UserData {
            user_id: e.next("userId", fields::str)?,
            payloads: e.next("payloads", fields::payloads)?,
            extensions: e.next("extensions", Extensions::read)?,
        },
        9 => Message::MultiUserData {
            user_ids: e.next("userIds", fields::list)?,
            payloads: e.next("payloads", fields::payloads)?,
            extensions: e.next("extensions", Extensions::read)?,
        },
        10 => Message::BroadcastData {
            excluded_connection_ids: e.next("excludedConnectionIds", fields::list)?,
            payloads: e.next("payloads", fields::payloads)?,
            extensions: e.next("extensions", Extensions::read)?,
        },
        11 => Message::JoinGroup {
            connection_id: e.next("connectionId", fields::str)?,
            group: e.next("group", fields::str)?,
            extensions: e.next("extensions", Extensions::read)?,
        },
        12 => Message::LeaveGroup {
            connection_id: e.next("connectionId", fields::str)?,
            group: e.next("group", fields::str_or_nil)?,
            extensions: e.next("extensions", Extensions::read)?,
        },
        13 => Message::GroupBroadcastData {
            group: e.next("group", fields::str)?,
            excluded_connection_ids: e.next("excludedConnectionIds", fields::list)?,
            payloads: e.next("payloads", fields::payloads)?,
            extensions: e.next("extensions", Extensions::read)?,
            excluded_user_ids: e.next("excludedUserIds", fields::list)?,
            caller_user_id: e.next("callerUserId", fields::str_or_nil)?,
        },
        14 => Message::MultiGroupBroadcastData {
            groups: e.next("groups", fields::list)?,
            payloads: e.next("payloads", fields::payloads)?,
            extensions: e.next("extensions", Extensions::read)?,
        },
        15 => Message::ServiceError {
            message: e.next("message", fields::text)?,
        },
        16 => Message::UserJoinGroup {
            user_id: e.next("userId", fields::str)?,
            group: e.next("group", fields::str)?,
            extensions: e.next("extensions", Extensions::read)?,
        },
        17 => Message::UserLeaveGroup {
            user_id: e.next("userId", fields::str)?,
            group: e.next("group", fields::str_or_nil)?,
            extensions: e.next("extensions", Extensions::read)?,
        },
        18 => Message::JoinGroupWithAck {
            connection_id: e.next("connectionId", fields::str)?,
            group: e.next("group", fields::str)?,
            ack_id: e.next("ackId", fields::int)?,
            extensions: e.next("extensions", Extensions::read)?,
        },
        19 => Message::LeaveGroupWithAck {
            connection_id: e.next("connectionId", fields::str)?,
            group: e.next("group", fields::str_or_nil)?,
            ack_id: e.next("ackId", fields::int)?,
            extensions: e.next("extensions", Extensions::read)?,
        },
        20 => {
            let ack_id = e.next("ackId", fields::int)?;
            let status: AckStatus = e.next("status", fields::int)?.into();
            let message = e.next("message", fields::text)?;
            e.skip_extensions()?;
            let payload = e.next("payload", fields::bin_or_nil)?;
            Message::Ack {
                ack_id,
                status,
                message,
                payload,
            }
        }
        21 => Message::CheckUserInGroupWithAck {
            user_id: e.next("userId", fields::str)?,
            group: e.next("group", fields::str)?,
            ack_id: e.next("ackId", fields::int)?,
            extensions: e.next("extensions", Extensions::read)?,
        },
        22 => Message::ServiceEvent {
            object_type: e.next("objectType", fields::int)?.into(),
            id: e.next("id", fields::text)?,
            kind: e.next("kind", fields::int)?.into(),
            message: e.next("message", fields::text)?,
        },
        23 => Message::CheckGroupExistenceWithAck {
            group: e.next("group", fields::str)?,
            ack_id: e.next("ackId", fields::int)?,
            extensions: e.next("extensions", Extensions::read)?,
        },
        24 => Message::CheckConnectionExistenceWithAck {
            connection_id: e.next("connectionId", fields::str)?,
            ack_id: e.next("ackId", fields::int)?,
            extensions: e.next("extensions", Extensions::read)?,
        },
        25 => Message::CheckUserExistenceWithAck {
            user_id: e.next("userId", fields::str)?,
            ack_id: e.next("ackId", fields::int)?,
            extensions: e.next("extensions", Extensions::read)?,
        },
        26 => Message::UserJoinGroupWithAck {
            user_id: e.next("userId", fields::str)?,
            group: e.next("group", fields::str)?,
            ack_id: e.next("ackId", fields::int)?,
            extensions: e.next("extensions", Extensions::read)?,
        },
        27 => Message::UserLeaveGroupWithAck {
            user_id: e.next("userId", fields::str)?,
            group: e.next("group", fields::str_or_nil)?,
            ack_id: e.next("ackId", fields::int)?,
            extensions: e.next("extensions", Extensions::read)?,
        },
        28 => Message::AccessKeyRequest {
            token: e.next("token", fields::text)?,
            key_id: e.next("kid", fields::str_or_nil)?,
        },
        29 => Message::AccessKeyResponse {
            key_id: e.next("kid", fields::str_or_nil)?,
            access_key: e.next("accessKey", fields::str_or_nil)?,
            error_type: e.next("errorType", fields::str_or_nil)?,
            error_message: e.next("errorMessage", fields::str_or_nil)?,
        },
        30 => Message::CloseConnectionWithAck {
            connection_id: e.next("connectionId", fields::str)?,
            reason: e.next("reason", fields::str_or_nil)?,
            ack_id: e.next("ackId", fields::int)?,
            extensions: e.next("extensions", Extensions::read)?,
        },
        31 => Message::CloseConnectionsWithAck {
            reason: e.next("reason", fields::str_or_nil)?,
            ack_id: e.next("ackId", fields::int)?,
            excluded_connection_ids: e.next("excluded", fields::list)?,
            extensions: e.next("extensions", Extensions::read)?,
        },
        32 => Message::CloseUserConnectionsWithAck {
            user_id: e.next("userId", fields::str)?,
            reason: e.next("reason", fields::str_or_nil)?,
            ack_id: e.next("ackId", fields::int)?,
            excluded_connection_ids: e.next("excluded", fields::list)?,
            extensions: e.next("extensions", Extensions::read)?,
        },
        33 => Message::CloseGroupConnectionsWithAck {
            group: e.next("group", fields::str)?,
            reason: e.next("reason", fields::str_or_nil)?,
            ack_id: e.next("ackId", fields::int)?,
            excluded_connection_ids: e.next("excluded", fields::list)?,
            extensions: e.next("extensions", Extensions::read)?,
        },
        34 => Message::ClientInvocation {
            invocation_id: e.next("invocationId", fields::str)?,
            connection_id: e.next("connectionId", fields::str)?,
            caller_server_id: e.next("callerServerId", fields::str)?,
            payloads: e.next("payloads", fields::payloads)?,
            extensions: e.next("extensions", Extensions::read)?,
        },
        35 => Message::ClientCompletion {
            invocation_id: e.next("invocationId", fields::str)?,
            connection_id: e.next("connectionId", fields::str)?,
            caller_server_id: e.next("callerServerId", fields::str)?,
            protocol: e.next("protocol", fields::text)?,
            payload: e.next("payload", fields::bin)?,
            extensions: e.next("extensions", Extensions::read)?,
        },
        36 => Message::ErrorCompletion {
            invocation_id: e.next("invocationId", fields::str)?,
            connection_id: e.next("connectionId", fields::str)?,
            caller_server_id: e.next("callerServerId", fields::str)?,
            error: e.next("error", fields::text)?,
            extensions: e.next("extensions", Extensions::read)?,
        },
        37 => Message::ServiceMapping {
            invocation_id: e.next("invocationId", fields::str)?,
            connection_id: e.next("connectionId", fields::str)?,
            instance_id: e.next("instanceId", fields::str)?,
        },
        38 => Message::ConnectionReconnect {
            connection_id: e.next("connectionId", fields::str)?,
        },
        39 => Message::ConnectionFlowControl {
            connection_id: e.next("connectionId", fields::str)?,
            connection_type: e.next("connectionType", fields::int)?.into(),
            operation: e.next("operation", fields::int)?.into(),
        },
        40 => Message::GroupMemberQuery {
            extensions: e.next("extensions", Extensions::read)?,
            group: e.next("group", fields::str)?,
            ack_id: e.next("ackId", fields::int)?,
            top: e.next("top", fields::int_or_nil)?,
            continuation_token: e.next("continuationToken", fields::str_or_nil)?,
            max_page_size: e.next("maxPageSize", fields::int_or_nil)?,
        },
        41 => Message::RefreshAuth {
            connection_token: e.next("connectionToken", fields::str)?,
            claims: e.next("claims", fields::claims)?,
            expire_time: e.next("expireTime", ExpireTime::read)?,
            ack_id: e.next("ackId", fields::int)?,
        },
        42 => Message::GetConnectionClaims {
            connection_token: e.next("connectionToken", fields::str)?,
            ack_id: e.next("ackId", fields::int)?,
        },
        43 => Message::UpdateConnectionClaims {
            connection_id: e.next("connectionId", fields::str)?,
            claims: e.next("claims", fields::claims)?,
        },
        _ => return Ok(None),
    }))
}

/// The elements of a message behind its type.
struct Elements<'a> {
    reader: Reader<'a>,
    left: usize,
    layout: Layout,
}

impl<'a> Elements<'a> {
    /// Reads the next element; one that a shorter form leaves out has its default value.
    fn next<T: Default>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, ReadError>,
    ) -> Result<T, DecodeError> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(T::default());
        };
        self.left = left;
        read(&mut self.reader).map_err(|source| DecodeError::Field {
            message: self.layout.name,
            field,
            source,
        })
    }

    /// Reads all elements that are left.
    fn rest<T: Default>(
        &mut self,
        field: &'static str,
        read: impl Fn(&mut Reader<'a>) -> Result<T, ReadError>,
    ) -> Result<Vec<T>, DecodeError> {
        let mut values = Vec::with_capacity(self.left.min(fields::PREALLOCATED));
        while self.left > 0 {
            values.push(self.next(field, &read)?);
        }
        Ok(values)
    }

    fn skip_extensions(&mut self) -> Result<(), DecodeError> {
        self.next("extensions", Reader::skip)
    }
}
