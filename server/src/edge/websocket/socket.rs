//! A WebSocket over a stream.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::iter;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::outgoing::Outgoing;
use super::reader::{Event, Fragment, ReadError, Reader};
use super::{CloseCode, writer};

const SCRATCH_BYTES: usize = 64 * 1024;

thread_local! {
    /// What a read fills, so that a connection has no buffer of its own. Empty while in use.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The server's end of a WebSocket: a stream `S`, and frames `T` to write to it.
///
/// One task owns it and polls all of it. It holds no buffer while nothing is under way. Pings are
/// answered by [`Socket::poll_read`]. The closing handshake is begun or answered by
/// [`Socket::close`] and ended by [`Socket::poll_finish`], for which the owner keeps the time.
pub struct Socket<S, T> {
    stream: S,
    /// What the client sent right after its upgrade request.
    leftover: Option<Box<[u8]>>,
    reader: Reader,
    outgoing: Outgoing<T>,
    input: Input,
}

/// What a read came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// Bytes came, and what data they held was given out. There may be more.
    Some,
    /// The client sent a close frame with this code. [`Socket::close`] answers it.
    Close(CloseCode),
    /// The stream ended, without a close frame unless one came before.
    End,
}

/// Why a socket can no longer be read.
#[derive(Debug, Error)]
pub enum SocketError {
    /// The stream failed.
    #[error("stream failed")]
    Stream(#[from] io::Error),
    /// The client broke the protocol; [`Socket::close`] with the error's code tells it.
    #[error("client broke the protocol")]
    Protocol(#[from] ReadError),
}

/// How far the client has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    Open,
    /// It broke the protocol.
    Failed,
    /// It sent a close frame.
    Closed,
    /// The stream is at its end.
    Ended,
}

impl<S: AsyncRead + AsyncWrite + Unpin, T: AsRef<[u8]>> Socket<S, T> {
    /// A WebSocket over a stream whose opening handshake is done. `leftover` is what was read from
    /// the stream beyond it; a longer frame than the limit is refused.
    pub fn new(stream: S, leftover: &[u8], frame_limit_bytes: u64) -> Self {
        Self {
            stream,
            leftover: (!leftover.is_empty()).then(|| leftover.into()),
            reader: Reader::new(frame_limit_bytes),
            outgoing: Outgoing::new(),
            input: Input::Open,
        }
    }

    /// Reads once and gives the data of what came to `take`, piece by piece. Pings are answered at
    /// once if the stream takes the answer, otherwise by [`Socket::poll_write`].
    ///
    /// Not to be called again after a close, an end or an error; [`Socket::poll_finish`] is what is
    /// left then.
    ///
    /// # Errors
    ///
    /// When the stream fails or the client breaks the protocol. In the second case what it sent
    /// before may still be answered, and then the socket is to be closed.
    pub fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        take: impl FnMut(Fragment<'_>),
    ) -> Poll<Result<Received, SocketError>> {
        let received = ready!(self.poll_input(cx, take));
        if let Err(SocketError::Protocol(_)) = &received {
            self.input = Input::Failed;
        }
        if self.outgoing.has_control() && !self.outgoing.is_closing() {
            // A peer that does not read gets no pong; its next pings must still be read.
            if let Poll::Ready(Err(error)) = self.poll_write(cx, &mut iter::empty()) {
                return Poll::Ready(Err(error.into()));
            }
        }
        Poll::Ready(received)
    }

    /// Writes what waits and then the whole batch of complete frames, all that goes together with
    /// one system call. While it is pending, up to 64 frames of the batch are taken and kept; the
    /// rest is the caller's. After [`Socket::close`] nothing is taken.
    ///
    /// To be called with an empty batch, too, whenever the task wakes up after it was pending.
    ///
    /// # Errors
    ///
    /// When the stream fails.
    pub fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        batch: &mut impl Iterator<Item = T>,
    ) -> Poll<io::Result<()>> {
        self.outgoing.poll_write(cx, &mut self.stream, batch)
    }

    /// Queues a close frame behind what is taken already; it goes out with the next
    /// [`Socket::poll_write`] or [`Socket::poll_finish`]. Only the first one counts.
    pub fn close(&mut self, code: CloseCode) {
        self.outgoing.close(writer::close(code, ""));
    }

    /// Writes what waits, waits for the client's close frame unless there was one or none is to be
    /// expected, and ends the stream. Data that still comes is dropped.
    ///
    /// There is no limit to how long a client can delay this: the caller sets one (ASP.NET Core: 5
    /// seconds) and drops the socket after it.
    ///
    /// # Errors
    ///
    /// When the stream fails.
    pub fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write(cx, &mut iter::empty()))?;
        while self.input == Input::Open {
            match ready!(self.poll_input(cx, |_| {})) {
                Ok(_) => {}
                Err(SocketError::Stream(error)) => return Poll::Ready(Err(error)),
                Err(SocketError::Protocol(_)) => self.input = Input::Failed,
            }
        }
        ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        // Unread bytes would make the kernel reset the connection, and with it the close frame.
        while self.input == Input::Failed {
            if ready!(self.poll_input(cx, |_| {})).is_err() {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// The stream.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    /// Reads bytes once and takes the events from them.
    fn poll_input(
        &mut self,
        cx: &mut Context<'_>,
        mut take: impl FnMut(Fragment<'_>),
    ) -> Poll<Result<Received, SocketError>> {
        let Self {
            stream,
            leftover,
            reader,
            outgoing,
            input,
        } = self;
        let mut on_bytes = |mut bytes: &mut [u8]| {
            if bytes.is_empty() {
                *input = Input::Ended;
                return Ok(Received::End);
            }
            let mut received = Received::Some;
            while let Some(event) = reader.next_event(&mut bytes)? {
                match event {
                    Event::Data(fragment) => take(fragment),
                    Event::Ping(payload) => outgoing.pong(&writer::pong(payload)),
                    Event::Pong(_) => {}
                    Event::Close { code, .. } => {
                        *input = Input::Closed;
                        received = Received::Close(code);
                    }
                }
            }
            Ok(received)
        };
        if let Some(mut bytes) = leftover.take() {
            return Poll::Ready(on_bytes(&mut bytes));
        }
        poll_read_with(cx, stream, on_bytes).map(|result| result?)
    }
}

impl<S, T> fmt::Debug for Socket<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("outgoing", &self.outgoing)
            .field("input", &self.input)
            .finish_non_exhaustive()
    }
}

/// Reads once from the stream and hands over what came, nothing at its end.
fn poll_read_with<S: AsyncRead + Unpin, R>(
    cx: &mut Context<'_>,
    stream: &mut S,
    take: impl FnOnce(&mut [u8]) -> R,
) -> Poll<io::Result<R>> {
    let mut scratch = SCRATCH.take();
    scratch.resize(SCRATCH_BYTES, 0);
    let mut buffer = ReadBuf::new(&mut scratch);
    let result = Pin::new(stream).poll_read(cx, &mut buffer);
    let result = result.map_ok(|()| take(buffer.filled_mut()));
    SCRATCH.set(scratch);
    result
}

#[cfg(test)]
mod tests;
