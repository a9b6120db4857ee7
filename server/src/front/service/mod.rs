//! The app-server door: `/server/`, where ASP.NET Core apps connect with the Azure `SignalR` SDK, and
//! `/aspnetserver/`, where classic ASP.NET apps do.
//!
//! Each app server holds several WebSockets open per hub, called links here. One task per link
//! owns the socket: what it reads is a byte stream of service messages, executed on the relay at
//! once and in order; what it writes is what waits in the link's queue, all of it at a time. The
//! door does not know how clients connect; [`LinkBackend`] puts them on links.

mod accept;
mod driver;
mod end;
mod execute;
mod greeting;
mod options;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::routing::get;
use heliograph_relay::Relay;
use tokio::sync::watch;

pub use options::Options;

use crate::auth::Verifier;
use crate::backend::link::LinkBackend;
use crate::edge::dialects::Dialects;

/// What all links share.
#[derive(Debug)]
pub struct Door {
    options: Options,
    relay: Arc<Relay>,
    backend: Arc<LinkBackend>,
    dialects: Arc<Dialects>,
    verifier: Verifier,
    /// True once links are to end; each link's task holds a receiver.
    draining: watch::Sender<bool>,
    handshakes: AtomicUsize,
    stamp: AtomicI64,
}

impl Door {
    /// A door for app servers whose hubs `backend` runs.
    #[must_use]
    pub fn new(
        options: Options,
        relay: Arc<Relay>,
        backend: Arc<LinkBackend>,
        dialects: Arc<Dialects>,
        verifier: Verifier,
    ) -> Arc<Self> {
        Arc::new(Self {
            options,
            relay,
            backend,
            dialects,
            verifier,
            draining: watch::Sender::new(false),
            handshakes: AtomicUsize::new(0),
            stamp: AtomicI64::new(0),
        })
    }

    /// Refuses new links, writes what waits on the others, closes them with 1000 and waits until
    /// they are gone. Clients are best closed before: those still there are closed as lost.
    ///
    /// Takes no longer than [`Options::close_timeout`] and a moment. Dropping the future leaves
    /// the links ending.
    pub async fn drain(&self) {
        self.draining.send_replace(true);
        self.draining.closed().await;
    }

    fn is_draining(&self) -> bool {
        *self.draining.borrow()
    }

    /// A number for the answer to `servers`, which must grow from one to the next, also over a
    /// restart.
    fn next_stamp(&self) -> i64 {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let now = i64::try_from(now.as_millis()).unwrap_or(i64::MAX - 1);
        let next = |last: i64| now.max(last.saturating_add(1));
        match self
            .stamp
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
                Some(next(last))
            }) {
            Ok(last) | Err(last) => next(last),
        }
    }
}

/// The routes of the door.
pub fn router(door: Arc<Door>) -> Router {
    Router::new()
        .route("/server", get(accept::accept))
        .route("/server/", get(accept::accept))
        .route("/aspnetserver", get(accept::accept_classic))
        .route("/aspnetserver/", get(accept::accept_classic))
        .with_state(door)
}
