//! Hub methods without their types.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt};
use serde::Serialize;

use super::arguments::{Binder, Parameters};
use super::encode::Buffer;
use super::error::BindError;
use super::streams::Items;
use super::{Caller, HubError, Policy};
use crate::backend::BoxFuture;

/// A method with its arguments, not begun: the encoded result.
pub(super) type ValueFuture = BoxFuture<'static, Result<Buffer, HubError>>;
/// A streaming method with its arguments, not begun.
pub(super) type StreamRun =
    Box<dyn FnOnce(Items) -> BoxFuture<'static, Result<(), StreamFailure>> + Send>;

/// Where a streaming method failed.
pub(super) enum StreamFailure {
    /// There is no stream.
    Start(HubError),
    /// The stream broke off.
    Items(HubError),
}

/// A call that has its arguments.
pub(super) enum Prepared {
    Value(ValueFuture),
    Stream(StreamRun),
}

type Bind = dyn Fn(&Caller, &mut Binder<'_>) -> Result<Prepared, BindError> + Send + Sync;

/// A method of a hub.
pub(super) struct Method {
    pub(super) arguments: usize,
    pub(super) uploads: usize,
    pub(super) is_stream: bool,
    pub(super) policy: Option<Policy>,
    bind: Box<Bind>,
}

impl Method {
    /// A method that answers once.
    pub(super) fn value<A, F, Fut, R>(handler: F) -> Self
    where
        A: Parameters,
        F: Fn(Caller, A) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, HubError>> + Send + 'static,
        R: Serialize + 'static,
    {
        let handler = Arc::new(handler);
        Self::new::<A>(false, move |caller, call| {
            let arguments = A::bind(call)?;
            let (handler, caller) = (Arc::clone(&handler), caller.clone());
            Ok(Prepared::Value(Box::pin(async move {
                let encoding = caller.encoding();
                let result = handler(caller, arguments).await?;
                Buffer::of(encoding, &result)
            })))
        })
    }

    /// A method that answers with a stream.
    pub(super) fn stream<A, F, Fut, S, T>(handler: F) -> Self
    where
        A: Parameters,
        F: Fn(Caller, A) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<S, HubError>> + Send + 'static,
        S: Stream<Item = Result<T, HubError>> + Send + 'static,
        T: Serialize + Send + 'static,
    {
        let handler = Arc::new(handler);
        Self::new::<A>(true, move |caller, call| {
            let arguments = A::bind(call)?;
            let (handler, caller) = (Arc::clone(&handler), caller.clone());
            Ok(Prepared::Stream(Box::new(move |items: Items| {
                Box::pin(async move {
                    let stream = handler(caller, arguments).await;
                    let mut stream = pin!(stream.map_err(StreamFailure::Start)?);
                    while let Some(item) = stream.next().await {
                        item.and_then(|item| items.push(&item))
                            .map_err(StreamFailure::Items)?;
                        items.room().await;
                    }
                    Ok(())
                })
            })))
        })
    }

    fn new<A: Parameters>(
        is_stream: bool,
        bind: impl Fn(&Caller, &mut Binder<'_>) -> Result<Prepared, BindError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            arguments: A::ARGUMENTS,
            uploads: A::UPLOADS,
            is_stream,
            policy: None,
            bind: Box::new(bind),
        }
    }

    /// Takes the arguments of a call.
    pub(super) fn prepare(
        &self,
        caller: &Caller,
        call: &mut Binder<'_>,
    ) -> Result<Prepared, BindError> {
        (self.bind)(caller, call)
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Method")
            .field("arguments", &self.arguments)
            .field("uploads", &self.uploads)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
