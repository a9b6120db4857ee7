//! Slow clients slow their hub, and slow hubs their clients.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Instant;

use futures_util::{FutureExt as _, SinkExt as _};
use heliograph::auth::Identity;
use heliograph::backend::direct::{Direct, Options};
use heliograph::backend::{
    Backend as _, ClientRequest, Conversation, Headers, Inbound, Opening, Ticket, Transport,
};
use heliograph::edge::dialects;
use heliograph_protocol::hub::MessageType;
use heliograph_relay::{Client, ConnectionId, Limits, Outbox, Relay, Taken};
use tokio_tungstenite::tungstenite::Message;

use crate::front::options;
use crate::stub::{HubSocket, Stub, receive};
use crate::support::{soon, until};

static LIMITS: Limits = Limits {
    bytes: 64 << 10,
    frames: 1 << 16,
};

struct Talk {
    client: Arc<Client>,
    conversation: Box<dyn Conversation>,
    socket: HubSocket,
}

async fn talk() -> Talk {
    let mut stub = Stub::start().await;
    let direct = Direct::new(
        "chat",
        Options {
            max_message_bytes: 32 << 10,
            ..options(&stub.url())
        },
    );
    let hub = Relay::new().hub("chat");
    let client = Arc::new(Client::new(
        ConnectionId::new("c"),
        None,
        dialects::JSON,
        Arc::new(Outbox::new(&LIMITS)),
    ));
    assert!(hub.add(&client, Instant::now()));
    let opening = Opening {
        client: Arc::clone(&client),
        hub,
        protocol: "json".into(),
        version: 1,
        handshake: b"{\"protocol\":\"json\",\"version\":1}\x1e".to_vec(),
        request: Arc::new(ClientRequest {
            path: "/chat".into(),
            query: "".into(),
            headers: Headers::default(),
            bearer: None,
            remote: None,
            transport: Some(Transport::WebSockets),
            identity: Identity::anonymous(),
        }),
        ticket: Ticket::default(),
    };
    let direct = direct.unwrap();
    let (conversation, (socket, _)) = tokio::join!(direct.open(opening), stub.greeted());
    assert_eq!(stub.request().await.uri.query(), None);
    Talk {
        client,
        conversation: conversation.unwrap(),
        socket,
    }
}

fn call(number: usize) -> String {
    let padding = "x".repeat(1000);
    format!("{{\"type\":1,\"target\":\"t\",\"arguments\":[{number},\"{padding}\"]}}\u{1e}")
}

#[tokio::test]
async fn a_slow_client_slows_its_hub_and_loses_nothing() {
    const CALLS: usize = 20_000;
    let talk = talk().await;
    let outbox = talk.client.outbox();
    let mut socket = talk.socket;
    let mut flood = tokio::spawn(async move {
        for number in 0..CALLS {
            socket.send(Message::text(call(number))).await.unwrap();
        }
        socket
    });
    until("the outbox has no room", || {
        outbox.waiting_bytes() > LIMITS.bytes / 16
    })
    .await;
    assert!((&mut flood).now_or_never().is_none());

    let mut frames = Vec::new();
    while frames.len() < CALLS + 1 {
        assert!(outbox.waiting_bytes() <= LIMITS.bytes / 2);
        let taken = poll_fn(|cx| outbox.poll_take(cx, 16 << 10, &mut frames));
        assert_eq!(soon("frames", taken).await, Taken::Frames);
    }
    for (number, frame) in frames.iter().skip(1).enumerate() {
        assert_eq!(frame.payload(), call(number).as_bytes());
    }
    flood.await.unwrap();
}

#[tokio::test]
async fn a_message_larger_than_the_outbox_waits_until_it_is_empty() {
    let talk = talk().await;
    let outbox = talk.client.outbox();
    let mut socket = talk.socket;
    let large = format!(
        "{{\"type\":1,\"target\":\"{}\"}}\u{1e}",
        "y".repeat(200_000)
    );
    let sent = format!("{}{large}{}", call(0), call(1));
    tokio::spawn(async move {
        socket.send(Message::text(sent)).await.unwrap();
        std::future::pending::<()>().await;
    });
    let mut frames = Vec::new();
    while frames.len() < 4 {
        let taken = poll_fn(|cx| outbox.poll_take(cx, 1, &mut frames));
        assert_eq!(soon("frames", taken).await, Taken::Frames);
    }
    assert_eq!(frames[2].payload(), large.as_bytes());
}

#[tokio::test]
async fn a_slow_hub_holds_its_client_back_and_loses_nothing() {
    let Talk {
        mut conversation,
        mut socket,
        ..
    } = talk().await;
    let mut cx = Context::from_waker(Waker::noop());
    let mut fed = 0;
    // What sockets hold differs; in the end nothing more is taken.
    let mut refusals = 0;
    while refusals < 100 {
        if conversation.poll_ready(&mut cx).is_ready() {
            let framed = call(fed);
            let message = Inbound {
                framed: framed.as_bytes(),
                kind: Some(MessageType::Invocation),
            };
            conversation.feed(message).unwrap();
            fed += 1;
            assert!(fed < 100_000, "the hub reads nothing");
        } else {
            refusals += 1;
            tokio::task::yield_now().await;
        }
    }
    let expected: usize = (0..fed).map(|number| call(number).len()).sum();
    let mut seen = String::new();
    while seen.len() < expected {
        seen.push_str(receive(&mut socket).await.to_text().unwrap());
    }
    for (number, record) in seen.split_inclusive('\u{1e}').enumerate() {
        assert_eq!(record, call(number));
    }
    soon("room again", poll_fn(|cx| conversation.poll_ready(cx))).await;
}
