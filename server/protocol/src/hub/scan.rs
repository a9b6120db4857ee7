//! Finding out what a framed message is without taking it apart.

use super::error::ParseError;
use super::{Encoding, MessageType, RECORD_SEPARATOR};
use crate::wire::{Reader, varint};

/// The type of one framed message, and no more.
///
/// For whoever passes messages on: nothing is allocated, and what lies behind the type is not
/// looked at. In JSON the first property called `type` counts, at whatever place; values before it
/// are passed over without a check. (For [`parse`](super::parse) the last one counts; a client that
/// writes two hurts itself alone.)
///
/// # Errors
///
/// [`ParseError`] when no type can be found.
pub fn scan(encoding: Encoding, framed: &[u8]) -> Result<MessageType, ParseError> {
    match encoding {
        Encoding::Json => {
            let value = property(framed, b"type")?.ok_or(ParseError::Missing("type"))?;
            let wrong = ParseError::WrongKind {
                property: "type",
                expected: "Number",
            };
            let number = integer(value, wrong, "Int32")?;
            i32::try_from(number).map_err(|_| ParseError::Number("Int32"))?;
            Ok(MessageType::from(number))
        }
        Encoding::MessagePack => read_type(framed).map(|(message_type, _)| message_type),
    }
}

/// The `sequenceId` of one framed Ack or Sequence (3.8).
///
/// # Errors
///
/// [`ParseError`] when there is none.
pub fn sequence_id(encoding: Encoding, framed: &[u8]) -> Result<i64, ParseError> {
    match encoding {
        Encoding::Json => {
            let missing = ParseError::Missing("sequenceId");
            let value = property(framed, b"sequenceId")?.ok_or(missing)?;
            let wrong = ParseError::WrongKind {
                property: "sequenceId",
                expected: "Number",
            };
            integer(value, wrong, "Int64")
        }
        Encoding::MessagePack => {
            let (_, mut reader) = read_type(framed)?;
            let wrong = ParseError::Field {
                field: "sequenceId",
                expected: "Int64",
            };
            reader.i64().map_err(|_| wrong)
        }
    }
}

/// Opens a framed binary message: its type, and a reader that stands behind it.
fn read_type(framed: &[u8]) -> Result<(MessageType, Reader<'_>), ParseError> {
    let (_, message_type, reader) = open(framed)?;
    Ok((message_type, reader))
}

/// Opens a framed binary message: the number of its elements, its type, and a reader that stands
/// behind that.
pub(super) fn open(framed: &[u8]) -> Result<(usize, MessageType, Reader<'_>), ParseError> {
    let prefix = varint::decode(framed)
        .map_err(|_| ParseError::LengthPrefix)?
        .ok_or(ParseError::EndOfStream)?;
    let end = prefix.used.saturating_add(prefix.length);
    let body = framed
        .get(prefix.used..end)
        .ok_or(ParseError::EndOfStream)?;
    let code = *body.first().ok_or(ParseError::EndOfStream)?;
    if !matches!(code, 0x90..=0x9f | 0xdc | 0xdd) {
        return Err(ParseError::NotAnArray { code });
    }
    let mut reader = Reader::new(body);
    let elements = reader.array_len().map_err(|_| ParseError::EndOfStream)?;
    let wrong = ParseError::Field {
        field: "messageType",
        expected: "Int32",
    };
    let number = reader.i32().map_err(|_| wrong)?;
    Ok((elements, MessageType::from(i64::from(number)), reader))
}

/// What follows the name of a property of the outermost object, up to the end of the record.
fn property<'a>(framed: &'a [u8], wanted: &[u8]) -> Result<Option<&'a [u8]>, ParseError> {
    let record = framed.strip_suffix(&[RECORD_SEPARATOR]).unwrap_or(framed);
    let mut rest = trim(record).strip_prefix(b"{").ok_or(ParseError::Json)?;
    loop {
        rest = trim(rest);
        if rest.first() == Some(&b'}') {
            return Ok(None);
        }
        let (name, after) = string(rest)?;
        rest = trim(trim(after).strip_prefix(b":").ok_or(ParseError::Json)?);
        if is_name(name, wanted) {
            return Ok(Some(rest));
        }
        rest = trim(skip_value(rest)?);
        match rest.split_first() {
            Some((b',', after)) => rest = after,
            Some((b'}', _)) => return Ok(None),
            _ => return Err(ParseError::Json),
        }
    }
}

/// Whether a string, given with its quotes, is `wanted`. Names with escapes are rare, so only those
/// cost an allocation.
fn is_name(quoted: &[u8], wanted: &[u8]) -> bool {
    let inner = quoted
        .get(1..quoted.len().saturating_sub(1))
        .unwrap_or_default();
    inner == wanted
        || (memchr::memchr(b'\\', inner).is_some()
            && serde_json::from_slice::<String>(quoted).is_ok_and(|name| name.as_bytes() == wanted))
}

