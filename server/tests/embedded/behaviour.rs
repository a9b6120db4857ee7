//! What the API promises beyond the answers of a genuine server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::stream;
use heliograph::backend::embedded::{Caller, EmbeddedHub, HubBuilder, HubError, Options, Upload};
use serde_json::json;
use tokio::sync::{Notify, mpsc};

use crate::support::{Client, PATIENCE, serve};

fn builder() -> HubBuilder {
    EmbeddedHub::builder("hub").method(
        "Echo",
        |_: Caller, (text,): (String,)| async move { Ok(text) },
    )
}

/// A hub that tells of the ends of its clients.
fn reporting(builder: HubBuilder) -> (EmbeddedHub, mpsc::Receiver<Option<String>>) {
    let (ended, ends) = mpsc::channel(10);
    let hub = builder
        .on_disconnected(move |_, error| {
            let ended = ended.clone();
            async move { ended.send(error).await.unwrap() }
        })
        .build();
    (hub, ends)
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("waited in vain")
}

#[tokio::test]
async fn an_answer_does_not_wait_behind_queued_calls_and_calls_end_in_order() {
    let hub = builder()
        .method("Ask", |caller: Caller, (): ()| async move {
            let me = caller.clients().caller();
            me.invoke::<String>("question", (), PATIENCE).await
        })
        .build();
    let served = serve(&[&hub]);
    let mut client = Client::open(&served, "/hub").await;
    client.call("1", "Ask", json!([])).await;
    client.call("2", "Echo", json!(["two"])).await;
    client.call("3", "Echo", json!(["three"])).await;
    let question = client.json().await;
    assert_eq!(question["target"], "question");
    let id = &question["invocationId"];
    client
        .send(&json!({"type": 3, "invocationId": id, "result": "one"}).to_string())
        .await;
    for expected in ["one", "two", "three"] {
        assert_eq!(client.json().await["result"], expected);
    }
}

#[tokio::test]
async fn answers_from_other_clients_are_ignored() {
    let hub = builder()
        .method("Ask", |caller: Caller, (): ()| async move {
            let me = caller.clients().caller();
            me.invoke::<String>("question", (), PATIENCE).await
        })
        .build();
    let served = serve(&[&hub]);
    let mut client = Client::open(&served, "/hub").await;
    let mut other = Client::open(&served, "/hub").await;
    client.call("1", "Ask", json!([])).await;
    let question = client.json().await;
    let id = question["invocationId"].as_str().unwrap();
    let answer = |text: &str| json!({"type": 3, "invocationId": id, "result": text}).to_string();
    other.send(&answer("forged")).await;
    other.call("1", "Echo", json!(["read"])).await;
    assert_eq!(other.json().await["result"], "read");
    client.send(&answer("genuine")).await;
    assert_eq!(client.json().await["result"], "genuine");
}

#[tokio::test]
async fn more_calls_than_may_wait_are_all_answered_in_order() {
    let (gate, running) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
    let (opened, counted) = (Arc::clone(&gate), Arc::clone(&running));
    let hub = builder()
        .options(Options {
            queued_calls: 2,
            ..Options::default()
        })
        .method("Hold", move |_: Caller, (number,): (u32,)| {
            let (gate, running) = (Arc::clone(&opened), Arc::clone(&counted));
            async move {
                assert_eq!(running.fetch_add(1, Ordering::SeqCst), 0, "two at a time");
                if number == 0 {
                    gate.notified().await;
                }
                tokio::task::yield_now().await;
                running.fetch_sub(1, Ordering::SeqCst);
                Ok(number)
            }
        })
        .build();
    let served = serve(&[&hub]);
    let mut client = Client::open(&served, "/hub").await;
    for number in 0..20 {
        client
            .call(&number.to_string(), "Hold", json!([number]))
            .await;
    }
    gate.notify_one();
    for number in 0..20 {
        assert_eq!(client.json().await["result"], number);
    }
}

