//! A legacy client that comes back by itself whenever its channel is lost, as libraries do, only
//! sooner.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::http::WAIT;
use super::legacy::{Legacy, Way, result};
use super::legacy_channel::{Channel, text};

/// Between two tries to come back.
const PAUSE: Duration = Duration::from_millis(50);

/// A client with a task of its own, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Returning {
    pub(crate) client: Legacy,
    shared: Arc<Shared>,
    calls: AtomicU64,
    on_socket: mpsc::Sender<Call>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    /// The texts of all `received`.
    heard: Mutex<Vec<String>>,
    returns: AtomicUsize,
}

/// A call that goes by the WebSocket.
#[derive(Debug)]
struct Call {
    message: Value,
    answer: oneshot::Sender<Value>,
}

impl Returning {
    pub(crate) async fn start(url: &str, way: Way, pairs: &str) -> Result<Self> {
        let (client, channel) = Legacy::start(url, way, pairs).await?;
        let shared = Arc::new(Shared::default());
        let (on_socket, calls) = mpsc::channel(16);
        let task = tokio::spawn(run(client.clone(), channel, Arc::clone(&shared), calls));
        Ok(Self {
            client,
            shared,
            calls: AtomicU64::new(0),
            on_socket,
            task,
        })
    }

    /// Calls a method of the hub `conformance`, by the WebSocket if there is one. It fails when the
    /// channel is lost before the result has come; the method may have run all the same.
    pub(crate) async fn invoke(&self, method: &str, arguments: Value) -> Result<Value> {
        if self.client.way != Way::WebSockets {
            return self.client.call(method, arguments).await;
        }
        let id = self.calls.fetch_add(1, Ordering::Relaxed);
        let message = json!({"H": "conformance", "M": method, "A": arguments, "I": id});
        let (answer, answered) = oneshot::channel();
        self.on_socket.send(Call { message, answer }).await?;
        let answered = timeout(WAIT, answered).await.context("no result in time")?;
        result(&answered.context("the channel was lost before the result")?)
    }

    /// The texts that came so far.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.shared.heard.lock().clone()
    }

    /// How often it has come back.
    pub(crate) fn returns(&self) -> usize {
        self.shared.returns.load(Ordering::Relaxed)
    }
}

impl Drop for Returning {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(
    client: Legacy,
    mut channel: Channel,
    shared: Arc<Shared>,
    mut calls: mpsc::Receiver<Call>,
) {
    loop {
        // Its calls end with the channel.
        _ = carry(&mut channel, &shared, &mut calls).await;
        channel = loop {
            sleep(PAUSE).await;
            if let Ok(channel) = client.reconnect(&channel.seen).await {
                break channel;
            }
        };
        shared.returns.fetch_add(1, Ordering::Relaxed);
    }
}

/// Takes what comes by one channel until it is lost.
async fn carry(
    channel: &mut Channel,
    shared: &Shared,
    calls: &mut mpsc::Receiver<Call>,
) -> Result<()> {
    let mut waiting: HashMap<String, oneshot::Sender<Value>> = HashMap::new();
    loop {
        tokio::select! {
            call = calls.recv() => {
                let Some(Call { message, answer }) = call else { bail!("nobody is left") };
                waiting.insert(message["I"].to_string(), answer);
                channel.send(&message).await?;
            }
            document = channel.receive() => {
                let document = document?;
                if let Some(answer) = document["I"].as_str().and_then(|id| waiting.remove(id)) {
                    // Nobody waits any more for one that is too late.
                    _ = answer.send(document);
                }
                let texts = channel.take_messages().filter_map(|message| text(&message));
                shared.heard.lock().extend(texts);
            }
        }
    }
}
