//! How the service ends: first clients, told to come back elsewhere, then links to app servers.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::backend::BoxFuture;

/// Order of ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Clients' connections.
    Clients,
    /// App servers' connections, which carry what their clients' ends cause.
    Links,
}

type Hook = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

/// Shared handle to the end of the service.
#[derive(Clone, Default)]
pub struct Drain(Arc<State>);

#[derive(Default)]
struct State {
    draining: AtomicBool,
    hooks: Mutex<Vec<(Stage, Hook)>>,
}

impl Drain {
    /// Whether the end has begun: nothing new is taken.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Acquire)
    }

    /// What to do at a stage; the stage lasts until all its hooks are done or time is up.
    pub fn on(
        &self,
        stage: Stage,
        hook: impl Fn() -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) {
        self.0.hooks.lock().push((stage, Arc::new(hook)));
    }

    /// Runs the stages in order. Gives false when `deadline` came first; hooks that were not done
    /// then are dropped, and the hooks of later stages are still begun.
    pub async fn run(&self, deadline: Instant) -> bool {
        self.0.draining.store(true, Ordering::Release);
        let mut in_time = true;
        for stage in [Stage::Clients, Stage::Links] {
            let hooks: Vec<Hook> = {
                let hooks = self.0.hooks.lock();
                hooks
                    .iter()
                    .filter(|(at, _)| *at == stage)
                    .map(|(_, h)| Arc::clone(h))
                    .collect()
            };
            let all = join_all(hooks.iter().map(|hook| hook()));
            in_time &= timeout_at(deadline, all).await.is_ok();
        }
        in_time
    }
}

impl fmt::Debug for Drain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain")
            .field("is_draining", &self.is_draining())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn clients_end_before_links() {
        let drain = Drain::default();
        let order = Arc::new(Mutex::new(Vec::new()));
        for stage in [Stage::Links, Stage::Clients] {
            let order = Arc::clone(&order);
            drain.on(stage, move || {
                let order = Arc::clone(&order);
                Box::pin(async move {
                    tokio::task::yield_now().await;
                    order.lock().push(stage);
                })
            });
        }
        assert!(!drain.is_draining());
        assert!(drain.run(Instant::now() + Duration::from_secs(10)).await);
        assert!(drain.is_draining());
        assert_eq!(*order.lock(), [Stage::Clients, Stage::Links]);
    }

    #[tokio::test(start_paused = true)]
    async fn stuck_hook_holds_nobody_beyond_the_deadline() {
        let drain = Drain::default();
        let told = Arc::new(AtomicBool::new(false));
        drain.on(Stage::Clients, || Box::pin(std::future::pending()));
        let seen = Arc::clone(&told);
        drain.on(Stage::Links, move || {
            seen.store(true, Ordering::Release);
            Box::pin(std::future::ready(()))
        });
        assert!(!drain.run(Instant::now() + Duration::from_secs(1)).await);
        assert!(told.load(Ordering::Acquire));
    }
}
