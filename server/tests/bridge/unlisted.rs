//! Hubs that a client calls and does not listen to.

use heliograph::backend::embedded::{Caller, Policy};
use heliograph_relay::CloseReason;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::stage::{Core, Stage, builder};
use crate::support::{soon, until};

const ECHO: &str = r#"{"H":"second","M":"Echo","A":["x"],"I":0}"#;

#[tokio::test]
async fn may_be_called_and_never_call_the_client() {
    let (chat, second) = (builder("Chat").build(), builder("Second").build());
    let stage = Stage::new(&[&chat, &second]);
    for listed in [&["chat"][..], &[]] {
        let mut client = stage.open("a", listed).await;
        assert_eq!(client.call(ECHO).await, r#"{"R":"x","I":"0"}"#);
        assert!(stage.relay.hub("second").is_empty());
        for call in ["SendMe", "SendAll", "Join"] {
            let call = format!(r#"{{"H":"Second","M":"{call}","A":["x"],"I":0}}"#);
            assert_eq!(client.call(&call).await, r#"{"I":"0"}"#);
        }
        second.handle().clients().all().send("m", ()).await.unwrap();
        assert!(client.has_nothing());
        assert!(client.inbox.take_groups().is_none());
    }
}

#[tokio::test]
async fn are_opened_once_and_calls_keep_their_order() {
    let opened = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&opened);
    let second = builder("Second")
        .on_connected(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            async {
                tokio::task::yield_now().await;
                Ok(())
            }
        })
        .build();
    let chat = builder("Chat").build();
    let stage = Stage::new(&[&chat, &second]);
    let mut client = stage.open("a", &["chat"]).await;
    for text in 0..20 {
        let call = format!(r#"{{"H":"second","M":"Echo","A":["{text}"],"I":{text}}}"#);
        client.send(&call).await.unwrap();
    }
    for text in 0..20 {
        let answer = format!(r#"{{"R":"{text}","I":"{text}"}}"#);
        assert_eq!(client.answer().await, answer);
    }
    assert_eq!(opened.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn answer_with_an_error_when_they_do_not_take_the_client() {
    let (chat, second) = (
        builder("Chat").build(),
        builder("Second").require(Policy::user()).build(),
    );
    let stage = Stage::new(&[&chat, &second]);
    let mut client = stage.open("a", &["chat"]).await;
    for _ in 0..2 {
        let text = "There was an error invoking Hub method 'second.Echo'.";
        let answer = format!(r#"{{"I":"0","E":"{text}"}}"#);
        assert_eq!(client.call(ECHO).await, answer);
    }
    let answer = client.call(r#"{"H":"chat","M":"Echo","A":["x"],"I":0}"#);
    assert_eq!(answer.await, r#"{"R":"x","I":"0"}"#);
}

#[tokio::test]
async fn that_throw_the_client_out_are_opened_anew_by_the_next_call() {
    let second = builder("Second")
        .method("Abort", |caller: Caller, (): ()| async move {
            caller.abort();
            Ok(())
        })
        .build();
    let stage = Stage::new(&[&second]);
    let mut client = stage.open("a", &[]).await;
    assert_eq!(client.call(ECHO).await, r#"{"R":"x","I":"0"}"#);
    let answer = client.call(r#"{"H":"second","M":"Abort","I":1}"#).await;
    let text = "There was an error invoking Hub method 'second.Abort'.";
    assert_eq!(answer, format!(r#"{{"I":"1","E":"{text}"}}"#));
    assert_eq!(client.call(ECHO).await, r#"{"R":"x","I":"0"}"#);
    assert!(!client.inbox.outbox().is_closing());
}

#[tokio::test]
async fn that_fail_to_take_the_client_in_their_own_time_answer_too() {
    let second = builder("Second")
        .on_connected(|_| async {
            tokio::task::yield_now().await;
            Err(heliograph::backend::embedded::HubError::visible("no"))
        })
        .build();
    let stage = Stage::new(&[&second]);
    let mut client = stage.open("a", &[]).await;
    for _ in 0..2 {
        let text = "There was an error invoking Hub method 'second.Echo'.";
        let answer = format!(r#"{{"I":"0","E":"{text}"}}"#);
        assert_eq!(client.call(ECHO).await, answer);
    }
}

#[tokio::test]
async fn hear_of_the_end_also_while_they_are_being_opened() {
    let ends = Arc::new(AtomicUsize::new(0));
    for waits in [false, true] {
        let ended = Arc::clone(&ends);
        let second = builder("Second")
            .on_connected(move |caller: Caller| async move {
                if waits {
                    caller.aborted().await;
                }
                Ok(())
            })
            .on_disconnected(move |caller, _| {
                assert!(caller.has_stopped());
                ended.fetch_add(1, Ordering::SeqCst);
                async {}
            })
            .build();
        let stage = Stage::new(&[&second]);
        let mut client = stage.open("a", &[]).await;
        let answer = client.post(ECHO).await;
        if !waits {
            soon("an answer", answer).await.unwrap();
        } else {
            tokio::task::yield_now().await;
        }
        client.close(&CloseReason::ClientClosed(None));
        let count = if waits { 2 } else { 1 };
        until("the end", || ends.load(Ordering::SeqCst) == count).await;
    }
}

#[tokio::test]
async fn keep_their_other_clients() {
    let (chat, second) = (builder("Chat").build(), builder("Second").build());
    let stage = Stage::new(&[&chat, &second]);
    let core = Core::open(&stage, &second, "core").await;
    let mut client = stage.open("a", &["chat"]).await;
    client
        .call(r#"{"H":"second","M":"SendAll","A":["x"],"I":0}"#)
        .await;
    let record = "{\"type\":1,\"target\":\"received\",\"arguments\":[\"x\"]}\u{1e}";
    assert_eq!(core.text().await, record);
}
