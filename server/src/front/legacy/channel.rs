//! Connect, reconnect and poll: a channel comes to carry a connection (4.1).

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use heliograph_protocol::legacy::{ClientProtocol, Envelope, LegacyTransport, framing};
use heliograph_relay::{CloseReason, ConnectionId, Frame, Outbox};
use http::header::USER_AGENT;
use http::{HeaderMap, StatusCode};
use tracing::{info, warn};

use super::event_stream::Framing;
use super::last_words::{last_words, refuse, verdict};
use super::negotiate::unavailable;
use super::request::{Entry, check_user};
use super::routes::Action;
use super::send::{gone, not_a_socket};
use super::session::{Attached, Begin, Session};
use super::sessions::Known;
use super::uplink::Uplink;
use super::{Door, answers, event_stream, long_polling, websocket};
use crate::auth::ConnectionToken;
use crate::backend::legacy::{Admission, AdmittedHub, Inbox, LegacyOpening, NotAdmitted};
use crate::backend::{ClientRequest, Transport};
use crate::edge::legacy_frames;
use crate::edge::websocket::handshake;
use crate::telemetry::names;

/// How long a channel that would take the place of another is looked at first: its client may be
/// gone by the time that its request arrives.
pub(super) const SECOND_LOOK: Duration = Duration::from_millis(20);

/// A channel on its way to its connection.
pub(super) struct Opened {
    pub(super) door: Arc<Door>,
    pub(super) session: Arc<Session>,
    pub(super) transport: LegacyTransport,
    pub(super) begin: Begin,
    /// The hubs hear that the client is back.
    pub(super) is_return: bool,
}

pub(super) async fn open(
    door: &Arc<Door>,
    entry: &mut Entry<'_>,
    action: Action,
) -> Result<Response, Response> {
    let token = entry.token(door)?;
    let Some(transport) = entry.parameters.transport() else {
        return Err(gone());
    };
    let parts = &entry.parts;
    let is_upgrade = handshake::accept(&parts.method, parts.version, &parts.headers).is_some();
    if transport == LegacyTransport::WebSockets && !is_upgrade {
        return Err(not_a_socket());
    }
    let known = door.sessions.find(&token.id());
    let is_known = matches!(known, Known::Live(_));
    let frame_id = entry
        .parameters
        .value("frameId")
        .and_then(framing::frame_id);
    if transport == LegacyTransport::ForeverFrame && frame_id.is_none() {
        let text = "The parameter 'frameId' is missing or no number.";
        return Err(answers::error(StatusCode::BAD_REQUEST, text));
    }
    let may_be_last = is_known && action == Action::Poll;
    if door.is_draining() && !may_be_last && !matches!(known, Known::Dead) {
        return draining(door, entry, transport, action);
    }
    let session = match known {
        Known::Dead => {
            let protocol = entry.protocol(token);
            if action == Action::Connect && !protocol.has_errors() {
                return Err(gone());
            }
            return refuse(entry, protocol, transport, frame_id);
        }
        Known::Live(session) => {
            if action == Action::Reconnect {
                // Before its app is asked, which takes time.
                session.reconnects();
            }
            resume_check(entry, token, action).await?;
            session
        }
        Known::Never => enter(door, entry, token, action).await?,
    };
    let begin = match action {
        Action::Connect => Begin::Connect,
        Action::Reconnect => Begin::Reconnect(entry.parameters.cursor()),
        _ => Begin::Poll(entry.parameters.cursor()),
    };
    let opened = Opened {
        door: Arc::clone(door),
        session,
        transport,
        begin,
        // The hubs hear of one that was forgotten when its connection begins anew.
        is_return: is_known && action == Action::Reconnect,
    };
    match transport {
        LegacyTransport::WebSockets => Ok(websocket::upgrade(opened, entry)),
        LegacyTransport::ServerSentEvents | LegacyTransport::ForeverFrame => {
            Ok(event_stream::stream(opened, Framing::of(frame_id)).await)
        }
        LegacyTransport::LongPolling => long_polling::poll(opened, entry.callback.as_deref()),
    }
}

