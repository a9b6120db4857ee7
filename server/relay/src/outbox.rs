//! The bounded queue between the relay and one connection's driver.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use atomic_waker::AtomicWaker;
use parking_lot::Mutex;

use crate::{CloseReason, Frame, FrameClass};

/// Capacity kept by an idle queue, in frames.
const IDLE_CAPACITY: usize = 8;
/// Part of its limits up to which a queue has room for those who can wait.
const ROOM_DIVISOR: usize = 16;

/// How much may wait for one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that may wait. A single frame larger than this is taken when nothing else waits.
    pub bytes: usize,
    /// Frames that may wait.
    pub frames: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 4 << 20,
            frames: 1 << 16,
        }
    }
}

/// What became of a pushed frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It waits for the driver.
    Queued,
    /// The connection is ending; the frame was dropped.
    Gone,
    /// The outbox was full: the connection now ends as [`CloseReason::SlowClient`].
    Overflow,
}

/// What the driver took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Frames; more may come.
    Frames,
    /// Nothing more comes, for this reason. Frames may have been taken too: write them first.
    Last(CloseReason),
}

/// The bounded queue (bytes and count) between the relay and one connection's driver.
///
/// It starts *held*: frames wait until [`Outbox::answer`] puts the handshake's answer in front of
/// them. One driver takes; anybody pushes. Order is the order of pushes.
pub struct Outbox {
    state: Mutex<State>,
    waker: AtomicWaker,
}

struct State {
    queue: VecDeque<Frame>,
    bytes: usize,
    held: bool,
    close: Option<CloseReason>,
    limits: &'static Limits,
    /// Set while the oldest frames make room for new ones.
    lossy: Option<u64>,
    /// Those who wait for room.
    waiting: Vec<Waker>,
}

impl State {
    fn has_room(&self) -> bool {
        self.close.is_some()
            || (self.bytes <= self.limits.bytes / ROOM_DIVISOR
                && self.queue.len() <= self.limits.frames / ROOM_DIVISOR)
    }

    /// Drops the oldest frames until one of so many bytes fits, if that is the way here.
    fn make_room(&mut self, bytes: usize) {
        while self.lossy.is_some() && !self.fits(bytes) {
            let Some(oldest) = self.queue.pop_front() else {
                return;
            };
            self.bytes = self.bytes.saturating_sub(oldest.len_bytes());
            self.lossy = self.lossy.map(|lost| lost.saturating_add(1));
        }
    }

    /// A single frame is taken whatever its size.
    fn fits(&self, bytes: usize) -> bool {
        self.queue.is_empty()
            || (self.bytes + bytes <= self.limits.bytes && self.queue.len() < self.limits.frames)
    }

    fn take(&mut self, budget_bytes: usize, frames: &mut impl Extend<Frame>) -> Option<Taken> {
        if self.held && self.close.is_none() {
            return None;
        }
        let mut taken = 0;
        while taken < budget_bytes {
            let Some(frame) = self.queue.pop_front() else {
                break;
            };
            taken += frame.len_bytes();
            let alone = frame.class() == FrameClass::Handshake;
            frames.extend(Some(frame));
            if alone {
                break;
            }
        }
        self.bytes = self.bytes.saturating_sub(taken);
        if self.queue.is_empty() {
            if self.queue.capacity() > IDLE_CAPACITY {
                self.queue = VecDeque::new();
            }
            if let Some(reason) = &self.close {
                return Some(Taken::Last(reason.clone()));
            }
        }
        (taken > 0).then_some(Taken::Frames)
    }

    /// Those who are to be woken, which is done without the lock.
    fn roused(&mut self) -> Vec<Waker> {
        if self.waiting.is_empty() || !self.has_room() {
            return Vec::new();
        }
        std::mem::take(&mut self.waiting)
    }
}

impl Outbox {
    /// An empty, held outbox.
    #[must_use]
    pub fn new(limits: &'static Limits) -> Self {
        let state = State {
            queue: VecDeque::new(),
            bytes: 0,
            held: true,
            close: None,
            limits,
            lossy: None,
            waiting: Vec::new(),
        };
        Self {
            state: Mutex::new(state),
            waker: AtomicWaker::new(),
        }
    }

    /// An empty outbox of a connection that has no handshake.
    #[must_use]
    pub fn unheld(limits: &'static Limits) -> Self {
        let mut outbox = Self::new(limits);
        outbox.state.get_mut().held = false;
        outbox
    }

    /// While `lossy`, the oldest frames make room for new ones in the place of an end as
    /// [`CloseReason::SlowClient`]: nobody reads, and somebody may come back. Gives how many were
    /// lost since the last call.
    pub fn set_lossy(&self, lossy: bool) -> u64 {
        let mut state = self.state.lock();
        let lost = state.lossy.unwrap_or_default();
        state.lossy = lossy.then_some(0);
        lost
    }

    /// Drops what is of no use to another transport: all frames of [`FrameClass::Control`].
    pub fn drop_control(&self) {
        let mut state = self.state.lock();
        state
            .queue
            .retain(|frame| frame.class() != FrameClass::Control);
        state.bytes = state.queue.iter().map(Frame::len_bytes).sum();
    }

