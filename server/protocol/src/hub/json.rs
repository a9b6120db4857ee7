//! Hub messages in JSON (3.3): taking them apart and writing them.

use std::borrow::Cow;

use super::error::{JsonKind, ParseError};
use super::json_scan::Cursor;
use super::json_text::{write_number, write_string};
use super::message::{
    Arguments, CancelInvocation, Close, Completion, Headers, Invocation, Message, Outcome, Raw,
    StreamInvocation, StreamItem,
};
use super::write::Call;
use super::{Encoding, MessageType, RECORD_SEPARATOR};

/// Takes one record apart. What follows the object inside the record is not looked at.
pub(super) fn parse(framed: &[u8]) -> Result<Message<'_>, ParseError> {
    let mut cursor = Cursor::new(framed);
    cursor.enter_record()?;
    let mut fields = Fields::default();
    let mut first = true;
    while let Some(name) = cursor.property(&mut first)? {
        fields.read(&name.name(), &mut cursor)?;
    }
    fields.into_message()
}

/// The properties of a record. They come in any order, the type last in what the TypeScript client
/// writes, so all are read before the first of them is understood.
#[derive(Default)]
struct Fields<'a> {
    message_type: Option<i64>,
    headers: Headers<'a>,
    invocation_id: Option<Cow<'a, str>>,
    target: Option<Cow<'a, str>>,
    arguments: Option<Arguments<'a>>,
    stream_ids: Vec<Cow<'a, str>>,
    item: Option<&'a [u8]>,
    result: Option<&'a [u8]>,
    error: Option<Cow<'a, str>>,
    allow_reconnect: bool,
    sequence_id: Option<i64>,
}

impl<'a> Fields<'a> {
    fn read(&mut self, name: &[u8], cursor: &mut Cursor<'a>) -> Result<(), ParseError> {
        match name {
            b"type" => {
                let number = integer(cursor, "type", "Int32")?;
                let wrong = ParseError::WrongKind {
                    property: "type",
                    expected: "Number",
                };
                let number = number.ok_or(wrong)?;
                i32::try_from(number).map_err(|_| ParseError::Number("Int32"))?;
                self.message_type = Some(number);
            }
            b"invocationId" => self.invocation_id = Some(string(cursor, "invocationId")?),
            b"target" => self.target = Some(string(cursor, "target")?),
            b"error" => self.error = Some(string(cursor, "error")?),
            b"arguments" => self.arguments = Some(arguments(cursor)?),
            b"streamIds" => self.stream_ids = stream_ids(cursor)?,
            b"headers" => self.headers = headers(cursor)?,
            b"item" => self.item = Some(cursor.value()?),
            b"result" => self.result = Some(cursor.value()?),
            b"allowReconnect" => self.allow_reconnect = boolean(cursor, "allowReconnect")?,
            b"sequenceId" => self.sequence_id = integer(cursor, "sequenceId", "Int64")?,
            _ => {
                cursor.value()?;
            }
        }
        Ok(())
    }

