//! What a server sends (3.1).

use std::fmt;

use super::Cursor;
use super::json::{inside, members, write, write_raw, write_string};

/// What goes around a batch of elements on its way to a client:
/// `{"C":cursor[,"S":1][,"D":1][,"T":1][,"G":groups][,"L":delay],"M":[elements]}`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// The place behind the elements.
    pub cursor: Cursor,
    /// Whether the connection begins: on the first envelope after each `/connect`.
    pub init: bool,
    /// Whether the client is to stop for good, for those that know it
    /// ([`ClientProtocol::has_disconnect`](super::ClientProtocol::has_disconnect)).
    pub disconnect: bool,
    /// Whether the client is to go and reconnect.
    pub reconnect: bool,
    /// The groups that the client is in from now on, as a token.
    pub groups: Option<&'a str>,
    /// How long the client waits before the next poll, in milliseconds.
    pub delay: Option<u32>,
}

impl<'a> Envelope<'a> {
    /// An envelope with nothing but the cursor.
    #[must_use]
    pub const fn at(cursor: Cursor) -> Self {
        Self {
            cursor,
            init: false,
            disconnect: false,
            reconnect: false,
            groups: None,
            delay: None,
        }
    }

    /// Appends the envelope around elements, each JSON text.
    pub fn write<'e>(&self, out: &mut Vec<u8>, elements: impl IntoIterator<Item = &'e [u8]>) {
        write(out, format_args!("{{\"C\":\"{}\"", self.cursor));
        if self.init {
            out.extend_from_slice(INIT);
        }
        if self.disconnect {
            out.extend_from_slice(DISCONNECT);
        }
        if self.reconnect {
            out.extend_from_slice(RECONNECT);
        }
        if let Some(groups) = self.groups {
            out.extend_from_slice(b",\"G\":");
            write_string(out, groups);
        }
        if let Some(delay) = self.delay.filter(|delay| *delay > 0) {
            write(out, format_args!(",\"L\":{delay}"));
        }
        out.extend_from_slice(b",\"M\":[");
        for (place, element) in elements.into_iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            write_raw(out, element);
        }
        out.extend_from_slice(b"]}");
    }
}

impl fmt::Debug for Envelope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope")
            .field("cursor", &self.cursor)
            .field("init", &self.init)
            .field("disconnect", &self.disconnect)
            .field("reconnect", &self.reconnect)
            .field("groups", &self.groups.map(|_| "***"))
            .field("delay", &self.delay)
            .finish()
    }
}

const INIT: &[u8] = b",\"S\":1";
const DISCONNECT: &[u8] = b",\"D\":1";
const RECONNECT: &[u8] = b",\"T\":1";

/// The cursor of an envelope that [`Envelope::write`] made.
#[must_use]
pub fn envelope_cursor(payload: &[u8]) -> Option<Cursor> {
    cursor_and_rest(payload).map(|(cursor, _)| cursor)
}

/// The elements of an envelope that [`Envelope::write`] made, with the commas between them.
#[must_use]
pub fn envelope_elements(payload: &[u8]) -> Option<&[u8]> {
    let (_, rest) = groups_and_rest(payload)?;
    let delayed = rest.strip_prefix(b",\"L\":").map(|rest| {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        rest.get(digits..).unwrap_or_default()
    });
    let rest = delayed.unwrap_or(rest);
    rest.strip_prefix(b",\"M\":[")?.strip_suffix(b"]}")
}

/// The groups token of an envelope that [`Envelope::write`] made. `None` too for a token that cannot
/// be told as it stands, which none of ours is (rule 12).
#[must_use]
pub fn envelope_groups(payload: &[u8]) -> Option<&str> {
    let (groups, _) = groups_and_rest(payload)?;
    let groups = groups.filter(|groups| memchr::memchr(b'\\', groups).is_none())?;
    std::str::from_utf8(groups).ok()
}

fn cursor_and_rest(payload: &[u8]) -> Option<(Cursor, &[u8])> {
    let (cursor, rest) = string_and_rest(payload.strip_prefix(b"{\"C\":\"")?)?;
    let cursor = Cursor::parse(std::str::from_utf8(cursor).ok()?)?;
    Some((cursor, rest))
}

fn groups_and_rest(payload: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let (_, rest) = cursor_and_rest(payload)?;
    let rest = rest.strip_prefix(INIT).unwrap_or(rest);
    let rest = rest.strip_prefix(DISCONNECT).unwrap_or(rest);
    let rest = rest.strip_prefix(RECONNECT).unwrap_or(rest);
    match rest.strip_prefix(b",\"G\":\"") {
        Some(groups) => {
            let (groups, rest) = string_and_rest(groups)?;
            Some((Some(groups), rest))
        }
        None => Some((None, rest)),
    }
}

/// Splits around the quote that ends the string that `rest` is inside of.
fn string_and_rest(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut from = 0;
    loop {
        let at = from + memchr::memchr2(b'"', b'\\', rest.get(from..)?)?;
        if rest.get(at) == Some(&b'"') {
            return Some((rest.get(..at)?, rest.get(at + 1..)?));
        }
        from = at + 2;
    }
}

/// What stands between the brackets of `M` in a response that an app server made, which is always
/// `{"C":"0","M":[…]}`. `None` for what is no response.
#[must_use]
pub fn response_elements(payload: &[u8]) -> Option<&str> {
    let mut elements = None;
    members(payload, |name, value| {
        if name == "M" {
            elements = inside(value);
        }
    })
    .ok()?;
    elements
}

/// Appends `{"E":text}`, which ends the connection at the client. Only for clients that have
/// errors ([`ClientProtocol::has_errors`](super::ClientProtocol::has_errors)).
pub fn write_error(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(b"{\"E\":");
    write_string(out, text);
    out.push(b'}');
}
