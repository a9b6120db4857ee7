//! The request that comes before a connection, and its answers (section 1).

use std::borrow::Cow;
use std::fmt;

use thiserror::Error;

use super::TransferFormat;
use super::error::{JsonKind, ParseError};
use super::json::{boolean, integer, string};
use super::json_scan::Cursor;
use super::json_text::{write_number, write_string};

/// The newest version of the negotiation.
pub const NEWEST_VERSION: i32 = 1;

/// How the bytes of a connection are moved (section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// One WebSocket.
    WebSockets,
    /// An event stream down, POST requests up.
    ServerSentEvents,
    /// GET requests that wait down, POST requests up.
    LongPolling,
}

impl Transport {
    /// All of them, in the order in which servers offer them.
    pub const ALL: [Self; 3] = [Self::WebSockets, Self::ServerSentEvents, Self::LongPolling];

    /// The name in a negotiate response.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WebSockets => "WebSockets",
            Self::ServerSentEvents => "ServerSentEvents",
            Self::LongPolling => "LongPolling",
        }
    }

    /// What it can move.
    #[must_use]
    pub const fn formats(self) -> &'static [TransferFormat] {
        match self {
            Self::WebSockets | Self::LongPolling => &[TransferFormat::Text, TransferFormat::Binary],
            Self::ServerSentEvents => &[TransferFormat::Text],
        }
    }
}

/// What a client asks for, in the query of `POST {hub}/negotiate` (1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NegotiateRequest {
    /// The version of the negotiation that both sides know: 0 or 1.
    pub version: i32,
    /// Whether the client wants stateful reconnect; granting it is the endpoint's choice.
    pub use_stateful_reconnect: bool,
}

impl NegotiateRequest {
    /// Reads the values of the query keys `negotiateVersion` and `useStatefulReconnect`, decoded
    /// (the keys are case-insensitive), at an endpoint that takes clients from `minimum_version` on.
    ///
    /// # Errors
    ///
    /// [`NegotiateError`], which is answered with status 200 and [`write_error`].
    pub fn from_query(
        negotiate_version: Option<&str>,
        use_stateful_reconnect: Option<&str>,
        minimum_version: i32,
    ) -> Result<Self, NegotiateError> {
        let version = match negotiate_version {
            None => 0,
            Some(text) => text
                .trim_ascii()
                .parse()
                .map_err(|_| NegotiateError::NotAnInteger)?,
        };
        if version < minimum_version {
            return Err(NegotiateError::VersionTooLow(version));
        }
        Ok(Self {
            version: version.min(NEWEST_VERSION),
            use_stateful_reconnect: use_stateful_reconnect
                .is_some_and(|text| text.trim_ascii().eq_ignore_ascii_case("true")),
        })
    }

    /// The address to send the request to, for a hub at `hub_url`. Its query is kept, and so are
    /// the values it already gives to our keys.
    #[must_use]
    pub fn url(self, hub_url: &str) -> String {
        let hub_url = hub_url.split_once('#').map_or(hub_url, |(url, _)| url);
        let (path, query) = hub_url.split_once('?').unwrap_or((hub_url, ""));
        let slash = if path.ends_with('/') { "" } else { "/" };
        let mut url = format!("{path}{slash}negotiate?{query}");
        let mut add = |key: &str, value: &str| {
            let given = query
                .split('&')
                .any(|pair| pair.split('=').next() == Some(key));
            if !given {
                let separator = if url.ends_with(['?', '&']) { "" } else { "&" };
                url.push_str(&format!("{separator}{key}={value}"));
            }
        };
        add("negotiateVersion", &self.version.to_string());
        if self.use_stateful_reconnect {
            add("useStatefulReconnect", "true");
        }
        url
    }
}

/// A version that the endpoint does not take (1.3). `Display` is the text of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NegotiateError {
    /// The version is not a 32-bit integer.
    #[error("The client requested a non-integer protocol version.")]
    NotAnInteger,
    /// The version is below the endpoint's minimum; an absent one counts as 0.
    #[error("The client requested version '{0}', but the server does not support this version.")]
    VersionTooLow(i32),
}

/// The answer that lets a client connect here (1.2).
///
/// `useStatefulReconnect` (only if granted), `negotiateVersion`, `connectionId`, `connectionToken`
/// (only in version 1), `availableTransports`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct NegotiateResponse<'a> {
    /// Whether stateful reconnect is granted.
    pub use_stateful_reconnect: bool,
    /// The public id, which hubs and peers see. In version 0 it is the token too.
    pub connection_id: &'a str,
    /// The secret id, the only one accepted in `?id=`; its presence makes this version 1.
    pub connection_token: Option<&'a str>,
    /// The transports to try, in order.
    pub transports: &'a [Transport],
}

impl NegotiateResponse<'_> {
    /// Appends the body, as the .NET server writes it.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        if self.use_stateful_reconnect {
            out.extend_from_slice(b"\"useStatefulReconnect\":true,");
        }
        out.extend_from_slice(b"\"negotiateVersion\":");
        write_number(out, i64::from(self.connection_token.is_some()));
        out.extend_from_slice(b",\"connectionId\":");
        write_string(out, self.connection_id);
        if let Some(token) = self.connection_token {
            out.extend_from_slice(b",\"connectionToken\":");
            write_string(out, token);
        }
        out.extend_from_slice(b",\"availableTransports\":[");
        for (index, transport) in self.transports.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(b"{\"transport\":");
            write_string(out, transport.name());
            out.extend_from_slice(b",\"transferFormats\":[");
            for (index, format) in transport.formats().iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_string(out, format.name());
            }
            out.extend_from_slice(b"]}");
        }
        out.extend_from_slice(b"]}");
    }
}

impl fmt::Debug for NegotiateResponse<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NegotiateResponse")
            .field("use_stateful_reconnect", &self.use_stateful_reconnect)
            .field("connection_id", &self.connection_id)
            .field("connection_token", &self.connection_token.map(|_| "***"))
            .field("transports", &self.transports)
            .finish()
    }
}

/// Appends the answer that sends a client to another hub (1.3), as the .NET server writes it. The
/// client negotiates there, with the token as its bearer.
pub fn write_redirect(out: &mut Vec<u8>, url: &str, access_token: Option<&str>) {
    out.extend_from_slice(b"{\"negotiateVersion\":0,\"url\":");
    write_string(out, url);
    if let Some(token) = access_token {
        out.extend_from_slice(b",\"accessToken\":");
        write_string(out, token);
    }
    out.extend_from_slice(b",\"availableTransports\":[]}");
}

/// Appends the answer to a request that is refused (1.3); its status is 200 all the same.
pub fn write_error(out: &mut Vec<u8>, error: &str) {
    out.extend_from_slice(b"{\"error\":");
    write_string(out, error);
    out.push(b'}');
}

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
    /// The answer comes from the predecessor of ASP.NET Core `SignalR`.
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
