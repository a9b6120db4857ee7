//! Hubs, a bridge to them, and clients of both worlds without a transport.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Instant;

use heliograph::auth::Identity;
use heliograph::backend::embedded::{Caller, EmbeddedHub, HubBuilder};
use heliograph::backend::legacy::{
    AdmittedHub, FeedError, Inbox, LegacyBackend, LegacyConversation, LegacyOpening, Reply,
};
use heliograph::backend::{
    Backend, ClientRequest, Conversation, Headers, Inbound, Opening, Ticket, Transport,
};
use heliograph::bridge::{Bridge, BridgedHub};
use heliograph::edge::dialects::JSON;
use heliograph_protocol::hub::MessageType;
use heliograph_protocol::legacy::{ClientProtocol, envelope_elements};
use heliograph_relay::{
    Client, CloseReason, ConnectionId, Frame, FrameClass, Hub, Limits, Outbox, Relay, Taken,
};
use tokio::sync::oneshot;

use crate::support::soon;

pub(crate) static LIMITS: Limits = Limits {
    bytes: 4 << 20,
    frames: 1 << 16,
};

/// Hubs and a bridge to them.
pub(crate) struct Stage {
    pub(crate) relay: Arc<Relay>,
    pub(crate) bridge: Bridge,
}

impl Stage {
    pub(crate) fn new(hubs: &[&EmbeddedHub]) -> Self {
        Self::with(hubs, |hub| hub)
    }

    /// With a change to what is bridged.
    pub(crate) fn with(hubs: &[&EmbeddedHub], change: impl Fn(BridgedHub) -> BridgedHub) -> Self {
        let relay = Arc::new(Relay::new());
        let bridged = hubs
            .iter()
            .map(|hub| change(BridgedHub::embedded(hub, relay.hub(hub.name()))));
        Self {
            bridge: Bridge::new(bridged.collect()),
            relay,
        }
    }

    /// With one hub, whoever runs it.
    pub(crate) fn of(relay: &Arc<Relay>, hub: BridgedHub) -> Self {
        Self {
            relay: Arc::clone(relay),
            bridge: Bridge::new(vec![hub]),
        }
    }

    /// A legacy client that connects and is not started.
    pub(crate) fn connect(&self, id: &str, hubs: &[&str]) -> Legacy {
        self.connect_as(id, hubs, request(None), None)
    }

    /// A legacy client whose hubs have heard of it.
    pub(crate) async fn open(&self, id: &str, hubs: &[&str]) -> Legacy {
        let mut client = self.connect(id, hubs);
        client.start().await.unwrap();
        client
    }

    pub(crate) fn connect_as(
        &self,
        id: &str,
        hubs: &[&str],
        request: ClientRequest,
        rejoins: Option<&[&str]>,
    ) -> Legacy {
        let inbox = Arc::new(Inbox::new(Arc::new(Outbox::unheld(&LIMITS))));
        inbox.set_channel(Some(1));
        let conversation = self.bridge.open(LegacyOpening {
            id: ConnectionId::new(id),
            hubs: hubs.iter().map(|hub| AdmittedHub::new(hub)).collect(),
            request: Arc::new(request),
            inbox: Arc::clone(&inbox),
            protocol: ClientProtocol::parse(Some("1.5")),
            rejoins: rejoins.map(|groups| groups.iter().map(|group| Box::from(*group)).collect()),
        });
        Legacy {
            conversation,
            inbox,
        }
    }
}

/// What a client's request says.
pub(crate) fn request(user: Option<&str>) -> ClientRequest {
    ClientRequest {
        path: "/signalr".into(),
        query: "".into(),
        headers: Headers::default(),
        bearer: None,
        remote: None,
        transport: Some(Transport::WebSockets),
        identity: Identity {
            user: user.map(Box::from),
            ..Identity::default()
        },
    }
}

/// A legacy client.
pub(crate) struct Legacy {
    pub(crate) conversation: Box<dyn LegacyConversation>,
    pub(crate) inbox: Arc<Inbox>,
}

impl Legacy {
    pub(crate) async fn start(&mut self) -> Result<(), CloseReason> {
        let start = poll_fn(|cx| self.conversation.poll_start(cx));
        soon("the start", start).await
    }

    /// Sends a message on the WebSocket.
    pub(crate) async fn send(&mut self, text: &str) -> Result<(), FeedError> {
        self.ready().await;
        self.conversation.feed(text.as_bytes(), Reply::Channel(1))
    }

    /// Sends a message by a request of its own; the answer comes there.
    pub(crate) async fn post(&mut self, text: &str) -> oneshot::Receiver<Vec<u8>> {
        self.ready().await;
        let (reply, answer) = oneshot::channel();
        let fed = self
            .conversation
            .feed(text.as_bytes(), Reply::Request(reply));
        fed.unwrap();
        answer
    }

    pub(crate) async fn ready(&mut self) {
        let ready = poll_fn(|cx| self.conversation.poll_ready(cx));
        soon("a ready bridge", ready).await;
    }

