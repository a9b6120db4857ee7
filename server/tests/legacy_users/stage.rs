//! The whole service, as its settings make it, and what apps answer that are asked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use axum::response::{IntoResponse as _, Response};
use heliograph::app::Parts;
use heliograph::auth::{AccessKey, Mint};
use heliograph::config::{
    HubBackend, HubSettings, LegacySettings, LegacyUsers, LimitSettings, Secret, Settings, Span,
};
use heliograph::doors;
use heliograph::edge::listener::{self, Listener};
use heliograph_protocol::service::Message;
use http::StatusCode;
use http::request::Parts as Request;
use serde_json::json;

use crate::stub;
use crate::support::app_server::{AppServer, Frame};

/// The access key of the service.
pub(crate) const KEY: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH=";
const MINUTE: Duration = Duration::from_secs(60);

/// The service.
pub(crate) struct Stage {
    pub(crate) address: SocketAddr,
}

impl Stage {
    pub(crate) fn start(hubs: Vec<(&str, HubSettings)>) -> Self {
        Self::with(hubs, |_| {})
    }

    /// With a change to the settings.
    pub(crate) fn with(hubs: Vec<(&str, HubSettings)>, change: impl FnOnce(&mut Settings)) -> Self {
        Self::on(listener(), hubs, change)
    }

    /// At an address that is known already.
    pub(crate) fn on(
        listener: Listener,
        hubs: Vec<(&str, HubSettings)>,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let mut settings = Settings {
            demo: Some(false),
            legacy: LegacySettings {
                // Nothing of its own in between.
                keep_alive: Span::seconds(0),
                ..LegacySettings::default()
            },
            limits: LimitSettings::default(),
            hubs: hubs
                .into_iter()
                .map(|(name, hub)| (name.to_owned(), hub))
                .collect::<BTreeMap<_, _>>(),
            ..Settings::default()
        };
        settings.keys.primary = Some(Secret(KEY.to_owned()));
        change(&mut settings);
        let parts = Parts::new(&settings);
        let doors = doors::open(&settings, &parts).unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(listener.serve(doors.router, std::future::pending()));
        Self { address }
    }

    /// An app server for a Core hub, past its handshake.
    pub(crate) async fn app_server(&self, hub: &str) -> AppServer {
        let bearer = format!("Bearer {}", mint(KEY, MINUTE).server(hub, "s").unwrap());
        let headers = [("authorization", &*bearer), ("x-asrs-server-id", "s")];
        let path = format!("/server/?hub={hub}&cid={hub}");
        let link = AppServer::dial(self.address, &path, &headers).await;
        let mut link = link.ok().unwrap();
        link.send(&Message::HandshakeRequest {
            version: 1,
            connection_type: heliograph_protocol::service::ConnectionType::Default,
            target: "",
            migration_level: 0,
            allow_stateful_reconnects: false,
        })
        .await;
        let answer = link.next().await;
        assert!(matches!(
            answer.message(),
            Message::HandshakeResponse { .. }
        ));
        link
    }
}

/// Where a service will be.
pub(crate) fn listener() -> Listener {
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    Listener::bind(address, listener::Options::default()).unwrap()
}

/// A hub of app servers, of which this URL is asked who legacy clients are.
pub(crate) fn asked(url: &str) -> HubSettings {
    HubSettings {
        backend: Some(HubBackend::Server),
        negotiate_url: Some(url.to_owned()),
        forward_headers: vec!["x-tenant".to_owned()],
        ..HubSettings::default()
    }
}

/// A hub of app servers with other users.
pub(crate) fn served(users: LegacyUsers) -> HubSettings {
    HubSettings {
        backend: Some(HubBackend::Server),
        legacy_users: Some(users),
        ..HubSettings::default()
    }
}

/// A token for a connection of a classic app server.
pub(crate) fn server_token(hub: &str, server: &str) -> String {
    let audience = format!("http://localhost/aspnetserver/?hub={hub}");
    let mint = mint(KEY, MINUTE).with_audience(Some(audience));
    mint.server(hub, server).unwrap()
}

pub(crate) fn mint(key: &str, lifetime: Duration) -> Mint {
    let now = SystemTime::now();
    Mint::new(AccessKey::new(key), "http://localhost", now, lifetime).unwrap()
}

/// The user whom a stub app knows: the value of the cookie `user`.
pub(crate) fn user(request: &Request) -> Option<String> {
    let cookies = stub::header(request, "cookie");
    let mut cookies = cookies.split("; ");
    let user = cookies.find_map(|cookie| cookie.strip_prefix("user="));
    user.map(str::to_owned)
}

/// What an app with the Azure SDK answers.
pub(crate) fn redirect(hub: &str, user: Option<&str>) -> Response {
    let claims = [("dept", "r&d"), ("role", "a"), ("role", "b")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    redirect_with(&mint(KEY, MINUTE).client(hub, user, &claims).unwrap())
}

pub(crate) fn redirect_with(token: &str) -> Response {
    let url = "http://localhost/client/?hub=chat&asrs.op=%2Fchat";
    let answer =
        json!({"negotiateVersion": 0, "url": url, "accessToken": token, "availableTransports": []});
    stub::json(&answer.to_string())
}

/// What a classic app with the Azure SDK answers.
pub(crate) fn classic_redirect(app: &str, user: Option<&str>) -> Response {
    let claims = [("asrs.s.apn".to_owned(), app.to_owned())];
    classic_redirect_with(&mint(KEY, MINUTE).legacy_client(user, &claims).unwrap())
}

pub(crate) fn classic_redirect_with(token: &str) -> Response {
    let url = "http://localhost/aspnetclient";
    let answer = json!({"ProtocolVersion": "2.0", "RedirectUrl": url, "AccessToken": token, "TryWebSockets": true});
    stub::json(&answer.to_string())
}

pub(crate) fn status(status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    (status, "secret stack trace").into_response()
}

/// The claims of a client that was opened at an app server.
pub(crate) fn claims(open: &Frame) -> Vec<(String, String)> {
    match open.message() {
        Message::OpenConnection { claims, .. } => claims
            .iter()
            .map(|(kind, value)| ((*kind).to_owned(), (*value).to_owned()))
            .collect(),
        other => panic!("{other:?}"),
    }
}

/// The user among them.
pub(crate) fn user_of(open: &Frame) -> Option<String> {
    let claims = claims(open).into_iter();
    let mut users = claims.filter(|(kind, _)| kind == "asrs.s.uid");
    users.next().map(|(_, user)| user)
}
