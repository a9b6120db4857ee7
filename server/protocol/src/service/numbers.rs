//! The numbers in messages that have names (section 4.3).

/// Declares an enum over the values of an integer on the wire that keeps unknown values.
macro_rules! numbers {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $number:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
            /// A number that has no name.
            Unrecognized(i32),
        }

        impl From<i32> for $name {
            fn from(number: i32) -> Self {
                match number {
                    $($number => Self::$variant,)+
                    other => Self::Unrecognized(other),
                }
            }
        }

        impl From<$name> for i32 {
            fn from(value: $name) -> Self {
                match value {
                    $($name::$variant => $number,)+
                    $name::Unrecognized(other) => other,
                }
            }
        }
    };
}

numbers! {
    /// What a server connection is for (section 3.2).
    ConnectionType {
        /// Carries clients; always to be accepted.
        Default = 0,
        /// Opened after a [`Ping::Target`](super::Ping::Target); may be refused.
        OnDemand = 1,
        /// Only sends; clients are never routed to it.
        Weak = 2,
    }
}

numbers! {
    /// What kind of hub message a [`ConnectionData`](super::Message::ConnectionData) holds
    /// (section 4.2, key 5).
    DataMessageType {
        /// Not said.
        Unknown = 0,
        /// The hub handshake, either way.
        Handshake = 1,
        /// An invocation or what belongs to one.
        Invocation = 2,
        /// A ping, ack or sequence.
        Other = 3,
        /// The close message.
        Close = 4,
    }
}

numbers! {
    /// The outcome in an [`Ack`](super::Message::Ack) (section 3.7).
    AckStatus {
        /// Done.
        Ok = 1,
        /// The connection, group or user is not here.
        NotFound = 2,
        /// Not done in time.
        Timeout = 3,
        /// Failed.
        InternalServerError = 4,
        /// Not allowed; for [`RefreshAuth`](super::Message::RefreshAuth) only.
        Forbidden = 5,
    }
}

numbers! {
    /// Which kind of connection a
    /// [`ConnectionFlowControl`](super::Message::ConnectionFlowControl) is about (section 8.4).
    FlowControlTarget {
        /// A client connection.
        Client = 1,
        /// The server connection itself.
        Server = 2,
    }
}

numbers! {
    /// The step of flow control (section 8.4).
    FlowControlOperation {
        /// Stop sending for the client.
        Pause = 1,
        /// Sending has stopped.
        PauseAck = 2,
        /// Send again, on this server connection.
        Resume = 3,
        /// Stop writing on the server connection for good.
        Offline = 4,
    }
}

numbers! {
    /// What a [`ServiceEvent`](super::Message::ServiceEvent) is about.
    ServiceEventObject {
        /// The service instance.
        ServiceInstance = 0,
        /// A client connection.
        Connection = 1,
        /// A user.
        User = 2,
        /// A group.
        Group = 3,
        /// A server connection.
        ServerConnection = 4,
    }
}

numbers! {
    /// What a [`ServiceEvent`](super::Message::ServiceEvent) reports.
    ServiceEventKind {
        /// The object reloads.
        Reloading = 0,
        /// The object is not valid.
        Invalid = 1,
        /// The object does not exist.
        NotExisted = 2,
        /// The buffer of the object is full.
        BufferFull = 3,
    }
}
