//! Hub messages in MessagePack (3.3): taking them apart and writing them.

use std::borrow::Cow;

use super::error::{ParseError, PayloadError};
use super::message::{
    Arguments, CancelInvocation, Close, Completion, Headers, Invocation, Message, Outcome, Raw,
    StreamInvocation, StreamItem,
};
use super::scan::open;
use super::write::Call;
use super::{Encoding, MessageType};
use crate::wire::{Reader, Writer, varint};

const ERROR_RESULT: i32 = 1;
const VOID_RESULT: i32 = 2;
const VALUE_RESULT: i32 = 3;

/// Takes one framed message apart. Surplus elements, and bytes behind the array, are not looked at.
pub(super) fn parse(framed: &[u8]) -> Result<Message<'_>, ParseError> {
    let (elements, message_type, mut reader) = open(framed)?;
    let reader = &mut reader;
    Ok(match message_type {
        MessageType::Invocation => Message::Invocation(invocation(reader, elements)?),
        MessageType::StreamItem => Message::StreamItem(stream_item(reader)?),
        MessageType::Completion => Message::Completion(completion(reader)?),
        MessageType::StreamInvocation => {
            Message::StreamInvocation(stream_invocation(reader, elements)?)
        }
        MessageType::CancelInvocation => Message::CancelInvocation(CancelInvocation {
            headers: headers(reader)?,
            invocation_id: required_id(reader, "invocation ID for CancelInvocation message")?,
        }),
        MessageType::Ping => Message::Ping,
        MessageType::Close => Message::Close(close(reader, elements)?),
        MessageType::Ack => Message::Ack(read_sequence_id(reader)?),
        MessageType::Sequence => Message::Sequence(read_sequence_id(reader)?),
        MessageType::Unknown(number) => Message::Unknown(number),
    })
}

fn invocation<'a>(reader: &mut Reader<'a>, elements: usize) -> Result<Invocation<'a>, ParseError> {
    let headers = headers(reader)?;
    let invocation_id = text(reader, "invocationId")?.filter(|id| !id.is_empty());
    let target = required(reader, "target", "target for Invocation message")?;
    let arguments = arguments(reader);
    let stream_ids = stream_ids(reader, elements, arguments.is_ok())?;
    Ok(Invocation {
        headers,
        invocation_id,
        target,
        arguments,
        stream_ids,
    })
}

fn stream_invocation<'a>(
    reader: &mut Reader<'a>,
    elements: usize,
) -> Result<StreamInvocation<'a>, ParseError> {
    let headers = headers(reader)?;
    let invocation_id = required_id(reader, "invocation ID for StreamInvocation message")?;
    let target = required(reader, "target", "target for StreamInvocation message")?;
    let arguments = arguments(reader);
    let stream_ids = stream_ids(reader, elements, arguments.is_ok())?;
    Ok(StreamInvocation {
        headers,
        invocation_id,
        target,
        arguments,
        stream_ids,
    })
}

fn stream_item<'a>(reader: &mut Reader<'a>) -> Result<StreamItem<'a>, ParseError> {
    Ok(StreamItem {
        headers: headers(reader)?,
        invocation_id: required_id(reader, "invocation ID for StreamItem message")?,
        item: value(reader),
    })
}

fn completion<'a>(reader: &mut Reader<'a>) -> Result<Completion<'a>, ParseError> {
    let headers = headers(reader)?;
    let invocation_id = required_id(reader, "invocation ID for Completion message")?;
    let wrong = ParseError::Field {
        field: "resultKind",
        expected: "Int32",
    };
    let outcome = match reader.i32().map_err(|_| wrong)? {
        // An error without a text is none, to .NET.
        ERROR_RESULT => text(reader, "error")?.map_or(Outcome::Void, Outcome::Error),
        VOID_RESULT => Outcome::Void,
        VALUE_RESULT => Outcome::Result(value(reader)),
        _ => return Err(ParseError::ResultKind),
    };
    Ok(Completion {
        headers,
        invocation_id,
        outcome,
    })
}

