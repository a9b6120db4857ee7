//! A TCP relay whose links can be cut: all at once, after what they hold back, or one of them in the
//! middle of what the server says.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::http::WAIT;

/// A running relay to one address. It ends when dropped.
#[derive(Debug)]
pub(crate) struct Cuts {
    address: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    /// What links do, until the next change.
    order: watch::Sender<Order>,
    armed: Mutex<Option<Armed>>,
    longest_target: AtomicUsize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Pass,
    /// What the server says stays with the relay.
    Hold,
    /// Links that there are end; those that come pass.
    Cut,
}

/// A cut to come: in the answer to a request for one of these.
#[derive(Debug)]
struct Armed {
    actions: &'static [&'static str],
    /// How much of it may pass.
    bytes: usize,
    done: oneshot::Sender<()>,
}

impl Cuts {
    pub(crate) async fn start(target: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let shared = Arc::new(Shared {
            order: watch::Sender::new(Order::Pass),
            armed: Mutex::new(None),
            longest_target: AtomicUsize::new(0),
        });
        let (target, told) = (target.to_owned(), Arc::clone(&shared));
        let task = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(&target).await else {
                    continue;
                };
                _ = near.set_nodelay(true);
                _ = far.set_nodelay(true);
                tokio::spawn(pass(near, far, Arc::clone(&told)));
            }
        });
        Ok(Self {
            address,
            shared,
            task,
        })
    }

    /// `host:port` to connect to.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Ends all links. What they hold is lost.
    pub(crate) fn cut(&self) {
        self.shared.order.send_replace(Order::Cut);
    }

    /// What the server says from now on is not passed on until all is cut.
    pub(crate) fn hold(&self) {
        self.shared.order.send_replace(Order::Hold);
    }

    /// Cuts the next link whose request is for one of `actions`, after so many further bytes of what
    /// the server says, and waits for that.
    pub(crate) async fn cut_within(
        &self,
        actions: &'static [&'static str],
        bytes: usize,
    ) -> Result<()> {
        let (done, is_done) = oneshot::channel();
        *self.shared.armed.lock() = Some(Armed {
            actions,
            bytes,
            done,
        });
        let cut = timeout(WAIT, is_done).await;
        cut.context("there was nothing to cut in time")?
            .context("the cut was given up")
    }

    /// The length of the longest target of a request so far.
    pub(crate) fn longest_target(&self) -> usize {
        self.shared.longest_target.load(Ordering::Relaxed)
    }
}

impl Drop for Cuts {
    fn drop(&mut self) {
        self.task.abort();
        self.cut();
    }
}

impl Shared {
    /// How much of what a server says may pass, if its link is to be cut there.
    fn cut_at(&self, action: &str, length: usize) -> Option<usize> {
        let mut armed = self.armed.lock();
        let cut = armed.as_mut()?;
        if !cut.actions.contains(&action) {
            return None;
        }
        if cut.bytes >= length {
            cut.bytes -= length;
            return None;
        }
        let Armed { bytes, done, .. } = armed.take()?;
        _ = done.send(());
        Some(bytes)
    }

    /// What a request is for, if this begins one.
    fn action(&self, bytes: &[u8]) -> Option<String> {
        let text = String::from_utf8_lossy(bytes);
        let mut words = text.lines().next()?.split(' ');
        let (_, target, version) = (words.next()?, words.next()?, words.next()?);
        if !version.starts_with("HTTP/") {
            return None;
        }
        self.longest_target
            .fetch_max(target.len(), Ordering::Relaxed);
        let path = target.split('?').next()?;
        Some(path.rsplit('/').next()?.to_owned())
    }
}

/// One link. Its sockets are closed when this is done.
async fn pass(mut near: TcpStream, mut far: TcpStream, shared: Arc<Shared>) {
    let mut order = shared.order.subscribe();
    // A link that comes after a cut is not meant by it.
    order.mark_unchanged();
    let mut is_held = *order.borrow() == Order::Hold;
    let mut action = String::new();
    let (mut up, mut down) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
    loop {
        tokio::select! {
            read = near.read(&mut up) => {
                let Some(bytes) = read.ok().and_then(|count| up.get(..count)) else { return };
                if let Some(asked) = shared.action(bytes) {
                    action = asked;
                }
                if bytes.is_empty() || far.write_all(bytes).await.is_err() {
                    return;
                }
            }
            read = far.read(&mut down), if !is_held => {
                let Some(bytes) = read.ok().and_then(|count| down.get(..count)) else { return };
                let cut = shared.cut_at(&action, bytes.len());
                let part = bytes.get(..cut.unwrap_or(bytes.len())).unwrap_or_default();
                if near.write_all(part).await.is_err() || bytes.is_empty() || cut.is_some() {
                    return;
                }
            }
            changed = order.changed() => {
                let order = *order.borrow_and_update();
                if changed.is_err() || order == Order::Cut {
                    return;
                }
                is_held = order == Order::Hold;
            }
        }
    }
}
