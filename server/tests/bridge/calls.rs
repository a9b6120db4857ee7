//! Calls of legacy clients and what they are answered.

use std::sync::Arc;
use std::time::Duration;

use heliograph::backend::embedded::{Caller, HubError, Options, Policy, Progress};
use heliograph::backend::legacy::Reply;
use heliograph::bridge::{BridgedHub, Names};
use heliograph_relay::CloseReason;
use serde_json::json;
use tokio::sync::Notify;

use crate::stage::{Core, Stage, builder};
use crate::support::soon;

fn failing(detailed_errors: bool) -> heliograph::backend::embedded::EmbeddedHub {
    builder("Chat")
        .options(Options {
            detailed_errors,
            ..Options::default()
        })
        .method("Throw", |_: Caller, (text,): (String,)| async move {
            Err::<(), _>(HubError::hidden("FormatException", text))
        })
        .method("ThrowHub", |_: Caller, (text,): (String,)| async move {
            Err::<(), _>(HubError::visible(text))
        })
        .method("ThrowData", |_: Caller, (text,): (String,)| async move {
            let error = HubError::visible(text);
            Err::<(), _>(error.with_data(json!({"key": "a\u{2028}b"})))
        })
        .method("Secret", |_: Caller, (): ()| async { Ok(1) })
        .require_for("Secret", Policy::user())
        .method("Panic", |_: Caller, (): ()| async {
            if true {
                panic!("at once");
            }
            Ok(())
        })
        .build()
}

