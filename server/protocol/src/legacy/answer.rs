//! What a hub answers (5.3).

use std::borrow::Cow;

use super::json::{members, present, string, write_raw, write_string, write_text};

/// The answer to one call, by itself on a WebSocket, as the body of `/send` elsewhere.
///
/// Its members on the wire, in this order: `S` state, `R` result, `I` id, `H` whether the error is
/// meant for the client, `E` error, `D` its data. Absent ones are left out, but `I` is null then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HubAnswer<'a> {
    /// What the call changed in the client's state: the text of a JSON object.
    pub state: Option<&'a str>,
    /// The id of the call.
    pub id: Option<&'a str>,
    /// How the call ended.
    pub outcome: HubOutcome<'a>,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HubOutcome<'a> {
    /// Well, without a value.
    Nothing,
    /// Well, with this value as JSON text; `null` is left out.
    Value(&'a str),
    /// With an error.
    Error(&'a str),
    /// With an error that the hub made for its client.
    HubException {
        /// What it says.
        text: &'a str,
        /// What it carries: JSON text.
        data: Option<&'a str>,
    },
}

impl HubAnswer<'_> {
    /// Appends the answer.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        if let Some(state) = self.state {
            out.extend_from_slice(b"\"S\":");
            write_raw(out, state.as_bytes());
            out.push(b',');
        }
        if let HubOutcome::Value(value) = self.outcome
            && value != "null"
        {
            out.extend_from_slice(b"\"R\":");
            write_raw(out, value.as_bytes());
            out.push(b',');
        }
        out.extend_from_slice(b"\"I\":");
        match self.id {
            Some(id) => write_string(out, id),
            None => out.extend_from_slice(b"null"),
        }
        match self.outcome {
            HubOutcome::Nothing | HubOutcome::Value(_) => {}
            HubOutcome::Error(text) => {
                out.extend_from_slice(b",\"E\":");
                write_string(out, text);
            }
            HubOutcome::HubException { text, data } => {
                out.extend_from_slice(b",\"H\":true,\"E\":");
                write_string(out, text);
                if let Some(data) = data {
                    out.extend_from_slice(b",\"D\":");
                    write_raw(out, data.as_bytes());
                }
            }
        }
        out.push(b'}');
    }
}

/// Appends the progress of the call `id`, an element of an envelope. It must come before the answer
/// (rule 10). The id of the element itself makes old clients pass over it.
pub fn write_progress(out: &mut Vec<u8>, id: &str, value: &str) {
    out.extend_from_slice(b"{\"I\":\"P|");
    write_text(out, id);
    out.extend_from_slice(b"\",\"P\":{\"I\":");
    write_string(out, id);
    out.extend_from_slice(b",\"D\":");
    write_raw(out, value.as_bytes());
    out.extend_from_slice(b"}}");
}

/// What has to be known of an answer to send it on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerHead<'a> {
    /// Its id as it stands there; that of progress begins with `P|`.
    pub id: Option<Cow<'a, str>>,
    /// Whether it is progress, so that the answer is yet to come.
    pub is_progress: bool,
}

impl<'a> AnswerHead<'a> {
    /// Reads the head of an answer that an app server made, which need not be one of ours. `None`
    /// for what has no id, and so is no answer.
    #[must_use]
    pub fn parse(text: &'a [u8]) -> Option<Self> {
        let mut id = None;
        let mut is_progress = false;
        members(text, |name, value| match name {
            "I" => id = Some(value),
            "P" => is_progress = present(value).is_some(),
            _ => {}
        })
        .ok()?;
        let id = match present(id?) {
            Some(id) => Some(string(id)?),
            None => None,
        };
        Some(Self { id, is_progress })
    }
}
