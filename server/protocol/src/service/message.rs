//! The messages between app server and service, as values.

use std::fmt;

use super::{
    AckStatus, ConnectionType, ExpireTime, Extensions, FlowControlOperation, FlowControlTarget,
    Payloads, ServiceEventKind, ServiceEventObject,
};

/// A message of the service protocol (section 4.3), borrowed from the bytes it was read from.
///
/// Each variant shows its array on the wire. `E` is the extension map; where no type may carry
/// extensions it is written empty, skipped when read, and has no field here.
///
/// `Debug` prints the name alone: the rest is claims, payloads and tokens.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum Message<'a> {
    /// First message of a server connection.
    ///
    /// `[1, version:int, connectionType:int, target:str, migrationLevel:int, E, allowStatefulReconnects:bool]`, the last since SDK 1.26.
    HandshakeRequest {
        /// Protocol version, 1.
        version: i32,
        /// What the server connection is for.
        connection_type: ConnectionType,
        /// Service instance asked for; the SDKs leave it empty and name it in the URL.
        target: &'a str,
        /// 1 if clients may be migrated when the app server leaves, else 0.
        migration_level: i32,
        /// Whether the app allows stateful reconnect.
        allow_stateful_reconnects: bool,
    },
    /// First answer of the service.
    ///
    /// `[2, error:str?, E, connectionId:str?]`.
    HandshakeResponse {
        /// Why the handshake is refused; none or empty when it is not.
        error: Option<&'a str>,
        /// Id given to the server connection, not used by the SDKs.
        connection_id: Option<&'a str>,
    },
    /// Keep-alive and side channel; see [`Ping`](super::Ping).
    ///
    /// `[3, (key:str, value:str)*]`.
    Ping {
        /// Keys and values in turn.
        values: Vec<&'a str>,
    },
    /// A client arrives.
    ///
    /// `[4, connectionId:str, claims:map<str,str>, headers:map<str,[str]>, queryString:str, E]`.
    OpenConnection {
        /// Id of the client connection.
        connection_id: &'a str,
        /// Claim types and values; types repeat.
        claims: Vec<(&'a str, &'a str)>,
        /// Header names and their values.
        headers: Vec<(&'a str, Vec<&'a str>)>,
        /// Query of the client's request, with `?`.
        query_string: &'a str,
        /// The extension map.
        extensions: Extensions<'a>,
    },
    /// A client has gone, or is to be closed.
    ///
    /// `[5, connectionId:str, error:str, headers:map<str,[str]>, E]`.
    CloseConnection {
        /// Id of the client connection.
        connection_id: &'a str,
        /// Error text, empty for none.
        error: &'a str,
        /// Header names and their values.
        headers: Vec<(&'a str, Vec<&'a str>)>,
        /// The extension map.
        extensions: Extensions<'a>,
    },
    /// Bytes from or to one client. Frequent: see [`write_connection_data`](super::write_connection_data).
    ///
    /// `[6, connectionId:str, payload:bin, E]`.
    ConnectionData {
        /// Id of the client connection.
        connection_id: &'a str,
        /// The bytes, unchanged.
        payload: &'a [u8],
        /// The extension map.
        extensions: Extensions<'a>,
    },
    /// To listed connections.
    ///
    /// `[7, connectionIds:[str], payloads:map<str,bin>, E]`.
    MultiConnectionData {
        /// Ids of the receiving connections.
        connection_ids: Vec<&'a str>,
        /// One encoded message per hub protocol.
        payloads: Payloads<'a>,
        /// The extension map.
        extensions: Extensions<'a>,
    },
    /// To all connections of a user.
    ///
    /// `[8, userId:str, payloads, E]`.
    UserData {
        /// The user.
        user_id: &'a str,
        /// One encoded message per hub protocol.
        payloads: Payloads<'a>,
        /// The extension map.
        extensions: Extensions<'a>,
    },
    /// To all connections of several users.
    ///
    /// `[9, userIds:[str], payloads, E]`.
    MultiUserData {
        /// The users.
        user_ids: Vec<&'a str>,
        /// One encoded message per hub protocol.
        payloads: Payloads<'a>,
        /// The extension map.
        extensions: Extensions<'a>,
    },
    /// To all connections of the hub but the listed ones.
    ///
    /// `[10, excludedConnectionIds:[str], payloads, E]`.
    BroadcastData {
        /// Connections left out.
        excluded_connection_ids: Vec<&'a str>,
        /// One encoded message per hub protocol.
        payloads: Payloads<'a>,
        /// The extension map.
        extensions: Extensions<'a>,
    },
    /// Puts a connection into a group.
    ///
    /// `[11, connectionId:str, group:str, E]`.
    JoinGroup {
        /// Id of the client connection.
        connection_id: &'a str,
        /// The group.
        group: &'a str,
        /// The extension map.
        extensions: Extensions<'a>,
    },
    /// Takes a connection out of a group, or of all.
    ///
    /// `[12, connectionId:str, group:str?, E]`.
    LeaveGroup {
        /// Id of the client connection.
        connection_id: &'a str,
        /// The group, or all.
        group: Option<&'a str>,
        /// The extension map.
        extensions: Extensions<'a>,
    },
    /// To a group but the listed connections and users.
    ///
    /// `[13, group:str, excludedConnectionIds:[str], payloads, E, excludedUserIds:[str], callerUserId:str?]`.
    GroupBroadcastData {
        /// The group.
        group: &'a str,
        /// Connections left out.
        excluded_connection_ids: Vec<&'a str>,
        /// One encoded message per hub protocol.
        payloads: Payloads<'a>,
        /// The extension map.
        extensions: Extensions<'a>,
        /// Users left out.
        excluded_user_ids: Vec<&'a str>,
        /// User of the caller.
        caller_user_id: Option<&'a str>,
    },
    /// To several groups.
    ///
    /// `[14, groups:[str], payloads, E]`.
    MultiGroupBroadcastData {
        /// The groups.
        groups: Vec<&'a str>,
        /// One encoded message per hub protocol.
        payloads: Payloads<'a>,
        /// The extension map.
        extensions: Extensions<'a>,
    },
    /// The service gives the server connection up.
    ///
    /// `[15, message:str]`.
    ServiceError {
        /// Why.
        message: &'a str,
    },
    /// Puts a user into a group, for `ttl` if the extension is there.
    ///
    /// `[16, userId:str, group:str, E]`.
    UserJoinGroup {
        /// The user.
        user_id: &'a str,
        /// The group.
        group: &'a str,
        /// The extension map.
        extensions: Extensions<'a>,
    },
    /// Takes a user out of a group, or of all.
    ///
    /// `[17, userId:str, group:str?, E]`.
    UserLeaveGroup {
        /// The user.
        user_id: &'a str,
        /// The group, or all.
        group: Option<&'a str>,
        /// The extension map.
        extensions: Extensions<'a>,
    },
    /// As [`JoinGroup`](Self::JoinGroup), answered.
    ///
    /// `[18, connectionId:str, group:str, ackId:int, E]`.
    JoinGroupWithAck {
        /// Id of the client connection.
        connection_id: &'a str,
        /// The group.
        group: &'a str,
        /// Repeated in the answer.
        ack_id: i32,
        /// The extension map.
        extensions: Extensions<'a>,
    },
    /// As [`LeaveGroup`](Self::LeaveGroup), answered.
    ///
    /// `[19, connectionId:str, group:str?, ackId:int, E]`.
    LeaveGroupWithAck {
        /// Id of the client connection.
        connection_id: &'a str,
        /// The group, or all.
        group: Option<&'a str>,
        /// Repeated in the answer.
        ack_id: i32,
        /// The extension map.
        extensions: Extensions<'a>,
    },
    /// Answers any message with an ack id. Written with five elements when there is no payload.
    ///
    /// `[20, ackId:int, status:int, message:str, E, payload:bin?]`, the last since SDK 1.29.
    Ack {
        /// Repeated in the answer.
        ack_id: i32,
        /// The outcome.
        status: AckStatus,
        /// Text for people.
        message: &'a str,
        /// The answer to a question of type 40 to 42.
        payload: Option<&'a [u8]>,
    },
    /// Asks whether a user is in a group.
    ///
    /// `[21, userId:str, group:str, ackId:int, E]`.
    CheckUserInGroupWithAck {
        /// The user.
        user_id: &'a str,
        /// The group.
        group: &'a str,
        /// Repeated in the answer.
        ack_id: i32,
        /// The extension map.
        extensions: Extensions<'a>,
    },
    /// Something for the log of the app server.
    ///
    /// `[22, objectType:int, id:str, kind:int, message:str, E]`.
    ServiceEvent {
        /// What the event is about.
        object_type: ServiceEventObject,
        /// Which one.
        id: &'a str,
        /// What happened.
        kind: ServiceEventKind,
        /// Text for people.
        message: &'a str,
    },
    /// Asks whether a group has a connection.
    ///
    /// `[23, group:str, ackId:int, E]`.
    CheckGroupExistenceWithAck {
        /// The group.
        group: &'a str,
        /// Repeated in the answer.
        ack_id: i32,
        /// The extension map.
        extensions: Extensions<'a>,
    },
    /// Asks whether a connection is here.
    ///
    /// `[24, connectionId:str, ackId:int, E]`.
    CheckConnectionExistenceWithAck {
        /// Id of the client connection.
        connection_id: &'a str,
        /// Repeated in the answer.
        ack_id: i32,
        /// The extension map.
        extensions: Extensions<'a>,
    },
    /// Asks whether a user has a connection.
    ///
    /// `[25, userId:str, ackId:int, E]`.
    CheckUserExistenceWithAck {
        /// The user.
        user_id: &'a str,
        /// Repeated in the answer.
        ack_id: i32,
        /// The extension map.
        extensions: Extensions<'a>,
    },
    /// As [`UserJoinGroup`](Self::UserJoinGroup), answered.
    ///
    /// `[26, userId:str, group:str, ackId:int, E]`.
    UserJoinGroupWithAck {
        /// The user.
        user_id: &'a str,
        /// The group.
        group: &'a str,
        /// Repeated in the answer.
        ack_id: i32,
        /// The extension map.
        extensions: Extensions<'a>,
    },
    /// As [`UserLeaveGroup`](Self::UserLeaveGroup), answered.
    ///
    /// `[27, userId:str, group:str?, ackId:int, E]`.
    UserLeaveGroupWithAck {
        /// The user.
        user_id: &'a str,
        /// The group, or all.
        group: Option<&'a str>,
        /// Repeated in the answer.
        ack_id: i32,
        /// The extension map.
        extensions: Extensions<'a>,
    },
    /// Asks for a signing key (Entra ID only).
    ///
    /// `[28, token:str, kid:str?, E]`.
    AccessKeyRequest {
        /// An Entra ID token.
        token: &'a str,
        /// Id of the key.
        key_id: Option<&'a str>,
    },
    /// Answers [`AccessKeyRequest`](Self::AccessKeyRequest).
    ///
    /// `[29, kid:str?, accessKey:str?, errorType:str?, errorMessage:str?, E]`.
    AccessKeyResponse {
        /// Id of the key.
        key_id: Option<&'a str>,
        /// The key.
        access_key: Option<&'a str>,
        /// Class of the failure.
        error_type: Option<&'a str>,
        /// Text of the failure.
        error_message: Option<&'a str>,
    },
    /// Closes a client. Obsolete.
    ///
    /// `[30, connectionId:str, reason:str?, ackId:int, E]`.
    CloseConnectionWithAck {
        /// Id of the client connection.
        connection_id: &'a str,
        /// Reason shown to the client.
        reason: Option<&'a str>,
        /// Repeated in the answer.
        ack_id: i32,
        /// The extension map.
        extensions: Extensions<'a>,
    },
    /// Closes all clients but the listed ones. Obsolete.
    ///
    /// `[31, reason:str?, ackId:int, excluded:[str], E]`.
    CloseConnectionsWithAck {
        /// Reason shown to the client.
        reason: Option<&'a str>,
        /// Repeated in the answer.
        ack_id: i32,
        /// Connections left out.
        excluded_connection_ids: Vec<&'a str>,
        /// The extension map.
        extensions: Extensions<'a>,
    },
    /// Closes the clients of a user but the listed ones.
    ///
    /// `[32, userId:str, reason:str?, ackId:int, excluded:[str], E]`.
    CloseUserConnectionsWithAck {
        /// The user.
        user_id: &'a str,
        /// Reason shown to the client.
        reason: Option<&'a str>,
        /// Repeated in the answer.
        ack_id: i32,
        /// Connections left out.
        excluded_connection_ids: Vec<&'a str>,
        /// The extension map.
        extensions: Extensions<'a>,
    },
    /// Closes the clients of a group but the listed ones.
    ///
    /// `[33, group:str, reason:str?, ackId:int, excluded:[str], E]`.
    CloseGroupConnectionsWithAck {
        /// The group.
        group: &'a str,
        /// Reason shown to the client.
        reason: Option<&'a str>,
        /// Repeated in the answer.
        ack_id: i32,
        /// Connections left out.
        excluded_connection_ids: Vec<&'a str>,
        /// The extension map.
        extensions: Extensions<'a>,
    },
    /// Calls a method of a client and wants its result (section 8.1).
    ///
    /// `[34, invocationId:str, connectionId:str, callerServerId:str, payloads, E]`.
    ClientInvocation {
        /// Id of the invocation, unique everywhere.
        invocation_id: &'a str,
        /// Id of the client connection.
        connection_id: &'a str,
        /// Server id of the app server that waits.
        caller_server_id: &'a str,
        /// One encoded message per hub protocol.
        payloads: Payloads<'a>,
        /// The extension map.
        extensions: Extensions<'a>,
    },
    /// A client's result; an empty payload means that the invocation can be forgotten.
    ///
    /// `[35, invocationId:str, connectionId:str, callerServerId:str, protocol:str, payload:bin, E]`, where `E` repeats the protocol.
    ClientCompletion {
        /// Id of the invocation, unique everywhere.
        invocation_id: &'a str,
        /// Id of the client connection.
        connection_id: &'a str,
        /// Server id of the app server that waits.
        caller_server_id: &'a str,
        /// Hub protocol of the payload.
        protocol: &'a str,
        /// The framed completion.
        payload: &'a [u8],
        /// The extension map.
        extensions: Extensions<'a>,
    },
    /// A client's result will not come.
    ///
    /// `[36, invocationId:str, connectionId:str, callerServerId:str, error:str, E]`.
    ErrorCompletion {
        /// Id of the invocation, unique everywhere.
        invocation_id: &'a str,
        /// Id of the client connection.
        connection_id: &'a str,
        /// Server id of the app server that waits.
        caller_server_id: &'a str,
        /// Why.
        error: &'a str,
        /// The extension map.
        extensions: Extensions<'a>,
    },
    /// Tells the caller which service instance has the client of an invocation.
    ///
    /// `[37, invocationId:str, connectionId:str, instanceId:str, E]`.
    ServiceMapping {
        /// Id of the invocation, unique everywhere.
        invocation_id: &'a str,
        /// Id of the client connection.
        connection_id: &'a str,
        /// The service instance.
        instance_id: &'a str,
    },
    /// A client has re-attached: half-received partial data is void.
    ///
    /// `[38, connectionId:str, E]`.
    ConnectionReconnect {
        /// Id of the client connection.
        connection_id: &'a str,
    },
    /// Pauses or resumes the traffic of a connection (section 8.4).
    ///
    /// `[39, connectionId:str, connectionType:int, operation:int, E]`, both integers always in the five-byte form.
    ConnectionFlowControl {
        /// Id of the client connection, or of the server connection.
        connection_id: &'a str,
        /// Which of the two.
        connection_type: FlowControlTarget,
        /// What to do or what was done.
        operation: FlowControlOperation,
    },
    /// Lists the members of a group; the answer is [`GroupMembers`](super::GroupMembers).
    ///
    /// `[40, E, group:str, ackId:int, top:int?, continuationToken:str?, maxPageSize:int?]`.
    GroupMemberQuery {
        /// The extension map.
        extensions: Extensions<'a>,
        /// The group.
        group: &'a str,
        /// Repeated in the answer.
        ack_id: i32,
        /// Most members wanted altogether.
        top: Option<i32>,
        /// Where the page before ended.
        continuation_token: Option<&'a str>,
        /// Most members wanted in this page.
        max_page_size: Option<i32>,
    },
    /// Replaces claims and expiry of a connection (section 8.6).
    ///
    /// `[41, connectionToken:str, claims:map<str,str>, expireTime, ackId:int, E]`.
    RefreshAuth {
        /// Secret token of the client connection, or its id with negotiate version 0.
        connection_token: &'a str,
        /// Claim types and values; types repeat.
        claims: Vec<(&'a str, &'a str)>,
        /// New end of the authentication.
        expire_time: ExpireTime<'a>,
        /// Repeated in the answer.
        ack_id: i32,
    },
    /// Asks for the claims of a connection.
    ///
    /// `[42, connectionToken:str, ackId:int, E]`.
    GetConnectionClaims {
        /// Secret token of the client connection, or its id with negotiate version 0.
        connection_token: &'a str,
        /// Repeated in the answer.
        ack_id: i32,
    },
    /// The claims of a connection have been replaced.
    ///
    /// `[43, connectionId:str, claims:map<str,str>, E]`.
    UpdateConnectionClaims {
        /// Id of the client connection.
        connection_id: &'a str,
        /// Claim types and values; types repeat.
        claims: Vec<(&'a str, &'a str)>,
    },
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(self.name()).finish_non_exhaustive()
    }
}
