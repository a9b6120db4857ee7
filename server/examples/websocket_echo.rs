//! Echoes every WebSocket message on 127.0.0.1, for the Autobahn test suite.
//!
//! Usage: `websocket_echo PORT`. Prints the address once it listens; port 0 takes a free one.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io::{self, Write as _};
use std::iter;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use anyhow::Context as _;
use heliograph::edge::websocket::{CloseCode, Received, Socket, SocketError, handshake, writer};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::{OnUpgrade, Parts};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::time;

const FRAME_LIMIT_BYTES: u64 = 64 * 1024 * 1024;
const MESSAGE_LIMIT_BYTES: usize = 64 * 1024 * 1024;
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let port = std::env::args()
        .nth(1)
        .context("usage: websocket_echo PORT")?
        .parse()?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    writeln!(io::stdout(), "listening on {}", listener.local_addr()?)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(
            http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(answer))
                .with_upgrades(),
        );
    }
}

async fn answer(mut request: Request<Incoming>) -> Result<Response<String>, Infallible> {
    let accepted = handshake::accept(request.method(), request.version(), request.headers());
    let Some(accept) = accepted else {
        let mut response = Response::new("a WebSocket is served here\n".to_owned());
        *response.status_mut() = StatusCode::BAD_REQUEST;
        return Ok(response);
    };
    tokio::spawn(serve(hyper::upgrade::on(&mut request)));
    Ok(handshake::switching_protocols(accept).map(|()| String::new()))
}

async fn serve(upgrade: OnUpgrade) {
    let Ok(upgraded) = upgrade.await else { return };
    let Ok(Parts { io, read_buf, .. }) = upgraded.downcast::<TokioIo<TcpStream>>() else {
        return;
    };
    let mut echo = Echo {
        socket: Socket::new(io.into_inner(), &read_buf, FRAME_LIMIT_BYTES),
        message: Vec::new(),
        complete: VecDeque::new(),
        closing: None,
    };
    if poll_fn(|cx| echo.poll(cx)).await.is_ok() {
        // Whether the client takes its leave or not, nothing is left to do.
        let _ = time::timeout(CLOSE_TIMEOUT, poll_fn(|cx| echo.socket.poll_finish(cx))).await;
    }
}

struct Echo {
    socket: Socket<TcpStream, Vec<u8>>,
    /// The message that is under way.
    message: Vec<u8>,
    /// Frames to send back.
    complete: VecDeque<Vec<u8>>,
    /// Why to close, once they are sent.
    closing: Option<CloseCode>,
}

impl Echo {
    /// Echoes until the connection is to be closed.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut batch = iter::from_fn(|| self.complete.pop_front());
            ready!(self.socket.poll_write(cx, &mut batch))?;
            if let Some(code) = self.closing {
                self.socket.close(code);
                return Poll::Ready(Ok(()));
            }
            let Self {
                socket,
                message,
                complete,
                closing,
            } = self;
            let received = socket.poll_read(cx, |fragment| {
                if message.len() + fragment.bytes.len() > MESSAGE_LIMIT_BYTES {
                    *closing = Some(CloseCode::TOO_BIG);
                }
                if closing.is_some() {
                    return;
                }
                message.extend_from_slice(fragment.bytes);
                if fragment.last {
                    complete.push_back(writer::frame(fragment.kind, message).0);
                    message.clear();
                }
            });
            match ready!(received) {
                Ok(Received::Some) => {}
                Ok(Received::Close(CloseCode::NO_STATUS)) => *closing = Some(CloseCode::NORMAL),
                Ok(Received::Close(code)) => *closing = Some(code),
                Ok(Received::End) => return Poll::Ready(Ok(())),
                Err(SocketError::Protocol(error)) => *closing = Some(error.close_code()),
                Err(SocketError::Stream(error)) => return Poll::Ready(Err(error)),
            }
        }
    }
}
