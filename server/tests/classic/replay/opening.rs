//! OpenConnection as the recorded service sent it, and as ours does.

use std::collections::{BTreeMap, BTreeSet};

use heliograph_protocol::service::{Extensions, Message};
use serde_json::Value;

use super::recording::{client_token, pairs, text, texts};
use crate::client::Who;

/// Claims that a genuine token has and the recorded service left out.
const OF_TOKENS: [&str; 1] = ["unique_name"];
/// Headers that every request has, and those of the service, which the recorded one left out.
const OF_REQUESTS: [&str; 7] = [
    "host",
    "sec-websocket-version",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "Asrs-Instance-Id",
    "Asrs-Is-Diagnostic-Client",
];
/// Parameters that belong to the connection and mean nothing to the app.
const OF_CONNECTIONS: [&str; 1] = ["tid"];

/// What a recorded OpenConnection says of its client.
pub(super) struct Opening {
    pub(super) id: String,
    pub(super) query: String,
    pub(super) protocol: String,
    pub(super) hubs: Vec<String>,
    pub(super) user: Option<String>,
    /// A token that the app gave a client like this.
    pub(super) token: String,
    claims: BTreeSet<(String, String)>,
    headers: BTreeMap<String, Vec<String>>,
    parameters: BTreeMap<String, String>,
}

impl Opening {
    pub(super) fn read(event: &Value) -> Self {
        let message = &event["message"];
        let claims: BTreeSet<_> = pairs(&message[2])
            .into_iter()
            .map(|(kind, value)| (kind.to_owned(), text(value).to_owned()))
            .collect();
        let user = claims.iter().find(|(kind, _)| kind == "asrs.s.uid");
        let user = user.map(|(_, user)| user.clone());
        let headers = pairs(&message[3]).into_iter().map(|(name, values)| {
            let values = texts(values).into_iter().map(str::to_owned).collect();
            (name.to_lowercase(), values)
        });
        let query = text(&message[4]);
        let parameters = parameters(query);
        let listed = parameters.get("connectionData").map(String::as_str);
        let listed: Value = serde_json::from_str(listed.unwrap_or("[]")).unwrap();
        let hubs = listed.as_array().unwrap().iter();
        Self {
            id: text(&message[1]).to_owned(),
            query: format!("?{}", query.trim_start_matches('?')),
            protocol: parameters
                .get("clientProtocol")
                .cloned()
                .unwrap_or_default(),
            hubs: hubs.map(|hub| text(&hub["name"]).to_owned()).collect(),
            token: client_token(user.as_deref()),
            user,
            claims,
            headers: headers.collect(),
            parameters,
        }
    }

    pub(super) fn has(&self, parameter: &str) -> bool {
        self.parameters.contains_key(parameter)
    }

    /// The client.
    pub(super) fn who(&self) -> Who {
        let known = [
            "transport",
            "clientProtocol",
            "connectionData",
            "connectionToken",
            "tid",
        ];
        let own = self
            .parameters
            .iter()
            .filter(|(name, _)| !known.contains(&&***name));
        let mut query = form_urlencoded::Serializer::new(String::new());
        let headers = self.headers.iter();
        Who {
            path: "/aspnetclient",
            token: Some(self.token.clone()),
            transport: self.parameters["transport"].clone(),
            protocol: self.protocol.clone(),
            data: self.parameters.get("connectionData").cloned(),
            query: query.extend_pairs(own).finish(),
            headers: headers
                .map(|(name, values)| (name.clone(), values.join(",")))
                .collect(),
        }
    }
}

/// Whether a message opens this client, under this id.
pub(super) fn compare(message: &Message<'_>, recorded: &Opening, id: &str) {
    let Message::OpenConnection {
        connection_id,
        claims,
        headers,
        query_string,
        extensions,
    } = message
    else {
        panic!("{message:?}")
    };
    assert_eq!(*connection_id, id);
    assert!(!id.contains('.'));
    assert_eq!(*extensions, Extensions::default());

    let got = claims
        .iter()
        .map(|(kind, value)| ((*kind).to_owned(), (*value).to_owned()));
    let mut got: BTreeSet<_> = got.collect();
    got.retain(|(kind, _)| !OF_TOKENS.contains(&&**kind));
    assert_eq!(got, recorded.claims);

    let got = headers
        .iter()
        .filter(|(name, _)| !OF_REQUESTS.contains(name));
    let got = got.map(|(name, values)| {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        (name.to_lowercase(), values)
    });
    assert_eq!(got.collect::<BTreeMap<_, Vec<String>>>(), recorded.headers);

    assert!(query_string.starts_with('?'));
    let mut got = parameters(query_string);
    let mut expected = recorded.parameters.clone();
    // The app wants one, and takes any.
    assert_eq!(
        got.insert("connectionToken".to_owned(), "tok".to_owned())
            .as_deref(),
        Some(id)
    );
    expected.insert("connectionToken".to_owned(), "tok".to_owned());
    expected.retain(|name, _| !OF_CONNECTIONS.contains(&&**name));
    assert_eq!(got, expected);
}

fn parameters(query: &str) -> BTreeMap<String, String> {
    let query = query.trim_start_matches('?');
    form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}
