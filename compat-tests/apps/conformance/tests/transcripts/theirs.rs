//! What the recorded server said, exchange by exchange.

use std::collections::BTreeMap;

use crate::departures::Expected;
use crate::lines::{End, Headers, Lines, Part};
use crate::not_applicable;
use crate::recording::{Direction, Event, Kind, Recording, Request};

/// Where a recording says what its hubs heard.
pub(crate) const LOG: &str = "server log: ";
pub(crate) const EVENT: &str = "server event: ";

/// One exchange of a recording.
pub(crate) struct Theirs<'r> {
    pub(crate) request: &'r Request,
    /// As far as it has been played.
    pub(crate) lines: Lines,
    pub(crate) expected: Expected,
}

/// What a recording's exchanges came to, and what ours are to come to.
pub(crate) fn exchanges(recording: &Recording) -> BTreeMap<u32, Theirs<'_>> {
    let requests = recording
        .events
        .iter()
        .filter_map(|event| match &event.kind {
            Kind::Request(request) => Some(request),
            _ => None,
        });
    let mut exchanges = BTreeMap::new();
    for request in requests {
        if not_applicable::request(&recording.name, request).is_some() {
            continue;
        }
        let mut lines = Lines::new(request);
        for event in &recording.events {
            parts(event, request.id, &lines)
                .into_iter()
                .for_each(|part| lines.add(part));
        }
        let expected = Expected::of(&recording.name, request.id, lines.texts(), lines.answers);
        let exchange = Theirs {
            request,
            lines: Lines::new(request),
            expected,
        };
        exchanges.insert(request.id, exchange);
    }
    exchanges
}

/// What came from the server in an event.
pub(crate) fn parts(event: &Event, id: u32, before: &Lines) -> Vec<Part> {
    match &event.kind {
        Kind::Response(response) if response.id == id => vec![Part::Head {
            status: response.status,
            reason: response.reason.clone(),
            headers: Headers::read(|name| response.headers.get(name).map(String::as_str)),
        }],
        Kind::Chunk { id: of, data, .. } if *of == id => vec![Part::Piece(data.clone())],
        Kind::Frame(frame) if frame.id == id && frame.dir == Direction::ToClient => {
            match &*frame.op {
                "close" => vec![Part::Close(frame.code)],
                _ => vec![Part::Text(frame.data.clone().unwrap_or_default())],
            }
        }
        Kind::End { id: of, how } if *of == id => match &**how {
            "complete" => vec![Part::End(End::Complete)],
            "server broke off" => vec![Part::End(End::BrokenOff)],
            "client broke off" | "cut by the recorder" | "client closed the socket" => {
                vec![Part::End(End::ByClient)]
            }
            "server closed the socket" => {
                let last = before.lines.last().map(|line| line.text.as_str());
                // That server's host drops the connection before its close frame has left.
                let dropped = !last.is_some_and(|last| last.starts_with("close "));
                let close = dropped.then_some(Part::Close(Some(1000)));
                close.into_iter().chain([Part::End(End::Closed)]).collect()
            }
            other => panic!("an exchange ended in an unknown way: {other}"),
        },
        _ => Vec::new(),
    }
}

/// What a recording says of its hubs.
pub(crate) fn notes(recording: &Recording) -> Vec<String> {
    let texts = recording
        .events
        .iter()
        .filter_map(|event| match &event.kind {
            Kind::Note { text } => text.strip_prefix(LOG).or_else(|| text.strip_prefix(EVENT)),
            _ => None,
        });
    texts.map(str::to_owned).collect()
}
