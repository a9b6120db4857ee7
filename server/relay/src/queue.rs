//! A bounded byte stream towards one app-server connection.

use std::task::{Context, Poll, Waker};

use atomic_waker::AtomicWaker;
use parking_lot::Mutex;

/// Buffers up to this size are kept for reuse.
const KEPT_CAPACITY: usize = 64 << 10;

/// Bytes on their way to one socket: many append, one driver takes all that waits.
///
/// Soft bound: above `high_water` bytes [`ByteQueue::poll_ready`] makes those wait that can, which
/// is everyone who reads from a client. Above eight times that, the queue closes.
#[derive(Debug)]
pub struct ByteQueue {
    state: Mutex<State>,
    driver: AtomicWaker,
    high_water: usize,
}

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    closed: bool,
    waiting: Vec<Waker>,
}

impl ByteQueue {
    /// An empty queue.
    #[must_use]
    pub fn new(high_water: usize) -> Self {
        Self {
            state: Mutex::default(),
            driver: AtomicWaker::new(),
            high_water,
        }
    }

    /// Lets `write` append one or more whole messages. False when the queue is closed.
    pub fn append(&self, write: impl FnOnce(&mut Vec<u8>)) -> bool {
        {
            let mut state = self.state.lock();
            if state.closed {
                return false;
            }
            write(&mut state.bytes);
            if state.bytes.len() > self.high_water.saturating_mul(8) {
                state.bytes = Vec::new();
                state.closed = true;
            }
        }
        self.driver.wake();
        true
    }

    /// Ends the queue: what waits may still be taken, nothing more is accepted.
    pub fn close(&self) {
        let waiting = {
            let mut state = self.state.lock();
            state.closed = true;
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
        self.driver.wake();
    }

    /// Whether the queue takes nothing more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    /// Bytes that wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.state.lock().bytes.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ready once there is room below the high-water mark, or the queue is closed.
    pub fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        if state.closed || state.bytes.len() < self.high_water {
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

    /// Swaps all that waits into `taken`, which must be empty. `Ready(false)` when the queue is
    /// closed and nothing waits. One driver only.
    pub fn poll_take(&self, cx: &mut Context<'_>, taken: &mut Vec<u8>) -> Poll<bool> {
        if let Some(more) = self.try_take(taken) {
            return Poll::Ready(more);
        }
        self.driver.register(cx.waker());
        self.try_take(taken).map_or(Poll::Pending, Poll::Ready)
    }

    fn try_take(&self, taken: &mut Vec<u8>) -> Option<bool> {
        let waiting = {
            let mut state = self.state.lock();
            if state.bytes.is_empty() {
                return state.closed.then_some(false);
            }
            if taken.capacity() > KEPT_CAPACITY {
                *taken = Vec::new();
            }
            std::mem::swap(&mut state.bytes, taken);
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
        Some(true)
    }
}
