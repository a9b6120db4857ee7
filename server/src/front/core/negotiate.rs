//! `POST …/negotiate` (1.1 to 1.3).

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use heliograph_protocol::hub::negotiate::{
    NegotiateRequest, NegotiateResponse, Transport, write_error,
};
use heliograph_protocol::service::Transports;
use http::header::{CONTENT_TYPE, SET_COOKIE};
use http::{HeaderValue, Method, StatusCode};

use super::request::Entry;
use super::{Door, Negotiated};
use crate::backend::Refusal;
use crate::edge::answers;
use crate::telemetry;

/// The answer, and what it counts as.
pub(super) async fn negotiate(door: &Arc<Door>, entry: Entry) -> (Response, telemetry::Negotiated) {
    match accept(door, entry).await {
        Ok(response) => (response, telemetry::Negotiated::Accepted),
        Err(response) => {
            let result = match response.status() {
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => telemetry::Negotiated::Denied,
                _ => telemetry::Negotiated::Refused,
            };
            (response, result)
        }
    }
}

async fn accept(door: &Arc<Door>, entry: Entry) -> Result<Response, Response> {
    let identity = entry.authenticate(false).await?;
    if !entry.is(&Method::POST) {
        return Err(answers::method_not_allowed("POST"));
    }
    let asked = NegotiateRequest::from_query(
        entry.query_value("negotiateVersion").as_deref(),
        entry.query_value("useStatefulReconnect").as_deref(),
        0,
    );
    let asked = match asked {
        Ok(asked) => asked,
        Err(error) => {
            let mut body = Vec::new();
            write_error(&mut body, &error.to_string());
            return Err(json(body));
        }
    };
    if let Some(refused) = door.refuse_new() {
        return Err(refused);
    }
    let hub = door.relay.hub(&entry.place.name);
    let backend = Arc::clone(&entry.place.backend);
    let rules = backend.rules(&hub);
    let transports = offered(identity.service.transports);
    let user = identity.user.clone();
    let request = entry.client_request(identity, None);
    let mut ticket = backend.negotiate(&request).await.map_err(refused)?;
    let cookies = std::mem::take(&mut ticket.set_cookies);
    let stateful = asked.use_stateful_reconnect && rules.stateful_reconnect;
    let new = Negotiated {
        stateful,
        token_is_id: asked.version < 1,
        user,
        ticket,
    };
    let Ok(session) = door.add_session(hub, backend, rules, new) else {
        let text = "The server has no randomness to give.";
        return Err(answers::text(StatusCode::INTERNAL_SERVER_ERROR, text));
    };
    let mut body = Vec::new();
    NegotiateResponse {
        use_stateful_reconnect: stateful,
        connection_id: session.id.as_str(),
        connection_token: (asked.version >= 1).then_some(&*session.token),
        transports: &transports,
    }
    .write(&mut body);
    let mut response = json(body);
    for cookie in cookies {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// The hub's own answer to a client that it refuses.
pub(super) fn refused(refusal: Refusal) -> Response {
    let mut response = Response::new(Body::from(refusal.body));
    *response.status_mut() = refusal.status;
    *response.headers_mut() = refusal.headers;
    response
}

/// Whether a token lets its client use a transport.
pub(super) fn is_allowed(allowed: Option<Transports>, transport: Transport) -> bool {
    allowed.is_none_or(|allowed| match transport {
        Transport::WebSockets => allowed.web_sockets(),
        Transport::ServerSentEvents => allowed.server_sent_events(),
        Transport::LongPolling => allowed.long_polling(),
    })
}

fn offered(allowed: Option<Transports>) -> Vec<Transport> {
    let is_offered = |transport: &Transport| is_allowed(allowed, *transport);
    Transport::ALL.into_iter().filter(is_offered).collect()
}

fn json(body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
