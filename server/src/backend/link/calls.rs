//! The calls of a client that its hub has not answered yet.

use std::collections::HashSet;

use heliograph_protocol::hub::{self, Encoding, Message, MessageType};

/// Ids remembered per client; a client with more open calls is moved as if the rest were done.
const MAX_OPEN: usize = 1024;

/// The calls and streams that a client has asked for and its hub has not ended yet.
///
/// Kept only on links whose clients may be moved to another app server: a move waits for them.
#[derive(Debug, Default)]
pub(super) struct Calls(HashSet<Box<str>>);

impl Calls {
    /// Whether none is open.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A message goes to the hub.
    pub(super) fn sent(&mut self, encoding: Encoding, kind: MessageType, framed: &[u8]) {
        if !matches!(
            kind,
            MessageType::Invocation | MessageType::StreamInvocation
        ) {
            return;
        }
        let id = match hub::parse(encoding, framed) {
            Ok(Message::Invocation(call)) => call.invocation_id,
            Ok(Message::StreamInvocation(call)) => Some(call.invocation_id),
            _ => None,
        };
        if let Some(id) = id
            && self.0.len() < MAX_OPEN
        {
            self.0.insert(id.into());
        }
    }

    /// A message came from the hub.
    pub(super) fn received(&mut self, encoding: Encoding, framed: &[u8]) {
        if self.0.is_empty() || hub::scan(encoding, framed) != Ok(MessageType::Completion) {
            return;
        }
        if let Ok(Message::Completion(end)) = hub::parse(encoding, framed) {
            self.0.remove(&*end.invocation_id);
        }
    }

    /// Takes out the ids of all that are open.
    pub(super) fn take(&mut self) -> HashSet<Box<str>> {
        std::mem::take(&mut self.0)
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
}
