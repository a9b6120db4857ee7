//! Polls whose messages came in other ones of the same connection: which of them a poll that waits
//! still gets is a matter of moments.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::verdict::Pair;

/// The polls of a recording, by connection.
#[derive(Debug, Default)]
pub(crate) struct Polls<'r> {
    chains: BTreeMap<String, Vec<Pair<'r>>>,
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(rename = "M", borrow)]
    messages: Vec<&'a RawValue>,
}

impl<'r> Polls<'r> {
    pub(crate) fn add(&mut self, poll: Pair<'r>) {
        let connection = poll.request.parameter("connectionToken");
        let chain = self.chains.entry(connection.unwrap_or_default());
        chain.or_default().push(poll);
    }

    /// How many polls differ, and together are the same nevertheless; and those that are not.
    pub(crate) fn compare(self, recording: &str) -> (usize, Vec<Pair<'r>>) {
        let mut regrouped = 0;
        let mut differing = Vec::new();
        for chain in self.chains.into_values() {
            let mut run = Vec::new();
            let end = std::iter::once(None);
            for poll in chain.into_iter().map(Some).chain(end) {
                match poll {
                    Some(poll) if !poll.is_same(recording) => run.push(poll),
                    _ if are_same_together(&run) => {
                        regrouped += run.len();
                        run.clear();
                    }
                    _ => differing.append(&mut run),
                }
            }
        }
        (regrouped, differing)
    }
}

/// Whether polls that follow each other bring the same messages, in the same order.
fn are_same_together(polls: &[Pair<'_>]) -> bool {
    let expected: Option<Vec<_>> = polls.iter().map(|poll| contents(&poll.expected)).collect();
    let found: Option<Vec<_>> = polls.iter().map(|poll| contents(&poll.found)).collect();
    matches!((expected, found), (Some(expected), Some(found)) if expected.concat() == found.concat())
}

/// The messages in the answer to a poll; nothing if it is not an ordinary one.
fn contents(lines: &[String]) -> Option<Vec<&str>> {
    match lines {
        [head, document, end] if head.starts_with("200 ") && end == "complete" => {
            let parsed: Document<'_> = serde_json::from_str(document).ok()?;
            let head = document.starts_with(r#"{"C":"*","M":["#);
            head.then(|| {
                parsed
                    .messages
                    .iter()
                    .map(|message| message.get())
                    .collect()
            })
        }
        _ => None,
    }
}
