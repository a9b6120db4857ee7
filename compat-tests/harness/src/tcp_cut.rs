//! A TCP relay whose links can be cut.

use std::io;
use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What links do at the moment. A change of `cuts` ends those that stand.
#[derive(Clone, Copy, Debug)]
struct State {
    cuts: u64,
    is_open: bool,
}

/// Stands before a server, carries bytes both ways, and breaks links on request. It ends, and with
/// it every link, when dropped.
#[derive(Debug)]
pub struct TcpCut {
    address: SocketAddr,
    state: watch::Sender<State>,
    task: JoinHandle<()>,
}

impl TcpCut {
    /// Starts a relay to `target`, given as `host:port`.
    ///
    /// # Errors
    ///
    /// When no port can be had.
    pub async fn start(target: &str) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (state, seen) = watch::channel(State {
            cuts: 0,
            is_open: true,
        });
        let target = target.to_owned();
        let task = tokio::spawn(accept(listener, target, seen));
        Ok(Self {
            address,
            state,
            task,
        })
    }

    /// The relay's address.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The relay's address as `http://host:port`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Cuts all links that stand; new ones are let in.
    pub fn cut(&self) {
        self.state.send_modify(|state| state.cuts += 1);
    }

    /// Cuts all links and turns new ones away, until [`open`](Self::open).
    pub fn close(&self) {
        self.state.send_modify(|state| {
            state.cuts += 1;
            state.is_open = false;
        });
    }

    /// Lets links in again.
    pub fn open(&self) {
        self.state.send_modify(|state| state.is_open = true);
    }
}

impl Drop for TcpCut {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, target: String, state: watch::Receiver<State>) {
    while let Ok((near, _)) = listener.accept().await {
        let now = *state.borrow();
        if now.is_open {
            tokio::spawn(carry(near, target.clone(), state.clone(), now.cuts));
        }
    }
}

/// One link, until it ends, is cut, or the relay is gone.
async fn carry(
    mut near: TcpStream,
    target: String,
    mut state: watch::Receiver<State>,
    cuts: u64,
) -> io::Result<()> {
    let carried = async {
        let mut far = TcpStream::connect(&target).await?;
        near.set_nodelay(true)?;
        far.set_nodelay(true)?;
        copy_bidirectional(&mut near, &mut far).await
    };
    tokio::select! {
        done = carried => done.map(|_| ()),
        _ = state.wait_for(|state| state.cuts != cuts) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = socket.split();
                    _ = tokio::io::copy(&mut read, &mut write).await;
                });
            }
        });
        address
    }

    async fn link(relay: &TcpCut) -> TcpStream {
        let mut link = TcpStream::connect(relay.address()).await.unwrap();
        link.write_all(b"x").await.unwrap();
        link
    }

    #[tokio::test]
    async fn a_cut_ends_links_and_lets_new_ones_in() {
        let relay = TcpCut::start(&echo().await.to_string()).await.unwrap();
        let mut first = link(&relay).await;
        assert_eq!(first.read_u8().await.unwrap(), b'x');
        relay.cut();
        assert!(first.read_u8().await.is_err());
        assert_eq!(link(&relay).await.read_u8().await.unwrap(), b'x');
    }

    #[tokio::test]
    async fn a_closed_relay_turns_links_away_until_it_opens() {
        let relay = TcpCut::start(&echo().await.to_string()).await.unwrap();
        relay.close();
        let mut turned_away = TcpStream::connect(relay.address()).await.unwrap();
        assert!(!matches!(turned_away.read(&mut [0]).await, Ok(1..)));
        relay.open();
        assert_eq!(link(&relay).await.read_u8().await.unwrap(), b'x');
    }
}