fn close<'a>(reader: &mut Reader<'a>, elements: usize) -> Result<Close<'a>, ParseError> {
    let error = text(reader, "error")?;
    let wrong = ParseError::Field {
        field: "allowReconnect",
        expected: "Boolean",
    };
    let allow_reconnect = elements > 2 && reader.bool().map_err(|_| wrong)?;
    Ok(Close {
        error,
        allow_reconnect,
    })
}

fn read_sequence_id(reader: &mut Reader<'_>) -> Result<i64, ParseError> {
    let wrong = ParseError::Field {
        field: "sequenceId",
        expected: "Int64",
    };
    reader.i64().map_err(|_| wrong)
}

fn headers<'a>(reader: &mut Reader<'a>) -> Result<Headers<'a>, ParseError> {
    let count = reader.map_len().map_err(|_| ParseError::HeadersNotAMap)?;
    let mut headers = Headers::new();
    for index in 0..count {
        let name = header_part(reader, index, "Key", "key in header")?;
        let value = header_part(reader, index, "Value", "value in header")?;
        headers.push(name, value);
    }
    Ok(headers)
}

fn header_part<'a>(
    reader: &mut Reader<'a>,
    index: usize,
    part: &'static str,
    what: &'static str,
) -> Result<Cow<'a, str>, ParseError> {
    let text = reader
        .str_or_nil()
        .map_err(|_| ParseError::Header { index, part })?;
    present(text.map(Cow::Borrowed), what)
}

/// Reads the arguments; after a failure the rest of the message is not usable.
fn arguments<'a>(reader: &mut Reader<'a>) -> Result<Arguments<'a>, PayloadError> {
    let count = reader.array_len().map_err(|_| PayloadError::NotAnArray)?;
    let mut arguments = Arguments::new(Encoding::MessagePack);
    for _ in 0..count {
        arguments.push(reader.raw_value().map_err(|_| PayloadError::Value)?);
    }
    Ok(arguments)
}

fn value<'a>(reader: &mut Reader<'a>) -> Result<Raw<'a>, PayloadError> {
    let bytes = reader.raw_value().map_err(|_| PayloadError::Value)?;
    Ok(Raw::new(Encoding::MessagePack, bytes))
}

/// Reads the stream ids, which old clients leave out and which cannot be found behind arguments
/// that could not be read.
fn stream_ids<'a>(
    reader: &mut Reader<'a>,
    elements: usize,
    arguments_read: bool,
) -> Result<Vec<Cow<'a, str>>, ParseError> {
    if elements <= 5 || !arguments_read {
        return Ok(Vec::new());
    }
    let count = reader
        .array_len()
        .map_err(|_| ParseError::StreamIdsNotAnArray)?;
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(required(
            reader,
            "streamIds",
            "value in streamIds received",
        )?);
    }
    Ok(ids)
}

fn required_id<'a>(
    reader: &mut Reader<'a>,
    what: &'static str,
) -> Result<Cow<'a, str>, ParseError> {
    required(reader, "invocationId", what)
}

fn required<'a>(
    reader: &mut Reader<'a>,
    field: &'static str,
    what: &'static str,
) -> Result<Cow<'a, str>, ParseError> {
    present(text(reader, field)?, what)
}

fn present<'a>(text: Option<Cow<'a, str>>, what: &'static str) -> Result<Cow<'a, str>, ParseError> {
    text.filter(|text| !text.is_empty())
        .ok_or(ParseError::NullOrEmpty(what))
}

fn text<'a>(
    reader: &mut Reader<'a>,
    field: &'static str,
) -> Result<Option<Cow<'a, str>>, ParseError> {
    match reader.str_or_nil() {
        Ok(text) => Ok(text.map(Cow::Borrowed)),
        Err(_) => Err(ParseError::Field {
            field,
            expected: "String",
        }),
    }
}

/// Writes an Invocation or StreamInvocation.
pub(super) fn write_call<S: AsRef<str>>(out: &mut Vec<u8>, call: &Call<'_, S>) {
    framed(out, 6, call.message_type, |writer| {
        write_headers(writer, call.headers);
        writer.str_or_nil(call.invocation_id.filter(|id| !id.is_empty()));
        writer.str(call.target);
        writer.array_len(call.arguments.len());
        for argument in call.arguments {
            writer.raw_value(argument);
        }
        writer.array_len(call.stream_ids.len());
        for id in call.stream_ids {
            writer.str(id.as_ref());
        }
    });
}