#[tokio::test]
async fn results_come_back_with_the_clients_own_id() {
    let hub = builder("Chat")
        .method("Null", |_: Caller, (): ()| async { Ok(None::<i32>) })
        .method("Nothing", |_: Caller, (): ()| async { Ok(()) })
        .method("Object", |_: Caller, (): ()| async {
            Ok(json!({"A": [1, "\u{85}é"]}))
        })
        .build();
    let stage = Stage::new(&[&hub]);
    let mut client = stage.open("a", &["chat"]).await;
    for (call, answer) in [
        (
            r#"{"H":"chat","M":"echo","A":["x"],"I":0}"#,
            r#"{"R":"x","I":"0"}"#,
        ),
        (
            r#"{"i":"7","h":"CHAT","m":"ECHO","a":["\"\u2028"]}"#,
            r#"{"R":"\"\u2028","I":"7"}"#,
        ),
        (r#"{"H":"chat","M":"Null","I":1}"#, r#"{"I":"1"}"#),
        (r#"{"H":"chat","M":"Nothing","A":[],"I":1}"#, r#"{"I":"1"}"#),
        (
            r#"{"H":"chat","M":"Object","I":2}"#,
            r#"{"R":{"A":[1,"\u0085é"]},"I":"2"}"#,
        ),
        (
            r#"{"H":"chat","M":"Echo","A":["x"]}"#,
            r#"{"R":"x","I":null}"#,
        ),
    ] {
        assert_eq!(client.call(call).await, answer);
    }
    assert!(client.has_nothing());
}

#[tokio::test]
async fn answers_go_to_the_request_that_waits_for_them() {
    let hub = builder("Chat").build();
    let stage = Stage::new(&[&hub]);
    let mut client = stage.open("a", &["chat"]).await;
    let one = client.post(r#"{"H":"chat","M":"Echo","A":["one"],"I":0}"#);
    let one = one.await;
    let two = client.post(r#"{"H":"chat","M":"Echo","A":["two"],"I":0}"#);
    let two = two.await;
    assert_eq!(soon("two", two).await.unwrap(), br#"{"R":"two","I":"0"}"#);
    assert_eq!(soon("one", one).await.unwrap(), br#"{"R":"one","I":"0"}"#);
    assert!(client.has_nothing());
}

#[tokio::test]
async fn errors_are_worded_as_the_original_does() {
    let hub = failing(false);
    let stage = Stage::new(&[&hub]);
    let mut client = stage.open("a", &["chat"]).await;
    let general = |method: &str| {
        format!(r#"{{"I":"0","E":"There was an error invoking Hub method '{method}'."}}"#)
    };
    for (method, arguments, answer) in [
        ("Throw", r#"["x"]"#, general("cHat.Throw")),
        ("panic", "[]", general("cHat.panic")),
        ("secret", "[]", general("cHat.secret")),
        ("Nope", "[]", general("cHat.Nope")),
        ("Echo", "[]", general("cHat.Echo")),
        ("Echo", "[1]", general("cHat.Echo")),
        (
            "ThrowHub",
            r#"["HubException: no"]"#,
            r#"{"I":"0","H":true,"E":"HubException: no"}"#.to_owned(),
        ),
        (
            "ThrowData",
            r#"["no"]"#,
            r#"{"I":"0","H":true,"E":"no","D":{"key":"a\u2028b"}}"#.to_owned(),
        ),
    ] {
        let call = format!(r#"{{"H":"cHat","M":"{method}","A":{arguments},"I":0}}"#);
        assert_eq!(client.call(&call).await, answer);
    }
}

#[tokio::test]
async fn detailed_errors_say_what_the_original_says() {
    let hub = failing(true);
    let stage = Stage::new(&[&hub]);
    let mut client = stage.open("a", &["chat"]).await;
    for (method, arguments, text) in [
        ("Throw", r#"["bad: x"]"#, "bad: x"),
        ("panic", "[]", "at once"),
        (
            "secret",
            "[]",
            "Caller is not authorized to invoke the Secret method on Chat.",
        ),
        (
            "nOpe",
            "[]",
            "'nOpe' method could not be resolved. No method found with that name.",
        ),
    ] {
        let call = format!(r#"{{"H":"chat","M":"{method}","A":{arguments},"I":0}}"#);
        let answer = format!(r#"{{"I":"0","E":"{text}"}}"#);
        assert_eq!(client.call(&call).await, answer);
    }
}

#[tokio::test]
async fn core_clients_do_not_see_the_data_of_an_error() {
    let hub = failing(false);
    let stage = Stage::new(&[&hub]);
    let mut core = Core::open(&stage, &hub, "core").await;
    core.send(r#"{"type":1,"invocationId":"1","target":"ThrowData","arguments":["no"]}"#)
        .await;
    assert_eq!(
        core.text().await,
        "{\"type\":3,\"invocationId\":\"1\",\"error\":\"An unexpected error occurred invoking \
         'ThrowData' on the server. HubException: no\"}\u{1e}"
    );
}

#[tokio::test]
async fn progress_comes_before_the_result_and_core_clients_hear_of_none() {
    let hub = builder("Chat")
        .method(
            "Count",
            |_: Caller, (to, progress): (u32, Progress<u32>)| async move {
                for number in 1..=to {
                    progress.report(&number)?;
                    tokio::task::yield_now().await;
                }
                tokio::spawn(async move { progress.report(&99) });
                tokio::task::yield_now().await;
                Ok("done")
            },
        )
        .build();
    let stage = Stage::new(&[&hub]);
    let mut client = stage.open("a", &["chat"]).await;
    let mut core = Core::open(&stage, &hub, "core").await;
    for _ in 0..2 {
        client
            .send(r#"{"H":"chat","M":"Count","A":[3],"I":5}"#)
            .await
            .unwrap();
        for number in [1, 2, 3, 99] {
            let element = format!(r#"{{"I":"P|5","P":{{"I":"5","D":{number}}}}}"#);
            assert_eq!(client.message().await, element);
        }
        assert_eq!(client.answer().await, r#"{"R":"done","I":"5"}"#);
    }
    core.send(r#"{"type":1,"invocationId":"1","target":"Count","arguments":[2]}"#)
        .await;
    let answer = "{\"type\":3,\"invocationId\":\"1\",\"result\":\"done\"}\u{1e}";
    assert_eq!(core.text().await, answer);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn progress_comes_before_the_result_whoever_reports_it() {
    let hub = builder("Chat")
        .options(Options {
            parallel_calls: 16,
            ..Options::default()
        })
        .method(
            "Race",
            |_: Caller, (progress,): (Progress<u32>,)| async move {
                tokio::spawn(async move {
                    for number in 0..20 {
                        progress.report(&number).unwrap();
                    }
                });
                tokio::task::yield_now().await;
                Ok(())
            },
        )
        .build();
    let stage = Stage::new(&[&hub]);
    let mut client = stage.open("a", &["chat"]).await;
    for id in 0..150 {
        let call = format!(r#"{{"H":"chat","M":"Race","I":{id}}}"#);
        client.send(&call).await.unwrap();
    }
    let mut answered = std::collections::HashSet::new();
    while answered.len() < 150 {
        let frame = client.frame().await;
        let text = String::from_utf8_lossy(frame.payload()).into_owned();
        let id = text.split("\"I\":\"").last().unwrap();
        let id = id.split('"').next().unwrap().to_owned();
        match text.contains("P|") {
            true => assert!(!answered.contains(&id), "{text}"),
            false => assert!(answered.insert(id), "{text}"),
        }
    }
    assert!(client.has_nothing());
}

#[tokio::test]
async fn progress_after_the_answer_is_nobodys() {
    let gate = Arc::new(Notify::new());
    let opened = Arc::clone(&gate);
    let reported = Arc::new(Notify::new());
    let told = Arc::clone(&reported);
    let hub = builder("Chat")
        .method("Late", move |_: Caller, (progress,): (Progress<u32>,)| {
            let (gate, told) = (Arc::clone(&opened), Arc::clone(&told));
            async move {
                tokio::spawn(async move {
                    gate.notified().await;
                    progress.report(&1).unwrap();
                    told.notify_one();
                });
                Ok(())
            }
        })
        .build();
    let stage = Stage::new(&[&hub]);
    let mut client = stage.open("a", &["chat"]).await;
    let answer = client.call(r#"{"H":"chat","M":"Late","I":5}"#).await;
    assert_eq!(answer, r#"{"I":"5"}"#);
    gate.notify_one();
    soon("a report", reported.notified()).await;
    assert!(client.has_nothing());
}

#[tokio::test]
async fn items_of_a_stream_are_progress() {
    let hub = builder("Chat")
        .stream("Items", |_: Caller, (fails,): (bool,)| async move {
            let end = fails.then(|| Err(HubError::visible("broken")));
            let items = [Ok(json!({"Name": 1})), Ok(json!(2))];
            Ok(futures_util::stream::iter(items.into_iter().chain(end)))
        })
        .build();
    let stage = Stage::new(&[&hub]);
    let mut client = stage.open("a", &["chat"]).await;
    for (fails, answer) in [
        (false, r#"{"I":"0"}"#),
        (true, r#"{"I":"0","H":true,"E":"broken"}"#),
    ] {
        let call = format!(r#"{{"H":"chat","M":"items","A":[{fails}],"I":0}}"#);
        client.send(&call).await.unwrap();
        for item in [r#"{"Name":1}"#, "2"] {
            let element = format!(r#"{{"I":"P|0","P":{{"I":"0","D":{item}}}}}"#);
            assert_eq!(client.message().await, element);
        }
        assert_eq!(client.answer().await, answer);
    }
    // A stream that nobody calls one is an error as any other.
    let stage = Stage::with(&[&hub], |hub| BridgedHub {
        names: Names::default(),
        ..hub
    });
    let mut client = stage.open("a", &["chat"]).await;
    let answer = client
        .call(r#"{"H":"chat","M":"items","A":[false],"I":0}"#)
        .await;
    let text = "There was an error invoking Hub method 'chat.items'.";
    assert_eq!(answer, format!(r#"{{"I":"0","E":"{text}"}}"#));
}

#[tokio::test]
async fn what_is_no_call_is_answered_if_it_has_an_id_and_the_connection_goes_on() {
    let hub = builder("Chat").build();
    let stage = Stage::new(&[&hub]);
    let mut client = stage.open("a", &["chat"]).await;
    for text in ["", "{}", "[]", "x", r#"{"H":"chat","A":[]}"#] {
        client.send(text).await.unwrap_err();
        assert!(client.has_nothing(), "{text}");
    }
    for (text, why) in [
        (r#"{"H":"chat","I":3}"#, "the call has no M"),
        (r#"{"H":"nope","M":"Echo","I":3}"#, "there is no hub 'nope'"),
    ] {
        assert_eq!(&*client.send(text).await.unwrap_err().0, why);
        let answer = format!(r#"{{"I":"3","E":"{why}"}}"#);
        assert_eq!(client.answer().await, answer);
        // A request is answered by the door.
        let (reply, mut answer) = tokio::sync::oneshot::channel();
        let fed = client
            .conversation
            .feed(text.as_bytes(), Reply::Request(reply));
        assert_eq!(&*fed.unwrap_err().0, why);
        assert!(answer.try_recv().is_err());
        assert!(client.has_nothing());
    }
    let answer = client.call(r#"{"H":"chat","M":"Echo","A":["x"],"I":0}"#);
    assert_eq!(answer.await, r#"{"R":"x","I":"0"}"#);
}

#[tokio::test]
async fn a_message_beyond_the_hubs_limit_is_not_carried_out() {
    let hub = builder("Chat")
        .options(Options {
            max_message_bytes: 100,
            ..Options::default()
        })
        .build();
    let stage = Stage::new(&[&hub]);
    let mut client = stage.open("a", &["chat"]).await;
    let call = |length: usize| {
        let text = "x".repeat(length);
        format!(r#"{{"H":"chat","M":"Echo","A":["{text}"],"I":0}}"#)
    };
    let frame = call(0).len();
    assert!(
        client
            .call(&call(100 - frame))
            .await
            .starts_with(r#"{"R":"xxx"#)
    );
    client.send(&call(101 - frame)).await.unwrap_err();
    assert!(
        client
            .answer()
            .await
            .contains("no message of more than 100 bytes")
    );
}

#[tokio::test]
async fn a_thousand_calls_may_be_open_and_no_more() {
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let opened = Arc::clone(&gate);
    let hub = builder("Chat")
        .options(Options {
            queued_calls: 2000,
            ..Options::default()
        })
        .method("Hold", move |_: Caller, (): ()| {
            let gate = Arc::clone(&opened);
            async move {
                gate.acquire().await.unwrap().forget();
                Ok(())
            }
        })
        .build();
    let stage = Stage::new(&[&hub]);
    let mut client = stage.open("a", &["chat"]).await;
    let call = |id: usize| format!(r#"{{"H":"chat","M":"Hold","I":{id}}}"#);
    for id in 0..1000 {
        client.send(&call(id)).await.unwrap();
    }
    assert!(client.has_nothing());
    for id in 1000..1003 {
        let text = "Too many calls wait for their answers.";
        let answer = format!(r#"{{"I":"{id}","E":"{text}"}}"#);
        assert_eq!(client.call(&call(id)).await, answer);
    }
    gate.add_permits(1000);
    for id in 0..1000 {
        assert_eq!(client.answer().await, format!(r#"{{"I":"{id}"}}"#));
    }
    gate.add_permits(1);
    assert_eq!(client.call(&call(7)).await, r#"{"I":"7"}"#);
}

#[tokio::test]
async fn calls_that_are_open_at_the_end_get_no_answer_and_nobody_waits_for_one() {
    let hub = builder("Chat")
        .method("Hold", |caller: Caller, (): ()| async move {
            caller.aborted().await;
            std::future::pending::<()>().await;
            Ok(())
        })
        .build();
    let stage = Stage::new(&[&hub]);
    let mut client = stage.open("a", &["chat"]).await;
    let answer = client.post(r#"{"H":"chat","M":"Hold","I":0}"#).await;
    client.close(&CloseReason::ClientClosed(None));
    assert!(soon("the end of a call", answer).await.is_err());
}

#[tokio::test]
async fn a_result_is_not_to_be_had_from_a_legacy_client() {
    let hub = builder("Chat")
        .method("Ask", |caller: Caller, (): ()| async move {
            let me = caller.clients().caller();
            me.invoke::<String>("question", (), Duration::from_secs(60))
                .await
        })
        .options(Options {
            detailed_errors: true,
            ..Options::default()
        })
        .build();
    let stage = Stage::new(&[&hub]);
    let mut client = stage.open("a", &["chat"]).await;
    let answer = client.call(r#"{"H":"chat","M":"Ask","I":0}"#).await;
    let text = "Connection 'a' is one of a client that returns no results.";
    assert_eq!(answer, format!(r#"{{"I":"0","E":"{text}"}}"#));
}
