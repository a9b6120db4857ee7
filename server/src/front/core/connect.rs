//! GET, POST and DELETE on a hub's path: a transport comes, polls, sends or goes.

use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use heliograph_relay::CloseReason;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use hyper_util::rt::TokioIo;
use tracing::{debug, info};

use super::request::Entry;
use super::session::{Binding, Session};
use super::websocket::Link;
use super::{Door, Negotiated, event_stream, long_polling, negotiate, send};
use crate::backend::{Ticket, Transport};
use crate::edge::Stream;
use crate::edge::answers;
use crate::edge::websocket::handshake;

pub(super) async fn connect(door: &Arc<Door>, mut entry: Entry, body: Body) -> Response {
    let transport = transport_of(&entry);
    let known = match entry.query_value("id").filter(|id| !id.is_empty()) {
        None => None,
        Some(id) => match door.sessions.find(&id) {
            Some(session) if *session.hub.name() == *entry.place.name => Some(Ok(session)),
            _ => Some(Err(NoSuchId)),
        },
    };
    let connected = matches!(&known, Some(Ok(session)) if session.is_attached());
    let identity = match entry.authenticate(connected).await {
        Ok(identity) => identity,
        Err(refused) => return refused,
    };
    if transport.is_none() && !entry.is(&Method::POST) && !entry.is(&Method::DELETE) {
        return answers::method_not_allowed("GET, POST, DELETE");
    }
    if let (Some(asked), false) = (transport, connected)
        && !negotiate::is_allowed(identity.service.transports, asked)
    {
        let text = format!(
            "{} transport not supported by this end point type",
            asked.name()
        );
        return no_cache_for(transport, answers::text(StatusCode::NOT_FOUND, text));
    }
    let session = match known {
        Some(Ok(session)) => session,
        Some(Err(NoSuchId)) => {
            let mut response = answers::text(StatusCode::NOT_FOUND, "No Connection with that ID");
            if transport == Some(Transport::WebSockets) {
                response.headers_mut().remove(CONTENT_TYPE);
            }
            return no_cache_for(transport, response);
        }
        None if transport == Some(Transport::WebSockets) => {
            match open_without_negotiation(door, &entry, &identity).await {
                Ok(session) => session,
                Err(refused) => return refused,
            }
        }
        None => {
            let response = answers::text(StatusCode::BAD_REQUEST, "Connection ID required");
            return no_cache_for(transport, response);
        }
    };
    // At a hub's own path the genuine server takes whoever comes, and clients rely on it: a token
    // factory may name another user between the two requests.
    let at_service = entry.place.path.is_none();
    if at_service && !connected && !session.is_of(identity.user.as_deref()) {
        let text = "This connection was negotiated by another user.";
        return answers::text(StatusCode::FORBIDDEN, text);
    }
    let Some(transport) = transport else {
        return if entry.is(&Method::POST) {
            send::send(Arc::clone(door), session, body).await
        } else {
            long_polling::delete(door, &session)
        };
    };
    if door.is_draining() && !connected {
        return draining();
    }
    let expires_at = identity.service.close_on_expiry_at;
    let bound = match bind(door, &session, transport) {
        Ok(bound) => bound,
        Err(refused) => return no_cache_for(Some(transport), refused),
    };
    if !session.is_attached() {
        session
            .timers
            .credentials_until
            .set(expires_at.map_or(0, |at| door.clock.at_unix(at)));
        session.attach(entry.client_request(identity, Some(transport)), &door.clock);
    }
    match bound {
        Bound::Link(number) => {
            session.timers.transport_by.clear();
            upgrade(door, &mut entry, session, number)
        }
        Bound::Events => {
            session.timers.transport_by.clear();
            door.pump_later(&session);
            event_stream::response(Arc::clone(door), session)
        }
        Bound::FirstPoll => {
            session
                .timers
                .transport_by
                .set(door.clock.after(door.poll_interval(&session)));
            door.pump_later(&session);
            long_polling::first()
        }
        Bound::Poll => long_polling::poll(Arc::clone(door), session).await,
    }
}

struct NoSuchId;

/// What a GET may do with its session.
enum Bound {
    Link(u32),
    Events,
    FirstPoll,
    Poll,
}