#[tokio::test]
async fn a_panic_is_answered_as_an_error_and_harms_nobody() {
    let hub = builder()
        .method("Now", |_: Caller, (): ()| async {
            if true {
                panic!("at once");
            }
            Ok(())
        })
        .method("Later", |_: Caller, (): ()| async {
            tokio::task::yield_now().await;
            if true {
                panic!("later");
            }
            Ok(())
        })
        .stream("Items", |_: Caller, (): ()| async {
            Ok(stream::poll_fn(
                |_| -> std::task::Poll<Option<Result<(), HubError>>> { panic!("within a stream") },
            ))
        })
        .build();
    let served = serve(&[&hub]);
    let mut client = Client::open(&served, "/hub").await;
    for method in ["Now", "Later"] {
        client.call("1", method, json!([])).await;
        let text = format!("An unexpected error occurred invoking '{method}' on the server.");
        assert_eq!(client.json().await["error"], text);
    }
    client
        .send(r#"{"type":4,"invocationId":"2","target":"Items","arguments":[]}"#)
        .await;
    let text = "An error occurred on the server while streaming results.";
    assert_eq!(client.json().await["error"], text);
    client.call("3", "echo", json!(["alive"])).await;
    assert_eq!(client.json().await["result"], "alive");
}

#[tokio::test]
async fn the_hub_hears_of_each_end_once_and_of_the_error_that_the_client_gave() {
    let (hub, mut ends) = reporting(builder());
    let served = serve(&[&hub]);
    Client::open(&served, "/hub").await.close().await;
    assert_eq!(soon(ends.recv()).await, Some(None));
    let mut client = Client::open(&served, "/hub").await;
    client.send(r#"{"type":7,"error":"mine"}"#).await;
    assert_eq!(soon(ends.recv()).await, Some(Some("mine".to_owned())));
    let mut client = Client::open(&served, "/hub").await;
    client.send("nonsense").await;
    assert_eq!(
        soon(ends.recv()).await,
        Some(Some("Error reading JSON.".to_owned()))
    );
    soon(hub.finished()).await;
    assert!(ends.try_recv().is_err());
}

#[tokio::test]
async fn a_refused_client_is_told_so_and_its_end_is_not_reported() {
    let (hub, mut ends) = reporting(builder().on_connected(|_| async {
        tokio::task::yield_now().await;
        Err(HubError::visible("full"))
    }));
    let served = serve(&[&hub]);
    let mut client = Client::open(&served, "/hub").await;
    let close = client.json().await;
    let text = "Connection closed with an error. HubException: full";
    assert_eq!(close, json!({"type": 7, "error": text}));
    assert!(client.next().await.is_none());
    soon(async {
        while hub.handle().connections() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    soon(hub.finished()).await;
    assert!(ends.try_recv().is_err());
}

#[tokio::test]
async fn calls_wait_until_the_client_was_welcomed() {
    let welcome = Arc::new(Notify::new());
    let opened = Arc::clone(&welcome);
    let hub = builder()
        .on_connected(move |caller| {
            let welcome = Arc::clone(&opened);
            async move {
                welcome.notified().await;
                caller.clients().caller().send("welcome", ()).await
            }
        })
        .build();
    let served = serve(&[&hub]);
    let mut client = Client::open(&served, "/hub").await;
    client.call("1", "Echo", json!(["after"])).await;
    welcome.notify_one();
    assert_eq!(client.json().await["target"], "welcome");
    assert_eq!(client.json().await["result"], "after");
}

/// Tells of its own end.
struct Dropped(mpsc::Sender<()>);

impl Drop for Dropped {
    fn drop(&mut self) {
        _ = self.0.try_send(());
    }
}

#[tokio::test]
async fn a_stream_is_dropped_when_it_is_cancelled_and_when_its_client_leaves() {
    let (sender, mut drops) = mpsc::channel(10);
    let hub = builder()
        .stream("Endless", move |_: Caller, (): ()| {
            let first = (Dropped(sender.clone()), false);
            async move {
                Ok(stream::unfold(first, |(dropped, begun)| async move {
                    if begun {
                        std::future::pending::<()>().await;
                    }
                    Some((Ok(1), (dropped, true)))
                }))
            }
        })
        .build();
    let served = serve(&[&hub]);
    let mut client = Client::open(&served, "/hub").await;
    let call = r#"{"type":4,"invocationId":"1","target":"Endless","arguments":[]}"#;
    client.send(call).await;
    assert_eq!(client.json().await["item"], 1);
    client.send(r#"{"type":5,"invocationId":"1"}"#).await;
    assert_eq!(client.json().await, json!({"type": 3, "invocationId": "1"}));
    soon(drops.recv()).await;
    client.send(call).await;
    assert_eq!(client.json().await["item"], 1);
    client.close().await;
    soon(drops.recv()).await;
}

#[tokio::test]
async fn a_stream_pauses_while_its_client_does_not_read() {
    let polled = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&polled);
    let hub = builder()
        .stream("Flood", move |_: Caller, (): ()| {
            let polled = Arc::clone(&counted);
            async move {
                let item = "x".repeat(64 << 10);
                Ok(stream::repeat_with(move || {
                    polled.fetch_add(1, Ordering::SeqCst);
                    Ok::<_, HubError>(item.clone())
                }))
            }
        })
        .build();
    let served = serve(&[&hub]);
    let mut client = Client::open(&served, "/hub").await;
    client
        .send(r#"{"type":4,"invocationId":"1","target":"Flood","arguments":[]}"#)
        .await;
    // Until nothing has moved for a while.
    let stable = async {
        loop {
            let before = polled.load(Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(100)).await;
            if before > 0 && before == polled.load(Ordering::SeqCst) {
                return before;
            }
        }
    };
    let paused_at = soon(stable).await;
    assert!(paused_at < 1000, "{paused_at} items of 64 KiB");
    // What waited and much more comes once the client reads.
    for _ in 0..paused_at + 50 {
        assert_eq!(client.json().await["type"], 2);
    }
}

#[tokio::test]
async fn calls_pause_while_their_client_does_not_read() {
    let hub = builder()
        .method("Big", |_: Caller, (bytes,): (usize,)| async move {
            Ok("x".repeat(bytes))
        })
        .build();
    let served = serve(&[&hub]);
    let mut client = Client::open(&served, "/hub").await;
    for id in 0..600 {
        client.call(&id.to_string(), "Big", json!([64 << 10])).await;
    }
    // More by far than may wait for a client: one that had to take all at once would be closed.
    for id in 0..600 {
        assert_eq!(client.json().await["invocationId"], id.to_string());
    }
}

#[tokio::test]
async fn nothing_more_is_read_while_an_upload_is_full() {
    let (gate, is_open) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
    let (opened, looked_at) = (Arc::clone(&gate), Arc::clone(&is_open));
    let hub = builder()
        .method("Count", move |_: Caller, (mut items,): (Upload<u32>,)| {
            let gate = Arc::clone(&opened);
            async move {
                gate.notified().await;
                let mut count = 0;
                while let Some(item) = items.next().await {
                    item?;
                    count += 1;
                }
                Ok(count)
            }
        })
        .method("IsOpen", move |_: Caller, (): ()| {
            let open = looked_at.load(Ordering::SeqCst);
            async move { Ok(open) }
        })
        .build();
    let served = serve(&[&hub]);
    let mut client = Client::open(&served, "/hub").await;
    client
        .send(r#"{"type":1,"invocationId":"1","target":"Count","arguments":[],"streamIds":["u"]}"#)
        .await;
    for item in 0..11 {
        client
            .send(&json!({"type": 2, "invocationId": "u", "item": item}).to_string())
            .await;
    }
    client.call("2", "IsOpen", json!([])).await;
    client.send(r#"{"type":3,"invocationId":"u"}"#).await;
    // Whoever else is there is served, and by then the first client's frames were read or not.
    let mut other = Client::open(&served, "/hub").await;
    other.call("1", "Echo", json!(["served"])).await;
    assert_eq!(other.json().await["result"], "served");
    is_open.store(true, Ordering::SeqCst);
    gate.notify_one();
    let (first, second) = (client.json().await, client.json().await);
    let by_id = |id: &str| {
        if first["invocationId"] == id {
            &first
        } else {
            &second
        }
    };
    assert_eq!(by_id("1")["result"], 11);
    assert_eq!(by_id("2")["result"], true);
}

#[tokio::test]
async fn the_rest_of_the_app_sends_asks_and_aborts_through_a_handle() {
    let hub = builder()
        .method("Id", |caller: Caller, (): ()| async move {
            Ok(caller.id().to_owned())
        })
        .build();
    let handle = hub.handle();
    handle.clients().all().send("nobody", ()).await.unwrap();
    let served = serve(&[&hub]);
    let mut client = Client::open(&served, "/hub").await;
    client.call("1", "Id", json!([])).await;
    let answer = client.json().await;
    let id = answer["result"].as_str().unwrap();
    assert!(handle.groups().add(id, "group"));
    handle
        .clients()
        .group("group")
        .send("news", (1, "two"))
        .await
        .unwrap();
    assert_eq!(client.json().await["arguments"], json!([1, "two"]));

    let clients = handle.clients();
    let single = clients.client(id);
    let asked = single
        .invoke::<u32>("question", (), Duration::from_millis(1))
        .await;
    assert_eq!(
        asked.unwrap_err(),
        HubError::visible("Invocation canceled by the server.")
    );
    assert_eq!(client.json().await["target"], "question");

    assert!(handle.abort(id));
    assert_eq!(client.json().await, json!({"type": 7}));
    assert!(client.next().await.is_none());
    let gone = single
        .invoke::<u32>("question", (), PATIENCE)
        .await
        .unwrap_err();
    assert_eq!((gone.name(), gone.is_visible()), ("IOException", false));
}
