//! A TCP relay that can stop forwarding without closing anything: a network that went away.

use std::sync::Arc;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A running relay. It ends when dropped.
#[derive(Debug)]
pub(crate) struct Relay {
    address: String,
    silent: Arc<watch::Sender<bool>>,
    task: JoinHandle<()>,
}

impl Relay {
    pub(crate) async fn start(target: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let silent = Arc::new(watch::Sender::new(false));
        let (target, told) = (target.to_owned(), Arc::clone(&silent));
        let task = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(&target).await else {
                    continue;
                };
                _ = near.set_nodelay(true);
                _ = far.set_nodelay(true);
                let (near_in, near_out) = near.into_split();
                let (far_in, far_out) = far.into_split();
                tokio::spawn(forward(near_in, far_out, told.subscribe()));
                tokio::spawn(forward(far_in, near_out, told.subscribe()));
            }
        });
        Ok(Self {
            address,
            silent,
            task,
        })
    }

    /// `host:port` to connect to.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// From now on nothing passes, and nothing ends.
    pub(crate) fn go_silent(&self) {
        self.silent.send_replace(true);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn forward(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut silent: watch::Receiver<bool>,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = tokio::select! {
            read = from.read(&mut buffer) => read,
            _ = silent.changed() => {
                // The sockets stay open for as long as the relay lives.
                while silent.changed().await.is_ok() {}
                return;
            }
        };
        let Ok(count @ 1..) = read else { return };
        let Some(bytes) = buffer.get(..count) else {
            return;
        };
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
}
