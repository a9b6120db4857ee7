//! Writing framed hub messages, byte for byte as the .NET writers do it (3.3).
//!
//! Every function appends one message, framing included, to a buffer. Arguments, items and results
//! are given encoded and are copied as they are: each must be exactly one value in the encoding of
//! the message, which is not checked. (A JSON value never holds a raw record separator.)

use std::borrow::Cow;

use super::error::PayloadError;
use super::message::{Arguments, Close, Headers, Message, Outcome, Raw};
use super::{Encoding, MessageType, json, messagepack};

/// The parts of an Invocation or StreamInvocation.
pub(super) struct Call<'a, S> {
    pub(super) message_type: MessageType,
    pub(super) headers: &'a Headers<'a>,
    pub(super) invocation_id: Option<&'a str>,
    pub(super) target: &'a str,
    pub(super) arguments: &'a [&'a [u8]],
    pub(super) stream_ids: &'a [S],
}

/// Appends a call that does not send streams; without an id no answer is wanted.
pub fn invocation(
    encoding: Encoding,
    out: &mut Vec<u8>,
    invocation_id: Option<&str>,
    target: &str,
    arguments: &[&[u8]],
) {
    let call = Call::<&str> {
        message_type: MessageType::Invocation,
        headers: &Headers::new(),
        invocation_id,
        target,
        arguments,
        stream_ids: &[],
    };
    call_message(encoding, out, &call);
}

/// Appends a call that is answered with a stream.
pub fn stream_invocation(
    encoding: Encoding,
    out: &mut Vec<u8>,
    invocation_id: &str,
    target: &str,
    arguments: &[&[u8]],
) {
    let call = Call::<&str> {
        message_type: MessageType::StreamInvocation,
        headers: &Headers::new(),
        invocation_id: Some(invocation_id),
        target,
        arguments,
        stream_ids: &[],
    };
    call_message(encoding, out, &call);
}

/// Appends one item of a stream.
pub fn stream_item(encoding: Encoding, out: &mut Vec<u8>, invocation_id: &str, item: &[u8]) {
    item_message(encoding, out, &Headers::new(), invocation_id, item);
}

/// Appends the end of a call that returned a value.
pub fn completion_result(
    encoding: Encoding,
    out: &mut Vec<u8>,
    invocation_id: &str,
    result: &[u8],
) {
    completion(
        encoding,
        out,
        &Headers::new(),
        invocation_id,
        None,
        Some(result),
    );
}

/// Appends the end of a call or a stream without a value.
pub fn completion_void(encoding: Encoding, out: &mut Vec<u8>, invocation_id: &str) {
    completion(encoding, out, &Headers::new(), invocation_id, None, None);
}

/// Appends the end of a call or a stream that failed. As in .NET, an empty text in JSON says that
/// it did not fail.
pub fn completion_error(encoding: Encoding, out: &mut Vec<u8>, invocation_id: &str, error: &str) {
    completion(
        encoding,
        out,
        &Headers::new(),
        invocation_id,
        Some(error),
        None,
    );
}

/// Appends the request to stop a call or a stream.
pub fn cancel_invocation(encoding: Encoding, out: &mut Vec<u8>, invocation_id: &str) {
    cancel(encoding, out, &Headers::new(), invocation_id);
}

/// Appends a sign of life; [`Encoding::ping`] is the same as a constant.
pub fn ping(encoding: Encoding, out: &mut Vec<u8>) {
    out.extend_from_slice(encoding.ping());
}

/// Appends the end of the connection.
pub fn close(encoding: Encoding, out: &mut Vec<u8>, close: &Close<'_>) {
    match encoding {
        Encoding::Json => json::write_close(out, close),
        Encoding::MessagePack => messagepack::write_close(out, close),
    }
}

/// Appends the confirmation that the messages up to a number were received (3.8).
pub fn ack(encoding: Encoding, out: &mut Vec<u8>, sequence_id: i64) {
    sequence_message(encoding, out, MessageType::Ack, sequence_id);
}

/// Appends the announcement of the number of the next message (3.8).
pub fn sequence(encoding: Encoding, out: &mut Vec<u8>, sequence_id: i64) {
    sequence_message(encoding, out, MessageType::Sequence, sequence_id);
}

