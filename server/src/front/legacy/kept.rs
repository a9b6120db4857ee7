//! What a connection keeps of what it has sent, for a client that comes back (3.3).

use std::collections::VecDeque;

use heliograph_protocol::legacy::{Cursor, envelope_cursor, envelope_groups};
use heliograph_relay::{Frame, Limits};

use crate::edge::legacy_frames;

/// The last messages that a connection has sent, bounded in count and bytes and by age.
#[derive(Debug)]
pub(super) struct Kept {
    frames: VecDeque<Frame>,
    bytes: usize,
    /// How many of them came in the same beat, and how many beats ago that was, the oldest first.
    ages: VecDeque<(usize, u32)>,
    /// The number in the cursor of the message before the first that is kept.
    before: u64,
}

/// From where on a client is given what was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// From where it was: it misses nothing.
    Cursor,
    /// From the oldest kept, which is later than where it was.
    Oldest,
    /// From now: where it was is not known here.
    Now,
}

impl Kept {
    pub(super) fn new(start: Cursor) -> Self {
        Self {
            frames: VecDeque::new(),
            bytes: 0,
            ages: VecDeque::new(),
            before: start.number,
        }
    }

    /// Where the client is when it has got all that was sent.
    pub(super) fn cursor(&self) -> Cursor {
        let last = self.frames.back();
        let last = last.and_then(|frame| envelope_cursor(frame.payload()));
        last.unwrap_or_else(|| legacy_frames::cursor(self.before))
    }

    /// Keeps a message that is being sent.
    pub(super) fn add(&mut self, frame: &Frame, limits: &Limits) {
        self.frames.push_back(frame.clone());
        self.bytes += frame.len_bytes();
        match self.ages.back_mut() {
            Some((newest, 0)) => *newest += 1,
            _ => self.ages.push_back((1, 0)),
        }
        while self.frames.len() > limits.frames || self.bytes > limits.bytes {
            self.drop_oldest();
        }
    }

    /// What was sent behind the cursor.
    pub(super) fn after(&self, cursor: Option<Cursor>) -> (Vec<Frame>, From) {
        let Some(cursor) = cursor.filter(|cursor| legacy_frames::is_known(*cursor)) else {
            return (Vec::new(), From::Now);
        };
        if cursor.number == self.before {
            return (self.frames.iter().cloned().collect(), From::Cursor);
        }
        // Numbers of the process, given out by many at a time: only equal ones mean something.
        let place = self
            .frames
            .iter()
            .rposition(|frame| envelope_cursor(frame.payload()) == Some(cursor));
        match place {
            Some(place) => {
                let rest = self.frames.iter().skip(place + 1);
                (rest.cloned().collect(), From::Cursor)
            }
            None => (self.frames.iter().cloned().collect(), From::Oldest),
        }
    }

    /// The client begins anew, at this cursor.
    pub(super) fn restart(&mut self, start: Cursor) {
        *self = Self::new(start);
    }

    /// Messages were lost behind the last that is kept. What is kept goes too: a client gets one run
    /// of messages, without a hole in it. True if it held a token of groups.
    pub(super) fn forget(&mut self) -> bool {
        let mut frames = self.frames.iter();
        let had_groups = frames.any(|frame| envelope_groups(frame.payload()).is_some());
        self.restart(self.cursor());
        had_groups
    }

    /// A beat has passed: what is older than so many goes.
    pub(super) fn beat(&mut self, oldest: u32) {
        if self.frames.is_empty() {
            return;
        }
        self.ages.iter_mut().for_each(|(_, age)| *age += 1);
        while self.ages.front().is_some_and(|(_, age)| *age > oldest) {
            self.drop_oldest();
        }
        if self.frames.is_empty() {
            self.frames = VecDeque::new();
            self.ages = VecDeque::new();
        }
    }