/// The answer to a client that asks for a channel while the door drains: it is to try again, and
/// one that polls is told so (4.7).
fn draining(
    door: &Door,
    entry: &Entry<'_>,
    transport: LegacyTransport,
    action: Action,
) -> Result<Response, Response> {
    if action != Action::Poll || transport != LegacyTransport::LongPolling {
        return Err(unavailable(door));
    }
    let cursor = entry.parameters.cursor();
    let envelope = Envelope {
        reconnect: true,
        ..Envelope::at(cursor.unwrap_or_else(legacy_frames::next_cursor))
    };
    let document = legacy_frames::empty(&envelope).payload().to_vec();
    Ok(answers::json(entry.callback.as_deref(), document))
}

/// Whether the one who comes back is who was there. Its credentials may have ended meanwhile.
async fn resume_check(
    entry: &Entry<'_>,
    token: ConnectionToken,
    action: Action,
) -> Result<(), Response> {
    let identity = entry.authenticate(true).await?;
    if !entry.route.backend.rules().names_users {
        return check_user(token, identity.user.as_deref());
    }
    if action == Action::Poll {
        return Ok(());
    }
    match entry.ask(&entry.client_request(identity, None)).await {
        Ok(admission) => check_user(token, admission.identity.user.as_deref()),
        Err(NotAdmitted::Expired { user }) => check_user(token, user.as_deref()),
        Err(refused) => Err(answers::not_admitted(&refused)),
    }
}

/// A connection that begins here, or that an earlier run of the program knew.
async fn enter(
    door: &Arc<Door>,
    entry: &Entry<'_>,
    token: ConnectionToken,
    action: Action,
) -> Result<Arc<Session>, Response> {
    if token.is_retired {
        return Err(gone());
    }
    if door.sessions.len() >= door.options.max_connections {
        return Err(unavailable(door));
    }
    let transport = entry.parameters.transport().map(core_transport);
    let identity = entry.authenticate(false).await?;
    let request = entry.client_request(identity, transport);
    let admitted = entry.ask(&request).await;
    let Admission { identity, hubs } =
        admitted.map_err(|refused| answers::not_admitted(&refused))?;
    check_user(token, identity.user.as_deref())?;
    if door.is_draining() {
        return Err(unavailable(door));
    }
    let id = token.id();
    let rejoins = (action != Action::Connect).then(|| {
        let groups = entry.parameters.value("groupsToken");
        let groups = groups.and_then(|groups| door.tokens.read_groups(&id, groups));
        groups.unwrap_or_default()
    });
    let newcomer = Newcomer {
        id: ConnectionId::new(&id),
        protocol: entry.protocol(token),
        hubs,
        request: ClientRequest {
            identity,
            ..request
        },
        rejoins,
    };
    let session = door.begin(entry, newcomer);
    if action == Action::Reconnect {
        session.reconnects();
    }
    let is_polling = entry.parameters.transport() == Some(LegacyTransport::LongPolling);
    if is_polling && action == Action::Connect && !session.protocol.has_start() {
        // There is no `/start` to say that a hub fails (4.1).
        let started = door.start(&session).await;
        started.map_err(|_| {
            let text = "The connection could not be started.";
            answers::error(StatusCode::INTERNAL_SERVER_ERROR, text)
        })?;
    }
    Ok(session)
}

/// A client that may come in.
struct Newcomer {
    id: ConnectionId,
    protocol: ClientProtocol,
    hubs: Vec<AdmittedHub>,
    request: ClientRequest,
    rejoins: Option<Vec<Box<str>>>,
}

