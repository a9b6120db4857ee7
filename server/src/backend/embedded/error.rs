//! What a hub method fails with, and how a client reads it.

use std::any::Any;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use heliograph_protocol::hub::PayloadError;
use serde::Serialize;

/// A failure of a hub method (4.2).
///
/// A client sees the text of a [visible](HubError::visible) one, and of any other only where the
/// hub shows detailed errors. `?` turns every error into one of the second kind; its type's name
/// stands where .NET has the name of the exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubError {
    name: Cow<'static, str>,
    text: Box<str>,
    visible: bool,
    /// JSON text.
    data: Option<Box<str>>,
}

impl HubError {
    /// A failure whose text the client is to see: what `HubException` is in .NET.
    pub fn visible(text: impl Into<Box<str>>) -> Self {
        Self {
            name: Cow::Borrowed("HubException"),
            text: text.into(),
            visible: true,
            data: None,
        }
    }

    /// A failure that clients see only with detailed errors, as `name: text`.
    pub fn hidden(name: &'static str, text: impl Into<Box<str>>) -> Self {
        Self {
            name: Cow::Borrowed(name),
            text: text.into(),
            visible: false,
            data: None,
        }
    }

    /// Adds what a legacy client gets beside the text of a [visible](HubError::visible) failure, as
    /// the data of a `HubException`. Other clients do not see it. What serde cannot write is left
    /// out.
    #[must_use]
    pub fn with_data(mut self, value: impl Serialize) -> Self {
        self.data = serde_json::to_string(&value).ok().map(Box::from);
        self
    }

    /// What [`HubError::with_data`] added, as JSON text.
    #[must_use]
    pub fn data(&self) -> Option<&str> {
        self.data.as_deref()
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether clients see the text in any case.
    #[must_use]
    pub fn is_visible(&self) -> bool {
        self.visible
    }

    /// The name of its kind: `HubException`, or that of the Rust error's type.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What follows the general text of an error for a client.
    pub(super) fn add_to(&self, mut general: String, detailed: bool) -> String {
        if self.visible || detailed {
            general.push(' ');
            general.push_str(&self.name);
            general.push_str(": ");
            general.push_str(&self.text);
        }
        general
    }

    /// From the payload of a panic.
    pub(super) fn panicked(payload: &(dyn Any + Send)) -> Self {
        let text = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        Self::hidden("Panic", text.unwrap_or("the method panicked"))
    }

    /// The client is gone, so what was awaited from it will not come.
    pub(super) fn connection_closed() -> Self {
        let text = "The underlying connection was closed.";
        Self::hidden("OperationCanceledException", text)
    }
}

impl<E: Error> From<E> for HubError {
    fn from(error: E) -> Self {
        let name = std::any::type_name::<E>();
        let name = name.split_once('<').map_or(name, |(name, _)| name);
        let name = name.rsplit_once("::").map_or(name, |(_, name)| name);
        Self::hidden(name, error.to_string())
    }
}

impl fmt::Display for HubError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Arguments that a method does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindError {
    /// Too few or too many.
    Count {
        /// How many the call has.
        provided: usize,
        /// How many the method takes.
        expected: usize,
    },
    /// One of them is not of the type the method takes.
    Type,
    /// They could not be read at all.
    Unreadable(PayloadError),
}

impl From<BindError> for HubError {
    fn from(error: BindError) -> Self {
        let text = match error {
            BindError::Count { provided, expected } => {
                format!("Invocation provides {provided} argument(s) but target expects {expected}.")
            }
            BindError::Type => PayloadError::Value.to_string(),
            BindError::Unreadable(error) => error.to_string(),
        };
        Self::hidden("InvalidDataException", text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_visible_errors_show_their_text_without_details() {
        let general = || String::from("Failed.");
        let visible = HubError::visible("boom");
        assert_eq!(
            visible.add_to(general(), false),
            "Failed. HubException: boom"
        );
        let parse: HubError = "x".parse::<i32>().unwrap_err().into();
        assert_eq!(parse.add_to(general(), false), "Failed.");
        assert_eq!(
            parse.add_to(general(), true),
            "Failed. ParseIntError: invalid digit found in string"
        );
    }
}