    /// Queues a frame behind those that wait.
    pub fn push(&self, frame: Frame) -> Pushed {
        let (pushed, roused) = {
            let mut state = self.state.lock();
            if state.close.is_some() {
                return Pushed::Gone;
            }
            state.make_room(frame.len_bytes());
            if !state.fits(frame.len_bytes()) {
                state.queue = VecDeque::new();
                state.bytes = 0;
                state.close = Some(CloseReason::SlowClient);
                (Pushed::Overflow, state.roused())
            } else {
                state.bytes += frame.len_bytes();
                state.queue.push_back(frame);
                (Pushed::Queued, Vec::new())
            }
        };
        self.waker.wake();
        roused.into_iter().for_each(Waker::wake);
        pushed
    }

    /// Puts the handshake's answer in front of all that waits and lets the driver have it.
    pub fn answer(&self, frame: Frame) {
        {
            let mut state = self.state.lock();
            if !state.held || state.close.is_some() {
                return;
            }
            state.held = false;
            state.bytes += frame.len_bytes();
            state.queue.push_front(frame);
        }
        self.waker.wake();
    }

    /// Whether the handshake's answer is still awaited.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.state.lock().held
    }

    /// Ends the connection once what waits has been written. The first reason wins.
    pub fn close(&self, reason: CloseReason) {
        let roused = {
            let mut state = self.state.lock();
            if state.close.is_some() {
                return;
            }
            if state.held {
                // Never answered: what waits behind the handshake is nobody's.
                state.queue = VecDeque::new();
                state.bytes = 0;
            }
            state.close = Some(reason);
            state.roused()
        };
        self.waker.wake();
        roused.into_iter().for_each(Waker::wake);
    }

    /// Why the connection is ending, if it is.
    #[must_use]
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.state.lock().close.clone()
    }

    /// Whether the connection is ending.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.state.lock().close.is_some()
    }

    /// Bytes that wait.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.state.lock().bytes
    }

    /// Whether little waits, or the connection is ending: see [`Outbox::poll_room`].
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.state.lock().has_room()
    }

    /// Ready when little waits, or the connection is ending: for those who make frames for this
    /// connection alone and can wait. Far below the limits.
    pub fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_room_for(cx, 0)
    }

    /// As [`Outbox::poll_room`], for a frame of so many bytes: one that does not fit beside what
    /// waits has room when nothing waits.
    pub fn poll_room_for(&self, cx: &mut Context<'_>, bytes: usize) -> Poll<()> {
        let mut state = self.state.lock();
        let fits = state.bytes.saturating_add(bytes) <= state.limits.bytes;
        if state.has_room() && (fits || state.queue.is_empty() || state.close.is_some()) {
            return Poll::Ready(());
        }
        if !state
            .waiting
            .iter()
            .any(|waker| waker.will_wake(cx.waker()))
        {
            state.waiting.push(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Wakes the driver without giving it anything.
    pub fn wake(&self) {
        self.waker.wake();
    }

    /// As [`Outbox::poll_take`], for a driver that can take nothing now: ready when the connection
    /// is ending.
    pub fn poll_closing(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.waker.register(cx.waker());
        if self.is_closing() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Takes what waits, up to about `budget_bytes` (at least one frame), appending it to
    /// `frames`. A handshake answer comes alone. Pending while nothing waits and nothing ends.
    ///
    /// Only one task may poll at a time: the last one is woken.
    pub fn poll_take(
        &self,
        cx: &mut Context<'_>,
        budget_bytes: usize,
        frames: &mut impl Extend<Frame>,
    ) -> Poll<Taken> {
        if let Some(taken) = self.try_take(budget_bytes, frames) {
            return Poll::Ready(taken);
        }
        self.waker.register(cx.waker());
        match self.try_take(budget_bytes, frames) {
            Some(taken) => Poll::Ready(taken),
            None => Poll::Pending,
        }
    }

    /// As [`Outbox::poll_take`], or `None` when there is nothing to do.
    pub fn try_take(&self, budget_bytes: usize, frames: &mut impl Extend<Frame>) -> Option<Taken> {
        let (taken, roused) = {
            let mut state = self.state.lock();
            (state.take(budget_bytes, frames), state.roused())
        };
        roused.into_iter().for_each(Waker::wake);
        taken
    }
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.state.lock();
        f.debug_struct("Outbox")
            .field("frames", &state.queue.len())
            .field("bytes", &state.bytes)
            .field("held", &state.held)
            .field("close", &state.close)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static SMALL: Limits = Limits {
        bytes: 10,
        frames: 3,
    };

    fn frame(bytes: usize) -> Frame {
        Frame::new(vec![0; bytes], 0, FrameClass::Counted)
    }

    fn take(outbox: &Outbox) -> (Option<Taken>, Vec<usize>) {
        let mut frames = Vec::new();
        let taken = outbox.try_take(usize::MAX, &mut frames);
        (taken, frames.iter().map(Frame::len_bytes).collect())
    }

    #[test]
    fn frames_wait_until_the_handshake_is_answered_and_the_answer_comes_first_and_alone() {
        let outbox = Outbox::new(&SMALL);
        outbox.push(frame(2));
        assert_eq!(take(&outbox), (None, vec![]));
        outbox.answer(Frame::new(vec![0; 1], 0, FrameClass::Handshake));
        assert_eq!(take(&outbox), (Some(Taken::Frames), vec![1]));
        assert_eq!(take(&outbox), (Some(Taken::Frames), vec![2]));
        assert_eq!(take(&outbox), (None, vec![]));
        assert_eq!(outbox.waiting_bytes(), 0);
    }

    #[test]
    fn a_full_outbox_ends_the_connection_as_slow_client() {
        let outbox = Outbox::new(&SMALL);
        outbox.answer(Frame::new(vec![], 0, FrameClass::Handshake));
        assert_eq!(outbox.push(frame(6)), Pushed::Queued);
        assert_eq!(outbox.push(frame(6)), Pushed::Overflow);
        assert_eq!(outbox.push(frame(1)), Pushed::Gone);
        assert_eq!(
            take(&outbox),
            (Some(Taken::Last(CloseReason::SlowClient)), vec![])
        );
    }

    #[test]
    fn while_it_is_lossy_the_oldest_frames_make_room_and_are_counted() {
        let outbox = Outbox::unheld(&SMALL);
        assert_eq!(outbox.set_lossy(true), 0);
        for bytes in [4, 5, 1, 2, 30] {
            assert_eq!(outbox.push(frame(bytes)), Pushed::Queued);
        }
        assert_eq!(take(&outbox).1, vec![30]);
        assert_eq!(outbox.set_lossy(false), 4);
        outbox.push(frame(6));
        assert_eq!(outbox.push(frame(6)), Pushed::Overflow);
    }

    #[test]
    fn control_frames_can_be_dropped() {
        let outbox = Outbox::unheld(&SMALL);
        outbox.push(Frame::new(vec![0; 3], 0, FrameClass::Control));
        outbox.push(frame(2));
        outbox.drop_control();
        assert_eq!(outbox.waiting_bytes(), 2);
        assert_eq!(take(&outbox).1, vec![2]);
    }

    #[test]
    fn one_large_frame_passes_when_nothing_else_waits() {
        let outbox = Outbox::new(&SMALL);
        assert_eq!(outbox.push(frame(100)), Pushed::Queued);
        outbox.answer(frame(0));
        assert_eq!(take(&outbox).1, vec![0, 100]);
    }

    #[test]
    fn what_waits_is_written_before_the_end_and_the_first_reason_wins() {
        let outbox = Outbox::new(&SMALL);
        outbox.answer(frame(1));
        outbox.push(frame(2));
        outbox.close(CloseReason::Draining);
        outbox.close(CloseReason::TransportLost);
        assert_eq!(outbox.push(frame(3)), Pushed::Gone);
        assert_eq!(
            take(&outbox),
            (Some(Taken::Last(CloseReason::Draining)), vec![1, 2])
        );
    }

    #[test]
    fn an_unanswered_connection_ends_without_what_waited() {
        let outbox = Outbox::new(&SMALL);
        outbox.push(frame(2));
        outbox.close(CloseReason::BackendLost);
        assert_eq!(
            take(&outbox),
            (Some(Taken::Last(CloseReason::BackendLost)), vec![])
        );
    }

    #[test]
    fn a_budget_leaves_the_rest_for_the_next_turn() {
        let outbox = Outbox::new(&SMALL);
        outbox.answer(frame(0));
        outbox.push(frame(4));
        outbox.push(frame(4));
        let mut frames = Vec::new();
        assert_eq!(outbox.try_take(1, &mut frames), Some(Taken::Frames));
        assert_eq!(frames.len(), 2);
        assert_eq!(outbox.waiting_bytes(), 4);
    }

    #[test]
    fn those_who_wait_for_room_are_woken_when_the_driver_has_taken_enough_or_at_the_end() {
        struct Count(std::sync::atomic::AtomicUsize);
        impl std::task::Wake for Count {
            fn wake(self: std::sync::Arc<Self>) {
                self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        }
        let count = std::sync::Arc::new(Count(0.into()));
        let woken = || count.0.load(std::sync::atomic::Ordering::Relaxed);
        let waker = Waker::from(std::sync::Arc::clone(&count));
        let mut cx = Context::from_waker(&waker);

        let outbox = Outbox::new(&SMALL);
        outbox.answer(frame(0));
        take(&outbox);
        assert!(outbox.poll_room(&mut cx).is_ready());
        outbox.push(frame(2));
        assert!(outbox.poll_room(&mut cx).is_pending());
        assert!(outbox.poll_room(&mut cx).is_pending());
        assert_eq!(woken(), 0);
        take(&outbox);
        assert_eq!(woken(), 1);
        assert!(outbox.poll_room(&mut cx).is_ready());
        outbox.push(frame(2));
        assert!(outbox.poll_room(&mut cx).is_pending());
        outbox.close(CloseReason::Draining);
        assert_eq!(woken(), 2);
        assert!(outbox.poll_room(&mut cx).is_ready());
    }
}
