//! What happened in the hubs, for `GET /events`, and who is connected.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, SystemTime};

use heliograph::backend::embedded::Caller;
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::watch;

const KEPT: usize = 10_000;

/// Something that happened in a hub.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Event {
    seq: u64,
    at: String,
    hub: &'static str,
    event: &'static str,
    connection_id: String,
    user: Option<String>,
    detail: Option<String>,
}

/// The last ten thousand events, numbered from 1, and the live connections.
#[derive(Debug)]
pub(crate) struct Journal {
    events: Mutex<VecDeque<Event>>,
    last: watch::Sender<u64>,
    live: Mutex<HashMap<String, Caller>>,
}

impl Journal {
    pub(crate) fn new() -> Self {
        Self {
            events: Mutex::default(),
            last: watch::Sender::new(0),
            live: Mutex::default(),
        }
    }

    pub(crate) fn add(
        &self,
        hub: &'static str,
        event: &'static str,
        caller: &Caller,
        detail: Option<String>,
    ) {
        let mut events = self.events.lock();
        let seq = *self.last.borrow() + 1;
        events.push_back(Event {
            seq,
            at: timestamp(SystemTime::now()),
            hub,
            event,
            connection_id: caller.id().to_owned(),
            user: caller.user().map(str::to_owned),
            detail,
        });
        if events.len() > KEPT {
            events.pop_front();
        }
        self.last.send_replace(seq);
    }

    /// Events after a number; waits for one if there is none yet.
    pub(crate) async fn after(&self, seq: u64, wait: Duration) -> Vec<Event> {
        let mut last = self.last.subscribe();
        // In vain is fine: then there are none.
        _ = tokio::time::timeout(wait, last.wait_for(|last| *last > seq)).await;
        let events = self.events.lock();
        events
            .iter()
            .filter(|event| event.seq > seq)
            .cloned()
            .collect()
    }

    pub(crate) fn arrived(&self, caller: &Caller) {
        self.live
            .lock()
            .insert(caller.id().to_owned(), caller.clone());
    }

    pub(crate) fn left(&self, caller: &Caller) {
        self.live.lock().remove(caller.id());
    }

    pub(crate) fn live(&self) -> Vec<Caller> {
        self.live.lock().values().cloned().collect()
    }

    pub(crate) fn find(&self, id: &str) -> Option<Caller> {
        self.live.lock().get(id).cloned()
    }
}

/// A time as .NET writes it in JSON.
fn timestamp(at: SystemTime) -> String {
    let since = at
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let (days, rest) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (mut year, mut day) = (1970, days);
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    while day >= 365 + u64::from(leap(year)) {
        day -= 365 + u64::from(leap(year));
        year += 1;
    }
    let mut month = 1;
    for length in [
        31,
        28 + u64::from(leap(year)),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ] {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    let micros = since.subsec_micros();
    let day = day + 1;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_dates() {
        let at = |seconds| timestamp(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(at(1_709_164_799), "2024-02-28T23:59:59.000000Z");
        assert_eq!(at(1_709_164_800), "2024-02-29T00:00:00.000000Z");
        assert_eq!(at(2_147_483_647), "2038-01-19T03:14:07.000000Z");
    }
}