/// Writes a StreamItem.
pub(super) fn write_item(out: &mut Vec<u8>, headers: &Headers<'_>, id: &str, item: &[u8]) {
    framed(out, 4, MessageType::StreamItem, |writer| {
        write_headers(writer, headers);
        writer.str(id);
        writer.raw_value(item);
    });
}

/// Writes a Completion.
pub(super) fn write_completion(
    out: &mut Vec<u8>,
    headers: &Headers<'_>,
    id: &str,
    error: Option<&str>,
    result: Option<&[u8]>,
) {
    let elements = if error.is_some() || result.is_some() {
        5
    } else {
        4
    };
    framed(out, elements, MessageType::Completion, |writer| {
        write_headers(writer, headers);
        writer.str(id);
        if let Some(error) = error {
            writer.i64(i64::from(ERROR_RESULT));
            writer.str(error);
        } else if let Some(result) = result {
            writer.i64(i64::from(VALUE_RESULT));
            writer.raw_value(result);
        } else {
            writer.i64(i64::from(VOID_RESULT));
        }
    });
}

/// Writes a CancelInvocation.
pub(super) fn write_cancel(out: &mut Vec<u8>, headers: &Headers<'_>, id: &str) {
    framed(out, 3, MessageType::CancelInvocation, |writer| {
        write_headers(writer, headers);
        writer.str(id);
    });
}

/// Writes a Close; as in .NET, an empty error is written as none.
pub(super) fn write_close(out: &mut Vec<u8>, close: &Close<'_>) {
    framed(out, 3, MessageType::Close, |writer| {
        writer.str_or_nil(close.error.as_deref().filter(|error| !error.is_empty()));
        writer.bool(close.allow_reconnect);
    });
}

/// Writes an Ack or Sequence.
pub(super) fn write_sequence_id(out: &mut Vec<u8>, message_type: MessageType, sequence_id: i64) {
    framed(out, 2, message_type, |writer| writer.i64(sequence_id));
}

/// Writes a message that is nothing but its type.
pub(super) fn write_bare(out: &mut Vec<u8>, message_type: MessageType) {
    framed(out, 1, message_type, |_| {});
}

fn framed(
    out: &mut Vec<u8>,
    elements: usize,
    message_type: MessageType,
    fields: impl FnOnce(&mut Writer<'_>),
) {
    varint::write_framed(out, |out| {
        let mut writer = Writer::new(out);
        writer.array_len(elements);
        writer.i64(message_type.number());
        fields(&mut writer);
    });
}

fn write_headers(writer: &mut Writer<'_>, headers: &Headers<'_>) {
    writer.map_len(headers.len());
    for (name, value) in headers.iter() {
        writer.str(name);
        writer.str(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::parse;

    /// A call of one argument that is nested this deep, with bad stream ids behind it.
    fn nested(levels: usize) -> Vec<u8> {
        let mut frame = Vec::new();
        varint::write_framed(&mut frame, |out| {
            out.extend_from_slice(b"\x96\x01\x80\xc0\xa1x\x91");
            out.resize(out.len() + levels - 1, 0x91);
            out.extend_from_slice(&[0x90, 0xc0]);
        });
        frame
    }

    #[test]
    fn nesting_beyond_500_levels_fails_the_call_alone() {
        let error = parse(Encoding::MessagePack, &nested(500)).unwrap_err();
        assert_eq!(error, ParseError::StreamIdsNotAnArray);
        let frame = nested(502);
        let Ok(Message::Invocation(call)) = parse(Encoding::MessagePack, &frame) else {
            panic!("the call is lost");
        };
        assert_eq!(call.arguments, Err(PayloadError::Value));
    }

    #[test]
    fn nil_error_ends_a_call_without_one() {
        let frame = b"\x07\x95\x03\x80\xa11\x01\xc0";
        let Ok(Message::Completion(end)) = parse(Encoding::MessagePack, frame) else {
            panic!("not a completion");
        };
        assert_eq!(end.outcome, Outcome::Void);
    }
}
