//! One round of the bare relay or of Heliograph.
//!
//! Every figure is process time or memory of the server alone, read from `/proc`; the machine may
//! be busy with something else.

use anyhow::Result;

use crate::conversation::Scripts;
use crate::drive;
use crate::figures::{count, micros_each};
use crate::servers::{Kind, Load, READY, Servers};

/// Connections that come and stay before anything is measured: what a first connection brings
/// into being belongs to no connection.
pub(crate) const EARLIER: usize = 50;
/// Clients that call at the same time, each with one call under way.
pub(crate) const CALLERS: usize = 32;
pub(crate) const CALLS: usize = 1500;
pub(crate) const BROADCASTS: usize = 200;
/// Broadcasts before the ones that are measured.
pub(crate) const EARLIER_BROADCASTS: usize = 20;

/// How many clients there are.
#[derive(Clone, Copy)]
pub(crate) struct Crowd {
    pub(crate) idle: usize,
    pub(crate) receivers: usize,
}

impl Crowd {
    /// The most connections at a time.
    pub(crate) fn connections(self) -> usize {
        self.receivers.max(self.idle + EARLIER)
    }
}

/// What one round gave.
#[derive(Clone, Copy)]
pub(crate) struct Round {
    pub(crate) idle_kib: f64,
    pub(crate) connects_per_s: f64,
    pub(crate) echo_us: f64,
    pub(crate) delivery_us: f64,
}

/// Runs one.
pub(crate) async fn measure(
    servers: &Servers,
    kind: Kind,
    scripts: &Scripts,
    crowd: Crowd,
) -> Result<Round> {
    let (idle_kib, connects_per_s, echo_us) = idle_and_echo(servers, kind, scripts, crowd).await?;
    Ok(Round {
        idle_kib,
        connects_per_s,
        echo_us,
        delivery_us: delivery(servers, kind, scripts, crowd).await?,
    })
}

async fn idle_and_echo(
    servers: &Servers,
    kind: Kind,
    scripts: &Scripts,
    crowd: Crowd,
) -> Result<(f64, f64, f64)> {
    let script = &scripts.echo;
    let subject = servers.start(kind, Load::Echo, scripts).await?;
    let earlier = drive::connect(subject.address(), script, EARLIER).await?;
    drive::settle(&subject).await?;
    let (memory, cpu) = (subject.resident_kib()?, subject.cpu()?);
    let idle = drive::connect(subject.address(), script, crowd.idle).await?;
    drive::settle(&subject).await?;
    let connections = count(crowd.idle);
    let idle_kib = (subject.resident_kib()? - memory) / connections;
    let connects_per_s = connections / subject.cpu_since(cpu)?.as_secs_f64();

    // The others stay, as they do in life.
    let callers: Vec<_> = earlier.into_iter().take(CALLERS).collect();
    let calls = count(CALLS * callers.len());
    let cpu = subject.cpu()?;
    let callers = drive::echo(callers, script, CALLS).await?;
    let echo_us = micros_each(subject.cpu_since(cpu)?, calls);
    drop((idle, callers));
    subject.stop(READY).await?;
    Ok((idle_kib, connects_per_s, echo_us))
}

async fn delivery(servers: &Servers, kind: Kind, scripts: &Scripts, crowd: Crowd) -> Result<f64> {
    let subject = servers.start(kind, Load::Broadcast, scripts).await?;
    let mut peers = drive::connect(subject.address(), &scripts.broadcast, crowd.receivers).await?;
    drive::settle(&subject).await?;
    drive::broadcast(&mut peers, scripts, EARLIER_BROADCASTS).await?;
    let cpu = subject.cpu()?;
    drive::broadcast(&mut peers, scripts, BROADCASTS).await?;
    let deliveries = count(BROADCASTS * crowd.receivers);
    let delivery_us = micros_each(subject.cpu_since(cpu)?, deliveries);
    drop(peers);
    subject.stop(READY).await?;
    Ok(delivery_us)
}
