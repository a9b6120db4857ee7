//! One client's messages to a hub: the reading half of its connection.

use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use heliograph_protocol::hub::{
    self, Arguments, Completion, Message, MessageType, Outcome, ParseError, PayloadError,
    StreamItem,
};
use heliograph_relay::CloseReason;

use super::arguments::Binder;
use super::connection::Connection;
use super::error::BindError;
use super::method::{Method, Prepared};
use super::upload::{Rest, Sink};
use super::{Caller, HubError, calls, streams};
use crate::backend::{Conversation, Inbound};

pub(super) struct Reader {
    connection: Arc<Connection>,
    /// Where the items of the streams that the client sends go.
    uploads: HashMap<Box<str>, Box<dyn Sink>>,
    /// An item that found its upload full.
    stalled: Option<Rest>,
}

/// A call of either kind.
struct Call<'a> {
    id: Option<&'a str>,
    target: &'a str,
    arguments: &'a Result<Arguments<'a>, PayloadError>,
    stream_ids: &'a [std::borrow::Cow<'a, str>],
    wants_stream: bool,
}

impl Reader {
    pub(super) fn new(connection: Arc<Connection>) -> Self {
        Self {
            connection,
            uploads: HashMap::new(),
            stalled: None,
        }
    }

    fn take(&mut self, message: &Message<'_>) -> Result<(), CloseReason> {
        match message {
            Message::Invocation(call) => self.call(&Call {
                id: call.invocation_id.as_deref(),
                target: &call.target,
                arguments: &call.arguments,
                stream_ids: &call.stream_ids,
                wants_stream: false,
            }),
            Message::StreamInvocation(call) => self.call(&Call {
                id: Some(&call.invocation_id),
                target: &call.target,
                arguments: &call.arguments,
                stream_ids: &call.stream_ids,
                wants_stream: true,
            }),
            Message::StreamItem(item) => self.item(item),
            Message::Completion(end) => self.completion(end),
            Message::CancelInvocation(stop) => self.connection.streams.cancel(&stop.invocation_id),
            Message::Close(close) => {
                let error = close.error.as_deref().map(Box::from);
                return Err(CloseReason::ClientClosed(error));
            }
            Message::Ping | Message::Ack(_) | Message::Sequence(_) | Message::Unknown(_) => {}
        }
        Ok(())
    }

    fn call(&mut self, call: &Call<'_>) {
        if let Err(error) = self.begin(call) {
            self.connection.push_error(call.id, &error);
        }
    }

    /// Begins a call, or gives the text of the error for the caller. The checks come in the order
    /// of the genuine server.
    fn begin(&mut self, call: &Call<'_>) -> Result<(), String> {
        let connection = &self.connection;
        let options = &connection.core.options;
        let target = call.target;
        let unbound = |error: HubError| {
            let general = format!("Failed to invoke '{target}' due to an error on the server.");
            error.add_to(general, options.detailed_errors)
        };
        let Some(method) = connection.core.method(target) else {
            return Err(unbound(HubError::visible("Method does not exist.")));
        };
        let (prepared, sinks) = self.bind(method, call).map_err(unbound)?;
        if let Some(policy) = &method.policy
            && !policy.allows(&connection.request.identity)
        {
            return Err(format!(
                "Failed to invoke '{target}' because user is unauthorized"
            ));
        }
        let sent = call.stream_ids.len();
        let refused = |text: String| connection.failed(target, &HubError::visible(text));
        match (&prepared, call.wants_stream) {
            (Prepared::Value(_), true) => {
                return Err(format!(
                    "The client attempted to invoke the non-streaming '{target}' method with a \
                     streaming invocation."
                ));
            }
            (Prepared::Stream(_), false) => {
                return Err(format!(
                    "The client attempted to invoke the streaming '{target}' method with a \
                     non-streaming invocation."
                ));
            }
            _ => {}
        }
        if sent != method.uploads {
            let expected = method.uploads;
            return Err(refused(format!(
                "Client sent {sent} stream(s), Hub method expects {expected}."
            )));
        }
        if let (Prepared::Value(_), 0) = (&prepared, sent) {
        } else if connection.calls_beside() >= options.streams {
            return Err(refused("Too many streams are open.".to_owned()));
        }
        if !sinks.is_empty() {
            self.uploads.retain(|_, sink| !sink.is_abandoned());
            self.uploads.extend(sinks);
        }
        match (prepared, call.id) {
            (Prepared::Value(future), id) if sent == 0 => {
                calls::run(&self.connection, id, target, future);
            }
            (Prepared::Value(future), id) => {
                calls::run_beside(&self.connection, id, target, future);
            }
            (Prepared::Stream(run), Some(id)) => streams::start(&self.connection, id, target, run),
            // The parser lets no such call through.
            (Prepared::Stream(_), None) => {}
        }
        Ok(())
    }

