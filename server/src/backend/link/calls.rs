//! The calls of a client that its hub has not answered yet.

use std::collections::HashSet;

use heliograph_protocol::hub::{self, Encoding, Message, MessageType};

/// Ids remembered per client.
const MAX_OPEN: usize = 1024;

/// The calls and streams that a client has asked for and its hub has not ended yet.
///
/// Kept only on links whose clients may be moved to another app server: a move waits for them.
#[derive(Debug, Default)]
pub(super) struct Calls {
    open: HashSet<Box<str>>,
    /// Streams that the client sends to calls without an answer.
    uploads: HashSet<Box<str>>,
    lost_count: bool,
}

impl Calls {
    /// Whether none is open.
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty() && self.uploads.is_empty()
    }

    /// Whether there were more open calls at a time than are remembered: nobody knows then when
    /// all have ended, and the client cannot be moved without losing an answer.
    pub(super) fn lost_count(&self) -> bool {
        self.lost_count
    }

    /// Whether the client sends a stream whose loss nobody could tell it.
    pub(super) fn has_uploads(&self) -> bool {
        !self.uploads.is_empty()
    }

    /// A message goes to the hub.
    pub(super) fn sent(&mut self, encoding: Encoding, kind: MessageType, framed: &[u8]) {
        if !matches!(
            kind,
            MessageType::Invocation | MessageType::StreamInvocation | MessageType::Completion
        ) {
            return;
        }
        match hub::parse(encoding, framed) {
            Ok(Message::Invocation(call)) => match call.invocation_id {
                Some(id) => self.open(id.into()),
                None => {
                    let ids = call.stream_ids.into_iter().map(Box::from);
                    let room = MAX_OPEN.saturating_sub(self.uploads.len());
                    self.lost_count |= ids.len() > room;
                    self.uploads.extend(ids.take(room));
                }
            },
            Ok(Message::StreamInvocation(call)) => self.open(call.invocation_id.into()),
            Ok(Message::Completion(end)) => _ = self.uploads.remove(&*end.invocation_id),
            _ => {}
        }
    }

    fn open(&mut self, id: Box<str>) {
        if self.open.len() < MAX_OPEN {
            self.open.insert(id);
        } else {
            self.lost_count = true;
        }
    }

    /// A message came from the hub.
    pub(super) fn received(&mut self, encoding: Encoding, framed: &[u8]) {
        if self.open.is_empty() || hub::scan(encoding, framed) != Ok(MessageType::Completion) {
            return;
        }
        if let Ok(Message::Completion(end)) = hub::parse(encoding, framed) {
            self.open.remove(&*end.invocation_id);
        }
    }

    /// Takes out the ids of all that are open.
    pub(super) fn take(&mut self) -> HashSet<Box<str>> {
        std::mem::take(&mut self.open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(calls: &mut Calls, kind: MessageType, text: &str) {
        calls.sent(Encoding::Json, kind, text.as_bytes());
    }

    #[test]
    fn calls_are_open_until_their_completion() {
        let mut calls = Calls::default();
        call(
            &mut calls,
            MessageType::Invocation,
            "{\"type\":1,\"target\":\"Send\",\"arguments\":[]}\u{1e}",
        );
        assert!(calls.is_empty(), "a send has no answer");
        call(
            &mut calls,
            MessageType::Invocation,
            "{\"type\":1,\"invocationId\":\"1\",\"target\":\"Add\",\"arguments\":[]}\u{1e}",
        );
        call(
            &mut calls,
            MessageType::StreamInvocation,
            "{\"type\":4,\"invocationId\":\"2\",\"target\":\"Count\",\"arguments\":[]}\u{1e}",
        );
        let mut is_open_after = |text: &str| {
            calls.received(Encoding::Json, text.as_bytes());
            !calls.is_empty()
        };
        assert!(is_open_after(
            "{\"type\":2,\"invocationId\":\"2\",\"item\":1}\u{1e}"
        ));
        assert!(is_open_after("{\"type\":3,\"invocationId\":\"2\"}\u{1e}"));
        assert!(is_open_after("{\"type\":3,\"invocationId\":\"9\"}\u{1e}"));
        assert!(!is_open_after(
            "{\"type\":3,\"invocationId\":\"1\",\"result\":3}\u{1e}"
        ));
    }

    #[test]
    fn an_upload_without_an_answer_is_open_until_its_end() {
        let mut calls = Calls::default();
        call(
            &mut calls,
            MessageType::Invocation,
            "{\"type\":1,\"target\":\"Upload\",\"arguments\":[],\"streamIds\":[\"1\",\"2\"]}\u{1e}",
        );
        for id in ["1", "2"] {
            assert!(calls.has_uploads() && !calls.is_empty());
            let end = format!("{{\"type\":3,\"invocationId\":\"{id}\"}}\u{1e}");
            call(&mut calls, MessageType::Completion, &end);
        }
        assert!(calls.is_empty());
    }

    #[test]
    fn a_client_with_too_many_open_calls_is_known_as_one() {
        let mut calls = Calls::default();
        for id in 0..=MAX_OPEN {
            assert!(!calls.lost_count(), "{id}");
            let text = format!(
                "{{\"type\":1,\"invocationId\":\"{id}\",\"target\":\"A\",\"arguments\":[]}}\u{1e}"
            );
            call(&mut calls, MessageType::Invocation, &text);
        }
        assert!(calls.lost_count());
    }
}
