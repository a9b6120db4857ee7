//! Aborts of clients below 1.4, which abort before each of their reconnects (4.1).
//!
//! The two requests go by connections of their own, so that the abort may come second. Its client
//! takes no notice of a channel that ends then, so the channel stays, for as long as the client
//! keeps it: one that has stopped lets it go.

use std::time::{Duration, Instant};

/// How long a connection waits for what tells a reconnect from a stop.
pub(super) const UNDECIDED: Duration = Duration::from_millis(500);
/// How much later than its reconnect an abort comes at most.
const LATE: Duration = Duration::from_secs(1);

/// What the aborts of a connection mean.
#[derive(Debug, Default)]
pub(super) struct Aborts {
    /// The number of the last one.
    number: u32,
    undecided: Option<Order>,
    /// When the client reconnected whose abort has not come.
    owing_since: Option<Instant>,
}

/// Whether an abort came before the reconnect that it may belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Before,
    Behind,
}

/// What an abort does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Effect {
    /// The channel that is there ends; else the abort is that of the reconnect that opened it.
    pub(super) ends_channel: bool,
    /// The number by which to ask [`Aborts::is_stop`] later. `None` while an earlier one is open.
    pub(super) to_settle: Option<u32>,
}

impl Aborts {
    /// The client asks to reconnect, at this time.
    pub(super) fn reconnects(&mut self, now: Instant) {
        let is_owing = self.undecided.take() != Some(Order::Before);
        self.owing_since = is_owing.then_some(now);
    }

    /// The client aborts, at this time.
    pub(super) fn abort(&mut self, now: Instant) -> Effect {
        let owing_since = self.owing_since.take();
        let order = match owing_since {
            Some(since) if now.duration_since(since) < LATE => Order::Behind,
            _ => Order::Before,
        };
        let is_new = self.undecided != Some(Order::Before);
        if is_new {
            self.number = self.number.wrapping_add(1);
            self.undecided = Some(order);
        }
        Effect {
            ends_channel: order == Order::Before,
            to_settle: is_new.then_some(self.number),
        }
    }

    /// The time is up for the abort of this number: whether it was a stop, which one behind a
    /// reconnect is if the channel is gone by now.
    pub(super) fn is_stop(&mut self, number: u32, is_attached: bool) -> bool {
        let Some(order) = self.undecided.filter(|_| self.number == number) else {
            return false;
        };
        let is_reconnect = order == Order::Behind && is_attached;
        if is_reconnect {
            self.undecided = None;
        }
        !is_reconnect
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDS: bool = true;
    const STAYS: bool = false;

    fn effect(ends_channel: bool, to_settle: Option<u32>) -> Effect {
        Effect {
            ends_channel,
            to_settle,
        }
    }

    #[test]
    fn an_abort_is_a_stop_unless_the_client_reconnects() {
        let (mut aborts, now) = (Aborts::default(), Instant::now());
        assert_eq!(aborts.abort(now), effect(ENDS, Some(1)));
        assert_eq!(aborts.abort(now), effect(ENDS, None));
        assert!(aborts.is_stop(1, true));
        aborts.reconnects(now);
        assert!(!aborts.is_stop(1, false));
        // The reconnect has had its abort.
        assert_eq!(aborts.abort(now), effect(ENDS, Some(2)));
        assert!(aborts.is_stop(2, false));
    }

    #[test]
    fn one_that_comes_behind_its_reconnect_is_a_stop_if_the_channel_goes() {
        let (mut aborts, now) = (Aborts::default(), Instant::now());
        aborts.reconnects(now);
        assert_eq!(aborts.abort(now), effect(STAYS, Some(1)));
        assert!(aborts.is_stop(1, false));
        assert!(!aborts.is_stop(1, true));
        // It is settled, and the next one is another's.
        assert!(!aborts.is_stop(1, false));
        assert_eq!(aborts.abort(now), effect(ENDS, Some(2)));
    }

    #[test]
    fn a_second_one_and_one_that_is_too_late_end_the_channel() {
        let (mut aborts, now) = (Aborts::default(), Instant::now());
        aborts.reconnects(now);
        assert_eq!(aborts.abort(now), effect(STAYS, Some(1)));
        assert_eq!(aborts.abort(now), effect(ENDS, Some(2)));
        assert!(aborts.is_stop(2, true) && !aborts.is_stop(1, true));
        let mut aborts = Aborts::default();
        aborts.reconnects(now);
        assert_eq!(aborts.abort(now + LATE), effect(ENDS, Some(1)));
    }
}
