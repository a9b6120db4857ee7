//! What happened to each connection, for `Log(id)`.

use std::collections::{HashMap, VecDeque};

use parking_lot::Mutex;

/// Connections that are remembered; of more the oldest is forgotten.
const CONNECTIONS: usize = 10_000;
/// Events that are remembered of one connection; of more the oldest is forgotten.
const EVENTS: usize = 1000;

/// The events of the latest connections, by connection id. The hubs of one connection share its
/// events.
#[derive(Debug, Default)]
pub struct Journal(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    events: HashMap<Box<str>, VecDeque<&'static str>>,
    /// Ids in the order in which they came.
    order: VecDeque<Box<str>>,
}

impl Journal {
    /// Notes an event of a connection.
    pub fn add(&self, connection: &str, event: &'static str) {
        let mut kept = self.0.lock();
        if let Some(events) = kept.events.get_mut(connection) {
            if events.len() == EVENTS {
                events.pop_front();
            }
            events.push_back(event);
            return;
        }
        if kept.order.len() == CONNECTIONS
            && let Some(oldest) = kept.order.pop_front()
        {
            kept.events.remove(&oldest);
        }
        kept.order.push_back(connection.into());
        kept.events
            .insert(connection.into(), VecDeque::from([event]));
    }

    /// The events of a connection in order.
    #[must_use]
    pub fn of(&self, connection: &str) -> Vec<&'static str> {
        let kept = self.0.lock();
        let events = kept.events.get(connection);
        events
            .map(|events| events.iter().copied().collect())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_a_connection_keep_their_order() {
        let journal = Journal::default();
        journal.add("a", "connected");
        journal.add("b", "connected");
        journal.add("a", "disconnected:true");
        assert_eq!(journal.of("a"), ["connected", "disconnected:true"]);
        assert_eq!(journal.of("b"), ["connected"]);
        assert!(journal.of("c").is_empty());
    }

    #[test]
    fn the_oldest_is_forgotten() {
        let journal = Journal::default();
        for number in 0..=CONNECTIONS {
            journal.add(&number.to_string(), "connected");
        }
        assert!(journal.of("0").is_empty());
        assert_eq!(journal.of("1"), ["connected"]);
        assert_eq!(journal.0.lock().events.len(), CONNECTIONS);
        for _ in 0..EVENTS {
            journal.add("1", "reconnected");
        }
        assert_eq!(journal.of("1"), vec!["reconnected"; EVENTS]);
    }
}
