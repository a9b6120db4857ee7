//! Messages as JSON, for comparison with the vectors.

use serde_json::{Map, Value, json};

use super::super::{
    AckStatus, ConnectionType, ExpireTime, Extensions, FlowControlOperation, FlowControlTarget,
    Message, Payloads, ServiceEventKind, ServiceEventObject,
};
use super::vectors::as_json;
use crate::wire::Writer;

/// What an element of a message is when the vector says nil or leaves it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Exact,
    Text,
    Nilable,
    Integer,
    Flag,
    List,
    Map,
    Extensions,
    /// An extension map of a type that carries none.
    Nothing,
}

/// The elements of each type behind its number, in their order on the wire.
const ELEMENTS: [&str; 43] = [
    "i:version i:connectionType t:target i:migrationLevel -:extensions b:allowStatefulReconnects",
    "n:error -:extensions n:connectionId",
    "",
    "t:connectionId m:claims m:headers t:queryString e:extensions",
    "t:connectionId t:error m:headers e:extensions",
    "t:connectionId x:payload e:extensions",
    "l:connectionIds m:payloads e:extensions",
    "t:userId m:payloads e:extensions",
    "l:userIds m:payloads e:extensions",
    "l:excludedConnectionIds m:payloads e:extensions",
    "t:connectionId t:group e:extensions",
    "t:connectionId n:group e:extensions",
    "t:group l:excludedConnectionIds m:payloads e:extensions l:excludedUserIds n:callerUserId",
    "l:groups m:payloads e:extensions",
    "t:message",
    "t:userId t:group e:extensions",
    "t:userId n:group e:extensions",
    "t:connectionId t:group i:ackId e:extensions",
    "t:connectionId n:group i:ackId e:extensions",
    "i:ackId i:status t:message -:extensions n:payload",
    "t:userId t:group i:ackId e:extensions",
    "i:objectType t:id i:kind t:message -:extensions",
    "t:group i:ackId e:extensions",
    "t:connectionId i:ackId e:extensions",
    "t:userId i:ackId e:extensions",
    "t:userId t:group i:ackId e:extensions",
    "t:userId n:group i:ackId e:extensions",
    "t:token n:kid -:extensions",
    "n:kid n:accessKey n:errorType n:errorMessage -:extensions",
    "t:connectionId n:reason i:ackId e:extensions",
    "n:reason i:ackId l:excluded e:extensions",
    "t:userId n:reason i:ackId l:excluded e:extensions",
    "t:group n:reason i:ackId l:excluded e:extensions",
    "t:invocationId t:connectionId t:callerServerId m:payloads e:extensions",
    "t:invocationId t:connectionId t:callerServerId t:protocol x:payload e:extensions",
    "t:invocationId t:connectionId t:callerServerId t:error e:extensions",
    "t:invocationId t:connectionId t:instanceId -:extensions",
    "t:connectionId -:extensions",
    "t:connectionId i:connectionType i:operation -:extensions",
    "e:extensions t:group i:ackId n:top n:continuationToken n:maxPageSize",
    "t:connectionToken m:claims x:expireTime i:ackId -:extensions",
    "t:connectionToken i:ackId -:extensions",
    "t:connectionId m:claims -:extensions",
];

pub(super) fn elements(number: i64) -> Vec<(&'static str, Kind)> {
    let row = ELEMENTS[usize::try_from(number - 1).unwrap()];
    let element = |element: &'static str| {
        let (kind, name) = element.split_once(':').unwrap();
        let kind = match kind {
            "x" => Kind::Exact,
            "t" => Kind::Text,
            "n" => Kind::Nilable,
            "i" => Kind::Integer,
            "b" => Kind::Flag,
            "l" => Kind::List,
            "m" => Kind::Map,
            "e" => Kind::Extensions,
            "-" => Kind::Nothing,
            other => unreachable!("kind {other}"),
        };
        (name, kind)
    };
    row.split_whitespace().map(element).collect()
}

/// The values of all fields in their order, whatever the variant.
macro_rules! values {
    ($message:expr; $($variant:ident { $($field:ident)+ })+) => {
        match $message {
            $(Message::$variant { $($field),+ } => vec![$($field.shown()),+],)+
        }
    };
}