    /// Takes the arguments. Reading a value may run code of the hub's author.
    #[expect(
        clippy::type_complexity,
        reason = "a pair that lives for one statement"
    )]
    fn bind(
        &self,
        method: &Method,
        call: &Call<'_>,
    ) -> Result<(Prepared, Vec<(Box<str>, Box<dyn Sink>)>), HubError> {
        let arguments = call.arguments.as_ref();
        let arguments = arguments.map_err(|error| BindError::Unreadable(*error))?;
        if arguments.len() != method.arguments {
            return Err(HubError::from(BindError::Count {
                provided: arguments.len(),
                expected: method.arguments,
            }));
        }
        let mut binder = Binder::new(arguments, call.stream_ids, &self.connection);
        binder.id = call.id;
        let caller = Caller::new(Arc::clone(&self.connection));
        let prepared = catch_unwind(AssertUnwindSafe(|| method.prepare(&caller, &mut binder)));
        let prepared = prepared.unwrap_or(Err(BindError::Type))?;
        Ok((prepared, binder.into_sinks()))
    }

    fn item(&mut self, item: &StreamItem<'_>) {
        let id = &*item.invocation_id;
        let Some(sink) = self.uploads.get(id) else {
            return;
        };
        match sink.item(item.item) {
            Ok(rest) => self.stalled = rest,
            Err(super::upload::Unbindable) => {
                self.end_upload(
                    id,
                    Some(HubError::visible("Failed to bind Stream message.")),
                );
            }
        }
    }

    fn completion(&mut self, end: &Completion<'_>) {
        let id = &*end.invocation_id;
        if self.uploads.contains_key(id) {
            let error = match &end.outcome {
                Outcome::Error(text) => Some(HubError::visible(&**text)),
                Outcome::Void | Outcome::Result(_) => None,
            };
            self.end_upload(id, error);
        } else {
            let results = &self.connection.core.results;
            results.answer(self.connection.client.id(), id, &end.outcome);
        }
    }

    fn end_upload(&mut self, id: &str, error: Option<HubError>) {
        if let Some(sink) = self.uploads.remove(id) {
            self.stalled = sink.end(error);
        }
    }
}

impl Conversation for Reader {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.connection.is_gone() {
            return Poll::Ready(());
        }
        if let Some(stalled) = &mut self.stalled {
            ready!(stalled.as_mut().poll(cx));
            self.stalled = None;
        }
        self.connection.lane.poll_ready(cx)
    }

    fn feed(&mut self, message: Inbound<'_>) -> Result<(), CloseReason> {
        if self.connection.is_gone() || message.kind == Some(MessageType::Ping) {
            return Ok(());
        }
        let message = hub::parse(self.connection.encoding, message.framed);
        self.take(&message.map_err(|error: ParseError| {
            CloseReason::ProtocolError(format!("{}: {error}", error.exception()).into())
        })?)
    }

    fn reconnected(&mut self) -> bool {
        super::hub::reconnect(&self.connection);
        true
    }

    fn close(self: Box<Self>, reason: &CloseReason) {
        let Self { connection, .. } = *self;
        super::hub::disconnect(&connection, reason);
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("connection", &self.connection)
            .field("uploads", &self.uploads.len())
            .field("stalled", &self.stalled.is_some())
            .finish()
    }
}
