//! The ordinary calls of a connection: in order, so many at a time (3.6).

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use atomic_waker::AtomicWaker;
use parking_lot::Mutex;

use super::Options;
use super::connection::Connection;
use super::method::ValueFuture;
use super::tasks::Caught;

/// The calls of a connection that run or wait.
///
/// A call begins when one before it ends. When too many wait, nothing more is read; until then
/// pings, cancellations, items and answers never wait behind a call.
pub(super) struct Lane {
    state: Mutex<State>,
    /// The reader that waits for the connection's start or for room.
    reader: AtomicWaker,
    parallel: usize,
    queued: usize,
}

struct State {
    /// `OnConnected` has not ended.
    starting: bool,
    closed: bool,
    farewell: Option<Farewell>,
    running: usize,
    queue: VecDeque<Call>,
}

/// That a client is gone, and the error if there is one.
pub(super) struct Farewell(pub(super) Option<String>);

/// A call that cannot be answered at once.
struct Call {
    id: Option<Box<str>>,
    target: Box<str>,
    future: ValueFuture,
}

impl Lane {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            state: Mutex::new(State {
                starting: true,
                closed: false,
                farewell: None,
                running: 0,
                queue: VecDeque::new(),
            }),
            reader: AtomicWaker::new(),
            parallel: options.parallel_calls.max(1),
            queued: options.queued_calls.max(1),
        }
    }

    /// Ready when another message may be read.
    pub(super) fn poll_ready(&self, cx: &Context<'_>) -> Poll<()> {
        if self.is_ready() {
            return Poll::Ready(());
        }
        self.reader.register(cx.waker());
        if self.is_ready() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Lets the reader look again: the connection is ending.
    pub(super) fn wake(&self) {
        self.reader.wake();
    }

    /// Calls may begin. Gives the farewell of a client that is gone by now.
    pub(super) fn open(&self) -> Option<Farewell> {
        let farewell = {
            let mut state = self.state.lock();
            state.starting = false;
            state.farewell.take()
        };
        self.reader.wake();
        farewell
    }

    /// No call begins any more; those that run are left to their end. Gives the farewell back if
    /// calls could begin; else whoever opens the lane gets it.
    pub(super) fn close(&self, farewell: Farewell) -> Option<Farewell> {
        let mut state = self.state.lock();
        state.closed = true;
        let waiting = std::mem::take(&mut state.queue);
        let farewell = if state.starting {
            state.farewell = Some(farewell);
            None
        } else {
            Some(farewell)
        };
        drop(state);
        drop(waiting);
        farewell
    }

    fn is_ready(&self) -> bool {
        let state = self.state.lock();
        state.closed || (!state.starting && state.queue.len() < self.queued)
    }

    /// The next call for a worker that has done one; without one the worker's place is free.
    fn next(&self) -> Option<Call> {
        let next = {
            let mut state = self.state.lock();
            let next = state.queue.pop_front();
            if next.is_none() {
                state.running -= 1;
            }
            next
        };
        self.reader.wake();
        next
    }
}

/// Runs a call or lets it wait for its turn. One that ends at once costs no task.
pub(super) fn run(
    connection: &Arc<Connection>,
    id: Option<&str>,
    target: &str,
    future: ValueFuture,
) {
    let lane = &connection.lane;
    let call = |future| Call {
        id: id.map(Box::from),
        target: target.into(),
        future,
    };
    {
        let mut state = lane.state.lock();
        if state.closed {
            return;
        }
        if state.running >= lane.parallel || !state.queue.is_empty() {
            state.queue.push_back(call(future));
            return;
        }
        state.running += 1;
    }
    let left = if connection.client.outbox().has_room() {
        try_run(connection, id, target, future)
    } else {
        Some(future)
    };
    let next = left.map_or_else(|| lane.next(), |future| Some(call(future)));
    if let Some(first) = next {
        let worker = Arc::clone(connection);
        let tasks = &connection.core.tasks;
        tasks.spawn(async move { work(worker, first).await });
    }
}

/// Runs a call beside the others.
pub(super) fn run_beside(
    connection: &Arc<Connection>,
    id: Option<&str>,
    target: &str,
    future: ValueFuture,
) {
    let slot = connection.beside();
    let connection = Arc::clone(connection);
    let (id, target) = (id.map(Box::<str>::from), Box::<str>::from(target));
    let tasks = Arc::clone(&connection.core.tasks);
    tasks.spawn(async move {
        let _slot = slot;
        let outcome = Caught(future).await;
        connection.complete(id.as_deref(), &target, outcome);
    });
}

/// Polls a call once; gives it back if it needs more time. Whoever gets it polls it again, so
/// that it is not lost that nobody is woken here.
fn try_run(
    connection: &Connection,
    id: Option<&str>,
    target: &str,
    future: ValueFuture,
) -> Option<ValueFuture> {
    let mut future = Caught(future);
    let mut cx = Context::from_waker(Waker::noop());
    match Pin::new(&mut future).poll(&mut cx) {
        Poll::Ready(outcome) => {
            connection.complete(id, target, outcome);
            None
        }
        Poll::Pending => Some(future.0),
    }
}

/// Does a call, then those that wait, until none does. No call begins while its client has too
/// much to read already.
async fn work(connection: Arc<Connection>, first: Call) {
    let mut next = Some(first);
    while let Some(call) = next {
        connection.room().await;
        let outcome = Caught(call.future).await;
        connection.complete(call.id.as_deref(), &call.target, outcome);
        next = connection.lane.next();
    }
}
