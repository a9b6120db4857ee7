//! The error texts of Core hubs, worded for legacy clients (5.3, section 11).

use heliograph_protocol::legacy::{HubAnswer, HubOutcome};

use super::Bridged;
use super::calls::OpenCall;

/// What the error text of a completion says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure<'a> {
    /// What the method says to its caller.
    HubException(&'a str),
    /// What went wrong, if the hub shows details.
    Error(Option<&'a str>),
    /// The hub has no such method.
    NoMethod,
    /// The caller may not call the method.
    Unauthorized,
}

/// What follows these sentences is `: ` between the kind of an error and its text.
const SENTENCES: [(&str, &str); 3] = [
    (
        "An unexpected error occurred invoking '",
        "' on the server.",
    ),
    ("Failed to invoke '", "' due to an error on the server."),
    (
        "An error occurred on the server while streaming results.",
        "",
    ),
];

impl<'a> Failure<'a> {
    /// Reads the error text of a completion.
    pub(super) fn read(text: &'a str) -> Self {
        if text.starts_with("Failed to invoke '")
            && text.ends_with("' because user is unauthorized")
        {
            return Self::Unauthorized;
        }
        if text.starts_with("Unknown hub method '") {
            return Self::NoMethod;
        }
        let Some(detail) = detail(text) else {
            return Self::Error(None);
        };
        match detail.trim_start().split_once(": ") {
            Some(("HubException", "Method does not exist.")) if text.starts_with("Failed") => {
                Self::NoMethod
            }
            Some(("HubException", text)) => Self::HubException(text),
            Some((_, text)) => Self::Error(Some(text)),
            None => Self::Error(None),
        }
    }

    /// Appends the answer to a call that failed. `data` is what the hub has beside the text of an
    /// exception.
    pub(super) fn write(
        self,
        out: &mut Vec<u8>,
        hub: &Bridged,
        call: &OpenCall,
        data: Option<&str>,
    ) {
        let is_detailed = || hub.backend.rules(&hub.hub).detailed_errors;
        let text = match self {
            Self::HubException(text) => {
                return write(out, call, HubOutcome::HubException { text, data });
            }
            Self::Error(Some(text)) => return write(out, call, HubOutcome::Error(text)),
            Self::NoMethod if is_detailed() => format!(
                "'{}' method could not be resolved. No method found with that name.",
                call.method
            ),
            Self::Unauthorized if is_detailed() => format!(
                "Caller is not authorized to invoke the {} method on {}.",
                declared(hub, &call.method),
                hub.name()
            ),
            _ => general(&call.hub, &call.method),
        };
        write(out, call, HubOutcome::Error(&text));
    }
}

/// The text of an error whose details are nobody's business, with the names as the client wrote
/// them.
pub(super) fn general(hub: &str, method: &str) -> String {
    format!("There was an error invoking Hub method '{hub}.{method}'.")
}

fn write(out: &mut Vec<u8>, call: &OpenCall, outcome: HubOutcome<'_>) {
    let answer = HubAnswer {
        state: None,
        id: call.id.as_deref(),
        outcome,
    };
    answer.write(out);
}

/// What follows the general sentence of an error text.
fn detail(text: &str) -> Option<&str> {
    SENTENCES.iter().find_map(|(beginning, end)| {
        let rest = text.strip_prefix(beginning)?;
        rest.split_once(end).map(|(_, detail)| detail)
    })
}

/// The name of a method as its hub declares it, as far as that is known.
fn declared<'a>(hub: &'a Bridged, method: &'a str) -> &'a str {
    let lower = method.to_lowercase();
    let mut methods = hub.methods.iter();
    methods
        .find(|known| known.name.to_lowercase() == lower)
        .map_or(method, |known| &known.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_texts_of_core_hubs_are_understood() {
        let unexpected = "An unexpected error occurred invoking 'A' on the server.";
        let failed = "Failed to invoke 'A' due to an error on the server.";
        let streaming = "An error occurred on the server while streaming results.";
        for (text, expected) in [
            (unexpected.to_owned(), Failure::Error(None)),
            (
                format!("{unexpected} HubException: no: more"),
                Failure::HubException("no: more"),
            ),
            (
                format!("{unexpected} HubException: "),
                Failure::HubException(""),
            ),
            (
                format!("{unexpected} FormatException: bad"),
                Failure::Error(Some("bad")),
            ),
            (
                format!("{streaming} HubException: no"),
                Failure::HubException("no"),
            ),
            (
                format!("{failed} HubException: Method does not exist."),
                Failure::NoMethod,
            ),
            (
                format!("{unexpected} HubException: Method does not exist."),
                Failure::HubException("Method does not exist."),
            ),
            ("Unknown hub method 'A'".to_owned(), Failure::NoMethod),
            (
                "Failed to invoke 'A' because user is unauthorized".to_owned(),
                Failure::Unauthorized,
            ),
            (
                "The client attempted to invoke the streaming 'A' method with a non-streaming \
                 invocation."
                    .to_owned(),
                Failure::Error(None),
            ),
            ("boom".to_owned(), Failure::Error(None)),
            (String::new(), Failure::Error(None)),
        ] {
            assert_eq!(Failure::read(&text), expected, "{text}");
        }
    }
}
