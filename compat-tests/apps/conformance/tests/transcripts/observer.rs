//! What is asked of the program beside the recordings.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};

use crate::exchange::{Exchange, Sending};
use crate::lines::Lines;
use crate::recording::Request;

const PATIENCE: Duration = Duration::from_secs(10);

/// What the hubs have heard of a connection, in order. One more legacy client asks, which listens to
/// no hub.
pub(crate) async fn log(address: SocketAddr, base: &str, id: &str) -> Vec<String> {
    let negotiated = ask(
        address,
        &format!("{base}/negotiate?clientProtocol=2.1"),
        None,
    )
    .await;
    let [_, token] = negotiated.lines[1].connection.clone().unwrap();
    let query = format!("transport=longPolling&clientProtocol=2.1&connectionToken={token}");
    ask(address, &format!("{base}/connect?{query}"), None).await;
    let call = json!({"H": "Conformance", "M": "Log", "A": [id], "I": 0}).to_string();
    let call: String = form_urlencoded::byte_serialize(call.as_bytes()).collect();
    let answer = ask(address, &format!("{base}/send?{query}&data={call}"), None).await;
    let mut answer: Value = serde_json::from_str(&answer.lines[1].text).unwrap();
    serde_json::from_value(answer["R"].take()).unwrap()
}

/// The token with which an app sends a user to the service.
pub(crate) async fn redirected(address: SocketAddr, user: &str) -> String {
    let target = "/redirect/signalr/negotiate?clientProtocol=2.1";
    let answer = ask(address, target, Some(user)).await;
    let answer: Value = serde_json::from_str(&answer.lines[1].text).unwrap();
    answer["AccessToken"].as_str().unwrap().to_owned()
}

async fn ask(address: SocketAddr, target: &str, user: Option<&str>) -> Lines {
    let request = Request {
        id: 0,
        method: "GET".to_owned(),
        target: target.to_owned(),
        headers: HashMap::new(),
        body: String::new(),
        body_bytes: None,
    };
    let mut headers = vec![("host".to_owned(), "server.test".to_owned())];
    headers.extend(user.map(|user| ("authorization".to_owned(), format!("Bearer {user}"))));
    let sending = Sending {
        method: request.method.clone(),
        target: request.target.clone(),
        headers,
        body: String::new(),
    };
    let exchange = Exchange::begin(address, sending, Lines::new(&request));
    assert!(exchange.reach([usize::MAX; 2], PATIENCE).await, "no answer");
    exchange.lines()
}
