//! Typed arguments: of calls that come in ([`Parameters`]) and of calls to clients
//! ([`Arguments`]).

use std::borrow::Cow;
use std::sync::Arc;

use heliograph_protocol::hub;
use heliograph_protocol::hub::Encoding;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::HubError;
use super::connection::Connection;
use super::encode;
use super::error::BindError;
use super::upload::{Sink, Upload};

/// What a hub method takes: a tuple of up to eight [`Parameter`]s, such as `(String, i32)`; `()`
/// for none, `(T,)` for one.
pub trait Parameters: Sized + Send + 'static {
    /// How many arguments a call must have.
    const ARGUMENTS: usize;
    /// How many streams a call must announce.
    const UPLOADS: usize;

    /// Takes the values from a call.
    ///
    /// # Errors
    ///
    /// When one of them is of another type.
    fn bind(call: &mut Binder<'_>) -> Result<Self, BindError>;
}

/// One parameter of a hub method: any type that serde reads, an [`Upload`], or
/// [`Progress`](super::Progress).
pub trait Parameter: Sized + Send + 'static {
    /// 1 if it takes an argument.
    const ARGUMENTS: usize;
    /// 1 if it takes a stream.
    const UPLOADS: usize;

    /// Takes the value from a call.
    ///
    /// # Errors
    ///
    /// When it is of another type.
    fn bind(call: &mut Binder<'_>) -> Result<Self, BindError>;
}

impl<T: DeserializeOwned + Send + 'static> Parameter for T {
    const ARGUMENTS: usize = 1;
    const UPLOADS: usize = 0;

    fn bind(call: &mut Binder<'_>) -> Result<Self, BindError> {
        let value = call.arguments.nth(call.taken).ok_or(BindError::Type)?;
        call.taken += 1;
        value.decode().map_err(|_| BindError::Type)
    }
}

impl<T: DeserializeOwned + Send + 'static> Parameter for Upload<T> {
    const ARGUMENTS: usize = 0;
    const UPLOADS: usize = 1;

    fn bind(call: &mut Binder<'_>) -> Result<Self, BindError> {
        let (sink, upload) = Self::channel(call.connection.core.options.upload_items);
        // Without an id the call is refused, a moment later, for the number of its streams.
        if let Some(id) = call.stream_ids.get(call.sinks.len()) {
            call.sinks.push((Box::from(&**id), sink));
        }
        Ok(upload)
    }
}

/// A call whose values are being taken.
pub struct Binder<'m> {
    arguments: &'m hub::Arguments<'m>,
    taken: usize,
    stream_ids: &'m [Cow<'m, str>],
    sinks: Vec<(Box<str>, Box<dyn Sink>)>,
    pub(super) connection: &'m Arc<Connection>,
    /// The id of the call, if it is answered.
    pub(super) id: Option<&'m str>,
}

impl<'m> Binder<'m> {
    pub(super) fn new(
        arguments: &'m hub::Arguments<'m>,
        stream_ids: &'m [Cow<'m, str>],
        connection: &'m Arc<Connection>,
    ) -> Self {
        Self {
            arguments,
            taken: 0,
            stream_ids,
            sinks: Vec::new(),
            connection,
            id: None,
        }
    }

    /// Where the items of the streams that were bound go, by stream id.
    pub(super) fn into_sinks(self) -> Vec<(Box<str>, Box<dyn Sink>)> {
        self.sinks
    }
}

impl std::fmt::Debug for Binder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Binder")
            .field("arguments", &self.arguments.len())
            .field("stream_ids", &self.stream_ids)
            .finish_non_exhaustive()
    }
}

/// The arguments of a call to clients: a tuple of up to eight values that serde writes, such as
/// `(user, text)`; `()` for none, `(text,)` for one. A slice or vector gives one argument per
/// element.
pub trait Arguments: Send + Sync {
    /// Appends the encoded values to `bytes` and says where each ends.
    ///
    /// # Errors
    ///
    /// When serde cannot write one of them.
    fn write(&self, encoding: Encoding, out: &mut Encoded) -> Result<(), HubError>;
}

/// Encoded arguments, one behind the other.
#[derive(Debug, Default)]
pub struct Encoded {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Encoded {
    /// Appends one value.
    ///
    /// # Errors
    ///
    /// When serde cannot write it.
    pub fn push<T: Serialize + ?Sized>(
        &mut self,
        encoding: Encoding,
        value: &T,
    ) -> Result<(), HubError> {
        encode::append(encoding, &mut self.bytes, value)?;
        self.ends.push(self.bytes.len());
        Ok(())
    }

    pub(super) fn values(&self) -> Vec<&[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, end)| self.bytes.get(start..*end).unwrap_or_default())
            .collect()
    }
}

impl<T: Serialize + Send + Sync> Arguments for [T] {
    fn write(&self, encoding: Encoding, out: &mut Encoded) -> Result<(), HubError> {
        self.iter().try_for_each(|value| out.push(encoding, value))
    }
}

impl<T: Serialize + Send + Sync> Arguments for Vec<T> {
    fn write(&self, encoding: Encoding, out: &mut Encoded) -> Result<(), HubError> {
        self.as_slice().write(encoding, out)
    }
}

impl<A: Arguments + ?Sized> Arguments for &A {
    fn write(&self, encoding: Encoding, out: &mut Encoded) -> Result<(), HubError> {
        (**self).write(encoding, out)
    }
}

impl Parameters for () {
    const ARGUMENTS: usize = 0;
    const UPLOADS: usize = 0;

    fn bind(_call: &mut Binder<'_>) -> Result<Self, BindError> {
        Ok(())
    }
}

impl Arguments for () {
    fn write(&self, _encoding: Encoding, _out: &mut Encoded) -> Result<(), HubError> {
        Ok(())
    }
}

macro_rules! tuples {
    ($($name:ident)+) => {
        impl<$($name: Parameter),+> Parameters for ($($name,)+) {
            const ARGUMENTS: usize = 0 $(+ $name::ARGUMENTS)+;
            const UPLOADS: usize = 0 $(+ $name::UPLOADS)+;

            fn bind(call: &mut Binder<'_>) -> Result<Self, BindError> {
                Ok(($($name::bind(call)?,)+))
            }
        }

        impl<$($name: Serialize + Send + Sync),+> Arguments for ($($name,)+) {
            fn write(&self, encoding: Encoding, out: &mut Encoded) -> Result<(), HubError> {
                #[expect(non_snake_case, reason = "the names of the types serve for the values")]
                let ($($name,)+) = self;
                $(out.push(encoding, $name)?;)+
                Ok(())
            }
        }
    };
}

tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E F);
tuples!(A B C D E F G);
tuples!(A B C D E F G H);
