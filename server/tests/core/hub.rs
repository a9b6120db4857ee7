//! A hub of the tests: it does as it is told, and answers some calls by itself.

use std::collections::VecDeque;
use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use heliograph::backend::{
    Backend, BoxFuture, ClientRequest, Conversation, Inbound, KeepAlive, OpenError, Opening,
    Refusal, Rules, Ticket,
};
use heliograph::edge::dialects;
use heliograph_protocol::hub::{Close, Encoding, Message, Outcome, parse, write};
use heliograph_relay::{Client, CloseReason, Dialect, FrameClass, Hub};
use parking_lot::Mutex;

use crate::{soon, until};

/// What the hub does with a client that wants to come in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Welcome {
    /// It answers the handshake.
    #[default]
    Answered,
    /// It takes the client and says nothing.
    Silent,
    /// It takes its time for ever.
    Never,
    /// It refuses with a text, once it takes anything.
    Refused,
    /// Nobody runs the hub.
    NoServer,
}

/// What a hub saw of its clients, and what it is to do.
#[derive(Debug, Default)]
pub(crate) struct TestHub {
    rules: Mutex<Rule>,
    state: Mutex<State>,
}

/// The settings of the hub.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) stateful: bool,
    pub(crate) max_message_bytes: usize,
    pub(crate) handshake_timeout: Duration,
    pub(crate) keep_alive: Option<KeepAlive>,
    pub(crate) detailed_errors: bool,
    pub(crate) welcome: Welcome,
}

impl Default for Rule {
    fn default() -> Self {
        Self {
            stateful: true,
            max_message_bytes: 32_768,
            handshake_timeout: Duration::from_secs(15),
            keep_alive: None,
            detailed_errors: false,
            welcome: Welcome::Answered,
        }
    }
}

#[derive(Debug, Default)]
struct State {
    stalled: bool,
    wakers: Vec<Waker>,
    opened: VecDeque<Opened>,
    open_count: usize,
    fed: Vec<String>,
    resumed: usize,
    closed: Vec<(String, CloseReason)>,
    negotiated: usize,
    refuse_negotiate: Option<Refusal>,
}

/// One client that came in.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    pub(crate) client: Arc<Client>,
    pub(crate) request: Arc<ClientRequest>,
    pub(crate) protocol: String,
    pub(crate) handshake: String,
}

impl Opened {
    /// Sends a message that is counted, as it is.
    pub(crate) fn push(&self, text: &str) {
        self.push_as(text, FrameClass::Counted);
    }

    pub(crate) fn push_as(&self, text: &str, class: FrameClass) {
        let frame = dialects::frame(self.client.dialect(), text.as_bytes(), class);
        self.client.outbox().push(frame);
    }

    pub(crate) fn answer(&self) {
        let frame = dialects::frame(self.client.dialect(), b"{}\x1e", FrameClass::Handshake);
        self.client.outbox().answer(frame);
    }

    pub(crate) fn close(&self, reason: CloseReason) {
        self.client.outbox().close(reason);
    }
}

impl TestHub {
    pub(crate) fn set(&self, change: impl FnOnce(&mut Rule)) {
        change(&mut self.rules.lock());
    }

    pub(crate) fn refuse_negotiate(&self, refusal: Refusal) {
        self.state.lock().refuse_negotiate = Some(refusal);
    }

