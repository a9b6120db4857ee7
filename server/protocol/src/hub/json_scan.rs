//! A cursor over one JSON record, as strict as the reader of .NET: no comments, no trailing commas,
//! nesting up to 64.

use std::borrow::Cow;

use super::RECORD_SEPARATOR;
use super::error::{JsonKind, ParseError};

/// How deep arrays and objects may nest, the record itself included (3.3).
const MAX_DEPTH: u32 = 64;

/// Reads tokens one after the other and checks what it passes over; what it has not reached yet is
/// not checked, so that of several faults the first one is reported.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: u32,
}

/// A string with its quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    quoted: &'a [u8],
    escaped: bool,
}

impl<'a> Text<'a> {
    /// The text without quotes and escapes.
    pub(super) fn decode(self) -> Result<Cow<'a, str>, ParseError> {
        if self.escaped {
            let text: String = serde_json::from_slice(self.quoted).map_err(|_| ParseError::Text)?;
            Ok(Cow::Owned(text))
        } else {
            let text = std::str::from_utf8(self.inner()).map_err(|_| ParseError::Text)?;
            Ok(Cow::Borrowed(text))
        }
    }

    /// The text as the name of a property; something no property is called if it is not a text.
    pub(super) fn name(self) -> Cow<'a, [u8]> {
        if self.escaped {
            let text: Result<String, _> = serde_json::from_slice(self.quoted);
            Cow::Owned(text.unwrap_or_default().into_bytes())
        } else {
            Cow::Borrowed(self.inner())
        }
    }

    fn inner(self) -> &'a [u8] {
        self.quoted
            .get(1..self.quoted.len().saturating_sub(1))
            .unwrap_or_default()
    }
}

impl<'a> Cursor<'a> {
    /// Starts at the beginning of a record, with or without its separator.
    pub(super) fn new(record: &'a [u8]) -> Self {
        let bytes = record.strip_suffix(&[RECORD_SEPARATOR]).unwrap_or(record);
        Self {
            bytes,
            at: 0,
            depth: 0,
        }
    }

    /// Everything, the separator excluded.
    pub(super) const fn record(&self) -> &'a [u8] {
        self.bytes
    }

    /// Enters the object that every record is.
    pub(super) fn enter_record(&mut self) -> Result<(), ParseError> {
        match self.kind()? {
            JsonKind::Object => self.open(),
            found => Err(self.mismatch(ParseError::NotAnObject { found })),
        }
    }

    /// The next property of the object that was entered, its name read and its value next; `None`
    /// at its end. `first` starts true.
    pub(super) fn property(&mut self, first: &mut bool) -> Result<Option<Text<'a>>, ParseError> {
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.close();
            return Ok(None);
        }
        if !std::mem::replace(first, false) {
            self.expect(b',')?;
        }
        self.key().map(Some)
    }

    /// The kind of the value that comes next, judged by its first byte.
    pub(super) fn kind(&mut self) -> Result<JsonKind, ParseError> {
        self.skip_space();
        match self.peek() {
            Some(b'{') => Ok(JsonKind::Object),
            Some(b'[') => Ok(JsonKind::Array),
            Some(b'"') => Ok(JsonKind::String),
            Some(b't') => Ok(JsonKind::Boolean(true)),
            Some(b'f') => Ok(JsonKind::Boolean(false)),
            Some(b'n') => Ok(JsonKind::Null),
            Some(b'-' | b'0'..=b'9') => Ok(JsonKind::Number),
            _ => Err(ParseError::Json),
        }
    }

    /// The error to report for a value of the wrong kind: that it is, if it can be read at all.
    pub(super) fn mismatch(&mut self, error: ParseError) -> ParseError {
        match self.peek() {
            Some(b'{' | b'[') => self.open().err().unwrap_or(error),
            _ => self.scalar().err().unwrap_or(error),
        }
    }

    /// Reads the string that comes next, which `kind` has announced.
    pub(super) fn string(&mut self) -> Result<Text<'a>, ParseError> {
        let start = self.at;
        let body = self.bytes.get(start + 1..).unwrap_or_default();
        let end = memchr::memchr(b'"', body).ok_or(ParseError::Json)?;
        let plain = body.get(..end).unwrap_or_default();
        // Without branches, so that the compiler can look at many bytes at once.
        let special = plain.iter().fold(false, |found, byte| {
            found | (*byte < 0x20) | (*byte == b'\\')
        });
        let length = if special { escaped_string(body)? } else { end };
        self.at = start + length + 2;
        let quoted = self.bytes.get(start..self.at).unwrap_or_default();
        Ok(Text {
            quoted,
            escaped: special,
        })
    }

    /// Reads the number, string or literal that comes next.
    pub(super) fn scalar(&mut self) -> Result<&'a [u8], ParseError> {
        let start = self.at;
        match self.peek() {
            Some(b'"') => {
                self.string()?;
            }
            Some(b't') => self.literal(b"true")?,
            Some(b'f') => self.literal(b"false")?,
            Some(b'n') => self.literal(b"null")?,
            _ => self.number()?,
        }
        Ok(self.bytes.get(start..self.at).unwrap_or_default())
    }

    /// Enters an array or object.
    pub(super) const fn open(&mut self) -> Result<(), ParseError> {
        if self.depth >= MAX_DEPTH {
            return Err(ParseError::Json);
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    /// Whether the array that was entered has another element, which is next then.
    pub(super) fn element(&mut self, first: &mut bool) -> Result<bool, ParseError> {
        self.skip_space();
        if self.peek() == Some(b']') {
            self.close();
            return Ok(false);
        }
        if !std::mem::replace(first, false) {
            self.expect(b',')?;
            self.skip_space();
        }
        Ok(true)
    }

    /// Passes over the value that comes next and returns it, without the space around it.
    pub(super) fn value(&mut self) -> Result<&'a [u8], ParseError> {
        self.skip_space();
        let start = self.at;
        let base = self.depth;
        // One bit for each level entered here, the innermost lowest: set for objects.
        let mut objects = 0_u64;
        loop {
            match self.peek() {
                Some(bracket @ (b'{' | b'[')) => {
                    self.open()?;
                    let object = bracket == b'{';
                    objects = objects << 1 | u64::from(object);
                    self.skip_space();
                    if self.peek() != Some(if object { b'}' } else { b']' }) {
                        if object {
                            self.key()?;
                        }
                        continue;
                    }
                }
                _ => {
                    self.scalar()?;
                }
            }
            // A value is complete, and perhaps some of those around it.
            loop {
                if self.depth == base {
                    return Ok(self.bytes.get(start..self.at).unwrap_or_default());
                }
                self.skip_space();
                let object = objects & 1 == 1;
                match self.peek() {
                    Some(b'}') if object => self.close(),
                    Some(b']') if !object => self.close(),
                    Some(b',') => {
                        self.at += 1;
                        if object {
                            self.key()?;
                        } else {
                            self.skip_space();
                        }
                        break;
                    }
                    _ => return Err(ParseError::Json),
                }
                objects >>= 1;
            }
        }
    }

    fn key(&mut self) -> Result<Text<'a>, ParseError> {
        self.skip_space();
        if self.peek() != Some(b'"') {
            return Err(ParseError::Json);
        }
        let key = self.string()?;
        self.skip_space();
        self.expect(b':')?;
        self.skip_space();
        Ok(key)
    }

    const fn close(&mut self) {
        self.depth -= 1;
        self.at += 1;
    }

    fn expect(&mut self, byte: u8) -> Result<(), ParseError> {
        if self.peek() != Some(byte) {
            return Err(ParseError::Json);
        }
        self.at += 1;
        Ok(())
    }

    fn literal(&mut self, literal: &[u8]) -> Result<(), ParseError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if !rest.starts_with(literal) {
            return Err(ParseError::Json);
        }
        self.at += literal.len();
        Ok(())
    }

    fn number(&mut self) -> Result<(), ParseError> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), ParseError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 {
            return Err(ParseError::Json);
        }
        self.at += count;
        Ok(())
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }
}

