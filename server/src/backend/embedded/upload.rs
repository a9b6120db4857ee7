//! Streams that a client sends with a call (3.7).

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use heliograph_protocol::hub::{PayloadError, Raw};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use super::HubError;
use crate::backend::BoxFuture;

/// A stream of values that the client sends: a parameter of a hub method.
///
/// Up to ten items wait here (see [`super::Options::upload_items`]); while that many do, nothing
/// more is read from the client. Dropping it discards what the client still sends.
#[derive(Debug)]
pub struct Upload<T> {
    pieces: mpsc::Receiver<Piece<T>>,
    over: bool,
}

/// What comes through an upload.
#[derive(Debug)]
enum Piece<T> {
    Item(T),
    End(Option<HubError>),
}

impl<T> Upload<T> {
    /// The next item; `None` at the end. An error, which the client or a lost connection caused,
    /// comes last. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Result<T, HubError>> {
        std::future::poll_fn(|cx| self.poll_piece(cx)).await
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, HubError>>> {
        if self.over {
            return Poll::Ready(None);
        }
        self.pieces.poll_recv(cx).map(|piece| {
            if let Some(Piece::Item(item)) = piece {
                return Some(Ok(item));
            }
            self.over = true;
            match piece {
                Some(Piece::End(error)) => error.map(Err),
                _ => Some(Err(HubError::connection_closed())),
            }
        })
    }
}

impl<T: DeserializeOwned + Send + 'static> Upload<T> {
    pub(super) fn channel(items: usize) -> (Box<dyn Sink>, Self) {
        let (sender, pieces) = mpsc::channel(items.max(1));
        let upload = Self {
            pieces,
            over: false,
        };
        (Box::new(sender), upload)
    }
}

impl<T> Stream for Upload<T> {
    type Item = Result<T, HubError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_piece(cx)
    }
}

/// The receiving end of an upload, whatever its items are. What does not fit at once comes back
/// as a future, to be done before anything else is read.
pub(super) trait Sink: Send {
    /// Takes an item. `Err` ends the upload: the item is not what the method takes.
    fn item(&self, item: Result<Raw<'_>, PayloadError>) -> Result<Option<Rest>, Unbindable>;

    /// Takes the end.
    fn end(&self, error: Option<HubError>) -> Option<Rest>;

    /// Whether nobody takes items any more.
    fn is_abandoned(&self) -> bool;
}

/// The rest of handing over an item.
pub(super) type Rest = BoxFuture<'static, ()>;

/// An item that is not what the method takes.
pub(super) struct Unbindable;

impl<T: DeserializeOwned + Send + 'static> Sink for mpsc::Sender<Piece<T>> {
    fn item(&self, item: Result<Raw<'_>, PayloadError>) -> Result<Option<Rest>, Unbindable> {
        let item = item.map_err(|_| Unbindable)?;
        let item = item.decode().map_err(|_| Unbindable)?;
        Ok(hand_over(self, Piece::Item(item)))
    }

    fn end(&self, error: Option<HubError>) -> Option<Rest> {
        hand_over(self, Piece::End(error))
    }

    fn is_abandoned(&self) -> bool {
        self.is_closed()
    }
}

fn hand_over<T: Send + 'static>(sender: &mpsc::Sender<Piece<T>>, piece: Piece<T>) -> Option<Rest> {
    match sender.try_send(piece) {
        Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => None,
        Err(mpsc::error::TrySendError::Full(piece)) => {
            let sender = sender.clone();
            // Nobody left to take it is as good as taken.
            Some(Box::pin(async move { _ = sender.send(piece).await }))
        }
    }
}
