//! A client without a transport: its outbox, and its conversation with the backend.

use std::future::poll_fn;
use std::sync::Arc;

use heliograph::auth::Identity;
use heliograph::backend::{
    Backend, ClientRequest, Conversation, Headers, Inbound, OpenError, Opening, Ticket, Transport,
};
use heliograph::edge::dialects;
use heliograph_protocol::hub::MessageType;
use heliograph_relay::{
    Client, CloseReason, ConnectionId, Dialect, Frame, FrameClass, Hub, Limits, Outbox, Taken,
};

use super::service::Service;
use super::soon;

static LIMITS: Limits = Limits {
    bytes: 4 << 20,
    frames: 1 << 16,
};

/// A client that its door would hold.
pub(crate) struct FakeClient {
    pub(crate) client: Arc<Client>,
    hub: Arc<Hub>,
    conversation: Option<Box<dyn Conversation>>,
}

/// What is known of a client before it opens.
pub(crate) struct Who {
    pub(crate) hub: &'static str,
    pub(crate) id: &'static str,
    pub(crate) user: Option<&'static str>,
    pub(crate) dialect: Dialect,
    pub(crate) identity: Identity,
    pub(crate) headers: http::HeaderMap,
    pub(crate) query: &'static str,
}

impl Who {
    pub(crate) fn json(id: &'static str) -> Self {
        Self {
            hub: "chat",
            id,
            user: None,
            dialect: dialects::JSON,
            identity: Identity::default(),
            headers: http::HeaderMap::new(),
            query: "",
        }
    }

    pub(crate) fn messagepack(id: &'static str) -> Self {
        Self {
            dialect: dialects::MESSAGEPACK,
            ..Self::json(id)
        }
    }

    pub(crate) fn user(self, user: &'static str) -> Self {
        Self {
            user: Some(user),
            ..self
        }
    }
}

impl FakeClient {
    /// Opens a conversation; an app server must be there, or come.
    pub(crate) async fn open(service: &Service, who: Who) -> Result<Self, OpenError> {
        let hub = service.relay.hub(who.hub);
        let outbox = Arc::new(Outbox::new(&LIMITS));
        let id = ConnectionId::new(who.id);
        let client = Arc::new(Client::new(id, who.user, who.dialect, outbox));
        let protocol = if who.dialect == dialects::JSON {
            "json"
        } else {
            "messagepack"
        };
        assert!(hub.add(&client, std::time::Instant::now()));
        let opening = Opening {
            client: Arc::clone(&client),
            hub: Arc::clone(&hub),
            protocol: protocol.into(),
            version: 1,
            handshake: format!("{{\"protocol\":\"{protocol}\",\"version\":1}}\u{1e}").into_bytes(),
            request: Arc::new(ClientRequest {
                path: "/chat".into(),
                query: who.query.into(),
                headers: Headers::collect(&who.headers, |_| true),
                bearer: None,
                remote: Some([192, 0, 2, 7].into()),
                transport: Some(Transport::WebSockets),
                identity: who.identity,
            }),
            ticket: Ticket::default(),
        };
        let conversation = soon("an answer to open", service.backend.open(opening)).await;
        if conversation.is_err() {
            hub.remove(&client);
        }
        Ok(Self {
            client,
            hub,
            conversation: Some(conversation?),
        })
    }

    /// Feeds a message as soon as the backend wants it.
    pub(crate) async fn feed(&mut self, framed: &str, kind: MessageType) {
        self.feed_bytes(framed.as_bytes(), kind).await;
    }

    /// As [`Self::feed`], of any protocol.
    pub(crate) async fn feed_bytes(&mut self, framed: &[u8], kind: MessageType) {
        let conversation = self.conversation.as_mut().unwrap();
        soon("a ready backend", poll_fn(|cx| conversation.poll_ready(cx))).await;
        conversation
            .feed(Inbound {
                framed,
                kind: Some(kind),
            })
            .unwrap();
    }

    /// The next thing for the client.
    pub(crate) async fn take(&self) -> (Vec<Frame>, Option<CloseReason>) {
        let mut frames = Vec::new();
        let outbox = self.client.outbox();
        let taken = soon(
            "a frame",
            poll_fn(|cx| outbox.poll_take(cx, 1, &mut frames)),
        )
        .await;
        match taken {
            Taken::Frames => (frames, None),
            Taken::Last(reason) => (frames, Some(reason)),
        }
    }

    /// The next frame: its payload as text.
    pub(crate) async fn text(&self) -> String {
        let (frames, _) = self.take().await;
        let [frame] = frames.as_slice() else {
            panic!("{frames:?}")
        };
        String::from_utf8_lossy(frame.payload()).into_owned()
    }

    /// The next frame: its payload as text, and its class.
    pub(crate) async fn frame(&self) -> (String, FrameClass) {
        let (frames, _) = self.take().await;
        let [frame] = frames.as_slice() else {
            panic!("{frames:?}")
        };
        (
            String::from_utf8_lossy(frame.payload()).into_owned(),
            frame.class(),
        )
    }

    /// Whether nothing waits for the client.
    pub(crate) fn has_nothing(&self) -> bool {
        let mut frames = Vec::new();
        let taken = self.client.outbox().try_take(usize::MAX, &mut frames);
        taken.is_none() && frames.is_empty()
    }

    /// Waits until the connection is to end, frames that wait aside.
    pub(crate) async fn end(&self) -> CloseReason {
        loop {
            if let (_, Some(reason)) = self.take().await {
                return reason;
            }
        }
    }

    /// The transport is gone: what a door does then.
    pub(crate) fn gone(mut self, reason: &CloseReason) {
        self.hub.remove(&self.client);
        if let Some(conversation) = self.conversation.take() {
            conversation.close(reason);
        }
    }
}

impl FakeClient {
    /// Whether the backend wants no message now.
    pub(crate) fn is_held_back(&mut self) -> bool {
        let conversation = self.conversation.as_mut().unwrap();
        let waker = std::task::Waker::noop();
        conversation
            .poll_ready(&mut std::task::Context::from_waker(waker))
            .is_pending()
    }
}
