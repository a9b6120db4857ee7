//! How payloads travel where a transport wraps them (4.5 to 4.7).

use super::json::{write, write_raw};

/// What begins every event stream.
pub const SSE_START: &[u8] = b"data: initialized\n\n";

/// Appends one event. Its payload is put on one line: a line's end can only be space between the
/// tokens of JSON.
pub fn write_event(out: &mut Vec<u8>, mut payload: &[u8]) {
    out.extend_from_slice(b"data: ");
    while let Some(at) = memchr::memchr2(b'\r', b'\n', payload) {
        let (line, rest) = payload.split_at(at);
        write_raw(out, line);
        out.push(b' ');
        payload = rest.get(1..).unwrap_or_default();
    }
    write_raw(out, payload);
    out.extend_from_slice(b"\n\n");
}

/// A sign of life inside of a forever frame.
pub const FRAME_KEEP_ALIVE: &[u8] = b"<script>r(c, {});</script>\n\n";

/// Reads the query value `frameId`: digits, and nothing else.
#[must_use]
pub fn frame_id(text: &str) -> Option<u32> {
    // A sign would be no fault to `parse`.
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

/// Appends what begins a forever frame: a page that finds the connection of its number in the page
/// around it. The page must not end.
pub fn write_frame_start(out: &mut Vec<u8>, frame_id: u32) {
    write(
        out,
        format_args!(
            "<!DOCTYPE html><html><head><title>SignalR Forever Frame Transport Stream</title>\r\n\
             <script>\r\n    var $ = window.parent.jQuery,\r\n        \
             ff = $ ? $.signalR.transports.foreverFrame : null,\r\n        \
             c =  ff ? ff.getConnection('{frame_id}') : null,\r\n        \
             r = ff ? ff.receive : function() {{}};\r\n    \
             ff ? ff.started(c) : '';</script></head><body>\r\n"
        ),
    );
}

/// Appends one message inside of a forever frame. `<` and `>` are escaped, which can only stand
/// inside of strings in JSON, so that no text ends the script.
pub fn write_frame_message(out: &mut Vec<u8>, mut payload: &[u8]) {
    out.extend_from_slice(b"<script>r(c, ");
    while let Some(at) = memchr::memchr2(b'<', b'>', payload) {
        let (plain, rest) = payload.split_at(at);
        write_raw(out, plain);
        let is_less = rest.first() == Some(&b'<');
        out.extend_from_slice(if is_less { b"\\u003c" } else { b"\\u003e" });
        payload = rest.get(1..).unwrap_or_default();
    }
    write_raw(out, payload);
    out.extend_from_slice(b");</script>\r\n");
}

/// Whether the query value `callback` may be called: JavaScript identifiers with dots between them,
/// and no word of the language.
#[must_use]
pub fn is_callback(text: &str) -> bool {
    text.split('.').all(is_identifier)
}

/// Appends a payload for a page that has loaded it as a script.
pub fn write_jsonp(out: &mut Vec<u8>, callback: &str, payload: &[u8]) {
    out.extend_from_slice(callback.as_bytes());
    out.push(b'(');
    write_raw(out, payload);
    out.extend_from_slice(b");");
}

/// Whether JavaScript takes `text` for a name of a page's own.
pub(super) fn is_identifier(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(is_letter)
        && characters.all(|character| is_letter(character) || character.is_numeric())
        && !RESERVED.contains(&text)
}

fn is_letter(character: char) -> bool {
    character.is_alphabetic() || matches!(character, '_' | '$')
}

/// Words that JavaScript keeps for itself, in any of its modes.
const RESERVED: [&str; 51] = [
    "Infinity",
    "NaN",
    "arguments",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "eval",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "function",
    "if",
    "implements",
    "import",
    "in",
    "instanceof",
    "interface",
    "let",
    "new",
    "null",
    "package",
    "private",
    "protected",
    "public",
    "return",
    "static",
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "undefined",
    "var",
    "void",
    "while",
    "with",
    "yield",
];
