//! What the service says in its log, whichever test made it.

use std::io::{self, Write};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

static LOG: OnceLock<Lines> = OnceLock::new();

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// From now on the log of this test program is kept, at every level.
pub(crate) fn capture() {
    LOG.get_or_init(|| {
        let lines = Lines::default();
        let writer = lines.clone();
        tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .init();
        lines
    });
}

/// All of it so far.
pub(crate) fn text() -> String {
    let lines = LOG.get().map(|lines| lines.0.lock().clone());
    String::from_utf8(lines.unwrap_or_default()).unwrap()
}

/// Whether a line has all of these.
pub(crate) fn has(parts: &[&str]) -> bool {
    text()
        .lines()
        .any(|line| parts.iter().all(|part| line.contains(part)))
}
