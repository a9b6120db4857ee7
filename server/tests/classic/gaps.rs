//! What clients get that were away for longer than what waits for them is kept.

use heliograph_relay::Limits;

use crate::app::{App, received, response};
use crate::client::Said;
use crate::stage::{Settings, Stage};

/// A client that polls missed the answer with these messages, and then more of them than may wait.
async fn missing(app: &mut App, stage: &Stage, version: &str) -> crate::client::Client {
    let who = stage.who(&["chat"]).over("longPolling").version(version);
    let mut client = stage.client(app.link(), who).await;
    let id = client.id.clone();
    let tell = async |app: &mut App, number: u32| {
        let message = received("Chat", &number.to_string());
        app.tell(&id, &response(&message)).await;
    };
    tell(app, 0).await;
    assert_eq!(client.message().await, received("Chat", "0"));
    let cursor = client.cursor.clone();
    for number in 1..3 {
        tell(app, number).await;
        let missed = received("Chat", &number.to_string());
        assert_eq!(client.message().await, missed);
    }
    client.cursor = cursor;
    for number in 3..10 {
        tell(app, number).await;
    }
    app.link().barrier().await;
    client
}

fn settings(close_on_gap: bool) -> Settings {
    let mut settings = Settings::default();
    settings.clients.close_on_gap = close_on_gap;
    settings.clients.outbox = Limits {
        frames: 4,
        ..Limits::default()
    };
    settings
}

#[tokio::test]
async fn a_client_that_missed_too_much_gets_one_run_of_messages() {
    let stage = Stage::start_with(settings(false));
    let mut app = App::start(&stage, &["Chat"]).await;
    for version in ["2.1", "1.5", "1.3"] {
        let mut client = missing(&mut app, &stage, version).await;
        client.reconnect().await.unwrap();
        assert_eq!(app.heard(&client.id).await, "asrs:reconnect");
        for number in 6..10 {
            let kept = received("Chat", &number.to_string());
            assert_eq!(client.message().await, kept, "{version}");
        }
    }
}

#[tokio::test]
async fn one_that_is_to_miss_nothing_is_ended() {
    let stage = Stage::start_with(settings(true));
    let mut app = App::start(&stage, &["Chat"]).await;
    let error = || Said::Error("Messages were lost.".to_owned());
    for transport in ["webSockets", "serverSentEvents", "longPolling"] {
        for (version, last) in [
            ("2.1", Some(error())),
            ("1.5", None),
            ("1.4", None),
            ("1.3", Some(Said::Disconnect)),
        ] {
            let place = format!("{version} {transport}");
            let mut client = missing(&mut app, &stage, version).await;
            client.who.transport = transport.to_owned();
            let refused = client.reconnect().await.err().map(|answer| answer.status);
            // Those in between understand neither: the channel ends, and there is no other.
            let is_mute = last.is_none() && transport != "webSockets";
            assert_eq!(refused, is_mute.then_some(404), "{place}");
            if !is_mute {
                assert_eq!(client.next().await, last.unwrap_or(Said::End), "{place}");
            }
            assert_eq!(app.link().closed(&client.id).await, "");
        }
    }
}