/// Ties a session to a transport, or says why that cannot be.
fn bind(door: &Arc<Door>, session: &Arc<Session>, transport: Transport) -> Result<Bound, Response> {
    let mut binding = session.binding();
    let resumable = session.resumable.load(std::sync::atomic::Ordering::Acquire);
    let (next, bound) = match (&*binding, transport) {
        (Binding::Negotiated, Transport::WebSockets) => (Binding::WebSocket(1), Bound::Link(1)),
        (Binding::Negotiated, Transport::ServerSentEvents) => (Binding::EventStream, Bound::Events),
        (Binding::Negotiated, Transport::LongPolling) => {
            (Binding::LongPolling(0, None), Bound::FirstPoll)
        }
        (Binding::LongPolling(..) | Binding::Polled, Transport::LongPolling) => {
            return Ok(Bound::Poll);
        }
        (Binding::Detached(number) | Binding::WebSocket(number), Transport::WebSockets)
            if resumable =>
        {
            if !session.may_take_over(door.clock.now()) {
                drop(binding);
                info!(conn = ?session.id, "too many reconnects, connection ended");
                let detail = "InvalidOperationException: Too many reconnects.".into();
                door.forget(session, CloseReason::ResumeFailed(detail));
                return Err(answers::empty(StatusCode::NOT_FOUND, Some("text/plain")));
            }
            // The newest link wins; an older one that still stands is told.
            let number = number.wrapping_add(1);
            session.outbox.wake();
            (Binding::WebSocket(number), Bound::Link(number))
        }
        (Binding::WebSocket(_), Transport::WebSockets)
        | (Binding::EventStream, Transport::ServerSentEvents) => {
            return Err(answers::empty(StatusCode::CONFLICT, Some("text/plain")));
        }
        _ => {
            let text = "Cannot change transports mid-connection";
            return Err(answers::text(StatusCode::BAD_REQUEST, text));
        }
    };
    *binding = next;
    drop(binding);
    session.outbox.wake();
    Ok(bound)
}

/// A WebSocket without an id: a new connection, as with `skipNegotiation`. Any number of times
/// with one token.
async fn open_without_negotiation(
    door: &Arc<Door>,
    entry: &Entry,
    identity: &crate::auth::Identity,
) -> Result<Arc<Session>, Response> {
    if let Some(full) = door.refuse_new() {
        return Err(full);
    }
    let hub = door.relay.hub(&entry.place.name);
    let backend = Arc::clone(&entry.place.backend);
    let rules = backend.rules(&hub);
    let request = entry.client_request(identity.clone(), Some(Transport::WebSockets));
    let ticket = match backend.negotiate(&request).await {
        // Nobody stores the cookies of an upgrade; the backend has those that it needs itself.
        Ok(ticket) => Ticket {
            set_cookies: Vec::new(),
            ..ticket
        },
        Err(refusal) => return Err(negotiate::refused(refusal)),
    };
    let new = Negotiated {
        stateful: false,
        token_is_id: false,
        user: identity.user.clone(),
        ticket,
    };
    door.add_session(hub, backend, rules, new).map_err(|_| {
        answers::text(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The server has no randomness to give.",
        )
    })
}

fn upgrade(door: &Arc<Door>, entry: &mut Entry, session: Arc<Session>, number: u32) -> Response {
    let parts = &mut entry.parts;
    let link = Link {
        door: Arc::clone(door),
        session,
        number,
    };
    let accept = handshake::accept(&parts.method, parts.version, &parts.headers);
    let upgrade = parts.extensions.remove::<hyper::upgrade::OnUpgrade>();
    let (Some(accept), Some(upgrade)) = (accept, upgrade) else {
        link.abandon();
        return answers::text(
            StatusCode::BAD_REQUEST,
            "This connection cannot be upgraded.",
        );
    };
    tokio::spawn(async move {
        let upgraded = match upgrade.await {
            Ok(upgraded) => upgraded,
            Err(error) => {
                debug!(conn = ?link.session.id, err = %error, "upgrade failed");
                return link.abandon();
            }
        };
        match upgraded.downcast::<TokioIo<Stream>>() {
            Ok(parts) => link.drive(parts.io.into_inner(), parts.read_buf).await,
            Err(_) => link.abandon(),
        }
    });
    handshake::switching_protocols(accept)
        .map(|()| Body::empty())
        .into_response()
}

/// The transport that a GET asks for; `None` for other methods.
fn transport_of(entry: &Entry) -> Option<Transport> {
    let parts = &entry.parts;
    if parts.method != Method::GET {
        return None;
    }
    if handshake::accept(&parts.method, parts.version, &parts.headers).is_some() {
        return Some(Transport::WebSockets);
    }
    let accepts_events = parts
        .headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"));
    Some(if accepts_events {
        Transport::ServerSentEvents
    } else {
        Transport::LongPolling
    })
}

/// Errors of polls carry the headers of polls.
fn no_cache_for(transport: Option<Transport>, mut response: Response) -> Response {
    if transport == Some(Transport::LongPolling) {
        long_polling::no_cache(response.headers_mut());
    }
    response
}

pub(super) fn draining() -> Response {
    let mut response = answers::text(
        StatusCode::SERVICE_UNAVAILABLE,
        "This server is shutting down.",
    );
    response
        .headers_mut()
        .insert("retry-after", HeaderValue::from_static("1"));
    response
}