    fn into_message(self) -> Result<Message<'a>, ParseError> {
        let number = self.message_type.ok_or(ParseError::Missing("type"))?;
        Ok(match MessageType::from(number) {
            MessageType::Invocation => Message::Invocation(self.into_invocation()?),
            MessageType::StreamItem => Message::StreamItem(self.into_stream_item()?),
            MessageType::Completion => Message::Completion(self.into_completion()?),
            MessageType::StreamInvocation => {
                Message::StreamInvocation(self.into_stream_invocation()?)
            }
            MessageType::CancelInvocation => Message::CancelInvocation(CancelInvocation {
                invocation_id: required(self.invocation_id, "invocationId")?,
                headers: self.headers,
            }),
            MessageType::Ping => Message::Ping,
            MessageType::Close => Message::Close(Close {
                error: self.error,
                allow_reconnect: self.allow_reconnect,
            }),
            MessageType::Ack => Message::Ack(self.sequence_id()?),
            MessageType::Sequence => Message::Sequence(self.sequence_id()?),
            MessageType::Unknown(number) => Message::Unknown(number),
        })
    }

    fn into_invocation(self) -> Result<Invocation<'a>, ParseError> {
        let target = required(self.target, "target")?;
        let arguments = self.arguments.ok_or(ParseError::Missing("arguments"))?;
        Ok(Invocation {
            headers: self.headers,
            invocation_id: self.invocation_id.filter(|id| !id.is_empty()),
            target,
            arguments: Ok(arguments),
            stream_ids: self.stream_ids,
        })
    }

    // The order in which the genuine server misses things.
    fn into_stream_invocation(self) -> Result<StreamInvocation<'a>, ParseError> {
        let target = self.target.ok_or(ParseError::Missing("target"))?;
        let invocation_id = required(self.invocation_id, "invocationId")?;
        let arguments = self.arguments.ok_or(ParseError::Missing("arguments"))?;
        Ok(StreamInvocation {
            headers: self.headers,
            invocation_id,
            target: required(Some(target), "target")?,
            arguments: Ok(arguments),
            stream_ids: self.stream_ids,
        })
    }

    fn into_stream_item(self) -> Result<StreamItem<'a>, ParseError> {
        let invocation_id = required(self.invocation_id, "invocationId")?;
        let item = self.item.ok_or(ParseError::Missing("item"))?;
        Ok(StreamItem {
            headers: self.headers,
            invocation_id,
            item: Ok(Raw::new(Encoding::Json, item)),
        })
    }

    fn into_completion(self) -> Result<Completion<'a>, ParseError> {
        let invocation_id = required(self.invocation_id, "invocationId")?;
        let outcome = match (self.error, self.result) {
            (Some(_), Some(_)) => return Err(ParseError::ErrorAndResult),
            (Some(error), None) => Outcome::Error(error),
            (None, Some(result)) => Outcome::Result(Ok(Raw::new(Encoding::Json, result))),
            (None, None) => Outcome::Void,
        };
        Ok(Completion {
            headers: self.headers,
            invocation_id,
            outcome,
        })
    }

    fn sequence_id(&self) -> Result<i64, ParseError> {
        self.sequence_id.ok_or(ParseError::Missing("sequenceId"))
    }
}

fn required<'a>(
    text: Option<Cow<'a, str>>,
    property: &'static str,
) -> Result<Cow<'a, str>, ParseError> {
    text.filter(|text| !text.is_empty())
        .ok_or(ParseError::Missing(property))
}

/// Reads a property that must be a string.
pub(super) fn string<'a>(
    cursor: &mut Cursor<'a>,
    property: &'static str,
) -> Result<Cow<'a, str>, ParseError> {
    match cursor.kind()? {
        JsonKind::String => cursor.string()?.decode(),
        _ => Err(cursor.mismatch(ParseError::WrongKind {
            property,
            expected: "String",
        })),
    }
}

/// Reads a property that must be an integer; `null` gives `None`.
pub(super) fn integer(
    cursor: &mut Cursor<'_>,
    property: &'static str,
    width: &'static str,
) -> Result<Option<i64>, ParseError> {
    match cursor.kind()? {
        JsonKind::Number => {
            let digits = std::str::from_utf8(cursor.scalar()?).map_err(|_| ParseError::Json)?;
            digits
                .parse()
                .map(Some)
                .map_err(|_| ParseError::Number(width))
        }
        JsonKind::Null => cursor.scalar().map(|_| None),
        _ => Err(cursor.mismatch(ParseError::WrongKind {
            property,
            expected: "Number",
        })),
    }
}

/// Reads a property that must be a boolean.
pub(super) fn boolean(cursor: &mut Cursor<'_>, property: &'static str) -> Result<bool, ParseError> {
    match cursor.kind()? {
        JsonKind::Boolean(value) => cursor.scalar().map(|_| value),
        _ => Err(cursor.mismatch(ParseError::NotBoolean(property))),
    }
}

fn arguments<'a>(cursor: &mut Cursor<'a>) -> Result<Arguments<'a>, ParseError> {
    enter_array(cursor, "arguments")?;
    let mut arguments = Arguments::new(Encoding::Json);
    let mut first = true;
    while cursor.element(&mut first)? {
        arguments.push(cursor.value()?);
    }
    Ok(arguments)
}

fn stream_ids<'a>(cursor: &mut Cursor<'a>) -> Result<Vec<Cow<'a, str>>, ParseError> {
    enter_array(cursor, "streamIds")?;
    let mut ids = Vec::new();
    let mut first = true;
    while cursor.element(&mut first)? {
        match cursor.kind()? {
            JsonKind::String => ids.push(cursor.string()?.decode()?),
            JsonKind::Null => return Err(cursor.mismatch(ParseError::NullStreamId)),
            other => return Err(cursor.mismatch(ParseError::StreamIdKind(other))),
        }
    }
    Ok(ids)
}

fn enter_array(cursor: &mut Cursor<'_>, property: &'static str) -> Result<(), ParseError> {
    match cursor.kind()? {
        JsonKind::Array => cursor.open(),
        _ => Err(cursor.mismatch(ParseError::WrongKind {
            property,
            expected: "Array",
        })),
    }
}

