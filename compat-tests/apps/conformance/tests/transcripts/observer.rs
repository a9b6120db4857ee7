//! Asks the program what its hubs have heard of a connection, as one more legacy client that listens
//! to no hub.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};

use crate::exchange::{Exchange, Sending};
use crate::lines::Lines;
use crate::recording::Request;

const PATIENCE: Duration = Duration::from_secs(10);

/// The events of a connection, in order.
pub(crate) async fn log(address: SocketAddr, base: &str, id: &str) -> Vec<String> {
    let negotiated = ask(
        address,
        format!("{base}/negotiate?clientProtocol=2.1"),
        None,
    )
    .await;
    let [_, token] = negotiated.lines[1].connection.clone().unwrap();
    let query = format!("transport=longPolling&clientProtocol=2.1&connectionToken={token}");
    ask(address, format!("{base}/connect?{query}"), None).await;
    let call = json!({"H": "Conformance", "M": "Log", "A": [id], "I": 0}).to_string();
    let call = form_urlencoded::byte_serialize(call.as_bytes()).collect::<String>();
    let answer = ask(
        address,
        format!("{base}/send?{query}"),
        Some(format!("data={call}")),
    )
    .await;
    let answer: Value = serde_json::from_str(&answer.lines[1].text).unwrap();
    serde_json::from_value(answer["R"].clone()).unwrap()
}

async fn ask(address: SocketAddr, target: String, body: Option<String>) -> Lines {
    let method = if body.is_some() { "POST" } else { "GET" };
    let request = Request {
        id: 0,
        method: method.to_owned(),
        target,
        headers: [("host".to_owned(), "server.test".to_owned())].into(),
        body: body.unwrap_or_default(),
        body_bytes: None,
    };
    let sending = Sending {
        method: request.method.clone(),
        target: request.target.clone(),
        headers: request.headers.clone().into_iter().collect(),
        body: request.body.clone(),
    };
    let exchange = Exchange::begin(address, sending, Lines::new(&request));
    assert!(exchange.reach([usize::MAX; 2], PATIENCE).await, "no answer");
    exchange.lines()
}