/// The length of a string that starts behind its opening quote, up to its closing one.
fn escaped_string(body: &[u8]) -> Result<usize, ParseError> {
    let mut at = 0;
    loop {
        match body.get(at) {
            Some(b'"') => return Ok(at),
            Some(b'\\') => match body.get(at + 1) {
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => at += 2,
                Some(b'u') => {
                    let digits = body.get(at + 2..at + 6).ok_or(ParseError::Json)?;
                    if !digits.iter().all(u8::is_ascii_hexdigit) {
                        return Err(ParseError::Json);
                    }
                    at += 6;
                }
                _ => return Err(ParseError::Json),
            },
            Some(byte) if *byte >= 0x20 => at += 1,
            _ => return Err(ParseError::Json),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::hub::{Encoding, Message, ParseError, parse};

    #[test]
    fn nesting_ends_at_64_levels_the_record_included() {
        let record = |levels: usize| {
            let value = "[".repeat(levels - 1) + &"]".repeat(levels - 1);
            format!("{{\"type\":6,\"x\":{value}}}\u{1e}").into_bytes()
        };
        assert_eq!(parse(Encoding::Json, &record(64)), Ok(Message::Ping));
        assert_eq!(parse(Encoding::Json, &record(65)), Err(ParseError::Json));
    }

    #[test]
    fn fault_that_comes_first_is_reported() {
        for (text, detail) in [
            ("{\"type\":tru", "InvalidDataException: Error reading JSON."),
            (
                "{\"type\":true,,",
                "InvalidDataException: Expected 'type' to be of type Number.",
            ),
            (
                "{\"target\":[[",
                "InvalidDataException: Expected 'target' to be of type String.",
            ),
            (
                "{\"type\":1.5}",
                "FormatException: Either the JSON value is not in a supported format, or is out of \
                 bounds for an Int32.",
            ),
            (
                "{\"target\":\"\\ud800\"}",
                "InvalidOperationException: Cannot transcode invalid UTF-8 JSON text to UTF-16 \
                 string.",
            ),
            (
                "{\"streamIds\":[1]}",
                "InvalidOperationException: Cannot get the value of a token type 'Number' as a \
                 string.",
            ),
            (
                "{\"allowReconnect\":1}",
                "InvalidDataException: Expected 'allowReconnect' to be true or false.",
            ),
            (
                "[1",
                "InvalidDataException: Unexpected JSON Token Type 'Array'. Expected a JSON Object.",
            ),
        ] {
            let error = parse(Encoding::Json, text.as_bytes()).unwrap_err();
            assert_eq!(error.detail(), detail, "{text}");
        }
    }
}
