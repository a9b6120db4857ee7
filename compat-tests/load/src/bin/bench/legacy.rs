//! One round of Heliograph with legacy clients: what Core clients do, done by them.

use anyhow::Result;
use load::{Peer, Subject, frame};

use crate::conversation::{Scripts, TEXT};
use crate::drive;
use crate::figures::{count, micros_each};
use crate::rounds::{BROADCASTS, CALLERS, CALLS, Crowd, EARLIER, EARLIER_BROADCASTS};
use crate::servers::{READY, Servers};

/// What one round gave.
#[derive(Clone, Copy)]
pub(crate) struct Round {
    pub(crate) idle_kib: f64,
    pub(crate) echo_us: f64,
    /// To legacy clients alone.
    pub(crate) delivery_us: f64,
    /// To as many in all, half of them Core clients.
    pub(crate) mixed_us: f64,
}

/// Runs one.
pub(crate) async fn measure(servers: &Servers, scripts: &Scripts, crowd: Crowd) -> Result<Round> {
    let (idle_kib, echo_us) = idle_and_echo(servers, crowd).await?;
    let half = crowd.receivers / 2;
    Ok(Round {
        idle_kib,
        echo_us,
        delivery_us: delivery(servers, scripts, 0, crowd.receivers).await?,
        mixed_us: delivery(servers, scripts, crowd.receivers - half, half).await?,
    })
}

async fn idle_and_echo(servers: &Servers, crowd: Crowd) -> Result<(f64, f64)> {
    let subject = servers.hub().await?;
    let earlier = drive::connect_legacy(subject.address(), EARLIER).await?;
    drive::settle(&subject).await?;
    let memory = subject.resident_kib()?;
    let idle = drive::connect_legacy(subject.address(), crowd.idle).await?;
    drive::settle(&subject).await?;
    let idle_kib = (subject.resident_kib()? - memory) / count(crowd.idle);

    let callers: Vec<_> = earlier.into_iter().take(CALLERS).collect();
    let calls = count(CALLS * callers.len());
    let cpu = subject.cpu()?;
    let callers = drive::echo_frames(callers, &call("Echo"), CALLS).await?;
    let echo_us = micros_each(subject.cpu_since(cpu)?, calls);
    drop((idle, callers));
    subject.stop(READY).await?;
    Ok((idle_kib, echo_us))
}

async fn delivery(servers: &Servers, scripts: &Scripts, core: usize, legacy: usize) -> Result<f64> {
    let subject = servers.hub().await?;
    let mut all = drive::connect_legacy(subject.address(), legacy).await?;
    all.extend(drive::connect(subject.address(), &scripts.broadcast, core).await?);
    drive::settle(&subject).await?;
    let call = call("Broadcast");
    drive::broadcast_frames(&mut all, &call, EARLIER_BROADCASTS).await?;
    let delivery_us = timed(&subject, &mut all, &call).await?;
    drop(all);
    subject.stop(READY).await?;
    Ok(delivery_us)
}

async fn timed(subject: &Subject, all: &mut [Peer], call: &[u8]) -> Result<f64> {
    let cpu = subject.cpu()?;
    drive::broadcast_frames(all, call, BROADCASTS).await?;
    let deliveries = count(BROADCASTS * all.len());
    Ok(micros_each(subject.cpu_since(cpu)?, deliveries))
}

fn call(method: &str) -> Vec<u8> {
    let text = format!("{{\"H\":\"bench\",\"M\":\"{method}\",\"A\":[\"{TEXT}\"],\"I\":1}}");
    frame(text.as_bytes())
}