fn headers<'a>(cursor: &mut Cursor<'a>) -> Result<Headers<'a>, ParseError> {
    match cursor.kind()? {
        JsonKind::Object => cursor.open()?,
        _ => {
            let wrong = ParseError::WrongKind {
                property: "headers",
                expected: "StartObject",
            };
            return Err(cursor.mismatch(wrong));
        }
    }
    let mut headers = Headers::new();
    let mut first = true;
    while let Some(name) = cursor.property(&mut first)? {
        let name = name.decode()?;
        match cursor.kind()? {
            JsonKind::String => headers.push(name, cursor.string()?.decode()?),
            _ => return Err(cursor.mismatch(ParseError::HeaderKind(name.into_owned()))),
        }
    }
    Ok(headers)
}

/// Writes an Invocation or StreamInvocation.
pub(super) fn write_call<S: AsRef<str>>(out: &mut Vec<u8>, call: &Call<'_, S>) {
    begin(out, call.message_type, call.headers);
    write_id(out, call.invocation_id.unwrap_or_default());
    out.extend_from_slice(b",\"target\":");
    write_string(out, call.target);
    out.extend_from_slice(b",\"arguments\":[");
    for (index, argument) in call.arguments.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(argument);
    }
    out.push(b']');
    if !call.stream_ids.is_empty() {
        out.extend_from_slice(b",\"streamIds\":[");
        for (index, id) in call.stream_ids.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_string(out, id.as_ref());
        }
        out.push(b']');
    }
    end(out);
}

/// Writes a StreamItem.
pub(super) fn write_item(out: &mut Vec<u8>, headers: &Headers<'_>, id: &str, item: &[u8]) {
    begin(out, MessageType::StreamItem, headers);
    write_id(out, id);
    out.extend_from_slice(b",\"item\":");
    out.extend_from_slice(item);
    end(out);
}

/// Writes a Completion; as in .NET, an empty error is none.
pub(super) fn write_completion(
    out: &mut Vec<u8>,
    headers: &Headers<'_>,
    id: &str,
    error: &str,
    result: Option<&[u8]>,
) {
    begin(out, MessageType::Completion, headers);
    write_id(out, id);
    if !error.is_empty() {
        out.extend_from_slice(b",\"error\":");
        write_string(out, error);
    } else if let Some(result) = result {
        out.extend_from_slice(b",\"result\":");
        out.extend_from_slice(result);
    }
    end(out);
}

/// Writes a CancelInvocation.
pub(super) fn write_cancel(out: &mut Vec<u8>, headers: &Headers<'_>, id: &str) {
    begin(out, MessageType::CancelInvocation, headers);
    write_id(out, id);
    end(out);
}

/// Writes a Close.
pub(super) fn write_close(out: &mut Vec<u8>, close: &Close<'_>) {
    begin(out, MessageType::Close, &Headers::new());
    if let Some(error) = &close.error {
        out.extend_from_slice(b",\"error\":");
        write_string(out, error);
    }
    if close.allow_reconnect {
        out.extend_from_slice(b",\"allowReconnect\":true");
    }
    end(out);
}

/// Writes an Ack or Sequence.
pub(super) fn write_sequence_id(out: &mut Vec<u8>, message_type: MessageType, sequence_id: i64) {
    begin(out, message_type, &Headers::new());
    out.extend_from_slice(b",\"sequenceId\":");
    write_number(out, sequence_id);
    end(out);
}

/// Writes a message that is nothing but its type.
pub(super) fn write_bare(out: &mut Vec<u8>, message_type: MessageType) {
    begin(out, message_type, &Headers::new());
    end(out);
}

fn begin(out: &mut Vec<u8>, message_type: MessageType, headers: &Headers<'_>) {
    out.extend_from_slice(b"{\"type\":");
    write_number(out, message_type.number());
    if !headers.is_empty() {
        out.extend_from_slice(b",\"headers\":{");
        for (index, (name, value)) in headers.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_string(out, name);
            out.push(b':');
            write_string(out, value);
        }
        out.push(b'}');
    }
}

fn end(out: &mut Vec<u8>) {
    out.extend_from_slice(&[b'}', RECORD_SEPARATOR]);
}

fn write_id(out: &mut Vec<u8>, id: &str) {
    if !id.is_empty() {
        out.extend_from_slice(b",\"invocationId\":");
        write_string(out, id);
    }
}
