//! What a client asks of a hub (5.2).

use std::borrow::Cow;

use serde_json::value::RawValue;
use thiserror::Error;

use super::json::{inside, members, present, string};

/// How many UTF-16 units the state of a hub may have.
const MAX_STATE: usize = 4096;

/// How deep an argument or the state may nest.
const MAX_DEPTH: usize = 20;

/// One call of a hub's method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubCall<'a> {
    /// The hub, in any case.
    pub hub: Cow<'a, str>,
    /// The method, in any case.
    pub method: Cow<'a, str>,
    /// The arguments: the text of a JSON array.
    pub arguments: &'a str,
    /// What the answer must say; a number is taken as the text that it is. Without it the answer
    /// bears none.
    pub id: Option<Cow<'a, str>>,
    /// All that the client has kept for the hub: the text of a JSON object.
    pub state: Option<&'a str>,
}

impl<'a> HubCall<'a> {
    /// Reads a call. Members stand in any order, their names in any case; the last of two counts,
    /// and `null` is as good as absent. Others than those of a call are passed over.
    ///
    /// # Errors
    ///
    /// [`CallError`], which knows the id of the call if that could be read.
    pub fn parse(text: &'a [u8]) -> Result<Self, CallError> {
        let mut fields = Fields::default();
        let read = members(text, |name, value| {
            if let Some(field) = fields.of(name) {
                *field = present(value);
            }
        });
        let id = fields.id();
        let call = read.map_err(|_| CallFault::Json);
        call.and_then(|()| fields.call(id.clone()?))
            .map_err(|fault| CallError {
                id: id.ok().flatten().map(Cow::into_owned),
                target: fields.target(),
                fault,
            })
    }
}

/// The members of a call that are not null.
#[derive(Default)]
struct Fields<'a> {
    hub: Option<&'a RawValue>,
    method: Option<&'a RawValue>,
    arguments: Option<&'a RawValue>,
    id: Option<&'a RawValue>,
    state: Option<&'a RawValue>,
}

impl<'a> Fields<'a> {
    fn of(&mut self, name: &str) -> Option<&mut Option<&'a RawValue>> {
        match name {
            "H" | "h" => Some(&mut self.hub),
            "M" | "m" => Some(&mut self.method),
            "A" | "a" => Some(&mut self.arguments),
            "I" | "i" => Some(&mut self.id),
            "S" | "s" => Some(&mut self.state),
            _ => None,
        }
    }

    fn id(&self) -> Result<Option<Cow<'a, str>>, CallFault> {
        let wrong = CallFault::WrongKind {
            member: "I",
            expected: "a string or a number",
        };
        let Some(value) = self.id else {
            return Ok(None);
        };
        match value.get().as_bytes().first() {
            Some(b'"') => string(value).map(Some).ok_or(wrong),
            Some(b'{' | b'[') => Err(wrong),
            _ => Ok(Some(Cow::Borrowed(value.get()))),
        }
    }

    fn target(&self) -> Option<[String; 2]> {
        let [hub, method] = [self.hub, self.method].map(|name| name.and_then(string));
        Some([hub?.into_owned(), method?.into_owned()])
    }

    fn call(&self, id: Option<Cow<'a, str>>) -> Result<HubCall<'a>, CallFault> {
        Ok(HubCall {
            hub: name(self.hub, "H")?,
            method: name(self.method, "M")?,
            arguments: self.arguments.map_or(Ok("[]"), arguments)?,
            id,
            state: self.state.map(state).transpose()?,
        })
    }
}

fn name<'a>(value: Option<&'a RawValue>, member: &'static str) -> Result<Cow<'a, str>, CallFault> {
    string(value.ok_or(CallFault::Missing(member))?).ok_or(CallFault::WrongKind {
        member,
        expected: "a string",
    })
}

fn arguments(value: &RawValue) -> Result<&str, CallFault> {
    if inside(value).is_none() {
        return Err(CallFault::WrongKind {
            member: "A",
            expected: "an array",
        });
    }
    // The array itself is not counted.
    if is_deeper(value.get(), MAX_DEPTH + 1) {
        return Err(CallFault::TooDeep("A"));
    }
    Ok(value.get())
}

fn state(value: &RawValue) -> Result<&str, CallFault> {
    let text = value.get();
    if !text.starts_with('{') {
        return Err(CallFault::WrongKind {
            member: "S",
            expected: "an object",
        });
    }
    if text.len() > MAX_STATE && text.encode_utf16().count() > MAX_STATE {
        return Err(CallFault::StateTooLong);
    }
    if is_deeper(text, MAX_DEPTH) {
        return Err(CallFault::TooDeep("S"));
    }
    Ok(text)
}

