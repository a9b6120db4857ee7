//! What the app serves itself: negotiate, which sends clients to the service, and the script.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use contract::redirect::{Redirect, across_origins, refusal};
use heliograph::backend::form_pairs;
use heliograph_protocol::legacy::connection_data;
use heliograph_protocol::legacy::proxy_script::{self, HubProxy, hub_property};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderValue, StatusCode};

use crate::app::App;
use crate::hubs::{Hub, methods};

/// What clients of the app are answered.
#[derive(Clone, Debug)]
pub(crate) struct Front {
    pub(crate) app: Arc<App>,
    pub(crate) redirect: Redirect,
}

/// Answers a request below the path of the app's SignalR.
pub(crate) async fn answer(State(front): State<Front>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    across_origins(&parts, || {
        let path = parts.uri.path();
        let (base, last) = path
            .trim_end_matches('/')
            .rsplit_once('/')
            .unwrap_or_default();
        match last {
            "negotiate" if path.ends_with("/negotiate") => front
                .negotiate(&parts, base)
                .unwrap_or_else(|refused| refused),
            "hubs" | "js" => script(base),
            _ => refusal(StatusCode::NOT_FOUND, "NotFound"),
        }
    })
}

impl Front {
    fn negotiate(&self, request: &Parts, base: &str) -> Result<Response, Response> {
        let said = self.redirect.believer.said(request);
        let said = said.map_err(IntoResponse::into_response)?;
        let query = request.uri.query().unwrap_or_default();
        let listed = form_pairs(query).find(|(name, _)| name == "connectionData");
        let listed = listed.map_or_else(String::new, |(_, listed)| listed);
        let failed = || refusal(StatusCode::INTERNAL_SERVER_ERROR, "");
        let mut hubs = Vec::new();
        if !listed.is_empty() {
            for name in connection_data(&listed).map_err(|_| failed())? {
                hubs.push(Hub::find(&name).ok_or_else(failed)?);
            }
        }
        if !hubs.is_empty() && !hubs.iter().any(|hub| hub.admits(&said)) {
            return Err(match said.user {
                None => refusal(StatusCode::UNAUTHORIZED, "Unauthorized"),
                Some(_) => refusal(StatusCode::FORBIDDEN, "Forbidden"),
            });
        }
        if !self.app.is_online() {
            let text = "Azure SignalR Service is not connected yet, please try again later.";
            return Err(refusal(StatusCode::INTERNAL_SERVER_ERROR, text));
        }
        Ok(self.redirect.answer(&said, query, base))
    }
}

fn script(base: &str) -> Response {
    let proxies = Hub::ALL.map(|hub| HubProxy {
        name: hub_property(hub.declared()).into(),
        methods: methods(hub),
    });
    let mut script = Vec::new();
    proxy_script::write(&mut script, base, &proxies);
    let mut response = Response::new(Body::from(script));
    let kind = HeaderValue::from_static("application/javascript; charset=UTF-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

#[cfg(test)]
#[path = "negotiate_tests.rs"]
mod tests;
