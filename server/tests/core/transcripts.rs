//! Whole recordings of the genuine server, played to the door.

use std::time::Duration;

use heliograph::front::core::Options;

use crate::hub::Rule;
use crate::replay::play;
use crate::stage::Stage;

fn all(_link: u64) -> bool {
    true
}

#[tokio::test]
async fn negotiate() {
    play(&Stage::start(), "negotiate", all).await;
}

#[tokio::test]
async fn negotiate_without_grant() {
    let stage = Stage::with_rule(|rule| rule.stateful = false);
    play(&stage, "negotiate-not-granted", all).await;
}

#[tokio::test]
async fn negotiate_methods_and_cors() {
    // Left out: the text of our 404, tokens instead of cookies, and options that we do not have.
    play(&Stage::start(), "negotiate-methods-and-cors", |link| {
        link < 7
    })
    .await;
}

#[tokio::test]
async fn long_polling() {
    let stage = Stage::start();
    play(&stage, "longpolling-by-hand", all).await;
}

#[tokio::test]
async fn long_polling_over_a_broken_poll() {
    play(&Stage::start(), "longpolling-dropped-poll", all).await;
}

#[tokio::test]
async fn server_sent_events() {
    play(&Stage::start(), "sse-by-hand", all).await;
}

#[tokio::test]
async fn websocket_layer() {
    // Left out: an endpoint without WebSockets, which is a token's matter here; a frame that is
    // not masked, which the player cannot send.
    play(&Stage::start(), "websocket-layer", |link| {
        ![11, 12, 25, 26].contains(&link)
    })
    .await;
}

#[tokio::test]
async fn handshakes() {
    // Left out: blazorpack, which is carried here, and the call behind it.
    play(&Stage::start(), "handshake", |link| {
        ![31, 32].contains(&link)
    })
    .await;
}

#[tokio::test]
async fn handshakes_with_details() {
    let stage = Stage::with_rule(|rule| rule.detailed_errors = true);
    play(&stage, "handshake-detailed", |link| {
        ![31, 32].contains(&link)
    })
    .await;
}

#[tokio::test]
async fn messagepack_on_server_sent_events() {
    play(&Stage::start(), "handshake-messagepack-on-sse", all).await;
}

#[tokio::test]
async fn handshake_that_never_comes() {
    let stage = Stage::with_rule(|rule| rule.handshake_timeout = Duration::from_millis(500));
    play(&stage, "handshake-timeout", all).await;
    stage.empty().await;
}

#[tokio::test]
async fn closes() {
    // Left out: what happens in the app only, and a message of which the recording is cut.
    play(&Stage::start(), "closes", |link| {
        ![3, 4, 33, 34].contains(&link)
    })
    .await;
}

#[tokio::test]
async fn closes_with_details() {
    let stage = Stage::with_rule(|rule| rule.detailed_errors = true);
    play(&stage, "closes-detailed", |link| {
        ![3, 4, 33, 34].contains(&link)
    })
    .await;
}

#[tokio::test]
async fn a_stateful_connection_from_its_third_link_on() {
    // Left out: what happens to an older link that still stands; here the newest one wins.
    let options = Options {
        disconnect_timeout: Duration::from_secs(15),
        ..Options::default()
    };
    let stage = Stage::start_with(options, Rule::default());
    play(&stage, "stateful-by-hand", |link| link >= 11).await;
}
