//! The first record in each direction (3.1): JSON text and a record separator, whatever encoding
//! comes later.

use std::borrow::Cow;

use thiserror::Error;

use super::error::ParseError;
use super::json::{integer, string};
use super::json_scan::Cursor;
use super::json_text::{write_number, write_string};
use super::{Encoding, RECORD_SEPARATOR, TransferFormat};

/// The newest version of the hub protocol: 2, which adds stateful reconnect to 1.
const NEWEST_VERSION: i32 = 2;

/// `{"protocol":"json","version":1}`: what a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandshakeRequest<'a> {
    /// The name of an encoding, in any case.
    pub protocol: Cow<'a, str>,
    /// The version of the hub protocol: 1, or 2 when stateful reconnect was granted.
    pub version: i32,
}

/// What a handshake settles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// How everything after the handshake is encoded.
    pub encoding: Encoding,
    /// The version as asked for: any number up to 2, negative ones too. Only 2, on a connection
    /// whose negotiation granted it, means stateful reconnect; else it means 1.
    pub version: i32,
}

impl<'a> HandshakeRequest<'a> {
    /// Reads a request; text behind its object, inside the record, is not looked at.
    ///
    /// # Errors
    ///
    /// [`HandshakeError`]; the answer is [`HandshakeError::TEXT`].
    pub fn parse(record: &'a [u8]) -> Result<Self, HandshakeError> {
        let mut cursor = enter(record)?;
        let mut protocol = None;
        let mut version = None;
        let mut first = true;
        while let Some(name) = cursor.property(&mut first)? {
            match &*name.name() {
                b"protocol" => protocol = Some(string(&mut cursor, "protocol")?),
                b"version" => {
                    let number = integer(&mut cursor, "version", "Int32")?;
                    version = number
                        .map(i32::try_from)
                        .transpose()
                        .map_err(|_| ParseError::Number("Int32"))?;
                }
                _ => {
                    cursor.value()?;
                }
            }
        }
        let missing = |property| HandshakeError::Missing {
            property,
            content: String::from_utf8_lossy(cursor.record()).into_owned(),
        };
        Ok(Self {
            protocol: protocol.ok_or_else(|| missing("protocol"))?,
            version: version.ok_or_else(|| missing("version"))?,
        })
    }

    /// Settles the request on a transport that moves the given formats.
    ///
    /// # Errors
    ///
    /// [`HandshakeRefusal`], whose text is the answer.
    pub fn accept(&self, formats: &[TransferFormat]) -> Result<Accepted, HandshakeRefusal> {
        let name = || self.protocol.clone().into_owned();
        let encoding = Encoding::from_name(&self.protocol)
            .ok_or_else(|| HandshakeRefusal::Protocol { name: name() })?;
        if self.version > NEWEST_VERSION {
            return Err(HandshakeRefusal::Version {
                version: self.version,
                name: name(),
            });
        }
        if !formats.contains(&encoding.transfer_format()) {
            return Err(HandshakeRefusal::Format { encoding });
        }
        Ok(Accepted {
            encoding,
            version: self.version,
        })
    }

    /// Appends the request, as clients send it.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"protocol\":");
        write_string(out, &self.protocol);
        out.extend_from_slice(b",\"version\":");
        write_number(out, i64::from(self.version));
        out.extend_from_slice(&[b'}', RECORD_SEPARATOR]);
    }
}

/// `{}`, or `{"error":"…"}` followed by the end of the connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HandshakeResponse<'a> {
    /// Why the server refuses; `None` when it accepts.
    pub error: Option<Cow<'a, str>>,
}

impl<'a> HandshakeResponse<'a> {
    /// The framed answer that accepts.
    pub const SUCCESS: &'static [u8] = b"{}\x1e";

    /// Reads a response.
    ///
    /// # Errors
    ///
    /// [`HandshakeError`] when it is none, a hub message for example.
    pub fn parse(record: &'a [u8]) -> Result<Self, HandshakeError> {
        let mut cursor = enter(record)?;
        let mut error = None;
        let mut first = true;
        while let Some(name) = cursor.property(&mut first)? {
            match &*name.name() {
                b"error" => error = Some(string(&mut cursor, "error")?),
                b"type" => return Err(HandshakeError::HubMessage),
                _ => {
                    cursor.value()?;
                }
            }
        }
        Ok(Self { error })
    }