    /// Takes no message from now on, or again.
    pub(crate) fn stall(&self, stalled: bool) {
        let wakers = {
            let mut state = self.state.lock();
            state.stalled = stalled;
            std::mem::take(&mut state.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    fn poll_ready(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        if state.stalled {
            state.wakers.push(cx.waker().clone());
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }

    /// The next client that came in.
    pub(crate) async fn opened(&self) -> Opened {
        until("a client", || !self.state.lock().opened.is_empty()).await;
        self.state.lock().opened.pop_front().unwrap()
    }

    pub(crate) fn open_count(&self) -> usize {
        self.state.lock().open_count
    }

    pub(crate) fn negotiate_count(&self) -> usize {
        self.state.lock().negotiated
    }

    pub(crate) fn resumed_count(&self) -> usize {
        self.state.lock().resumed
    }

    /// All messages so far, in order of arrival.
    pub(crate) fn fed(&self) -> Vec<String> {
        self.state.lock().fed.clone()
    }

    pub(crate) async fn fed_count(&self, count: usize) {
        until("messages", || self.state.lock().fed.len() >= count).await;
    }

    /// How clients ended so far.
    pub(crate) fn closed(&self) -> Vec<CloseReason> {
        self.state
            .lock()
            .closed
            .iter()
            .map(|(_, reason)| reason.clone())
            .collect()
    }

    /// The end of the only client that there was.
    pub(crate) async fn end(&self) -> CloseReason {
        self.ends(1).await.remove(0)
    }

    pub(crate) async fn ends(&self, count: usize) -> Vec<CloseReason> {
        until("the end", || self.state.lock().closed.len() >= count).await;
        let closed = self.closed();
        assert_eq!(closed.len(), count, "{closed:?}");
        closed
    }
}

/// The hub as the door's backend.
#[derive(Debug)]
pub(crate) struct Runner(pub(crate) Arc<TestHub>);

impl Backend for Runner {
    fn rules(&self, _hub: &Hub) -> Rules {
        let rule = self.0.rules.lock().clone();
        Rules {
            stateful_reconnect: rule.stateful,
            max_message_bytes: rule.max_message_bytes,
            handshake_timeout: rule.handshake_timeout,
            keep_alive: rule.keep_alive,
            detailed_errors: rule.detailed_errors,
        }
    }

    fn negotiate<'a>(
        &'a self,
        _request: &'a ClientRequest,
    ) -> BoxFuture<'a, Result<Ticket, Refusal>> {
        let mut state = self.0.state.lock();
        state.negotiated += 1;
        let answer = match &state.refuse_negotiate {
            Some(refusal) => Err(refusal.clone()),
            None => Ok(Ticket::default()),
        };
        Box::pin(std::future::ready(answer))
    }

    fn open(&self, opening: Opening) -> BoxFuture<'_, Result<Box<dyn Conversation>, OpenError>> {
        let welcome = self.0.rules.lock().welcome;
        let opened = Opened {
            client: Arc::clone(&opening.client),
            request: Arc::clone(&opening.request),
            protocol: opening.protocol.into(),
            handshake: String::from_utf8(opening.handshake).unwrap(),
        };
        match welcome {
            Welcome::Refused => {
                self.0.state.lock().open_count += 1;
                let hub = Arc::clone(&self.0);
                return Box::pin(async move {
                    poll_fn(|cx| hub.poll_ready(cx)).await;
                    let text = "The protocol 'json' is not supported.".into();
                    Err(OpenError::Refused(text))
                });
            }
            Welcome::NoServer => {
                let error = OpenError::NoServer(opening.hub.name().into());
                return Box::pin(std::future::ready(Err(error)));
            }
            Welcome::Never => {
                self.0.state.lock().open_count += 1;
                return Box::pin(pending());
            }
            Welcome::Answered => opened.answer(),
            Welcome::Silent => {}
        }
        let talk = Talk {
            hub: Arc::clone(&self.0),
            opened: opened.clone(),
        };
        let mut state = self.0.state.lock();
        state.open_count += 1;
        state.opened.push_back(opened);
        Box::pin(std::future::ready(Ok(
            Box::new(talk) as Box<dyn Conversation>
        )))
    }
}

/// One client's side of the hub.
#[derive(Debug)]
struct Talk {
    hub: Arc<TestHub>,
    opened: Opened,
}

impl Talk {
    fn encoding(&self) -> Option<Encoding> {
        match self.opened.client.dialect() {
            Dialect(0) => Some(Encoding::Json),
            Dialect(1) => Some(Encoding::MessagePack),
            _ => None,
        }
    }

    /// Does what the hub of the recordings does.
    fn call(&self, encoding: Encoding, id: Option<&str>, target: &str, argument: Option<&[u8]>) {
        let mut bytes = Vec::new();
        match target {
            "Echo" => {
                if let Some(id) = id {
                    write::completion_result(encoding, &mut bytes, id, argument.unwrap());
                    self.send(&bytes, FrameClass::Counted);
                }
            }
            "Flood" => {
                for index in 0..5 {
                    let text = format!(
                        "{{\"type\":1,\"target\":\"Message\",\"arguments\":[\"f{index}\"]}}\u{1e}"
                    );
                    self.send(text.as_bytes(), FrameClass::Counted);
                }
                let id = id.unwrap();
                let text =
                    format!("{{\"type\":3,\"invocationId\":\"{id}\",\"result\":null}}\u{1e}");
                self.send(text.as_bytes(), FrameClass::Counted);
            }
            "Stall" => self.hub.stall(true),
            "AbortMe" => {
                write::close(encoding, &mut bytes, &Close::default());
                self.send(&bytes, FrameClass::Close);
                self.opened.close(CloseReason::Ended {
                    error: None,
                    allow_reconnect: false,
                });
            }
            _ => {}
        }
    }

    fn send(&self, bytes: &[u8], class: FrameClass) {
        let client = &self.opened.client;
        client
            .outbox()
            .push(dialects::frame(client.dialect(), bytes, class));
    }
}

impl Conversation for Talk {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.hub.poll_ready(cx)
    }

    fn feed(&mut self, message: Inbound<'_>) -> Result<(), CloseReason> {
        let text = String::from_utf8_lossy(message.framed).into_owned();
        self.hub.state.lock().fed.push(text);
        let Some(encoding) = self.encoding() else {
            return Ok(());
        };
        let parsed = parse(encoding, message.framed)
            .map_err(|error| CloseReason::ProtocolError(error.detail().into()))?;
        match parsed {
            Message::Invocation(call) => {
                let argument = call.arguments.as_ref().ok().and_then(|a| a.nth(0));
                self.call(
                    encoding,
                    call.invocation_id.as_deref(),
                    &call.target,
                    argument.map(heliograph_protocol::hub::Raw::bytes),
                );
                Ok(())
            }
            Message::Completion(completion) => match completion.outcome {
                Outcome::Result(Err(error)) => {
                    Err(CloseReason::ProtocolError(error.to_string().into()))
                }
                _ => Ok(()),
            },
            Message::Close(close) => Err(CloseReason::ClientClosed(close.error.map(Into::into))),
            _ => Ok(()),
        }
    }

    fn resumed(&mut self) {
        self.hub.state.lock().resumed += 1;
    }

    fn close(self: Box<Self>, reason: &CloseReason) {
        let id = self.opened.client.id().to_string();
        self.hub.state.lock().closed.push((id, reason.clone()));
    }
}

/// Waits until the outbox of a client is empty.
pub(crate) async fn flushed(opened: &Opened) {
    soon(
        "an empty outbox",
        poll_fn(|cx| {
            if opened.client.outbox().waiting_bytes() == 0 {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        }),
    )
    .await;
}
