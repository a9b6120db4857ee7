//! Streams down, up and both ways.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, stream};
use heliograph::backend::embedded::{Caller, HubBuilder, HubError, Upload};

use crate::journal::Journal;

/// What `StreamThrowException` fails with.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Exception(String);

pub(super) fn add(hub: HubBuilder, journal: &Arc<Journal>) -> HubBuilder {
    up(down(hub, journal), journal)
}

fn down(hub: HubBuilder, journal: &Arc<Journal>) -> HubBuilder {
    let journal = Arc::clone(journal);
    hub.stream("Stream", |_: Caller, (): ()| async {
        Ok(stream::iter(["a", "b", "c"].map(Ok)))
    })
    .stream("EmptyStream", |_: Caller, (): ()| async {
        Ok(stream::empty::<Result<String, HubError>>())
    })
    .stream(
        "StreamThrowException",
        |_: Caller, (text,): (String,)| async move {
            Ok(stream::iter([Err::<String, HubError>(
                Exception(text).into(),
            )]))
        },
    )
    .stream("Counter", |_: Caller, (count, ms): (u32, u64)| async move {
        Ok(stream::unfold(0, move |i| async move {
            if i > 0 && ms > 0 {
                tokio::time::sleep(Duration::from_millis(ms)).await;
            }
            (i < count).then_some((Ok(i), i + 1))
        }))
    })
    .stream("InfiniteStream", move |caller: Caller, (): ()| {
        let journal = Arc::clone(&journal);
        async move { Ok(infinite(caller, journal)) }
    })
}

/// Calls `StreamCanceled` at all clients when it ends.
struct Ending {
    caller: Caller,
    journal: Arc<Journal>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.journal
            .add("TestHub", "stream-ended", &self.caller, None);
        let caller = self.caller.clone();
        tokio::spawn(async move { caller.clients().all().send("StreamCanceled", ()).await });
    }
}

fn infinite(
    caller: Caller,
    journal: Arc<Journal>,
) -> impl Stream<Item = Result<&'static str, HubError>> {
    stream::unfold(
        (Ending { caller, journal }, true),
        |(ending, first)| async move {
            if !first {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Some((Ok("x"), (ending, false)))
        },
    )
}

fn up(hub: HubBuilder, journal: &Arc<Journal>) -> HubBuilder {
    let journal = Arc::clone(journal);
    hub.method(
        "StreamingConcat",
        |_: Caller, (mut source,): (Upload<String>,)| async move {
            let mut all = String::new();
            while let Some(text) = source.next().await {
                all.push_str(&text?);
            }
            Ok(all)
        },
    )
    .method(
        "Sum",
        |_: Caller, (mut source,): (Upload<i32>,)| async move {
            let mut sum = 0_i32;
            while let Some(number) = source.next().await {
                sum = sum.wrapping_add(number?);
            }
            Ok(sum)
        },
    )
    .method(
        "UploadToNote",
        move |caller: Caller, (source,): (Upload<String>,)| {
            note(Arc::clone(&journal), caller, source)
        },
    )
    .stream(
        "EchoStream",
        |_: Caller, (source,): (Upload<String>,)| async move { Ok(source) },
    )
}

async fn note(
    journal: Arc<Journal>,
    caller: Caller,
    mut source: Upload<String>,
) -> Result<(), HubError> {
    let note = |event, detail| journal.add("TestHub", event, &caller, detail);
    while let Some(item) = source.next().await {
        match item {
            Ok(text) => note("upload", Some(text)),
            Err(error) => {
                note("upload-failed", Some(error.text().to_owned()));
                return Ok(());
            }
        }
    }
    note("upload-ended", None);
    Ok(())
}
