//! What a hub asks of its clients (5.4).

use std::borrow::Cow;

use super::json::{members, string, write_raw, write_string};

/// Appends a call of a client's method, an element of an envelope:
/// `{"H":hub,"M":method,"A":arguments[,"S":state]}`.
///
/// `arguments` is the text of a JSON array, `state` that of an object: what has changed of the state
/// of the client that is called.
pub fn write_invocation(
    out: &mut Vec<u8>,
    hub: &str,
    method: &str,
    arguments: &str,
    state: Option<&str>,
) {
    write_names(out, hub, method);
    write_raw(out, arguments.as_bytes());
    if let Some(state) = state {
        out.extend_from_slice(b",\"S\":");
        write_raw(out, state.as_bytes());
    }
    out.push(b'}');
}

/// Appends a call of a client's method with arguments that are given one by one, each the text of a
/// JSON value.
pub fn write_invocation_of<'a>(
    out: &mut Vec<u8>,
    hub: &str,
    method: &str,
    arguments: impl IntoIterator<Item = &'a [u8]>,
) {
    write_names(out, hub, method);
    out.push(b'[');
    for (place, argument) in arguments.into_iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        write_raw(out, argument);
    }
    out.extend_from_slice(b"]}");
}

fn write_names(out: &mut Vec<u8>, hub: &str, method: &str) {
    out.extend_from_slice(b"{\"H\":");
    write_string(out, hub);
    out.extend_from_slice(b",\"M\":");
    write_string(out, method);
    out.extend_from_slice(b",\"A\":");
}

/// The hub that an element of an envelope calls on, as it is written there; `None` for what is no
/// call.
#[must_use]
pub fn invocation_hub(element: &[u8]) -> Option<Cow<'_, str>> {
    if let Some(hub) = leading_hub(element) {
        return Some(Cow::Borrowed(hub));
    }
    let mut hub = None;
    members(element, |name, value| {
        if name == "H" {
            hub = string(value);
        }
    })
    .ok()?;
    hub
}

/// The hub where it stands first and without escapes, as in all that a server makes.
fn leading_hub(element: &[u8]) -> Option<&str> {
    let rest = element.strip_prefix(b"{\"H\":\"")?;
    let end = memchr::memchr2(b'"', b'\\', rest)?;
    let (hub, rest) = rest.split_at(end);
    let is_plain = rest.first() == Some(&b'"');
    std::str::from_utf8(hub).ok().filter(|_| is_plain)
}
