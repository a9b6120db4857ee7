//! What the clients do.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use load::{Peer, Script, Subject};
use tokio::time::timeout;

use crate::conversation::Scripts;

/// Connections that are under way at a time.
const WAVE: usize = 64;
/// For each of the things that clients do.
const STEP: Duration = Duration::from_secs(60);

/// Connects that many clients.
pub(crate) async fn connect(address: &str, script: &Script, count: usize) -> Result<Vec<Peer>> {
    let connect = || {
        let (address, script) = (address.to_owned(), script.clone());
        async move { Peer::connect(&address, &script).await }
    };
    in_waves(connect, count).await
}

/// Connects that many legacy clients.
pub(crate) async fn connect_legacy(address: &str, count: usize) -> Result<Vec<Peer>> {
    let connect = || {
        let address = address.to_owned();
        async move { load::legacy::connect(&address).await }
    };
    in_waves(connect, count).await
}

async fn in_waves<F>(connect: impl Fn() -> F, count: usize) -> Result<Vec<Peer>>
where
    F: Future<Output = Result<Peer>> + Send + 'static,
{
    let mut peers = Vec::with_capacity(count);
    while peers.len() < count {
        let connects: Vec<_> = (0..WAVE.min(count - peers.len()))
            .map(|_| tokio::spawn(connect()))
            .collect();
        for connect in connects {
            peers.push(in_time("connecting", connect).await???);
        }
    }
    Ok(peers)
}

/// Every client calls and waits for the answer, this many times.
pub(crate) async fn echo(peers: Vec<Peer>, script: &Script, times: usize) -> Result<Vec<Peer>> {
    let tasks: Vec<_> = peers
        .into_iter()
        .map(|mut peer| {
            let script = script.clone();
            tokio::spawn(async move {
                for _ in 0..times {
                    peer.send(&script.call).await?;
                    peer.take(script.answer).await?;
                }
                anyhow::Ok(peer)
            })
        })
        .collect();
    let mut peers = Vec::with_capacity(tasks.len());
    for task in tasks {
        peers.push(in_time("echoes", task).await???);
    }
    Ok(peers)
}

/// One client broadcasts, all read; the next broadcast begins when all have read. The server must
/// rest when the first one comes: one that answers a handshake first and adds the client to the
/// hub then is right to do so.
pub(crate) async fn broadcast(peers: &mut [Peer], scripts: &Scripts, times: usize) -> Result<()> {
    let broadcasts = async {
        for _ in 0..times {
            let Some((first, others)) = peers.split_first_mut() else {
                bail!("nobody is connected")
            };
            first.send(&scripts.broadcast.call).await?;
            let both = scripts.broadcast.answer + scripts.completion;
            first.take(both).await?;
            for peer in others {
                peer.take(scripts.broadcast.answer).await?;
            }
        }
        Ok(())
    };
    in_time("broadcasts", broadcasts).await?
}

/// As [`echo`], with answers of any length: one frame each.
pub(crate) async fn echo_frames(peers: Vec<Peer>, call: &[u8], times: usize) -> Result<Vec<Peer>> {
    let tasks: Vec<_> = peers
        .into_iter()
        .map(|mut peer| {
            let call = call.to_owned();
            tokio::spawn(async move {
                for _ in 0..times {
                    peer.send(&call).await?;
                    peer.frame_len().await?;
                }
                anyhow::Ok(peer)
            })
        })
        .collect();
    let mut peers = Vec::with_capacity(tasks.len());
    for task in tasks {
        peers.push(in_time("echoes", task).await???);
    }
    Ok(peers)
}

/// As [`broadcast`], with frames of any length: one for each, and the answer for the first.
pub(crate) async fn broadcast_frames(peers: &mut [Peer], call: &[u8], times: usize) -> Result<()> {
    let broadcasts = async {
        for _ in 0..times {
            let Some((first, others)) = peers.split_first_mut() else {
                bail!("nobody is connected")
            };
            first.send(call).await?;
            first.frame_len().await?;
            first.frame_len().await?;
            for peer in others {
                peer.frame_len().await?;
            }
        }
        Ok(())
    };
    in_time("broadcasts", broadcasts).await?
}

/// A server that forgets somebody is an error and not a wait without end.
async fn in_time<T>(what: &str, step: impl Future<Output = T>) -> Result<T> {
    let done = timeout(STEP, step).await;
    done.with_context(|| format!("{what} took more than {} s", STEP.as_secs()))
}

/// Waits until the process rests, or for five seconds.
pub(crate) async fn settle(subject: &Subject) -> Result<()> {
    for _ in 0..20 {
        let before = subject.cpu()?;
        tokio::time::sleep(Duration::from_millis(250)).await;
        if subject.cpu_since(before)? < Duration::from_millis(2) {
            break;
        }
    }
    Ok(())
}