/// The fields of a message under the names of the specification.
pub(super) fn fields_of(message: &Message<'_>) -> Map<String, Value> {
    if let Message::Ping { values } = message {
        return Map::from_iter([("values".to_owned(), json!(values))]);
    }
    let values = values! { message;
        HandshakeRequest { version connection_type target migration_level allow_stateful_reconnects }
        HandshakeResponse { error connection_id }
        Ping { values }
        OpenConnection { connection_id claims headers query_string extensions }
        CloseConnection { connection_id error headers extensions }
        ConnectionData { connection_id payload extensions }
        MultiConnectionData { connection_ids payloads extensions }
        UserData { user_id payloads extensions }
        MultiUserData { user_ids payloads extensions }
        BroadcastData { excluded_connection_ids payloads extensions }
        JoinGroup { connection_id group extensions }
        LeaveGroup { connection_id group extensions }
        GroupBroadcastData { group excluded_connection_ids payloads extensions excluded_user_ids caller_user_id }
        MultiGroupBroadcastData { groups payloads extensions }
        ServiceError { message }
        UserJoinGroup { user_id group extensions }
        UserLeaveGroup { user_id group extensions }
        JoinGroupWithAck { connection_id group ack_id extensions }
        LeaveGroupWithAck { connection_id group ack_id extensions }
        Ack { ack_id status message payload }
        CheckUserInGroupWithAck { user_id group ack_id extensions }
        ServiceEvent { object_type id kind message }
        CheckGroupExistenceWithAck { group ack_id extensions }
        CheckConnectionExistenceWithAck { connection_id ack_id extensions }
        CheckUserExistenceWithAck { user_id ack_id extensions }
        UserJoinGroupWithAck { user_id group ack_id extensions }
        UserLeaveGroupWithAck { user_id group ack_id extensions }
        AccessKeyRequest { token key_id }
        AccessKeyResponse { key_id access_key error_type error_message }
        CloseConnectionWithAck { connection_id reason ack_id extensions }
        CloseConnectionsWithAck { reason ack_id excluded_connection_ids extensions }
        CloseUserConnectionsWithAck { user_id reason ack_id excluded_connection_ids extensions }
        CloseGroupConnectionsWithAck { group reason ack_id excluded_connection_ids extensions }
        ClientInvocation { invocation_id connection_id caller_server_id payloads extensions }
        ClientCompletion { invocation_id connection_id caller_server_id protocol payload extensions }
        ErrorCompletion { invocation_id connection_id caller_server_id error extensions }
        ServiceMapping { invocation_id connection_id instance_id }
        ConnectionReconnect { connection_id }
        ConnectionFlowControl { connection_id connection_type operation }
        GroupMemberQuery { extensions group ack_id top continuation_token max_page_size }
        RefreshAuth { connection_token claims expire_time ack_id }
        GetConnectionClaims { connection_token ack_id }
        UpdateConnectionClaims { connection_id claims }
    };
    let names = elements(i64::from(message.number())).into_iter();
    let names = names
        .filter(|(_, kind)| *kind != Kind::Nothing)
        .map(|(name, _)| name.to_owned());
    assert_eq!(names.clone().count(), values.len());
    names.zip(values).collect()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A field as JSON.
trait Shown {
    fn shown(&self) -> Value;
}

macro_rules! shown {
    ($(|$value:ident: $type:ty| $json:expr;)+) => {
        $(impl Shown for $type {
            fn shown(&self) -> Value {
                let $value = self;
                $json
            }
        })+
    };
}

shown! {
    |value: &str| json!(value);
    |value: Option<&str>| json!(value);
    |value: i32| json!(value);
    |value: Option<i32>| json!(value);
    |value: bool| json!(value);
    |value: Vec<&str>| json!(value);
    |value: Vec<(&str, &str)>| json!(value);
    |value: Vec<(&str, Vec<&str>)>| json!(value);
    |value: &[u8]| json!({ "bin": hex(value) });
    |value: Option<&[u8]>| value.map_or(Value::Null, |value| value.shown());
    |value: ConnectionType| json!(i32::from(*value));
    |value: AckStatus| json!(i32::from(*value));
    |value: FlowControlTarget| json!(i32::from(*value));
    |value: FlowControlOperation| json!(i32::from(*value));
    |value: ServiceEventObject| json!(i32::from(*value));
    |value: ServiceEventKind| json!(i32::from(*value));
    |value: Payloads<'_>| value.iter().map(|(name, bytes)| json!([name, bytes.shown()])).collect();
}

impl Shown for Extensions<'_> {
    fn shown(&self) -> Value {
        let pairs = [
            ("tracingId", self.tracing_id.map(Value::from)),
            ("ttl", self.ttl.map(Value::from)),
            ("protocol", self.protocol.map(Value::from)),
            ("filter", self.filter.map(Value::from)),
            (
                "dataMessageType",
                self.data_type.map(|kind| json!(i32::from(kind))),
            ),
            ("partial", self.partial.then_some(Value::Bool(true))),
        ];
        let set = pairs
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(set.collect())
    }
}

impl Shown for ExpireTime<'_> {
    fn shown(&self) -> Value {
        let mut bytes = Vec::new();
        self.write(&mut Writer::new(&mut bytes));
        as_json(&bytes)
    }
}
