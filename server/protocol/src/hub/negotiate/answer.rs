//! The client's half of the negotiation: reading the answer (1.2, 1.3).

use std::borrow::Cow;
use std::fmt;

use thiserror::Error;

use crate::hub::error::{JsonKind, ParseError};
use crate::hub::json::{boolean, integer, string};
use crate::hub::json_scan::Cursor;

/// What a client reads in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NegotiateAnswer<'a> {
    /// Connect here.
    Connect(Offer<'a>),
    /// Negotiate there.
    Redirect(Redirect<'a>),
    /// The server refuses.
    Error(Cow<'a, str>),
}

/// What a server offers to a client.
#[derive(Clone, PartialEq, Eq)]
pub struct Offer<'a> {
    /// The version of the negotiation, as the server states it.
    pub version: i32,
    /// The public id.
    pub connection_id: Cow<'a, str>,
    /// The secret id, always there in version 1.
    pub connection_token: Option<Cow<'a, str>>,
    /// Whether stateful reconnect is granted.
    pub use_stateful_reconnect: bool,
    /// The transports, in the server's order.
    pub transports: Vec<OfferedTransport<'a>>,
}

impl Offer<'_> {
    /// The value for `?id=`: the secret id, or in version 0 the public one.
    #[must_use]
    pub fn id(&self) -> &str {
        let token = self
            .connection_token
            .as_deref()
            .filter(|_| self.version > 0);
        token.unwrap_or(&self.connection_id)
    }
}

/// A transport by the names a server gave to it; clients pass over those they do not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedTransport<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// The names of what it moves.
    pub formats: Vec<Cow<'a, str>>,
}

/// Where else to negotiate.
#[derive(Clone, PartialEq, Eq)]
pub struct Redirect<'a> {
    /// The other hub.
    pub url: Cow<'a, str>,
    /// The bearer token to use there.
    pub access_token: Option<Cow<'a, str>>,
}

impl fmt::Debug for Offer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Offer")
            .field("version", &self.version)
            .field("connection_id", &self.connection_id)
            .field(
                "connection_token",
                &self.connection_token.as_ref().map(|_| "***"),
            )
            .field("use_stateful_reconnect", &self.use_stateful_reconnect)
            .field("transports", &self.transports)
            .finish()
    }
}

impl fmt::Debug for Redirect<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A redirect address may carry a token in its query.
        f.debug_struct("Redirect").finish_non_exhaustive()
    }
}

/// An answer that the .NET client does not take either. `Display` is its text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// The answer comes from the predecessor of ASP.NET Core SignalR.
    #[error(
        "Detected a connection attempt to an ASP.NET SignalR Server. This client only supports \
         connecting to an ASP.NET Core SignalR Server. See \
         https://aka.ms/signalr-core-differences for details."
    )]
    LegacyServer,
    /// A list is something else.
    #[error("Unexpected JSON Token Type '{found}'. Expected a JSON Array.")]
    NotAList {
        /// What it is instead.
        found: JsonKind,
    },
    /// Anything else that is wrong with JSON, or absent.
    #[error(transparent)]
    Json(#[from] ParseError),
}

/// Reads an answer as strictly as the .NET client: any order, unknown keys ignored, the last of
/// duplicates taken; an offer must have an id, in version 1 a token, and a list of transports.
///
/// # Errors
///
/// [`AnswerError`] when it is none.
pub fn parse_answer(body: &[u8]) -> Result<NegotiateAnswer<'_>, AnswerError> {
    let mut cursor = Cursor::new(body);
    cursor.enter_record()?;
    let mut fields = Fields::default();
    let mut first = true;
    while let Some(name) = cursor.property(&mut first)? {
        fields.read(&name.name(), &mut cursor)?;
    }
    fields.into_answer()
}

#[derive(Default)]
struct Fields<'a> {
    version: i32,
    url: Option<Cow<'a, str>>,
    access_token: Option<Cow<'a, str>>,
    connection_id: Option<Cow<'a, str>>,
    connection_token: Option<Cow<'a, str>>,
    use_stateful_reconnect: bool,
    transports: Option<Vec<OfferedTransport<'a>>>,
    error: Option<Cow<'a, str>>,
}