fn integer(value: &[u8], wrong: ParseError, width: &'static str) -> Result<i64, ParseError> {
    if !matches!(value.first(), Some(b'-' | b'0'..=b'9')) {
        return Err(wrong);
    }
    let length = value
        .iter()
        .take_while(|byte| !is_delimiter(**byte))
        .count();
    let digits = value.get(..length).unwrap_or_default();
    let digits = std::str::from_utf8(digits).map_err(|_| ParseError::Json)?;
    digits.parse().map_err(|_| ParseError::Number(width))
}

/// Splits behind the string that `rest` begins with.
fn string(rest: &[u8]) -> Result<(&[u8], &[u8]), ParseError> {
    if rest.first() != Some(&b'"') {
        return Err(ParseError::Json);
    }
    let mut at = 1;
    loop {
        let body = rest.get(at..).unwrap_or_default();
        at += memchr::memchr2(b'"', b'\\', body).ok_or(ParseError::Json)?;
        if rest.get(at) == Some(&b'"') {
            return rest.split_at_checked(at + 1).ok_or(ParseError::Json);
        }
        at += 2;
    }
}

/// What follows the value that `rest` begins with. Brackets are counted, not matched.
fn skip_value(rest: &[u8]) -> Result<&[u8], ParseError> {
    match rest.first() {
        Some(b'"') => string(rest).map(|(_, after)| after),
        Some(b'{' | b'[') => skip_nested(rest),
        Some(_) => {
            let length = rest.iter().take_while(|byte| !is_delimiter(**byte)).count();
            rest.get(length..).ok_or(ParseError::Json)
        }
        None => Err(ParseError::Json),
    }
}

fn skip_nested(mut rest: &[u8]) -> Result<&[u8], ParseError> {
    let mut depth = 0_usize;
    loop {
        let (byte, after) = rest.split_first().ok_or(ParseError::Json)?;
        match byte {
            b'"' => {
                rest = string(rest)?.1;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        rest = after;
        if depth == 0 {
            return Ok(rest);
        }
    }
}

const fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n')
}

const fn trim(text: &[u8]) -> &[u8] {
    text.trim_ascii_start()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Result<MessageType, ParseError> {
        scan(Encoding::Json, text.as_bytes())
    }

    #[test]
    fn type_is_found_at_any_place() {
        for text in [
            "{\"type\":1,\"target\":\"x\"}\u{1e}",
            "{\"target\":\"Echo\",\"arguments\":[\"}\\\"]\",{\"type\":6},[1,[]]],\"type\":1}\u{1e}",
            " { \"a\" : -1.5e3 , \"b\" : null , \"type\" : 1 } \u{1e}",
            "{\"\\u0074ype\":1}\u{1e}",
            "{\"type\":1,\"type\":6}\u{1e}",
            "{\"type\":1",
        ] {
            assert_eq!(json(text), Ok(MessageType::Invocation), "{text}");
        }
        assert_eq!(json("{\"type\":77}\u{1e}"), Ok(MessageType::Unknown(77)));
    }

    #[test]
    fn record_without_a_type_is_an_error() {
        assert_eq!(json("{}\u{1e}"), Err(ParseError::Missing("type")));
        assert_eq!(
            json("{\"a\":{\"type\":1}}\u{1e}"),
            Err(ParseError::Missing("type"))
        );
        let wrong = ParseError::WrongKind {
            property: "type",
            expected: "Number",
        };
        assert_eq!(json("{\"type\":\"1\"}\u{1e}"), Err(wrong));
        assert_eq!(
            json("{\"type\":1.5}\u{1e}"),
            Err(ParseError::Number("Int32"))
        );
        for text in [
            "",
            "\u{1e}",
            "[]",
            "{",
            "{\"a\"",
            "{\"a\":\"\\",
            "{\"a\":[",
            "{nope",
        ] {
            assert_eq!(json(text), Err(ParseError::Json), "{text}");
        }
    }

    #[test]
    fn sequence_id_is_found() {
        let record = "{\"sequenceId\":1234,\"type\":9}\u{1e}".as_bytes();
        assert_eq!(sequence_id(Encoding::Json, record), Ok(1234));
        assert_eq!(
            sequence_id(Encoding::MessagePack, &[4, 0x92, 9, 0xcc, 0x92]),
            Ok(146)
        );
        assert_eq!(
            sequence_id(Encoding::Json, b"{\"type\":8}"),
            Err(ParseError::Missing("sequenceId"))
        );
    }
}