/// Appends any message, headers and streams included.
///
/// # Errors
///
/// [`PayloadError`] when the message carries values that could not be read, or that are in the
/// other encoding; nothing is written then.
pub fn message(
    encoding: Encoding,
    out: &mut Vec<u8>,
    message: &Message<'_>,
) -> Result<(), PayloadError> {
    match message {
        Message::Invocation(call) => call_message(
            encoding,
            out,
            &Call {
                message_type: MessageType::Invocation,
                headers: &call.headers,
                invocation_id: call.invocation_id.as_deref(),
                target: &call.target,
                arguments: arguments(encoding, &call.arguments)?,
                stream_ids: &call.stream_ids,
            },
        ),
        Message::StreamInvocation(call) => call_message(
            encoding,
            out,
            &Call::<Cow<'_, str>> {
                message_type: MessageType::StreamInvocation,
                headers: &call.headers,
                invocation_id: Some(&call.invocation_id),
                target: &call.target,
                arguments: arguments(encoding, &call.arguments)?,
                stream_ids: &call.stream_ids,
            },
        ),
        Message::StreamItem(item) => {
            let value = value(encoding, item.item)?;
            item_message(encoding, out, &item.headers, &item.invocation_id, value);
        }
        Message::Completion(end) => {
            let (error, result) = match &end.outcome {
                Outcome::Error(error) => (Some(&**error), None),
                Outcome::Void => (None, None),
                Outcome::Result(result) => (None, Some(value(encoding, *result)?)),
            };
            completion(
                encoding,
                out,
                &end.headers,
                &end.invocation_id,
                error,
                result,
            );
        }
        Message::CancelInvocation(stop) => {
            cancel(encoding, out, &stop.headers, &stop.invocation_id);
        }
        Message::Ping => ping(encoding, out),
        Message::Close(end) => close(encoding, out, end),
        Message::Ack(number) => ack(encoding, out, *number),
        Message::Sequence(number) => sequence(encoding, out, *number),
        Message::Unknown(_) => match encoding {
            Encoding::Json => json::write_bare(out, message.message_type()),
            Encoding::MessagePack => messagepack::write_bare(out, message.message_type()),
        },
    }
    Ok(())
}

fn arguments<'m>(
    encoding: Encoding,
    arguments: &'m Result<Arguments<'m>, PayloadError>,
) -> Result<&'m [&'m [u8]], PayloadError> {
    match arguments {
        Ok(arguments) if arguments.is_empty() || arguments.encoding() == encoding => {
            Ok(arguments.as_slice())
        }
        Ok(_) => Err(PayloadError::OtherEncoding),
        Err(error) => Err(*error),
    }
}

fn value<'a>(
    encoding: Encoding,
    value: Result<Raw<'a>, PayloadError>,
) -> Result<&'a [u8], PayloadError> {
    let value = value?;
    if value.encoding() != encoding {
        return Err(PayloadError::OtherEncoding);
    }
    Ok(value.bytes())
}

fn call_message<S: AsRef<str>>(encoding: Encoding, out: &mut Vec<u8>, call: &Call<'_, S>) {
    match encoding {
        Encoding::Json => json::write_call(out, call),
        Encoding::MessagePack => messagepack::write_call(out, call),
    }
}

fn item_message(
    encoding: Encoding,
    out: &mut Vec<u8>,
    headers: &Headers<'_>,
    id: &str,
    item: &[u8],
) {
    match encoding {
        Encoding::Json => json::write_item(out, headers, id, item),
        Encoding::MessagePack => messagepack::write_item(out, headers, id, item),
    }
}

fn completion(
    encoding: Encoding,
    out: &mut Vec<u8>,
    headers: &Headers<'_>,
    id: &str,
    error: Option<&str>,
    result: Option<&[u8]>,
) {
    match encoding {
        Encoding::Json => {
            json::write_completion(out, headers, id, error.unwrap_or_default(), result);
        }
        Encoding::MessagePack => messagepack::write_completion(out, headers, id, error, result),
    }
}

fn cancel(encoding: Encoding, out: &mut Vec<u8>, headers: &Headers<'_>, id: &str) {
    match encoding {
        Encoding::Json => json::write_cancel(out, headers, id),
        Encoding::MessagePack => messagepack::write_cancel(out, headers, id),
    }
}

fn sequence_message(
    encoding: Encoding,
    out: &mut Vec<u8>,
    message_type: MessageType,
    sequence_id: i64,
) {
    match encoding {
        Encoding::Json => json::write_sequence_id(out, message_type, sequence_id),
        Encoding::MessagePack => messagepack::write_sequence_id(out, message_type, sequence_id),
    }
}