impl Door {
    /// Begins a connection, unless another request of the same client has.
    fn begin(self: &Arc<Self>, entry: &Entry<'_>, newcomer: Newcomer) -> Arc<Session> {
        let protocol = newcomer.protocol;
        let outbox = Arc::new(Outbox::unheld(self.outbox_limits));
        let inbox = Arc::new(Inbox::new(outbox));
        let is_known_to_hubs = newcomer.rejoins.is_some();
        let _turn = self.beginning.lock();
        if let Known::Live(session) = self.sessions.find(newcomer.id.as_str()) {
            return session;
        }
        let conversation = entry.route.backend.open(LegacyOpening {
            id: newcomer.id.clone(),
            hubs: newcomer.hubs,
            request: Arc::new(newcomer.request),
            inbox: Arc::clone(&inbox),
            protocol,
            rejoins: newcomer.rejoins,
        });
        let session = Arc::new(Session::new(
            newcomer.id,
            protocol,
            inbox,
            Uplink::new(conversation),
            self.tokens.clone(),
            self.replay_limits,
        ));
        session.channel_by.set(self.patience(false));
        self.count(&session, &entry.parts.headers, entry);
        self.sessions.add(&session);
        let starts_now = entry.route.backend.rules().starts_at_connect || !protocol.has_start();
        if starts_now || is_known_to_hubs {
            let (door, session) = (Arc::clone(self), Arc::clone(&session));
            tokio::spawn(async move { door.start(&session).await });
        }
        session
    }

    fn count(&self, session: &Session, headers: &HeaderMap, entry: &Entry<'_>) {
        let agent = headers
            .get(USER_AGENT)
            .and_then(|agent| agent.to_str().ok());
        let protocol = session.protocol.asked().to_string();
        let transport = entry.parameters.transport();
        let transport = transport.map_or("unknown", LegacyTransport::name);
        session.count(self.meters.connected(agent, &protocol, transport));
    }
}

impl Opened {
    /// Ties the connection to this channel.
    ///
    /// # Errors
    ///
    /// What the client reads when it cannot be brought up to date, if it understands it.
    pub(super) fn attach(&self) -> Result<Attached, Option<Frame>> {
        let Self { door, session, .. } = self;
        let mut attached = session.attach(self.transport, self.begin, door.clock.now());
        session.count_moved(&door.meters, self.transport);
        if attached.has_gap {
            metrics::counter!(names::LEGACY_GAPS).increment(1);
            if door.options.close_on_gap {
                info!(conn = ?session.id, "legacy client missed more than was kept, connection ended");
                let text = "Messages were lost.";
                door.end_later(session, CloseReason::ResumeFailed(text.into()));
                return Err(verdict(session.protocol, text));
            }
            warn!(conn = ?session.id, "legacy client missed more than was kept");
        }
        let is_lost = matches!(self.begin, Begin::Reconnect(cursor) | Begin::Poll(cursor)
            if cursor.is_none_or(|cursor| !legacy_frames::is_known(cursor)));
        if is_lost && attached.first.is_empty() {
            // A cursor that can be used, before the next cut (4.1).
            attached.first.push_back(session.position());
        }
        if self.is_return && !attached.is_same_return {
            let session = Arc::clone(session);
            tokio::spawn(async move { session.uplink.lock().await.reconnected() });
        }
        Ok(attached)
    }

    /// The channel of this number is gone.
    pub(super) fn detach(&self, number: u32) {
        let is_polling = self.transport == LegacyTransport::LongPolling;
        let by = self.door.patience(is_polling);
        self.session.detach(number, by);
    }

    /// Looks twice before it takes the place of a channel that stands (0, rule 16). If the client
    /// of this one is gone, the request is dropped meanwhile.
    pub(super) async fn look_twice(&self) {
        let (_, is_attached) = self.session.transport();
        if is_attached && self.transport != LegacyTransport::LongPolling {
            tokio::time::sleep(SECOND_LOOK).await;
        }
    }

    /// What a client is told at the end of its connection.
    pub(super) fn last_words(&self, reason: &CloseReason) -> Option<Frame> {
        last_words(self.session.protocol, reason)
    }
}

/// The transport as backends know it.
fn core_transport(transport: LegacyTransport) -> Transport {
    match transport {
        LegacyTransport::WebSockets => Transport::WebSockets,
        LegacyTransport::ServerSentEvents | LegacyTransport::ForeverFrame => {
            Transport::ServerSentEvents
        }
        LegacyTransport::LongPolling => Transport::LongPolling,
    }
}
