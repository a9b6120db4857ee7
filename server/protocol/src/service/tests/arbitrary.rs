//! Arbitrary messages.

use std::cell::Cell;

use proptest::prelude::*;

use super::super::{ConnectionType, ExpireTime, Extensions, Message, Payloads};

/// The values that a message is put together from, used in turn.
#[derive(Debug, Clone)]
pub(super) struct Seed {
    texts: Vec<String>,
    bytes: Vec<Vec<u8>>,
    numbers: Vec<u64>,
    lengths: Vec<usize>,
}

pub(super) fn seeds() -> impl Strategy<Value = Seed> {
    (
        prop::collection::vec(".{0,40}", 1..8),
        prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..4),
        prop::collection::vec(
            (any::<u64>(), 0_u32..64).prop_map(|(n, shift)| n >> shift),
            1..8,
        ),
        prop::collection::vec(0_usize..20, 1..5),
    )
        .prop_map(|(texts, bytes, numbers, lengths)| Seed {
            texts,
            bytes,
            numbers,
            lengths,
        })
}

/// Hands out the values of a seed.
struct Source<'a> {
    seed: &'a Seed,
    step: Cell<usize>,
}

impl<'a> Source<'a> {
    fn pick<T>(&self, from: &'a [T]) -> &'a T {
        self.step.set(self.step.get() + 1);
        &from[self.step.get() % from.len()]
    }

    fn number(&self) -> u64 {
        *self.pick(&self.seed.numbers)
    }

    fn flag(&self) -> bool {
        self.number() % 2 == 1
    }

    fn integer(&self) -> i32 {
        let [a, b, c, d, ..] = self.number().to_le_bytes();
        i32::from_le_bytes([a, b, c, d])
    }

    fn integer_or_none(&self) -> Option<i32> {
        self.flag().then(|| self.integer())
    }

    fn long_or_none(&self) -> Option<u64> {
        self.flag().then(|| self.number())
    }

    fn text(&self) -> &'a str {
        self.pick::<String>(&self.seed.texts)
    }

    fn text_or_none(&self) -> Option<&'a str> {
        self.flag().then(|| self.text())
    }

    fn bytes(&self) -> &'a [u8] {
        self.pick::<Vec<u8>>(&self.seed.bytes)
    }

    fn bytes_or_none(&self) -> Option<&'a [u8]> {
        self.flag().then(|| self.bytes())
    }

    fn several<T>(&self, one: impl Fn() -> T) -> Vec<T> {
        (0..*self.pick(&self.seed.lengths)).map(|_| one()).collect()
    }

    fn texts(&self) -> Vec<&'a str> {
        self.several(|| self.text())
    }

    fn claims(&self) -> Vec<(&'a str, &'a str)> {
        self.several(|| (self.text(), self.text()))
    }

    fn headers(&self) -> Vec<(&'a str, Vec<&'a str>)> {
        self.several(|| (self.text(), self.texts()))
    }

    fn payloads(&self) -> Payloads<'a> {
        Payloads::from(self.several(|| (self.text(), self.bytes())))
    }
}

