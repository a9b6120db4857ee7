//! Messages of app servers that are too large.

use heliograph_protocol::service::{DataMessageType, Extensions, Message};
use heliograph_relay::CloseReason;

use crate::support::app_server::{AppServer, payloads};
use crate::support::client::{FakeClient, Who};
use crate::support::service::{Service, quick};

#[tokio::test]
async fn a_message_that_is_too_large_ends_its_client_and_nobody_else() {
    let (mut door, backend) = quick();
    door.max_message_bytes = 10_000;
    let service = Service::start_with(door, backend).await;
    let mut app = AppServer::start(&service, "s").await;
    let mut clients = Vec::new();
    for id in ["receiver", "bystander"] {
        let client = FakeClient::open(&service, Who::json(id)).await.unwrap();
        app.opened().await;
        app.answer(id).await;
        client.frame().await;
        clients.push(client);
    }
    let large = "x".repeat(20_000);
    app.send_data("receiver", &large, DataMessageType::Invocation)
        .await;
    assert_eq!(clients[0].end().await, CloseReason::BackendLost);
    app.send(&Message::BroadcastData {
        excluded_connection_ids: vec![],
        payloads: payloads(&large, b""),
        extensions: Extensions::default(),
    })
    .await;
    app.send_data("bystander", "{}\u{1e}", DataMessageType::Invocation)
        .await;
    assert_eq!(clients[1].text().await, "{}\u{1e}");
    assert_eq!(service.hub().links().all().len(), 1);
}
