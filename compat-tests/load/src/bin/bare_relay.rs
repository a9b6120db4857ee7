//! The yardstick: raw sockets that move the bytes of a hub and look at none of them.
//!
//! It knows only lengths. A connection first sends `connect_in` bytes and gets `connect_out`
//! back. Then, depending on the mode, each `in` bytes from a connection are answered with `out`
//! bytes on it (echo) or on every connection (broadcast, plus `answer` bytes to the sender).

#![expect(clippy::print_stdout, reason = "a program that talks to its user")]

use std::collections::VecDeque;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Parser;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

#[derive(Parser, Clone, Copy)]
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

type Everyone = Arc<Mutex<Vec<Arc<TcpStream>>>>;

#[tokio::main]
async fn main() -> Result<()> {
    let lengths = Lengths::parse();
    let listener = TcpListener::bind("127.0.0.1:0").await.context("bind")?;
    println!("READY http://{}", listener.local_addr()?);
    let everyone = Everyone::default();
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let everyone = Arc::clone(&everyone);
        tokio::spawn(async move {
            // A connection that breaks off is at its end: that is all there is to know.
            _ = serve(socket, lengths, everyone).await;
        });
    }
}

async fn serve(mut socket: TcpStream, lengths: Lengths, everyone: Everyone) -> Result<()> {
    socket.read_exact(&mut vec![0; lengths.connect_in]).await?;
    socket.write_all(&vec![b'x'; lengths.connect_out]).await?;
    let socket = Arc::new(socket);
    let message = vec![b'x'; lengths.output];
    if lengths.answer.is_some() {
        everyone.lock().await.push(Arc::clone(&socket));
    }
    let mut buffer = [0; 4096];
    let mut waiting = 0;
    loop {
        socket.readable().await?;
        match socket.try_read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => waiting += count,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error.into()),
        }
        while waiting >= lengths.input {
            waiting -= lengths.input;
            let Some(answer) = lengths.answer else {
                write(&socket, &message).await?;
                continue;
            };
            let all = everyone.lock().await;
            let mut slow = VecDeque::new();
            for receiver in all.iter() {
                if receiver.try_write(&message).is_err() {
                    slow.push_back(receiver);
                }
            }
            for receiver in slow {
                write(receiver, &message).await?;
            }
            drop(all);
            write(&socket, &message[..answer.min(message.len())]).await?;
        }
    }
}

async fn write(socket: &TcpStream, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        socket.writable().await?;
        match socket.try_write(bytes) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
