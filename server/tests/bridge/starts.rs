//! Clients below 1.4, which do not ask for their start: where they connect by long polling the
//! answer tells how it went.

use std::net::SocketAddr;
use std::sync::Arc;

use heliograph::auth::{AccessKey, KeyPair, Keys};
use heliograph::backend::embedded::{EmbeddedHub, HubError};
use heliograph::edge::listener::{self, Listener};
use heliograph::embed::{HubServer, Legacy};
use tokio::sync::Notify;

use crate::client::{Client, Said, Who};
use crate::soon;
use crate::stage::builder;

/// Serves a hub whose OnConnected waits for the gate, then succeeds or fails.
fn serve(gate: &Arc<Notify>, fails: bool) -> SocketAddr {
    let gate = Arc::clone(gate);
    let hub: EmbeddedHub = builder("Chat")
        .on_connected(move |caller| {
            let gate = Arc::clone(&gate);
            async move {
                gate.notified().await;
                if fails {
                    return Err(HubError::visible("secret"));
                }
                caller.clients().caller().send("received", ("hello",)).await
            }
        })
        .build();
    let keys = Keys::new(KeyPair::single(AccessKey::new("key")));
    let server = HubServer::builder().hub("/chat", &hub);
    let server = server.legacy(Legacy::new("/signalr", keys)).build();
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = Listener::bind(address, listener::Options::default()).unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(server.serve(listener, std::future::pending()));
    address
}

fn polling(version: &str) -> Who {
    let who = Who::direct(&["chat"]).over("longPolling");
    who.version(version)
}

#[tokio::test]
async fn the_connect_is_answered_when_the_hub_has_heard_of_the_client() {
    for version in ["1.2", "1.3"] {
        let gate = Arc::new(Notify::new());
        let address = serve(&gate, false);
        let mut connecting = Box::pin(Client::connect(address, polling(version)));
        let early = tokio::time::timeout(std::time::Duration::from_millis(200), &mut connecting);
        assert!(early.await.is_err(), "answered too early");
        gate.notify_one();
        let client = soon("the answer", connecting).await;
        let message = client.ok().unwrap().message().await;
        assert_eq!(message, r#"{"H":"Chat","M":"received","A":["hello"]}"#);
    }
}

#[tokio::test]
async fn the_connect_fails_if_the_hub_does() {
    let gate = Arc::new(Notify::new());
    let address = serve(&gate, true);
    let who = polling("1.3");
    let (id, token) = who.negotiate(address).await.unwrap();
    gate.notify_one();
    let failed = Client::connect_as(address, who.clone(), id, token.clone()).await;
    let answer = failed.err().unwrap();
    assert_eq!(answer.status, 500);
    assert_eq!(answer.text(), "The connection could not be started.");
    let parameters = [("connectionToken", &*token)];
    let over = who.get(address, "reconnect", &parameters).await;
    assert!(over.text().contains(r#","D":1,"M":[]}"#), "{}", over.text());
}

#[tokio::test]
async fn from_1_4_on_it_waits_for_nothing() {
    let gate = Arc::new(Notify::new());
    let address = serve(&gate, true);
    for version in ["1.4", "2.1"] {
        let mut client = Client::connect(address, polling(version))
            .await
            .ok()
            .unwrap();
        gate.notify_one();
        assert_eq!(client.request_start().await.status, 500);
        let end = client.next().await;
        assert!(matches!(end, Said::End | Said::Error(_)), "{end:?}");
    }
}
