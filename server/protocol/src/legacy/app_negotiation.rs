//! What an app answers to `/negotiate` itself (1.5, 7.1).

use std::borrow::Cow;
use std::fmt;

use thiserror::Error;

use super::json::{members, string};

/// What an app's own answer tells a client to do.
#[derive(Clone, PartialEq, Eq)]
pub enum AppNegotiation<'a> {
    /// Negotiate there.
    Redirect {
        /// The other endpoint, perhaps with a query.
        url: Cow<'a, str>,
        /// The bearer token to use there; empty if the app gave none.
        access_token: Cow<'a, str>,
    },
    /// The app refuses, for this reason.
    Error(Cow<'a, str>),
    /// Connect here.
    Plain {
        /// The public id.
        connection_id: Cow<'a, str>,
        /// The secret id.
        connection_token: Cow<'a, str>,
    },
}

impl<'a> AppNegotiation<'a> {
    /// Reads the body of an answer, as clients from 2.4 on do it: an error counts before a redirect,
    /// and a redirect before the rest (7.2).
    ///
    /// # Errors
    ///
    /// [`NegotiationError`] when it tells nothing that a client could do.
    pub fn parse(body: &'a [u8]) -> Result<Self, NegotiationError> {
        let mut fields = Fields::default();
        let mut is_core = false;
        members(body, |name, value| match name {
            "Error" => fields.error = string(value),
            "RedirectUrl" => fields.redirect_url = string(value),
            "AccessToken" => fields.access_token = string(value),
            "ConnectionId" => fields.connection_id = string(value),
            "ConnectionToken" => fields.connection_token = string(value),
            "availableTransports" => is_core = true,
            _ => {}
        })
        .map_err(|_| NegotiationError::Json)?;
        if is_core {
            return Err(NegotiationError::CoreServer);
        }
        fields.into_answer()
    }
}

#[derive(Default)]
struct Fields<'a> {
    error: Option<Cow<'a, str>>,
    redirect_url: Option<Cow<'a, str>>,
    access_token: Option<Cow<'a, str>>,
    connection_id: Option<Cow<'a, str>>,
    connection_token: Option<Cow<'a, str>>,
}

impl<'a> Fields<'a> {
    fn into_answer(self) -> Result<AppNegotiation<'a>, NegotiationError> {
        if let Some(error) = self.error {
            return Ok(AppNegotiation::Error(error));
        }
        if let Some(url) = self.redirect_url {
            let access_token = self.access_token.unwrap_or_default();
            return Ok(AppNegotiation::Redirect { url, access_token });
        }
        Ok(AppNegotiation::Plain {
            connection_id: self
                .connection_id
                .ok_or(NegotiationError::Missing("ConnectionId"))?,
            connection_token: self
                .connection_token
                .ok_or(NegotiationError::Missing("ConnectionToken"))?,
        })
    }
}

impl fmt::Debug for AppNegotiation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A redirect address may carry a token in its query.
            Self::Redirect { .. } => f.debug_struct("Redirect").finish_non_exhaustive(),
            Self::Error(error) => f.debug_tuple("Error").field(error).finish(),
            Self::Plain { connection_id, .. } => f
                .debug_struct("Plain")
                .field("connection_id", connection_id)
                .finish_non_exhaustive(),
        }
    }
}

/// An answer that is none. Always the app's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NegotiationError {
    /// The body is no JSON object.
    #[error("the answer is not a JSON object")]
    Json,
    /// The answer is that of an ASP.NET Core server.
    #[error("the answer comes from an ASP.NET Core server")]
    CoreServer,
    /// A text is absent, or is no text.
    #[error("the answer has no {0}")]
    Missing(&'static str),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Result<AppNegotiation<'_>, NegotiationError> {
        AppNegotiation::parse(body.as_bytes())
    }

    #[test]
    fn answers_are_told_apart() {
        let redirect = AppNegotiation::Redirect {
            url: "u".into(),
            access_token: "t".into(),
        };
        let text = r#"{"ProtocolVersion":"2.0","RedirectUrl":"u","AccessToken":"\u0074"}"#;
        assert_eq!(parse(text), Ok(redirect));
        let error = AppNegotiation::Error("no".into());
        assert_eq!(parse(r#"{"RedirectUrl":"u","Error":"no"}"#), Ok(error));
        let plain = AppNegotiation::Plain {
            connection_id: "i".into(),
            connection_token: "t".into(),
        };
        let text = r#"{"Url":"/signalr","ConnectionToken":"t","ConnectionId":"i","Error":null}"#;
        assert_eq!(parse(text), Ok(plain));
    }

    #[test]
    fn answer_that_helps_no_client_is_an_error() {
        for (text, error) in [
            ("", NegotiationError::Json),
            ("[]", NegotiationError::Json),
            ("{}x", NegotiationError::Json),
            ("{}", NegotiationError::Missing("ConnectionId")),
            (
                r#"{"ConnectionId":"i","ConnectionToken":1}"#,
                NegotiationError::Missing("ConnectionToken"),
            ),
            (
                r#"{"connectionId":"i","availableTransports":[]}"#,
                NegotiationError::CoreServer,
            ),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn tokens_are_not_shown() {
        let answers = [
            parse(r#"{"RedirectUrl":"secret","AccessToken":"secret"}"#),
            parse(r#"{"ConnectionToken":"secret","ConnectionId":"i"}"#),
        ];
        assert!(!format!("{answers:?}").contains("secret"));
    }
}
