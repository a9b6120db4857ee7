//! Panics of ours. One in a task of its own fails nothing by itself, and is a defect all the same.

use parking_lot::Mutex;

use crate::report::{Outcome, Report};

/// Where the sources are that must not panic.
const SOURCES: [&str; 3] = ["server/src/", "server/relay/src/", "server/protocol/src/"];

static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Looks at a line that a program of ours printed.
pub fn look_at(line: &str) {
    if is_ours(line) {
        SEEN.lock().push(line.trim().to_owned());
    }
}

/// Reports those that were seen since the last time as failures during `what`.
pub fn tell(what: &str, report: &mut Report) {
    for line in SEEN.lock().drain(..) {
        println!("FAIL {what}: {line}");
        report.add(what, &Outcome::Failed(line));
    }
}

fn is_ours(line: &str) -> bool {
    let place = line.split_once("panicked at ").map(|(_, place)| place);
    place.is_some_and(|place| SOURCES.iter().any(|source| place.starts_with(source)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_panics_of_our_own_sources_count() {
        assert!(is_ours(
            "thread 'tokio-rt-worker' (308) panicked at server/src/front/core/uplink.rs:247:46:"
        ));
        assert!(!is_ours(
            "thread 'main' (1) panicked at compat-tests/apps/testhub/src/main.rs:1:2:"
        ));
        assert!(!is_ours("at ./server/src/front/core/uplink.rs:90:27"));
    }
}
