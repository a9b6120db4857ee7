//! Whether both servers said the same.

use std::fmt;

use crate::lines::Lines;
use crate::recording::Request;

/// Where a client looks again and again whether a hub has heard something.
const LOOKS: (&str, u32) = ("dotnet-ws-lost", 2);
/// How often it may see that sooner or later than there: ten times a second it looks.
const MANY_LOOKS: usize = 15;

/// What playing a recording came to.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) requests: usize,
    pub(crate) frames: usize,
    pub(crate) lines: usize,
    /// Requests that are for something that we do not have.
    pub(crate) left_out: usize,
    /// Polls that brought what others brought there.
    pub(crate) regrouped: usize,
    /// Places of the table that were needed.
    pub(crate) departures: usize,
    pub(crate) differences: Vec<String>,
}

/// What was to come of a request, and what came.
#[derive(Clone, Debug)]
pub(crate) struct Pair<'r> {
    pub(crate) request: &'r Request,
    pub(crate) expected: Vec<String>,
    pub(crate) found: Vec<String>,
}

impl Pair<'_> {
    pub(crate) fn is_same(&self, recording: &str) -> bool {
        self.found == self.expected
            || self.is_left_early()
            || ((recording, self.request.id) == LOOKS && self.looks_the_same())
    }

    /// The client left before the server had said anything, which it may have done here.
    fn is_left_early(&self) -> bool {
        const LEFT: &str = "left by the client";
        let found =
            matches!(&*self.found, [head, left] if head.starts_with("200 ") && left == LEFT);
        self.expected == [LEFT] && found
    }

    /// Whether the same was seen, if not for the same time.
    fn looks_the_same(&self) -> bool {
        let seen = |lines: &[String]| -> Vec<String> {
            let results = lines
                .iter()
                .filter_map(|line| line.split(r#","I":"#).next());
            let mut results: Vec<String> = results.map(str::to_owned).collect();
            results.dedup();
            results
        };
        let changed_at =
            |lines: &[String]| lines.iter().position(|line| line.contains("disconnected"));
        let (expected, found) = (&self.expected, &self.found);
        let moments = changed_at(expected).zip(changed_at(found));
        let is_near = moments.is_some_and(|(there, here)| there.abs_diff(here) <= MANY_LOOKS);
        expected.len() == found.len() && is_near && seen(expected) == seen(found)
    }
}

impl fmt::Display for Pair<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Request {
            id, method, target, ..
        } = self.request;
        let target: String = target.chars().take(100).collect();
        let lines = side_by_side(&self.expected, &self.found);
        write!(f, "request {id}: {method} {target}\n{lines}")
    }
}

/// What differs and is not seen in the lines.
pub(crate) fn beside(theirs: &Lines, ours: &Lines) -> Vec<String> {
    let mut faults = Vec::new();
    if theirs.nosniff && !ours.nosniff {
        faults.push("no nosniff".to_owned());
    }
    let (there, here) = (theirs.keep_alives, ours.keep_alives);
    if there.abs_diff(here) > 1 {
        faults.push(format!("{there} keep-alives there, {here} here"));
    }
    faults
}

/// Two lists of lines, with `-` before what is missing and `+` before what is too much.
pub(crate) fn side_by_side(expected: &[String], ours: &[String]) -> String {
    let mut text = String::new();
    for at in 0..expected.len().max(ours.len()) {
        let (expected, ours) = (expected.get(at), ours.get(at));
        if expected == ours {
            text.push_str(&format!("      {}\n", expected.unwrap()));
            continue;
        }
        if let Some(expected) = expected {
            text.push_str(&format!("    - {expected}\n"));
        }
        if let Some(ours) = ours {
            text.push_str(&format!("    + {ours}\n"));
        }
    }
    text
}
