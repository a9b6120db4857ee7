//! The exchanges of a recorded conversation.

use std::collections::HashMap;

use serde_json::Value;

use crate::rewrite::Elements;
use crate::support::{form, rows, target, text};

/// A request and what came of it.
pub(crate) struct Exchange<'a> {
    pub(crate) path: &'a str,
    pub(crate) query: HashMap<String, String>,
    pub(crate) form: HashMap<String, String>,
    /// Whether the recording has all of the body.
    pub(crate) is_whole: bool,
    pub(crate) status: u64,
    /// The pieces of the answer's body.
    pub(crate) chunks: Vec<&'a Value>,
    /// The frames of a WebSocket.
    pub(crate) frames: Vec<&'a Value>,
}

impl<'a> Exchange<'a> {
    fn new(request: &'a Value) -> Self {
        let (path, query) = target(text(request, "target"));
        Self {
            path,
            query,
            form: form(request["body"].as_str().unwrap_or_default()),
            is_whole: request.get("bodyBytes").is_none(),
            status: 0,
            chunks: Vec::new(),
            frames: Vec::new(),
        }
    }

    /// Whether hubs are behind the path; two of the server's endpoints have none.
    pub(crate) fn elements(&self) -> Elements {
        if self.path.starts_with("/raw") {
            Elements::OfTheApp
        } else {
            Elements::OfHubs
        }
    }

    pub(crate) fn has_suffix(&self, suffix: &str) -> bool {
        self.path.to_lowercase().ends_with(suffix)
    }

    /// The text of the answer's body, or `None` when the recording has not all of it.
    pub(crate) fn body(&self) -> Option<String> {
        let is_clipped = |chunk: &&Value| chunk.get("clipped").is_some();
        (!self.chunks.iter().any(is_clipped)).then(|| {
            self.chunks
                .iter()
                .map(|chunk| text(chunk, "data"))
                .collect()
        })
    }
}

/// The exchanges of a recording, in the order of their requests.
pub(crate) fn exchanges(file: &Value) -> Vec<Exchange<'_>> {
    let mut exchanges: Vec<Exchange<'_>> = Vec::new();
    let mut places = HashMap::new();
    for event in rows(&file["events"]) {
        let kind = text(event, "kind");
        if kind == "note" {
            continue;
        }
        let id = event["id"].as_u64().unwrap();
        if kind == "request" {
            places.insert(id, exchanges.len());
            exchanges.push(Exchange::new(event));
        }
        // What was refused is not in the recording.
        let Some(exchange) = places.get(&id).and_then(|place| exchanges.get_mut(*place)) else {
            continue;
        };
        match kind {
            "response" => exchange.status = event["status"].as_u64().unwrap(),
            "chunk" => exchange.chunks.push(event),
            "frame" => exchange.frames.push(event),
            _ => {}
        }
    }
    exchanges
}
