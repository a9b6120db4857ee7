//! Recordings of a genuine server: what a relay between it and its clients wrote down.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// One scenario.
#[derive(Debug, Deserialize)]
pub(crate) struct Recording {
    #[serde(skip)]
    pub(crate) name: String,
    pub(crate) events: Vec<Event>,
}

/// What happened at a moment.
#[derive(Debug, Deserialize)]
pub(crate) struct Event {
    /// Milliseconds since the relay started.
    #[serde(default)]
    pub(crate) t: u64,
    #[serde(flatten)]
    pub(crate) kind: Kind,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Kind {
    Request(Request),
    Response(Response),
    /// A piece of a body, as it was flushed.
    Chunk {
        id: u32,
        data: String,
        bytes: usize,
        #[serde(default)]
        clipped: bool,
    },
    Frame(Frame),
    End {
        id: u32,
        how: String,
    },
    /// The relay turned a request away: the server saw nothing of it.
    Refused {},
    Note {
        text: String,
    },
}

#[derive(Debug, Deserialize)]
pub(crate) struct Request {
    pub(crate) id: u32,
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: HashMap<String, String>,
    #[serde(default)]
    pub(crate) body: String,
    /// The length of a body of which only the beginning was kept.
    #[serde(rename = "bodyBytes")]
    pub(crate) body_bytes: Option<usize>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Response {
    pub(crate) id: u32,
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) headers: HashMap<String, String>,
}

/// A frame of a WebSocket, whole.
#[derive(Debug, Deserialize)]
pub(crate) struct Frame {
    pub(crate) id: u32,
    pub(crate) dir: Direction,
    pub(crate) op: String,
    pub(crate) data: Option<String>,
    pub(crate) code: Option<u16>,
    /// The length of a frame of which only the beginning was kept.
    pub(crate) bytes: Option<usize>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(crate) enum Direction {
    #[serde(rename = "c>s")]
    ToServer,
    #[serde(rename = "s>c")]
    ToClient,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../server/protocol/vectors/legacy-live")
}

/// The names of all recordings.
pub(crate) fn names() -> Vec<String> {
    let files = fs::read_dir(folder()).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    let recordings = paths.filter(|path| path.extension().is_some_and(|kind| kind == "json"));
    let mut names: Vec<String> = recordings
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

/// Milliseconds within which two things happen at once.
const AT_ONCE: u64 = 10;

/// Where only the beginning of something long was kept: the recording, its whole length, and what
/// it ended with. What is between is the last character kept, again and again.
const ENDS: [(&str, usize, &str); 8] = [
    ("http-errors", 5129, "%22%7D%7D"),
    ("js-lp-large", 30102, "%22%5D%2C%22I%22%3A0%7D"),
    ("js-lp-large", 65272, ""),
    ("js-lp-large", 34744, "\",\"I\":\"1\"}"),
    ("js-lp-large", 100_102, "%22%5D%2C%22I%22%3A2%7D"),
    ("js-ws-large", 30047, "\"],\"I\":0}"),
    ("js-ws-large", 100_016, "\",\"I\":\"1\"}"),
    ("js-ws-large", 100_047, "\"],\"I\":2}"),
];

impl Recording {
    pub(crate) fn load(name: &str) -> Self {
        let text = fs::read(folder().join(format!("{name}.json"))).unwrap();
        let recording: Self =
            serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut recording = Self {
            name: name.to_owned(),
            ..recording
        };
        for event in &mut recording.events {
            event.complete(name);
        }
        recording.leave_before_abort();
        recording
    }

    /// Clients drop their channel and say goodbye at once, in either order on the wire: here in one
    /// alone, so that the end of the channel is always theirs.
    fn leave_before_abort(&mut self) {
        for at in 0..self.events.len() {
            if !matches!(&self.events[at].kind, Kind::Request(request) if request.asks_for("abort"))
            {
                continue;
            }
            let t = self.events[at].t;
            let left = self.events[at..].iter().position(|event| {
                let is_left =
                    matches!(&event.kind, Kind::End { how, .. } if how == "client broke off");
                is_left && event.t <= t + AT_ONCE
            });
            if let Some(left) = left {
                let mut event = self.events.remove(at + left);
                event.t = t;
                self.events.insert(at, event);
            }
        }
    }
}

impl Event {
    /// Makes what was cut whole again.
    fn complete(&mut self, recording: &str) {
        let (text, length) = match &mut self.kind {
            Kind::Request(request) => (&mut request.body, request.body_bytes),
            Kind::Chunk {
                data,
                bytes,
                clipped: true,
                ..
            } => (data, Some(*bytes)),
            Kind::Frame(frame) => match &mut frame.data {
                Some(data) => (data, frame.bytes),
                None => return,
            },
            _ => return,
        };
        let Some(length) = length else {
            return;
        };
        let mut ends = ENDS.iter();
        let end = ends.find(|(name, whole, _)| (*name, *whole) == (recording, length));
        let (.., end) = end.unwrap_or_else(|| panic!("{recording} has something cut to {length}"));
        let missing = length - text.len() - end.len();
        let last = text.chars().last().unwrap();
        text.extend(std::iter::repeat_n(last, missing));
        text.push_str(end);
    }
}

impl Request {
    /// The first segment of the path, with its slash: where the server had its SignalR.
    pub(crate) fn base(&self) -> &str {
        let path = self.target.split('?').next().unwrap_or_default();
        let end = path[1..].find('/').map_or(path.len(), |at| at + 1);
        &path[..end]
    }

    /// Parameters of the query, decoded.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let query = self.target.split_once('?')?.1;
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        let (_, value) = pairs.find(|(key, _)| key == name)?;
        Some(value.into_owned())
    }

    /// Whether the path ends with this segment, in any case.
    pub(crate) fn asks_for(&self, segment: &str) -> bool {
        let path = self.target.split('?').next().unwrap_or_default();
        path.rsplit('/')
            .next()
            .is_some_and(|last| last.eq_ignore_ascii_case(segment))
    }
}
