//! The yardstick: raw sockets that move the bytes of a hub and look at none of them.
//!
//! It knows only lengths. A connection first sends `connect_in` bytes and gets `connect_out`
//! back. Then, depending on the mode, each `in` bytes from a connection are answered with `out`
//! bytes on it (echo) or on every connection (broadcast, plus `answer` bytes to the sender).
//!
//! It is as lean as tokio lets it be, or its figures would flatter whatever stands beside it: a
//! connection owns no buffer, and one read takes what has come.

#![expect(clippy::print_stdout, reason = "a program that talks to its user")]

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use anyhow::Result;
use clap::Parser;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpListener;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Mutex;

/// Bytes taken with one read.
const READ: usize = 4096;

#[derive(Parser)]
struct Lengths {
    #[arg(long)]
    connect_in: usize,
    #[arg(long)]
    connect_out: usize,
    #[arg(long = "in")]
    input: usize,
    #[arg(long = "out")]
    output: usize,
    /// Broadcast instead of echo, and answer the sender with this many bytes.
    #[arg(long)]
    answer: Option<usize>,
}

/// What all connections share.
struct Relay {
    lengths: Lengths,
    /// As long as the longest thing that is ever written.
    bytes: Vec<u8>,
    /// The receivers of broadcasts; whoever holds the lock is the only one who writes.
    everyone: Mutex<Vec<Arc<OwnedWriteHalf>>>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let lengths = Lengths::parse();
    let longest = lengths.connect_out.max(lengths.output);
    let longest = longest.max(lengths.answer.unwrap_or_default());
    let relay = Arc::new(Relay {
        lengths,
        bytes: vec![b'x'; longest],
        everyone: Mutex::default(),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("READY http://{}", listener.local_addr()?);
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let (reader, writer) = socket.into_split();
        let relay = Arc::clone(&relay);
        tokio::spawn(async move {
            // A connection that breaks off is at its end: that is all there is to know.
            _ = relay.serve(reader, writer).await;
        });
    }
}

impl Relay {
    async fn serve(&self, mut reader: OwnedReadHalf, writer: OwnedWriteHalf) -> io::Result<()> {
        let mut waiting = 0;
        while waiting < self.lengths.connect_in {
            waiting += read(&mut reader).await?;
        }
        waiting -= self.lengths.connect_in;
        match self.lengths.answer {
            None => self.echo(reader, writer, waiting).await,
            // Boxed, so that an echo's connection has no room for it.
            Some(answer) => Box::pin(self.broadcast(reader, writer, waiting, answer)).await,
        }
    }

    async fn echo(
        &self,
        mut reader: OwnedReadHalf,
        writer: OwnedWriteHalf,
        mut waiting: usize,
    ) -> io::Result<()> {
        write(&writer, self.head(self.lengths.connect_out)).await?;
        loop {
            while waiting >= self.lengths.input {
                waiting -= self.lengths.input;
                write(&writer, self.head(self.lengths.output)).await?;
            }
            waiting += read(&mut reader).await?;
        }
    }

    async fn broadcast(
        &self,
        mut reader: OwnedReadHalf,
        writer: OwnedWriteHalf,
        mut waiting: usize,
        answer: usize,
    ) -> io::Result<()> {
        let writer = Arc::new(writer);
        let mut all = self.everyone.lock().await;
        // Whoever has its answer gets every broadcast from then on.
        all.push(Arc::clone(&writer));
        write(&writer, self.head(self.lengths.connect_out)).await?;
        drop(all);
        loop {
            while waiting >= self.lengths.input {
                waiting -= self.lengths.input;
                let all = self.everyone.lock().await;
                let message = self.head(self.lengths.output);
                for receiver in all.iter() {
                    // One that has left stays in the list: a run ends with all of them.
                    let rest = write_now(receiver, message).unwrap_or_default();
                    if !rest.is_empty() {
                        _ = write(receiver, rest).await;
                    }
                }
                write(&writer, self.head(answer)).await?;
            }
            waiting += read(&mut reader).await?;
        }
    }

    fn head(&self, length: usize) -> &[u8] {
        self.bytes.get(..length).unwrap_or(&self.bytes)
    }
}

/// Takes what has come. The buffer is on the stack, and only while there is something to read.
async fn read(socket: &mut OwnedReadHalf) -> io::Result<usize> {
    let take = |context: &mut Context<'_>| {
        let mut bytes = [const { MaybeUninit::uninit() }; READ];
        let mut buffer = ReadBuf::uninit(&mut bytes);
        ready!(Pin::new(&mut *socket).poll_read(context, &mut buffer))?;
        match buffer.filled().len() {
            0 => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
            count => Poll::Ready(Ok(count)),
        }
    };
    poll_fn(take).await
}

async fn write(socket: &OwnedWriteHalf, mut bytes: &[u8]) -> io::Result<()> {
    loop {
        bytes = write_now(socket, bytes)?;
        if bytes.is_empty() {
            return Ok(());
        }
        // Rare, so it takes its memory when it happens.
        Box::pin(socket.writable()).await?;
    }
}

/// Writes what the socket takes and returns the rest.
fn write_now<'a>(socket: &OwnedWriteHalf, bytes: &'a [u8]) -> io::Result<&'a [u8]> {
    match socket.try_write(bytes) {
        Ok(count) => Ok(bytes.get(count..).unwrap_or_default()),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(bytes),
        Err(error) => Err(error),
    }
}