    /// Appends the response.
    pub fn write(&self, out: &mut Vec<u8>) {
        if let Some(error) = &self.error {
            out.extend_from_slice(b"{\"error\":");
            write_string(out, error);
            out.extend_from_slice(&[b'}', RECORD_SEPARATOR]);
        } else {
            out.extend_from_slice(Self::SUCCESS);
        }
    }
}

/// A handshake that cannot be read. Always the peer's fault.
///
/// `Display` is the text of the .NET exception, which leaves the server only with detailed errors.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// A required property is absent.
    #[error("Missing required property '{property}'. Message content: {content}")]
    Missing {
        /// The property.
        property: &'static str,
        /// The record.
        content: String,
    },
    /// The record is empty.
    #[error(
        "The input does not contain any JSON tokens. Expected the input to start with a valid JSON \
         token, when isFinalBlock is true. LineNumber: 0 | BytePositionInLine: 0."
    )]
    Empty,
    /// The record does not begin like JSON.
    #[error("'{0}' is an invalid start of a value. LineNumber: 0 | BytePositionInLine: 0.")]
    Start(char),
    /// A client received a hub message first.
    #[error("Expected a handshake response from the server.")]
    HubMessage,
    /// Anything else that is wrong with JSON.
    #[error(transparent)]
    Json(#[from] ParseError),
}

impl HandshakeError {
    /// The answer to a request that cannot be read.
    pub const TEXT: &'static str = "An unexpected error occurred during connection handshake.";

    /// The answer when no request comes in time, or one that is too large.
    pub const CANCELED: &'static str = "Handshake was canceled.";

    /// The answer with detailed errors on.
    #[must_use]
    pub fn detailed(&self) -> String {
        let exception = match self {
            Self::Missing { .. } | Self::HubMessage => "InvalidDataException",
            Self::Empty | Self::Start(_) | Self::Json(ParseError::Json) => "JsonReaderException",
            Self::Json(error) => error.exception(),
        };
        format!("{} {exception}: {self}", Self::TEXT)
    }
}

/// A request that we can read and do not grant. `Display` is the answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HandshakeRefusal {
    /// No encoding has this name.
    #[error("The protocol '{name}' is not supported.")]
    Protocol {
        /// The name, as the client wrote it.
        name: String,
    },
    /// The version is newer than ours.
    #[error("The server does not support version {version} of the '{name}' protocol.")]
    Version {
        /// The version.
        version: i32,
        /// The encoding, as the client wrote it.
        name: String,
    },
    /// The transport cannot move the encoding: server-sent events move text only.
    #[error(
        "Cannot use the '{}' protocol on the current transport. The transport does not support \
         '{}' transfer format.",
        encoding.name(),
        encoding.transfer_format().name()
    )]
    Format {
        /// The encoding.
        encoding: Encoding,
    },
}

fn enter(record: &[u8]) -> Result<Cursor<'_>, HandshakeError> {
    let mut cursor = Cursor::new(record);
    if cursor.kind().is_err() {
        let text = String::from_utf8_lossy(cursor.record());
        let start = text.trim_ascii_start().chars().next();
        return Err(start.map_or(HandshakeError::Empty, HandshakeError::Start));
    }
    cursor.enter_record()?;
    Ok(cursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(
        protocol: &str,
        version: i32,
        formats: &[TransferFormat],
    ) -> Result<Accepted, String> {
        let request = HandshakeRequest {
            protocol: protocol.into(),
            version,
        };
        request
            .accept(formats)
            .map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn versions_up_to_2_are_accepted_and_names_in_any_case() {
        let formats = [TransferFormat::Text, TransferFormat::Binary];
        for version in [i32::MIN, 0, 1, 2] {
            let accepted = Accepted {
                encoding: Encoding::MessagePack,
                version,
            };
            assert_eq!(accept("MessagePack", version, &formats), Ok(accepted));
        }
        let text = "The server does not support version 3 of the 'Json' protocol.";
        assert_eq!(accept("Json", 3, &formats), Err(text.to_owned()));
    }

    #[test]
    fn binary_encoding_is_refused_on_a_text_transport() {
        let text = "Cannot use the 'messagepack' protocol on the current transport. The transport \
                    does not support 'Binary' transfer format.";
        assert_eq!(
            accept("messagepack", 1, &[TransferFormat::Text]),
            Err(text.to_owned())
        );
        assert!(accept("json", 1, &[TransferFormat::Text]).is_ok());
    }
}
