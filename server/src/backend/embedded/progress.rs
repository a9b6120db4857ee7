//! How far a call has come.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use heliograph_protocol::hub::write;
use serde::Serialize;

use super::HubError;
use super::arguments::{Binder, Parameter};
use super::connection::Connection;
use super::encode::{self, Buffer};
use super::error::BindError;

/// A parameter of a hub method that tells its caller how far the call has come. The caller gives
/// no argument for it.
///
/// Legacy clients alone hear of it, before they get the result: to others nothing is sent, and
/// nothing after the call has ended.
pub struct Progress<T: ?Sized> {
    call: Option<(Arc<Connection>, Box<str>)>,
    value: PhantomData<fn(&T)>,
}

impl<T: Serialize + ?Sized> Progress<T> {
    /// Tells the caller.
    ///
    /// # Errors
    ///
    /// When serde cannot write the value.
    pub fn report(&self, value: &T) -> Result<(), HubError> {
        let Some((connection, id)) = &self.call else {
            return Ok(());
        };
        let encoding = connection.encoding;
        let value = Buffer::of(encoding, value)?;
        connection.client.push(encode::frame(encoding, |out| {
            write::stream_item(encoding, out, id, value.bytes());
        }));
        Ok(())
    }
}

impl<T: ?Sized + 'static> Parameter for Progress<T> {
    const ARGUMENTS: usize = 0;
    const UPLOADS: usize = 0;

    fn bind(call: &mut Binder<'_>) -> Result<Self, BindError> {
        let id = call.id.filter(|_| call.connection.is_legacy());
        Ok(Self {
            call: id.map(|id| (Arc::clone(call.connection), id.into())),
            value: PhantomData,
        })
    }
}

impl<T: ?Sized> fmt::Debug for Progress<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress")
            .field("is_heard", &self.call.is_some())
            .finish_non_exhaustive()
    }
}