/// Whether JSON text, which must be well-formed, nests more than `most` deep.
fn is_deeper(json: &str, most: usize) -> bool {
    let json = json.as_bytes();
    let opens = |byte: &u8| matches!(byte, b'{' | b'[');
    // Few texts have as many brackets at all.
    if json.iter().filter(|byte| opens(byte)).count() <= most {
        return false;
    }
    let mut depth = 0_usize;
    let mut deepest = 0;
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                while let Some(byte) = bytes.next() {
                    match byte {
                        b'"' => break,
                        b'\\' => _ = bytes.next(),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    deepest > most
}

/// A call that cannot be made. `Display` names what was wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{fault}")]
pub struct CallError {
    id: Option<String>,
    target: Option<[String; 2]>,
    fault: CallFault,
}

impl CallError {
    /// The id of the call, if it could be read: an error can be answered then.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Hub and method as the client wrote them, if they could be read.
    #[must_use]
    pub fn target(&self) -> Option<(&str, &str)> {
        let [hub, method] = self.target.as_ref()?;
        Some((hub, method))
    }

    /// What was wrong.
    #[must_use]
    pub const fn fault(&self) -> CallFault {
        self.fault
    }
}

/// What is wrong with a call. Always the client's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CallFault {
    /// The message is no JSON object.
    #[error("the call is not a JSON object")]
    Json,
    /// A member is absent.
    #[error("the call has no {0}")]
    Missing(&'static str),
    /// A member is of the wrong kind.
    #[error("{member} of the call is not {expected}")]
    WrongKind {
        /// The member.
        member: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// An argument or the state is nested too deep.
    #[error("{0} of the call is nested more than {MAX_DEPTH} deep")]
    TooDeep(&'static str),
    /// The state is beyond the limit.
    #[error("the state of the call has more than {MAX_STATE} characters")]
    StateTooLong,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_come_in_any_order_and_case() {
        let call = HubCall {
            hub: "h".into(),
            method: "m".into(),
            arguments: "[ 1 ]",
            id: Some("7".into()),
            state: None,
        };
        for text in [
            r#"{"H":"h","M":"m","A":[ 1 ],"I":7}"#,
            r#" { "i" : "7" , "a" : [ 1 ] , "m" : "m" , "h" : "h" , "s" : null } "#,
            r#"{"H":1,"A":0,"x":{"H":2},"M":[],"I":[],"h":"h","m":"\u006d","a":[ 1 ],"I":"7"}"#,
        ] {
            assert_eq!(HubCall::parse(text.as_bytes()), Ok(call.clone()), "{text}");
        }
        let least = HubCall {
            arguments: "[]",
            id: None,
            ..call
        };
        assert_eq!(HubCall::parse(br#"{"M":"m","H":"h","A":null}"#), Ok(least));
    }

    #[test]
    fn id_is_the_text_of_any_scalar() {
        for (id, text) in [
            ("0", "0"),
            ("-1.50e3", "-1.50e3"),
            ("true", "true"),
            ("\"\"", ""),
            ("\"a\\u0000\"", "a\0"),
        ] {
            let call = format!("{{\"H\":\"h\",\"M\":\"m\",\"I\":{id}}}");
            let call = HubCall::parse(call.as_bytes()).unwrap();
            assert_eq!(call.id.as_deref(), Some(text));
        }
    }

    #[test]
    fn fault_is_named_and_the_id_kept_where_it_can_be_read() {
        let wrong = |member, expected| CallFault::WrongKind { member, expected };
        let long = format!(
            "{{\"I\":1,\"H\":\"h\",\"M\":\"m\",\"S\":{{\"a\":\"{}\"}}}}",
            "x".repeat(4089)
        );
        for (text, id, fault) in [
            ("", None, CallFault::Json),
            ("[]", None, CallFault::Json),
            ("null", None, CallFault::Json),
            (r#"{"I":1"#, Some("1"), CallFault::Json),
            (r#"{"I":1,"H":"h","M":"m"}x"#, Some("1"), CallFault::Json),
            (r#"{"H":"h","A":[tru],"I":1}"#, None, CallFault::Json),
            (r#"{"I":1,"M":"m"}"#, Some("1"), CallFault::Missing("H")),
            (r#"{"H":"h","I":"1"}"#, Some("1"), CallFault::Missing("M")),
            (r#"{"H":"h","M":null}"#, None, CallFault::Missing("M")),
            (
                r#"{"I":1,"H":2,"M":"m"}"#,
                Some("1"),
                wrong("H", "a string"),
            ),
            (
                r#"{"I":1,"H":"h","M":"\ud800"}"#,
                Some("1"),
                wrong("M", "a string"),
            ),
            (
                r#"{"I":1,"H":"h","M":"m","A":{}}"#,
                Some("1"),
                wrong("A", "an array"),
            ),
            (
                r#"{"I":1,"H":"h","M":"m","S":[]}"#,
                Some("1"),
                wrong("S", "an object"),
            ),
            (
                r#"{"I":{},"H":"h","M":"m"}"#,
                None,
                wrong("I", "a string or a number"),
            ),
            (&long, Some("1"), CallFault::StateTooLong),
        ] {
            let error = HubCall::parse(text.as_bytes()).unwrap_err();
            assert_eq!((error.id(), error.fault()), (id, fault), "{text}");
        }
        let deep = format!(
            r#"{{"H":"h","M":"m","A":[{}{}]}}"#,
            "[".repeat(22),
            "]".repeat(22)
        );
        let error = HubCall::parse(deep.as_bytes()).unwrap_err();
        assert_eq!(error.fault(), CallFault::TooDeep("A"));
        assert_eq!(error.target(), Some(("h", "m")));
        let error = HubCall::parse(b"{\"M\":\"m\"}").unwrap_err();
        assert_eq!(error.to_string(), "the call has no H");
    }
}
