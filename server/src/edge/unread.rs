//! What a handler leaves unread of a request's body.
//!
//! A client that still sends when its answer comes would find the connection closed under it, lose
//! the answer, and whatever it sends next on that connection. So the rest is read and thrown away,
//! beside the answer and for a bounded time, as the genuine server does.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::runtime::Handle;
use tokio::time::timeout;

/// How long the rest of a body may take. A client that needs longer finds its connection closed.
const LIMIT: Duration = Duration::from_secs(5);

/// A request's body that is read to its end even if its handler does not.
#[derive(Debug)]
pub(super) struct ReadToEnd(Option<Incoming>);

impl ReadToEnd {
    pub(super) fn new(body: Incoming) -> Self {
        Self(Some(body))
    }
}

impl Body for ReadToEnd {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.0 {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

impl Drop for ReadToEnd {
    fn drop(&mut self) {
        let Some(mut body) = self.0.take().filter(|body| !body.is_end_stream()) else {
            return;
        };
        if let Ok(runtime) = Handle::try_current() {
            let rest = async move { while let Some(Ok(_)) = body.frame().await {} };
            runtime.spawn(async move { timeout(LIMIT, rest).await });
        }
    }
}
