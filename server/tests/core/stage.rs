//! The door on loopback.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use heliograph::auth::{self, AccessKey, Anonymous, KeyPair, Keys, Mint, ServiceToken, Verifier};
use heliograph::backend::Backend;
use heliograph::edge::cors::Origins;
use heliograph::edge::dialects::Dialects;
use heliograph::edge::forwarded::Proxies;
use heliograph::edge::listener::{self, Listener};
use heliograph::front::core::{Door, HubRoute, Options, Routes, ServiceRoute};
use heliograph_relay::{Hub, Relay};
use serde_json::Value;

use crate::http::{Answer, Exchange, request};
use crate::hub::{Opened, Rule, Runner, TestHub};
use crate::socket::Socket;
use crate::until;

const KEY: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";

pub(crate) const HANDSHAKE: &str = "{\"protocol\":\"json\",\"version\":1}\u{1e}";
pub(crate) const HANDSHAKE_2: &str = "{\"protocol\":\"json\",\"version\":2}\u{1e}";
pub(crate) const ACCEPTED: &str = "{}\u{1e}";
pub(crate) const PING: &str = "{\"type\":6}\u{1e}";
pub(crate) const CLOSE: &str = "{\"type\":7}\u{1e}";
pub(crate) const CLOSE_AND_RECONNECT: &str = "{\"type\":7,\"allowReconnect\":true}\u{1e}";
pub(crate) const CLOSE_WITH_ERROR: &str =
    "{\"type\":7,\"error\":\"Connection closed with an error.\",\"allowReconnect\":true}\u{1e}";
pub(crate) const EVENTS: (&str, &str) = ("Accept", "text/event-stream");

/// The page that a hub with listed origins lets in.
pub(crate) const PAGE: &str = "https://page.test";

/// The door: `/testhub` and `/listed` for anybody, `/secret` and `/client` with a token.
pub(crate) struct Stage {
    pub(crate) address: SocketAddr,
    pub(crate) door: Arc<Door>,
    pub(crate) hub: Arc<TestHub>,
    backend: Arc<dyn Backend>,
    relay: Arc<Relay>,
}

/// What a negotiation gave.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    pub(crate) id: String,
    pub(crate) token: String,
}

/// An invocation of `Echo`.
pub(crate) fn echo(id: u32, text: &str) -> String {
    format!(
        "{{\"type\":1,\"invocationId\":\"{id}\",\"target\":\"Echo\",\"arguments\":[\"{text}\"]}}\u{1e}"
    )
}

/// The answer to [`echo`].
pub(crate) fn echoed(id: u32, text: &str) -> String {
    format!("{{\"type\":3,\"invocationId\":\"{id}\",\"result\":\"{text}\"}}\u{1e}")
}

impl Stage {
    pub(crate) fn start() -> Self {
        Self::start_with(Options::default(), Rule::default())
    }

    pub(crate) fn with_rule(change: impl FnOnce(&mut Rule)) -> Self {
        let mut rule = Rule::default();
        change(&mut rule);
        Self::start_with(Options::default(), rule)
    }

    pub(crate) fn start_with(options: Options, rule: Rule) -> Self {
        let hub = Arc::new(TestHub::default());
        hub.set(|known| *known = rule);
        let backend: Arc<dyn Backend> = Arc::new(Runner(Arc::clone(&hub)));
        let keys = Keys::new(KeyPair::single(AccessKey::new(KEY)));
        let exact = auth::Options {
            clock_skew: Duration::ZERO,
            ..auth::Options::default()
        };
        let token = ServiceToken(Verifier::new(keys, exact));
        let route = |path: &str, origins| HubRoute {
            path: path.into(),
            hub: "TestHub".into(),
            backend: Arc::clone(&backend),
            authenticator: Arc::new(Anonymous),
            origins,
            origins_setting: "none".into(),
        };
        let secret = HubRoute {
            authenticator: Arc::new(token.clone()),
            ..route("/secret", Origins::Any)
        };
        let listed = Origins::Listed(vec![PAGE.to_owned()]);
        let service = ServiceRoute {
            backend: Arc::clone(&backend),
            authenticator: Arc::new(token),
            origins: Origins::Any,
            origins_setting: "none".into(),
        };
        let hubs = vec![
            route("/testhub", Origins::Any),
            route("/listed", listed),
            secret,
        ];
        let routes = Routes::new(Some(service), hubs, Proxies::default());
        let relay = Arc::new(Relay::new());
        let door = Door::new(options, Dialects::default(), Arc::clone(&relay), routes);
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = Listener::bind(address, listener::Options::default()).unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(Arc::clone(&door).sweep());
        tokio::spawn(listener.serve(door.router(), std::future::pending()));
        Self {
            address,
            door,
            hub,
            backend,
            relay,
        }
    }

    /// The hub as the relay knows it.
    pub(crate) fn relay_hub(&self) -> Arc<Hub> {
        self.relay.hub("testhub")
    }

    /// A token for a client of the service's path, good for this long.
    pub(crate) fn client_token(
        &self,
        hub: &str,
        user: Option<&str>,
        claims: &[(&str, String)],
        lifetime: Duration,
    ) -> String {
        self.token_of(SystemTime::now(), hub, user, claims, lifetime)
    }