/// A message of the given type.
pub(super) fn message(number: u8, seed: &Seed) -> Message<'_> {
    let s = Source {
        seed,
        step: Cell::new(0),
    };
    match number {
        1 => {
            let connection_type = ConnectionType::from(s.integer());
            Message::HandshakeRequest {
                version: s.integer(),
                connection_type,
                target: if connection_type == ConnectionType::Default {
                    ""
                } else {
                    s.text()
                },
                migration_level: s.integer(),
                allow_stateful_reconnects: s.flag(),
            }
        }
        2 => Message::HandshakeResponse {
            error: s.text_or_none(),
            connection_id: s.text_or_none(),
        },
        3 => Message::Ping { values: s.texts() },
        4 => Message::OpenConnection {
            connection_id: s.text(),
            claims: s.claims(),
            headers: s.headers(),
            query_string: s.text(),
            extensions: Extensions {
                tracing_id: s.long_or_none(),
                protocol: s.text_or_none(),
                ..Extensions::default()
            },
        },
        5 => Message::CloseConnection {
            connection_id: s.text(),
            error: s.text(),
            headers: s.headers(),
            extensions: Extensions {
                tracing_id: s.long_or_none(),
                ..Extensions::default()
            },
        },
        6 => Message::ConnectionData {
            connection_id: s.text(),
            payload: s.bytes(),
            extensions: Extensions {
                tracing_id: s.long_or_none(),
                data_type: s.integer_or_none().map(Into::into),
                partial: s.flag(),
                ..Extensions::default()
            },
        },
        7 => Message::MultiConnectionData {
            connection_ids: s.texts(),
            payloads: s.payloads(),
            extensions: Extensions {
                tracing_id: s.long_or_none(),
                filter: s.text_or_none(),
                ..Extensions::default()
            },
        },
        8 => Message::UserData {
            user_id: s.text(),
            payloads: s.payloads(),
            extensions: Extensions {
                tracing_id: s.long_or_none(),
                filter: s.text_or_none(),
                ..Extensions::default()
            },
        },
        9 => Message::MultiUserData {
            user_ids: s.texts(),
            payloads: s.payloads(),
            extensions: Extensions {
                tracing_id: s.long_or_none(),
                filter: s.text_or_none(),
                ..Extensions::default()
            },
        },
        10 => Message::BroadcastData {
            excluded_connection_ids: s.texts(),
            payloads: s.payloads(),
            extensions: Extensions {
                tracing_id: s.long_or_none(),
                filter: s.text_or_none(),
                ..Extensions::default()
            },
        },
        11 => Message::JoinGroup {
            connection_id: s.text(),
            group: s.text(),
            extensions: Extensions {
                tracing_id: s.long_or_none(),
                ..Extensions::default()
            },
        },
        12 => Message::LeaveGroup {
            connection_id: s.text(),
            group: s.text_or_none(),
            extensions: Extensions {
                tracing_id: s.long_or_none(),
                ..Extensions::default()
            },
        },
        13 => Message::GroupBroadcastData {
            group: s.text(),
            excluded_connection_ids: s.texts(),
            payloads: s.payloads(),
            extensions: Extensions {
                tracing_id: s.long_or_none(),
                filter: s.text_or_none(),
                ..Extensions::default()
            },
            excluded_user_ids: s.texts(),
            caller_user_id: s.text_or_none(),
        },
        14 => Message::MultiGroupBroadcastData {
            groups: s.texts(),
            payloads: s.payloads(),
            extensions: Extensions {
                tracing_id: s.long_or_none(),
                filter: s.text_or_none(),
                ..Extensions::default()
            },
        },
        15 => Message::ServiceError { message: s.text() },
        16 => Message::UserJoinGroup {
            user_id: s.text(),
            group: s.text(),
            extensions: Extensions {
                tracing_id: s.long_or_none(),
                ttl: s.integer_or_none(),
                ..Extensions::default()
            },
        },
        17 => Message::UserLeaveGroup {
            user_id: s.text(),
            group: s.text_or_none(),
            extensions: Extensions {
                tracing_id: s.long_or_none(),
                ..Extensions::default()
            },
        },
        18 => Message::JoinGroupWithAck {
            connection_id: s.text(),
            group: s.text(),
            ack_id: s.integer(),
            extensions: Extensions {
                tracing_id: s.long_or_none(),
                ..Extensions::default()
            },
        },
        19 => Message::LeaveGroupWithAck {
            connection_id: s.text(),
            group: s.text_or_none(),
            ack_id: s.integer(),
            extensions: Extensions {
                tracing_id: s.long_or_none(),
                ..Extensions::default()
            },
        },
        20 => Message::Ack {
            ack_id: s.integer(),
            status: s.integer().into(),
            message: s.text(),
            payload: s.bytes_or_none(),
        },
        21 => Message::CheckUserInGroupWithAck {
            user_id: s.text(),
            group: s.text(),
            ack_id: s.integer(),
            extensions: Extensions {
                tracing_id: s.long_or_none(),
                ..Extensions::default()
            },
        },
        22 => Message::ServiceEvent {
            object_type: s.integer().into(),
            id: s.text(),
            kind: s.integer().into(),
            message: s.text(),
        },
        23 => Message::CheckGroupExistenceWithAck {
            group: s.text(),
            ack_id: s.integer(),
            extensions: Extensions {
                tracing_id: s.long_or_none(),
                ..Extensions::default()
            },
        },
        24 => Message::CheckConnectionExistenceWithAck {
            connection_id: s.text(),
            ack_id: s.integer(),
            extensions: Extensions {
                tracing_id: s.long_or_none(),
                ..Extensions::default()
            },
        },
        25 => Message::CheckUserExistenceWithAck {
            user_id: s.text(),
            ack_id: s.integer(),
            extensions: Extensions {
                tracing_id: s.long_or_none(),
                ..Extensions::default()
            },
        },
        26 => Message::UserJoinGroupWithAck {
            user_id: s.text(),
            group: s.text(),
            ack_id: s.integer(),
            extensions: Extensions {
                tracing_id: s.long_or_none(),
                ttl: s.integer_or_none(),
                ..Extensions::default()
            },
        },
        27 => Message::UserLeaveGroupWithAck {
            user_id: s.text(),
            group: s.text_or_none(),
            ack_id: s.integer(),
            extensions: Extensions {
                tracing_id: s.long_or_none(),
                ..Extensions::default()
            },
        },
        28 => Message::AccessKeyRequest {
            token: s.text(),
            key_id: s.text_or_none(),
        },
        29 => Message::AccessKeyResponse {
            key_id: s.text_or_none(),
            access_key: s.text_or_none(),
            error_type: s.text_or_none(),
            error_message: s.text_or_none(),
        },
        30 => Message::CloseConnectionWithAck {
            connection_id: s.text(),
            reason: s.text_or_none(),
            ack_id: s.integer(),
            extensions: Extensions {
                tracing_id: s.long_or_none(),
                ..Extensions::default()
            },
        },
        31 => Message::CloseConnectionsWithAck {
            reason: s.text_or_none(),
            ack_id: s.integer(),
            excluded_connection_ids: s.texts(),
            extensions: Extensions {
                tracing_id: s.long_or_none(),
                ..Extensions::default()
            },
        },
        32 => Message::CloseUserConnectionsWithAck {
            user_id: s.text(),
            reason: s.text_or_none(),
            ack_id: s.integer(),
            excluded_connection_ids: s.texts(),
            extensions: Extensions {
                tracing_id: s.long_or_none(),
                ..Extensions::default()
            },
        },
        33 => Message::CloseGroupConnectionsWithAck {
            group: s.text(),
            reason: s.text_or_none(),
            ack_id: s.integer(),
            excluded_connection_ids: s.texts(),
            extensions: Extensions {
                tracing_id: s.long_or_none(),
                ..Extensions::default()
            },
        },
        34 => Message::ClientInvocation {
            invocation_id: s.text(),
            connection_id: s.text(),
            caller_server_id: s.text(),
            payloads: s.payloads(),
            extensions: Extensions {
                tracing_id: s.long_or_none(),
                ..Extensions::default()
            },
        },
        35 => Message::ClientCompletion {
            invocation_id: s.text(),
            connection_id: s.text(),
            caller_server_id: s.text(),
            protocol: s.text(),
            payload: s.bytes(),
            extensions: Extensions {
                tracing_id: s.long_or_none(),
                protocol: s.text_or_none(),
                ..Extensions::default()
            },
        },
        36 => Message::ErrorCompletion {
            invocation_id: s.text(),
            connection_id: s.text(),
            caller_server_id: s.text(),
            error: s.text(),
            extensions: Extensions {
                tracing_id: s.long_or_none(),
                ..Extensions::default()
            },
        },
        37 => Message::ServiceMapping {
            invocation_id: s.text(),
            connection_id: s.text(),
            instance_id: s.text(),
        },
        38 => Message::ConnectionReconnect {
            connection_id: s.text(),
        },
        39 => Message::ConnectionFlowControl {
            connection_id: s.text(),
            connection_type: s.integer().into(),
            operation: s.integer().into(),
        },
        40 => Message::GroupMemberQuery {
            extensions: Extensions {
                tracing_id: s.long_or_none(),
                ..Extensions::default()
            },
            group: s.text(),
            ack_id: s.integer(),
            top: s.integer_or_none(),
            continuation_token: s.text_or_none(),
            max_page_size: s.integer_or_none(),
        },
        41 => Message::RefreshAuth {
            connection_token: s.text(),
            claims: s.claims(),
            expire_time: ExpireTime::Ticks(i64::from(s.integer())),
            ack_id: s.integer(),
        },
        42 => Message::GetConnectionClaims {
            connection_token: s.text(),
            ack_id: s.integer(),
        },
        43 => Message::UpdateConnectionClaims {
            connection_id: s.text(),
            claims: s.claims(),
        },
        other => unreachable!("type {other}"),
    }
}
