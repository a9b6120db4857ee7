//! What waits to be written to one socket.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;

use super::writer::ControlFrame;

/// Up to this size several frames are copied together: cheaper than the kernel's walk over them.
const COPY_LIMIT_BYTES: usize = 16 * 1024;
/// How many frames one system call takes.
const MAX_SLICES: usize = 64;
/// How many bytes of pongs wait for a peer that asks and does not read.
const PONG_LIMIT_BYTES: usize = 2048;

thread_local! {
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The rest of a write that the peer was too slow for, and the control frames.
///
/// On the wire control frames come first and the close frame last; none cuts a frame in two.
pub(super) struct Outgoing<T> {
    /// Frames taken from a batch and not written, at most [`MAX_SLICES`].
    queue: VecDeque<T>,
    /// How much of the first queued frame is written.
    sent: usize,
    control: Option<Box<Control>>,
    closed: bool,
}

#[derive(Default)]
struct Control {
    /// How much is written of the pongs, or then of the close frame.
    sent: usize,
    /// Whole pong frames, up to [`PONG_LIMIT_BYTES`].
    pongs: Vec<u8>,
    /// The newest pong, once there is no more room among the others.
    last_pong: Option<ControlFrame>,
    close: Option<ControlFrame>,
}

impl<T: AsRef<[u8]>> Outgoing<T> {
    pub(super) const fn new() -> Self {
        Self {
            queue: VecDeque::new(),
            sent: 0,
            control: None,
            closed: false,
        }
    }

    /// Lets a pong go before the next frame. When too many wait, only the newest of the further
    /// ones is kept: it answers all pings before it (RFC 6455, section 5.5.3).
    pub(super) fn pong(&mut self, frame: &ControlFrame) {
        if self.is_closing() {
            return;
        }
        let control = self.control.get_or_insert_default();
        let bytes = frame.as_ref();
        if control.last_pong.is_some() || control.pongs.len() + bytes.len() > PONG_LIMIT_BYTES {
            control.last_pong = Some(*frame);
        } else {
            control.pongs.extend_from_slice(bytes);
        }
    }

    /// Lets a close frame go after the frames taken so far; nothing more is taken. Only the first
    /// one counts.
    pub(super) fn close(&mut self, frame: ControlFrame) {
        if !self.is_closing() {
            self.control.get_or_insert_default().close = Some(frame);
        }
    }

    /// Whether a close frame was written or waits.
    pub(super) fn is_closing(&self) -> bool {
        self.closed
            || self
                .control
                .as_ref()
                .is_some_and(|control| control.close.is_some())
    }

    pub(super) fn has_control(&self) -> bool {
        self.control.is_some()
    }

    /// Writes what waits, and then the batch to its end. While it is pending it has taken at most
    /// [`MAX_SLICES`] frames of the batch.
    pub(super) fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut S,
        batch: &mut impl Iterator<Item = T>,
    ) -> Poll<io::Result<()>> {
        if self.closed {
            return Pin::new(stream).poll_flush(cx);
        }
        loop {
            if self.control.is_some() {
                ready!(self.poll_pongs(cx, stream))?;
            }
            let Some(first) = self.take(batch) else { break };
            match self.take(batch) {
                None => ready!(self.poll_one(cx, stream, first))?,
                Some(second) => ready!(self.poll_many(cx, stream, first, second, batch))?,
            }
        }
        if self.queue.capacity() > 0 {
            self.queue = VecDeque::new();
        }
        ready!(self.poll_close_frame(cx, stream))?;
        Pin::new(stream).poll_flush(cx)
    }

    fn take(&mut self, batch: &mut impl Iterator<Item = T>) -> Option<T> {
        match self.queue.pop_front() {
            None if self.is_closing() => None,
            None => batch.next(),
            queued => queued,
        }
    }

    /// Ends the frame that is half written, and writes the pongs.
    fn poll_pongs<S: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut S,
    ) -> Poll<io::Result<()>> {
        if self.sent > 0
            && let Some(first) = self.queue.front()
        {
            ready!(poll_all(cx, stream, first.as_ref(), &mut self.sent))?;
            self.queue.pop_front();
        }
        let Some(control) = &mut self.control else {
            return Poll::Ready(Ok(()));
        };
        while !control.pongs.is_empty() {
            ready!(poll_all(cx, stream, &control.pongs, &mut control.sent))?;
            control.pongs.clear();
            if let Some(pong) = control.last_pong.take() {
                control.pongs.extend_from_slice(pong.as_ref());
            }
        }
        if control.close.is_none() {
            self.control = None;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_close_frame<S: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut S,
    ) -> Poll<io::Result<()>> {
        if let Some(control) = &mut self.control
            && let Some(close) = &control.close
        {
            ready!(poll_all(cx, stream, close.as_ref(), &mut control.sent))?;
            self.closed = true;
            self.control = None;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_one<S: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut S,
        frame: T,
    ) -> Poll<io::Result<()>> {
        let result = poll_all(cx, stream, frame.as_ref(), &mut self.sent);
        if result.is_pending() {
            self.queue.push_front(frame);
        }
        result
    }

    fn poll_many<S: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut S,
        first: T,
        second: T,
        batch: &mut impl Iterator<Item = T>,
    ) -> Poll<io::Result<()>> {
        let mut frames = [const { None }; MAX_SLICES];
        frames[0] = Some(first);
        frames[1] = Some(second);
        for place in &mut frames[2..] {
            *place = self.take(batch);
            if place.is_none() {
                break;
            }
        }
        let result = poll_slices(cx, stream, &frames, self.sent);
        let written = match result {
            Poll::Ready(Ok(written)) => written,
            Poll::Ready(Err(_)) | Poll::Pending => 0,
        };
        self.keep_rest(frames, written);
        result.map_ok(|_| ())
    }

    /// Puts back what `written` further bytes leave of the frames.
    fn keep_rest(&mut self, mut frames: [Option<T>; MAX_SLICES], written: usize) {
        let mut sent = self.sent + written;
        let mut done = 0;
        for frame in frames.iter().flatten() {
            let len = frame.as_ref().len();
            if sent < len {
                break;
            }
            sent -= len;
            done += 1;
        }
        self.sent = sent;
        for frame in frames[done..].iter_mut().rev().filter_map(Option::take) {
            self.queue.push_front(frame);
        }
    }
}