impl<'a> Fields<'a> {
    fn read(&mut self, name: &[u8], cursor: &mut Cursor<'a>) -> Result<(), AnswerError> {
        match name {
            b"negotiateVersion" => {
                let number = integer(cursor, "negotiateVersion", "Int32")?.unwrap_or_default();
                self.version = i32::try_from(number).map_err(|_| ParseError::Number("Int32"))?;
            }
            b"url" => self.url = Some(string(cursor, "url")?),
            b"accessToken" => self.access_token = Some(string(cursor, "accessToken")?),
            b"connectionId" => self.connection_id = Some(string(cursor, "connectionId")?),
            b"connectionToken" => {
                self.connection_token = Some(string(cursor, "connectionToken")?);
            }
            b"useStatefulReconnect" => {
                self.use_stateful_reconnect = boolean(cursor, "useStatefulReconnect")?;
            }
            b"availableTransports" => self.transports = Some(transports(cursor)?),
            b"error" => self.error = Some(string(cursor, "error")?),
            b"ProtocolVersion" => return Err(AnswerError::LegacyServer),
            _ => {
                cursor.value()?;
            }
        }
        Ok(())
    }

    fn into_answer(self) -> Result<NegotiateAnswer<'a>, AnswerError> {
        if let Some(error) = self.error {
            return Ok(NegotiateAnswer::Error(error));
        }
        if let Some(url) = self.url {
            let access_token = self.access_token;
            return Ok(NegotiateAnswer::Redirect(Redirect { url, access_token }));
        }
        let connection_id = self
            .connection_id
            .ok_or(ParseError::Missing("connectionId"))?;
        if self.version > 0 && self.connection_token.is_none() {
            return Err(ParseError::Missing("connectionToken").into());
        }
        Ok(NegotiateAnswer::Connect(Offer {
            version: self.version,
            connection_id,
            connection_token: self.connection_token,
            use_stateful_reconnect: self.use_stateful_reconnect,
            transports: self
                .transports
                .ok_or(ParseError::Missing("availableTransports"))?,
        }))
    }
}

fn transports<'a>(cursor: &mut Cursor<'a>) -> Result<Vec<OfferedTransport<'a>>, AnswerError> {
    enter_list(cursor)?;
    let mut transports = Vec::new();
    let mut first = true;
    while cursor.element(&mut first)? {
        match cursor.kind()? {
            JsonKind::Object => cursor.open()?,
            found => return Err(cursor.mismatch(ParseError::NotAnObject { found }).into()),
        }
        transports.push(transport(cursor)?);
    }
    Ok(transports)
}

fn transport<'a>(cursor: &mut Cursor<'a>) -> Result<OfferedTransport<'a>, AnswerError> {
    let mut name = None;
    let mut formats = None;
    let mut first = true;
    while let Some(key) = cursor.property(&mut first)? {
        match &*key.name() {
            b"transport" => name = Some(string(cursor, "transport")?),
            b"transferFormats" => {
                enter_list(cursor)?;
                let mut list = Vec::new();
                let mut first = true;
                while cursor.element(&mut first)? {
                    list.push(string(cursor, "transferFormats")?);
                }
                formats = Some(list);
            }
            _ => {
                cursor.value()?;
            }
        }
    }
    Ok(OfferedTransport {
        name: name.ok_or(ParseError::Missing("transport"))?,
        formats: formats.ok_or(ParseError::Missing("transferFormats"))?,
    })
}

fn enter_list(cursor: &mut Cursor<'_>) -> Result<(), AnswerError> {
    match cursor.kind()? {
        JsonKind::Array => Ok(cursor.open()?),
        found => match cursor.mismatch(ParseError::NotAnObject { found }) {
            ParseError::NotAnObject { found } => Err(AnswerError::NotAList { found }),
            error => Err(error.into()),
        },
    }
}
