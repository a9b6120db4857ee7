//! [`Message`] to bytes.

use super::extensions::keys::{DATA_TYPE, FILTER, PARTIAL, PROTOCOL, TRACING_ID, TTL};
use super::{ConnectionType, Message, fields};
use crate::wire::{Writer, varint};

/// Appends a message with its length prefix, in the form current SDKs write (section 4.3).
pub fn encode(message: &Message<'_>, out: &mut Vec<u8>) {
    varint::write_framed(out, |out| body(message, &mut Writer::new(out)));
}

fn start(w: &mut Writer<'_>, number: u8, elements: usize) {
    w.array_len(elements);
    w.u64(u64::from(number));
}

fn body(message: &Message<'_>, w: &mut Writer<'_>) {
    let number = message.number();
    match message {
        Message::HandshakeRequest {
            version,
            connection_type,
            target,
            migration_level,
            allow_stateful_reconnects,
        } => {
            start(w, number, 7);
            w.i64(i64::from(*version));
            w.i64(i64::from(i32::from(*connection_type)));
            // The SDK writes no target unless it asks for something.
            w.str(if *connection_type == ConnectionType::Default {
                ""
            } else {
                target
            });
            w.i64(i64::from(*migration_level));
            w.map_len(0);
            w.bool(*allow_stateful_reconnects);
        }
        Message::HandshakeResponse {
            error,
            connection_id,
        } => {
            start(w, number, 4);
            w.str_or_nil(*error);
            w.map_len(0);
            w.str_or_nil(*connection_id);
        }
        Message::Ping { values } => {
            start(w, number, 1 + values.len());
            values.iter().for_each(|value| w.str(value));
        }
        Message::OpenConnection {
            connection_id,
            claims,
            headers,
            query_string,
            extensions,
        } => {
            start(w, number, 6);
            w.str(connection_id);
            fields::write_claims(w, claims);
            fields::write_headers(w, headers);
            w.str(query_string);
            extensions.write(w, TRACING_ID | PROTOCOL);
        }
        Message::CloseConnection {
            connection_id,
            error,
            headers,
            extensions,
        } => {
            start(w, number, 5);
            w.str(connection_id);
            w.str(error);
            fields::write_headers(w, headers);
            extensions.write(w, TRACING_ID);
        }
        Message::ConnectionData {
            connection_id,
            payload,
            extensions,
        } => {
            start(w, number, 4);
            w.str(connection_id);
            w.bin(payload);
            extensions.write(w, TRACING_ID | DATA_TYPE | PARTIAL);
        }
        Message::MultiConnectionData {
            connection_ids: keys,
            payloads,
            extensions,
        }
        | Message::MultiUserData {
            user_ids: keys,
            payloads,
            extensions,
        }
        | Message::BroadcastData {
            excluded_connection_ids: keys,
            payloads,
            extensions,
        }
        | Message::MultiGroupBroadcastData {
            groups: keys,
            payloads,
            extensions,
        } => {
            start(w, number, 4);
            fields::write_list(w, keys);
            fields::write_payloads(w, payloads);
            extensions.write(w, TRACING_ID | FILTER);
        }
        Message::UserData {
            user_id,
            payloads,
            extensions,
        } => {
            start(w, number, 4);
            w.str(user_id);
            fields::write_payloads(w, payloads);
            extensions.write(w, TRACING_ID | FILTER);
        }
        Message::JoinGroup {
            connection_id,
            group,
            extensions,
        } => {
            start(w, number, 4);
            w.str(connection_id);
            w.str(group);
            extensions.write(w, TRACING_ID);
        }
        Message::LeaveGroup {
            connection_id: key,
            group,
            extensions,
        }
        | Message::UserLeaveGroup {
            user_id: key,
            group,
            extensions,
        } => {
            start(w, number, 4);
            w.str(key);
            w.str_or_nil(*group);
            extensions.write(w, TRACING_ID);
        }
        Message::GroupBroadcastData {
            group,
            excluded_connection_ids,
            payloads,
            extensions,
            excluded_user_ids,
            caller_user_id,
        } => {
            start(w, number, 7);
            w.str(group);
            fields::write_list(w, excluded_connection_ids);
            fields::write_payloads(w, payloads);
            extensions.write(w, TRACING_ID | FILTER);
            fields::write_list(w, excluded_user_ids);
            w.str_or_nil(*caller_user_id);
        }
        Message::ServiceError { message } => {
            start(w, number, 2);
            w.str(message);
        }
        Message::UserJoinGroup {
            user_id,
            group,
            extensions,
        } => {
            start(w, number, 4);
            w.str(user_id);
            w.str(group);
            extensions.write(w, TRACING_ID | TTL);
        }
        Message::JoinGroupWithAck {
            connection_id: key,
            group,
            ack_id,
            extensions,
        }
        | Message::CheckUserInGroupWithAck {
            user_id: key,
            group,
            ack_id,
            extensions,
        } => {
            start(w, number, 5);
            w.str(key);
            w.str(group);
            w.i64(i64::from(*ack_id));
            extensions.write(w, TRACING_ID);
        }
        Message::LeaveGroupWithAck {
            connection_id: key,
            group,
            ack_id,
            extensions,
        }
        | Message::UserLeaveGroupWithAck {
            user_id: key,
            group,
            ack_id,
            extensions,
        } => {
            start(w, number, 5);
            w.str(key);
            w.str_or_nil(*group);
            w.i64(i64::from(*ack_id));
            extensions.write(w, TRACING_ID);
        }
        Message::Ack {
            ack_id,
            status,
            message,
            payload,
        } => {
            start(w, number, if payload.is_some() { 6 } else { 5 });
            w.i64(i64::from(*ack_id));
            w.i64(i64::from(i32::from(*status)));
            w.str(message);
            w.map_len(0);
            if let Some(payload) = payload {
                w.bin(payload);
            }
        }
        Message::ServiceEvent {
            object_type,
            id,
            kind,
            message,
        } => {
            start(w, number, 6);
            w.i64(i64::from(i32::from(*object_type)));
            w.str(id);
            w.i64(i64::from(i32::from(*kind)));
            w.str(message);
            w.map_len(0);
        }
        Message::CheckGroupExistenceWithAck {
            group: key,
            ack_id,
            extensions,
        }
        | Message::CheckConnectionExistenceWithAck {
            connection_id: key,
            ack_id,
            extensions,
        }
        | Message::CheckUserExistenceWithAck {
            user_id: key,
            ack_id,
            extensions,
        } => {
            start(w, number, 4);
            w.str(key);
            w.i64(i64::from(*ack_id));
            extensions.write(w, TRACING_ID);
        }
        Message::UserJoinGroupWithAck {
            user_id,
            group,
            ack_id,
            extensions,
        } => {
            start(w, number, 5);
            w.str(user_id);
            w.str(group);
            w.i64(i64::from(*ack_id));
            extensions.write(w, TRACING_ID | TTL);
        }
        Message::AccessKeyRequest { token, key_id } => {
            start(w, number, 4);
            w.str(token);
            w.str_or_nil(*key_id);
            w.map_len(0);
        }
        Message::AccessKeyResponse {
            key_id,
            access_key,
            error_type,
            error_message,
        } => {
            start(w, number, 6);
            w.str_or_nil(*key_id);
            w.str_or_nil(*access_key);
            w.str_or_nil(*error_type);
            w.str_or_nil(*error_message);
            w.map_len(0);
        }
        Message::CloseConnectionWithAck {
            connection_id,
            reason,
            ack_id,
            extensions,
        } => {
            start(w, number, 5);
            w.str(connection_id);
            w.str_or_nil(*reason);
            w.i64(i64::from(*ack_id));
            extensions.write(w, TRACING_ID);
        }
        Message::CloseConnectionsWithAck {
            reason,
            ack_id,
            excluded_connection_ids,
            extensions,
        } => {
            start(w, number, 5);
            w.str_or_nil(*reason);
            w.i64(i64::from(*ack_id));
            fields::write_list(w, excluded_connection_ids);
            extensions.write(w, TRACING_ID);
        }
        Message::CloseUserConnectionsWithAck {
            user_id: key,
            reason,
            ack_id,
            excluded_connection_ids,
            extensions,
        }
        | Message::CloseGroupConnectionsWithAck {
            group: key,
            reason,
            ack_id,
            excluded_connection_ids,
            extensions,
        } => {
            start(w, number, 6);
            w.str(key);
            w.str_or_nil(*reason);
            w.i64(i64::from(*ack_id));
            fields::write_list(w, excluded_connection_ids);
            extensions.write(w, TRACING_ID);
        }
        Message::ClientInvocation {
            invocation_id,
            connection_id,
            caller_server_id,
            payloads,
            extensions,
        } => {
            start(w, number, 6);
            w.str(invocation_id);
            w.str(connection_id);
            w.str(caller_server_id);
            fields::write_payloads(w, payloads);
            extensions.write(w, TRACING_ID);
        }
        Message::ClientCompletion {
            invocation_id,
            connection_id,
            caller_server_id,
            protocol,
            payload,
            extensions,
        } => {
            start(w, number, 7);
            w.str(invocation_id);
            w.str(connection_id);
            w.str(caller_server_id);
            w.str(protocol);
            w.bin(payload);
            extensions.write(w, TRACING_ID | PROTOCOL);
        }
        Message::ErrorCompletion {
            invocation_id,
            connection_id,
            caller_server_id,
            error,
            extensions,
        } => {
            start(w, number, 6);
            w.str(invocation_id);
            w.str(connection_id);
            w.str(caller_server_id);
            w.str(error);
            extensions.write(w, TRACING_ID);
        }
        Message::ServiceMapping {
            invocation_id,
            connection_id,
            instance_id,
        } => {
            start(w, number, 5);
            w.str(invocation_id);
            w.str(connection_id);
            w.str(instance_id);
            w.map_len(0);
        }
        Message::ConnectionReconnect { connection_id } => {
            start(w, number, 3);
            w.str(connection_id);
            w.map_len(0);
        }
        Message::ConnectionFlowControl {
            connection_id,
            connection_type,
            operation,
        } => {
            start(w, number, 5);
            w.str(connection_id);
            w.fixed_i32(i32::from(*connection_type));
            w.fixed_i32(i32::from(*operation));
            w.map_len(0);
        }
        Message::GroupMemberQuery {
            extensions,
            group,
            ack_id,
            top,
            continuation_token,
            max_page_size,
        } => {
            start(w, number, 7);
            extensions.write(w, TRACING_ID);
            w.str(group);
            w.i64(i64::from(*ack_id));
            fields::write_int_or_nil(w, *top);
            w.str_or_nil(*continuation_token);
            fields::write_int_or_nil(w, *max_page_size);
        }
        Message::RefreshAuth {
            connection_token,
            claims,
            expire_time,
            ack_id,
        } => {
            start(w, number, 6);
            w.str(connection_token);
            fields::write_claims(w, claims);
            expire_time.write(w);
            w.i64(i64::from(*ack_id));
            w.map_len(0);
        }
        Message::GetConnectionClaims {
            connection_token,
            ack_id,
        } => {
            start(w, number, 4);
            w.str(connection_token);
            w.i64(i64::from(*ack_id));
            w.map_len(0);
        }
        Message::UpdateConnectionClaims {
            connection_id,
            claims,
        } => {
            start(w, number, 4);
            w.str(connection_id);
            fields::write_claims(w, claims);
            w.map_len(0);
        }
    }
}
