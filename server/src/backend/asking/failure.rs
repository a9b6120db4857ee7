//! What goes wrong between us and a hub or an app.

use std::error::Error;
use std::io;

use http::StatusCode;
use tokio_tungstenite::tungstenite;

use crate::auth::TokenError;

/// What goes wrong between us and a hub or an app. `Display` may go to clients; the cause is for those who
/// may see details. Neither holds a URL, a header or a token.
#[derive(Debug, thiserror::Error)]
pub(in crate::backend) enum Failure {
    /// No connection.
    #[error("it cannot be reached")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    /// No answer.
    #[error("it did not answer in time")]
    TimedOut,
    /// Our own question came back to us.
    #[error("its URL leads back to this service")]
    CameBack,
    /// An answer that is none of a hub.
    #[error("it answered {0}{hint}", hint = hint(*.0))]
    Status(StatusCode),
    /// An answer to negotiate that no client takes either.
    #[error("its answer to negotiate cannot be read")]
    Unreadable,
    /// A page, such as one to log in with.
    #[error("it answered with an HTML page")]
    Page,
    /// Something else where a script should be.
    #[error("what it answered is no JavaScript")]
    NoScript,
    /// An answer to a question who a client is, which does not say it in a form that we know.
    #[error("it serves its clients itself and sends none to this service")]
    NoRedirect,
    /// A redirect without a token.
    #[error("it sends clients elsewhere without an access token")]
    NoToken,
    /// A redirect with a token that this service does not take.
    #[error("the access token that it gives cannot be used here: {0}")]
    Token(TokenError),
    /// An answer beyond our limit.
    #[error("its answer to negotiate is too large")]
    TooLarge,
    /// One redirect after the other.
    #[error("it redirects too often")]
    Redirects,
    /// A redirect to what is no URL of a hub.
    #[error("it redirects to an unusable URL")]
    RedirectUrl,
    /// We connect by WebSockets alone.
    #[error("it does not offer WebSockets")]
    NoWebSockets,
    /// The upgrade went wrong.
    #[error("its WebSocket cannot be opened")]
    WebSocket(#[source] Box<dyn Error + Send + Sync>),
    /// Closed before it answered the hub handshake.
    #[error("it closed the connection during the handshake")]
    ClosedEarly,
    /// Broken frames, or too large ones, before it answered the hub handshake.
    #[error("what it sent is no WebSocket message")]
    Nonsense(#[source] Box<dyn Error + Send + Sync>),
    /// Its first record is no handshake answer.
    #[error("its handshake answer cannot be read")]
    NoHandshake,
    /// A ticket that we did not write.
    #[error("the negotiation cannot be found again")]
    Ticket,
}

/// What to do about an answer.
fn hint(status: StatusCode) -> &'static str {
    if status.is_redirection() {
        ", and redirects are not followed"
    } else {
        ""
    }
}

impl Failure {
    /// The text for a client, in one line.
    pub(in crate::backend) fn text(&self, detailed: bool) -> String {
        match self.cause().filter(|_| detailed) {
            Some(cause) => format!("{self} ({cause})"),
            None => self.to_string(),
        }
    }

    /// The innermost cause.
    pub(in crate::backend) fn cause(&self) -> Option<String> {
        let mut cause = self.source()?;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        Some(cause.to_string())
    }

    /// The status for a client that negotiates.
    pub(in crate::backend) fn status(&self) -> StatusCode {
        match self {
            Self::TimedOut => StatusCode::GATEWAY_TIMEOUT,
            Self::CameBack => StatusCode::LOOP_DETECTED,
            _ => StatusCode::BAD_GATEWAY,
        }
    }

    /// A short name from a closed set, for metrics.
    pub(in crate::backend) fn label(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::TimedOut => "timed_out",
            Self::CameBack => "came_back",
            Self::Status(_) => "status",
            Self::Unreadable | Self::TooLarge | Self::Page | Self::NoScript => "unreadable",
            Self::NoRedirect | Self::NoToken | Self::Token(_) => "token",
            Self::Redirects | Self::RedirectUrl => "redirects",
            Self::NoWebSockets | Self::WebSocket(_) => "web_socket",
            Self::ClosedEarly | Self::Nonsense(_) | Self::NoHandshake => "handshake",
            Self::Ticket => "ticket",
        }
    }
}

impl From<hyper_util::client::legacy::Error> for Failure {
    fn from(error: hyper_util::client::legacy::Error) -> Self {
        Self::Unreachable(error.into())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Unreachable(error.into())
    }
}

impl From<tungstenite::Error> for Failure {
    fn from(error: tungstenite::Error) -> Self {
        match error {
            tungstenite::Error::Http(response) => Self::Status(response.status()),
            tungstenite::Error::Io(error) => Self::Unreachable(error.into()),
            tungstenite::Error::Tls(error) => Self::Unreachable(error.into()),
            error => Self::WebSocket(error.into()),
        }
    }
}

impl From<tokio::time::error::Elapsed> for Failure {
    fn from(_: tokio::time::error::Elapsed) -> Self {
        Self::TimedOut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_detailed_texts_show_the_cause() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let failure = Failure::from(refused);
        assert_eq!(failure.text(false), "it cannot be reached");
        assert_eq!(
            failure.text(true),
            "it cannot be reached (connection refused)"
        );
        assert_eq!(Failure::TimedOut.text(true), "it did not answer in time");
    }
}
