//! Negotiate, and the proxy script: nothing is remembered of them.

use axum::response::Response;
use heliograph_protocol::legacy::{Negotiation, write_negotiation_error};
use http::StatusCode;

use super::request::Entry;
use super::{Door, answers};
use crate::auth::Identity;
use crate::backend::legacy::NotAdmitted;

/// Answers with a new connection, which begins at `/connect` (1.5).
pub(super) async fn negotiate(door: &Door, entry: &Entry<'_>) -> Result<Response, Response> {
    if door.is_draining() || door.sessions.len() >= door.options.max_connections {
        return Err(unavailable(door));
    }
    let protocol = entry.parameters.protocol().unwrap_or_default();
    let identity = entry.authenticate(false).await?;
    let admission = match entry.ask(&entry.client_request(identity, None)).await {
        Ok(admission) => admission,
        Err(NotAdmitted::Refused(text)) if protocol.has_errors() => {
            let mut document = Vec::new();
            write_negotiation_error(&mut document, protocol, &text);
            return Err(answers::json(entry.callback.as_deref(), document));
        }
        Err(refused) => return Err(answers::not_admitted(&refused)),
    };
    let user = admission.identity.user.as_deref();
    let (id, token) = door.tokens.connection(user, protocol).map_err(|_| {
        let text = "The server has no randomness to give.";
        answers::error(StatusCode::INTERNAL_SERVER_ERROR, text)
    })?;
    let options = &door.options;
    let url = entry.public_path("/negotiate");
    let answer = Negotiation {
        url: &url,
        connection_token: &token,
        connection_id: &id,
        keep_alive_timeout: options.keep_alive.map(|interval| interval * 2),
        disconnect_timeout: options.disconnect_timeout,
        connection_timeout: options.connection_timeout,
        try_web_sockets: true,
        protocol,
        transport_connect_timeout: options.transport_connect_timeout,
        long_poll_delay: options.long_poll_delay,
    };
    let mut document = Vec::new();
    answer.write(&mut document);
    Ok(answers::json(entry.callback.as_deref(), document))
}

/// The script with a proxy for each hub (9).
pub(super) async fn script(entry: &Entry<'_>) -> Result<Response, Response> {
    let path = entry.public_path("");
    let path = path.trim_end_matches('/');
    let url = ["/hubs", "/js"].iter().find_map(|end| {
        let split = path.len().checked_sub(end.len())?;
        let (url, last) = path.split_at_checked(split)?;
        last.eq_ignore_ascii_case(end).then_some(url)
    });
    let request = entry.client_request(Identity::anonymous(), None);
    let script = entry.route.backend.script(&request, url.unwrap_or(path));
    match script.await {
        Ok(script) => Ok(answers::script(script)),
        Err(refusal) => {
            let mut response = answers::error(refusal.status, "");
            response.headers_mut().extend(refusal.headers);
            Err(response)
        }
    }
}

/// The answer to a new client that cannot be taken now.
pub(super) fn unavailable(door: &Door) -> Response {
    let text = if door.is_draining() {
        "This server is shutting down."
    } else {
        "This server has as many connections as it may have."
    };
    answers::error(StatusCode::SERVICE_UNAVAILABLE, text)
}

impl Entry<'_> {
    /// The path of the request as its client knows it, without this end. As at the genuine
    /// server, an end in other letters stays.
    fn public_path(&self, end: &str) -> String {
        let path = self.parts.uri.path();
        let path = path.strip_suffix(end).unwrap_or(path);
        let prefix = self.seen.prefix.as_deref().unwrap_or_default();
        format!("{prefix}{path}")
    }
}