    pub(crate) fn token_of(
        &self,
        now: SystemTime,
        hub: &str,
        user: Option<&str>,
        claims: &[(&str, String)],
        lifetime: Duration,
    ) -> String {
        let endpoint = format!("http://{}", self.address);
        let claims: Vec<_> = claims
            .iter()
            .map(|(kind, value)| ((*kind).to_owned(), value.clone()))
            .collect();
        let mint = Mint::new(AccessKey::new(KEY), &endpoint, now, lifetime).unwrap();
        mint.client(hub, user, &claims).unwrap()
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        request(self.address, "GET", target, &[], b"").await
    }

    pub(crate) async fn post(&self, target: &str, body: &str) -> Answer {
        request(self.address, "POST", target, &[], body.as_bytes()).await
    }

    pub(crate) async fn delete(&self, target: &str) -> Answer {
        request(self.address, "DELETE", target, &[], b"").await
    }

    /// Starts a GET whose answer is awaited later.
    pub(crate) async fn begin(&self, target: &str, headers: &[(&str, &str)]) -> Exchange {
        Exchange::send(self.address, "GET", target, headers, None).await
    }

    pub(crate) async fn negotiate(&self) -> Ids {
        self.negotiate_at("/testhub/negotiate?negotiateVersion=1")
            .await
    }

    pub(crate) async fn negotiate_stateful(&self) -> Ids {
        self.negotiate_at("/testhub/negotiate?negotiateVersion=1&useStatefulReconnect=true")
            .await
    }

    pub(crate) async fn negotiate_at(&self, target: &str) -> Ids {
        let answer = self.post(target, "").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        Ids::of(&answer)
    }

    /// A WebSocket without negotiation.
    pub(crate) async fn socket(&self) -> Socket {
        Socket::open(self.address, "/testhub", &[]).await.unwrap()
    }

    pub(crate) async fn socket_of(&self, ids: &Ids) -> Result<Socket, Answer> {
        Socket::open(self.address, &ids.target(), &[]).await
    }

    /// A WebSocket client past its handshake.
    pub(crate) async fn connected(&self) -> (Socket, Opened) {
        let mut socket = self.socket().await;
        socket.send(HANDSHAKE).await;
        assert_eq!(socket.text().await, ACCEPTED);
        (socket, self.hub.opened().await)
    }

    /// A stateful WebSocket client past its handshake.
    pub(crate) async fn connected_stateful(&self) -> (Ids, Socket, Opened) {
        let ids = self.negotiate_stateful().await;
        let mut socket = self.socket_of(&ids).await.unwrap();
        socket.send(HANDSHAKE_2).await;
        assert_eq!(socket.text().await, ACCEPTED);
        (ids, socket, self.hub.opened().await)
    }

    /// A long-polling client past its handshake.
    pub(crate) async fn polling(&self) -> (Ids, Opened) {
        let ids = self.negotiate().await;
        assert_eq!(self.get(&ids.target()).await.status, 200);
        assert_eq!(self.post(&ids.target(), HANDSHAKE).await.status, 200);
        assert_eq!(self.get(&ids.target()).await.text(), ACCEPTED);
        (ids, self.hub.opened().await)
    }

    /// A client of server-sent events past its handshake.
    pub(crate) async fn streaming(&self) -> (Ids, Events, Opened) {
        let ids = self.negotiate().await;
        let mut events = Events::open(self, &ids).await;
        assert_eq!(self.post(&ids.target(), HANDSHAKE).await.status, 200);
        assert_eq!(events.next().await, Some(ACCEPTED.to_owned()));
        (ids, events, self.hub.opened().await)
    }

    /// Nothing is left of any connection, and no client in the hub.
    pub(crate) async fn empty(&self) {
        until("an empty door", || self.door.connections() == 0).await;
        until("an empty hub", || self.relay_hub().is_empty()).await;
        until("no session in any task", || {
            Arc::strong_count(&self.backend) == BACKEND_HOLDERS
        })
        .await;
    }
}

/// The stage itself and its four routes; every session is one more.
const BACKEND_HOLDERS: usize = 5;

impl Ids {
    pub(crate) fn of(answer: &Answer) -> Self {
        let json: Value = serde_json::from_slice(&answer.body).unwrap();
        let id = json["connectionId"].as_str().unwrap().to_owned();
        let token = json["connectionToken"].as_str().unwrap_or(&id).to_owned();
        Self { id, token }
    }

    pub(crate) fn target(&self) -> String {
        format!("/testhub?id={}", self.token)
    }
}

/// An event stream.
pub(crate) struct Events {
    pub(crate) exchange: Exchange,
    text: String,
}

impl Events {
    pub(crate) async fn open(stage: &Stage, ids: &Ids) -> Self {
        let mut exchange = stage.begin(&ids.target(), &[EVENTS]).await;
        let (status, headers) = exchange.head().await;
        assert_eq!(status, 200);
        assert_eq!(headers["content-type"], "text/event-stream");
        assert_eq!(exchange.piece().await.unwrap(), b":\r\n");
        Self {
            exchange,
            text: String::new(),
        }
    }

    /// The payload of the next event; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\r\n\r\n") {
                let payload = event.strip_prefix("data: ").unwrap().to_owned();
                self.text = rest.to_owned();
                return Some(payload);
            }
            match self.exchange.piece().await {
                Some(piece) => self.text.push_str(std::str::from_utf8(&piece).unwrap()),
                None => {
                    assert_eq!(self.text, "", "half an event");
                    return None;
                }
            }
        }
    }
}