    fn drop_oldest(&mut self) {
        let Some(oldest) = self.frames.pop_front() else {
            return;
        };
        self.bytes = self.bytes.saturating_sub(oldest.len_bytes());
        if let Some(cursor) = envelope_cursor(oldest.payload()) {
            self.before = cursor.number;
        }
        if let Some((count, _)) = self.ages.front_mut() {
            *count -= 1;
            if *count == 0 {
                self.ages.pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use heliograph_protocol::legacy::Envelope;

    use super::*;

    const LIMITS: Limits = Limits {
        bytes: 10_000,
        frames: 4,
    };

    fn send(kept: &mut Kept, count: usize) -> Vec<Cursor> {
        let send = |_| {
            let frame = legacy_frames::message(b"1");
            kept.add(&frame, &LIMITS);
            envelope_cursor(frame.payload()).unwrap()
        };
        (0..count).map(send).collect()
    }

    fn numbers((frames, from): (Vec<Frame>, From)) -> (Vec<Cursor>, From) {
        let cursors = frames.iter().map(|f| envelope_cursor(f.payload()).unwrap());
        (cursors.collect(), from)
    }

    #[test]
    fn a_client_gets_what_came_after_its_cursor() {
        let start = legacy_frames::next_cursor();
        let mut kept = Kept::new(start);
        assert_eq!(kept.cursor(), start);
        let sent = send(&mut kept, 4);
        assert_eq!(
            numbers(kept.after(Some(start))),
            (sent.clone(), From::Cursor)
        );
        let (last, rest) = (sent[1], sent[2..].to_vec());
        assert_eq!(numbers(kept.after(Some(last))), (rest, From::Cursor));
        assert_eq!(kept.after(Some(sent[3])).0.len(), 0);
        assert_eq!(kept.cursor(), sent[3]);
    }

    #[test]
    fn a_cursor_before_what_is_kept_means_the_oldest_and_a_foreign_one_means_now() {
        let start = legacy_frames::next_cursor();
        let mut kept = Kept::new(start);
        let sent = send(&mut kept, 6);
        let oldest = sent[2..].to_vec();
        assert_eq!(
            numbers(kept.after(Some(start))),
            (oldest.clone(), From::Oldest)
        );
        assert_eq!(numbers(kept.after(Some(sent[1]))), (oldest, From::Cursor));
        let ahead = Cursor {
            number: u64::MAX,
            ..start
        };
        let foreign = Cursor {
            epoch: start.epoch ^ 1,
            ..start
        };
        for cursor in [None, Some(ahead), Some(foreign)] {
            assert_eq!(numbers(kept.after(cursor)), (Vec::new(), From::Now));
        }
    }

    #[test]
    fn what_stands_before_a_hole_goes_and_only_the_last_cursor_misses_nothing_of_it() {
        let mut kept = Kept::new(legacy_frames::next_cursor());
        let sent = send(&mut kept, 3);
        assert!(!kept.forget());
        assert_eq!(kept.cursor(), sent[2]);
        let later = send(&mut kept, 1);
        for (cursor, from) in [(sent[2], From::Cursor), (sent[0], From::Oldest)] {
            assert_eq!(numbers(kept.after(Some(cursor))), (later.clone(), from));
        }
        let groups = Envelope {
            groups: Some("g"),
            ..Envelope::at(legacy_frames::next_cursor())
        };
        kept.add(&legacy_frames::envelope(&groups, None), &LIMITS);
        assert!(kept.forget());
    }

    #[test]
    fn what_is_old_goes_and_leaves_the_cursor_behind() {
        let mut kept = Kept::new(legacy_frames::next_cursor());
        let sent = send(&mut kept, 2);
        (0..2).for_each(|_| kept.beat(10));
        let later = send(&mut kept, 1);
        (0..8).for_each(|_| kept.beat(10));
        assert_eq!(kept.after(Some(sent[0])).0.len(), 2);
        kept.beat(10);
        assert_eq!(
            numbers(kept.after(Some(sent[1]))),
            (later.clone(), From::Cursor)
        );
        kept.beat(10);
        assert_eq!(kept.after(Some(sent[1])).0.len(), 1);
        kept.beat(10);
        assert_eq!(kept.cursor(), later[0]);
        assert_eq!(kept.bytes, 0);
        assert_eq!(numbers(kept.after(Some(later[0]))), (vec![], From::Cursor));
    }
}
