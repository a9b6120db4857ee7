//! Server-sent events as the transport of a connection's downward half (2.2).

use thiserror::Error;

/// What a server sends before the first event, so that the client sees the stream open: a comment.
pub const OPENING: &[u8] = b":\r\n";

const PREFIX: &[u8] = b"data: ";

/// Appends one event that carries `payload`: each of its lines behind `data: `, then an empty line.
///
/// Lines end at LF; a CR before it goes with it unless it is all the line has. Send the event in
/// one piece: not every client joins a split one.
pub fn write_event(out: &mut Vec<u8>, payload: &[u8]) {
    if !payload.is_empty() {
        let mut rest = payload;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end);
            write_line(
                out,
                line.strip_suffix(b"\r")
                    .filter(|line| !line.is_empty())
                    .unwrap_or(line),
            );
            rest = after.get(1..).unwrap_or_default();
        }
        write_line(out, rest);
    }
    out.extend_from_slice(b"\r\n");
}

fn write_line(out: &mut Vec<u8>, line: &[u8]) {
    out.extend_from_slice(PREFIX);
    out.extend_from_slice(line);
    out.extend_from_slice(b"\r\n");
}

/// Reads an event stream, as strictly as the .NET clients up to version 9: comments, `data: ` lines
/// and `\r\n`, nothing else. What it accepts, every client accepts.
#[derive(Debug)]
pub struct EventParser {
    max_event_bytes: usize,
    /// The beginning of an incomplete line.
    line: Vec<u8>,
    /// The lines of the event so far, joined with LF; `None` before the first.
    data: Option<Vec<u8>>,
}

/// An event stream that is none. `Display` is the text of the .NET client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EventError {
    /// A line ends with LF alone.
    #[error(
        "Unexpected '\\n' in message. A '\\n' character can only be used as part of the newline \
         sequence '\\r\\n'"
    )]
    BareLineFeed,
    /// The empty line at the end of an event ends with LF alone.
    #[error("There was an error in the frame format")]
    EmptyLine,
    /// A line is no comment, no data and not empty.
    #[error("Expected the message prefix 'data: '")]
    Prefix,
    /// Behind the data comes a CR that does not end the event.
    #[error("Expected a \\r\\n frame ending")]
    Ending,
    /// An event is beyond our limit.
    #[error("an event of more than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
}

impl EventParser {
    /// Starts at the beginning of a stream whose events hold up to `max_event_bytes`.
    #[must_use]
    pub const fn new(max_event_bytes: usize) -> Self {
        Self {
            max_event_bytes,
            line: Vec::new(),
            data: None,
        }
    }

    /// Takes the payload of the next event and moves `input` past what was used.
    ///
    /// Call it until it returns `None`: `input` is empty then, and what was left incomplete is
    /// continued by the next piece. An event without data gives an empty payload.
    ///
    /// # Errors
    ///
    /// [`EventError`]; the stream cannot be continued after that.
    pub fn next_event(&mut self, input: &mut &[u8]) -> Result<Option<Vec<u8>>, EventError> {
        while let Some(end) = memchr::memchr(b'\n', input) {
            let (piece, rest) = input.split_at(end + 1);
            *input = rest;
            let event = if self.line.is_empty() {
                self.take_line(piece)?
            } else {
                self.keep(piece)?;
                let line = std::mem::take(&mut self.line);
                self.take_line(&line)?
            };
            if event.is_some() {
                return Ok(event);
            }
        }
        let piece = std::mem::take(input);
        self.keep(piece)?;
        if self.data.is_some() && self.line.len() > 1 && self.line.first() == Some(&b'\r') {
            return Err(EventError::Ending);
        }
        Ok(None)
    }

    /// Understands one line, its LF included; gives the payload if the line ends an event.
    fn take_line(&mut self, line: &[u8]) -> Result<Option<Vec<u8>>, EventError> {
        match line {
            b"\n" => return Err(EventError::EmptyLine),
            b"\r\n" => return Ok(Some(self.data.take().unwrap_or_default())),
            [b':', ..] => return Ok(None),
            _ => {}
        }
        let text = line.strip_suffix(b"\r\n").ok_or(EventError::BareLineFeed)?;
        let text = text.strip_prefix(PREFIX).ok_or(EventError::Prefix)?;
        let held = self.data.as_ref().map_or(0, |data| data.len() + 1);
        self.check(held.saturating_add(text.len()))?;
        if let Some(data) = &mut self.data {
            data.push(b'\n');
            data.extend_from_slice(text);
        } else {
            self.data = Some(text.to_vec());
        }
        Ok(None)
    }

    fn keep(&mut self, piece: &[u8]) -> Result<(), EventError> {
        // The limit is that of the payload; a line has a prefix and an end besides.
        let held = self.line.len().saturating_add(piece.len());
        self.check(held.saturating_sub(PREFIX.len() + 2))?;
        self.line.extend_from_slice(piece);
        Ok(())
    }

    const fn check(&self, bytes: usize) -> Result<(), EventError> {
        if bytes > self.max_event_bytes {
            return Err(EventError::TooLarge {
                limit: self.max_event_bytes,
            });
        }
        Ok(())
    }
}