impl<T> std::fmt::Debug for Outgoing<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outgoing")
            .field("queue", &self.queue.len())
            .field("sent", &self.sent)
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}

/// Writes `bytes` to their end. Counts in `sent`, which begins the next frame at zero.
fn poll_all<S: AsyncWrite + Unpin>(
    cx: &mut Context<'_>,
    stream: &mut S,
    bytes: &[u8],
    sent: &mut usize,
) -> Poll<io::Result<()>> {
    while *sent < bytes.len() {
        let written = ready!(Pin::new(&mut *stream).poll_write(cx, &bytes[*sent..]))?;
        *sent += not_nothing(written)?;
    }
    *sent = 0;
    Poll::Ready(Ok(()))
}

/// Writes frames but for the first `sent` bytes with one system call, and returns how much it took.
fn poll_slices<S: AsyncWrite + Unpin, T: AsRef<[u8]>>(
    cx: &mut Context<'_>,
    stream: &mut S,
    frames: &[Option<T>; MAX_SLICES],
    sent: usize,
) -> Poll<io::Result<usize>> {
    let mut slices = [IoSlice::new(&[]); MAX_SLICES];
    let (mut count, mut total, mut skip) = (0, 0, sent);
    for (slice, frame) in slices.iter_mut().zip(frames.iter().flatten()) {
        let bytes = frame.as_ref().get(skip..).unwrap_or_default();
        skip = 0;
        total += bytes.len();
        count += 1;
        *slice = IoSlice::new(bytes);
    }
    let slices = &slices[..count];
    if total == 0 {
        return Poll::Ready(Ok(0));
    }
    let written = if total <= COPY_LIMIT_BYTES {
        let mut scratch = SCRATCH.take();
        scratch.clear();
        scratch.reserve_exact(COPY_LIMIT_BYTES);
        for slice in slices {
            scratch.extend_from_slice(slice);
        }
        let result = Pin::new(stream).poll_write(cx, &scratch);
        SCRATCH.set(scratch);
        result
    } else {
        Pin::new(stream).poll_write_vectored(cx, slices)
    };
    written.map(|result| result.and_then(not_nothing))
}

fn not_nothing(written: usize) -> io::Result<usize> {
    if written == 0 {
        Err(io::ErrorKind::WriteZero.into())
    } else {
        Ok(written)
    }
}

#[cfg(test)]
mod tests;
