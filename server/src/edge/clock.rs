//! A clock of whole seconds, moved by the sweep.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// Seconds since the start, from 1 up: cheap to read from every connection, as exact as the sweep
/// that moves it. Like the genuine server's timers, ours fire on a tick of one second.
#[derive(Debug)]
pub struct Clock {
    start: Instant,
    now: AtomicU32,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            now: AtomicU32::new(1),
        }
    }
}

impl Clock {
    /// Moves the clock to where it should be by now.
    pub fn tick(&self) -> u32 {
        let seconds = self.start.elapsed().as_secs().saturating_add(1);
        let now = u32::try_from(seconds).unwrap_or(u32::MAX);
        self.now.store(now, Ordering::Relaxed);
        now
    }

    /// The tick that it shows.
    #[must_use]
    pub fn now(&self) -> u32 {
        self.now.load(Ordering::Relaxed)
    }

    /// The tick at which the calendar reads `unix` seconds.
    #[must_use]
    pub fn at_unix(&self, unix: u64) -> u32 {
        let at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(unix));
        let left = at.and_then(|at| at.duration_since(SystemTime::now()).ok());
        self.after(left.unwrap_or_default())
    }

    /// The tick at which `after` from now is over.
    #[must_use]
    pub fn after(&self, after: Duration) -> u32 {
        let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
        let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
        self.now().saturating_add(seconds).saturating_add(1)
    }
}

/// A point in time that may be unset.
#[derive(Debug, Default)]
pub struct Deadline(AtomicU32);

impl Deadline {
    /// Sets it to a tick; 0 unsets it.
    pub fn set(&self, at: u32) {
        self.0.store(at, Ordering::Relaxed);
    }

    /// Sets it unless it is set.
    pub fn set_once(&self, at: u32) {
        _ = self
            .0
            .compare_exchange(0, at, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Unsets it.
    pub fn clear(&self) {
        self.set(0);
    }

    /// Whether it is set and has come.
    pub fn is_over(&self, now: u32) -> bool {
        let at = self.0.load(Ordering::Relaxed);
        at != 0 && at <= now
    }
}