    /// Sends a call and gives the answer, which is the next thing to come.
    pub(crate) async fn call(&mut self, text: &str) -> String {
        self.send(text).await.unwrap();
        self.answer().await
    }

    /// The next frame.
    pub(crate) async fn frame(&self) -> Frame {
        let mut frames = Vec::new();
        let outbox = self.inbox.outbox();
        let taken = soon(
            "a frame",
            poll_fn(|cx| outbox.poll_take(cx, 1, &mut frames)),
        )
        .await;
        assert_eq!(taken, Taken::Frames, "{frames:?}");
        frames.pop().unwrap()
    }

    /// The next frame, which is a bare object.
    pub(crate) async fn answer(&self) -> String {
        let frame = self.frame().await;
        let text = str::from_utf8(frame.payload()).unwrap().to_owned();
        assert_eq!(frame.class(), FrameClass::Control, "{text}");
        assert!(!text.starts_with("{\"C\":"), "{text}");
        text
    }

    /// The next frame, which is an envelope: its elements.
    pub(crate) async fn message(&self) -> String {
        let frame = self.frame().await;
        let text = String::from_utf8_lossy(frame.payload());
        assert_eq!(frame.class(), FrameClass::Counted, "{text}");
        let elements = envelope_elements(frame.payload()).expect(&text);
        str::from_utf8(elements).unwrap().to_owned()
    }

    /// Whether nothing waits for the client.
    pub(crate) fn has_nothing(&self) -> bool {
        let taken = self.inbox.outbox().try_take(usize::MAX, &mut Vec::new());
        taken.is_none()
    }

    /// Why the connection ends, as soon as it does.
    pub(crate) async fn end(&self) -> CloseReason {
        let outbox = self.inbox.outbox();
        soon("the end", poll_fn(|cx| outbox.poll_closing(cx))).await;
        outbox.close_reason().unwrap()
    }

    pub(crate) fn close(self, reason: &CloseReason) {
        self.conversation.close(reason);
    }
}

/// A Core client that reads JSON.
pub(crate) struct Core {
    pub(crate) client: Arc<Client>,
    hub: Arc<Hub>,
    conversation: Box<dyn Conversation>,
}

impl Core {
    pub(crate) async fn open(stage: &Stage, hub: &EmbeddedHub, id: &str) -> Self {
        let relay_hub = stage.relay.hub(hub.name());
        let outbox = Arc::new(Outbox::new(&LIMITS));
        let client = Arc::new(Client::new(ConnectionId::new(id), None, JSON, outbox));
        assert!(relay_hub.add(&client, Instant::now()));
        let opening = Opening {
            client: Arc::clone(&client),
            hub: Arc::clone(&relay_hub),
            protocol: "json".into(),
            version: 1,
            handshake: b"{\"protocol\":\"json\",\"version\":1}\x1e".to_vec(),
            request: Arc::new(request(None)),
            ticket: Ticket::default(),
        };
        let conversation = hub.open(opening).await.unwrap();
        let core = Self {
            client,
            hub: relay_hub,
            conversation,
        };
        assert_eq!(core.text().await, "{}\u{1e}");
        core
    }

    pub(crate) async fn send(&mut self, record: &str) {
        let ready = poll_fn(|cx| self.conversation.poll_ready(cx));
        soon("a ready hub", ready).await;
        let framed = format!("{record}\u{1e}");
        let message = Inbound {
            framed: framed.as_bytes(),
            kind: Some(MessageType::Invocation),
        };
        self.conversation.feed(message).unwrap();
    }

    pub(crate) async fn text(&self) -> String {
        let mut frames = Vec::new();
        let outbox = self.client.outbox();
        soon(
            "a frame",
            poll_fn(|cx| outbox.poll_take(cx, 1, &mut frames)),
        )
        .await;
        String::from_utf8_lossy(frames[0].payload()).into_owned()
    }

    pub(crate) fn gone(self, reason: &CloseReason) {
        self.hub.remove(&self.client);
        self.conversation.close(reason);
    }
}

/// A hub with what most tests need.
pub(crate) fn builder(name: &str) -> HubBuilder {
    EmbeddedHub::builder(name)
        .method(
            "Echo",
            |_: Caller, (text,): (String,)| async move { Ok(text) },
        )
        .method("Join", |caller: Caller, (group,): (String,)| async move {
            caller.join(&group);
            Ok(())
        })
        .method("Leave", |caller: Caller, (group,): (String,)| async move {
            caller.leave(&group);
            Ok(())
        })
        .method(
            "SendGroup",
            |caller: Caller, (group, text): (String, String)| async move {
                let group = caller.clients().group(&group);
                group.send("received", (text,)).await
            },
        )
        .method("SendAll", |caller: Caller, (text,): (String,)| async move {
            caller.clients().all().send("received", (text,)).await
        })
        .method("SendMe", |caller: Caller, (text,): (String,)| async move {
            caller.clients().caller().send("received", (text,)).await
        })
}
