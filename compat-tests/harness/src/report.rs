//! What came of everything, and the one summary at the end.

use std::process::ExitCode;
use std::time::Instant;

/// What came of one test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Failed(String),
    Skipped(String),
}

/// Counts, and the names of what did not pass.
#[derive(Debug)]
pub(crate) struct Report {
    start: Instant,
    passed: usize,
    failed: Vec<(String, String)>,
    skipped: Vec<(String, String)>,
}

impl Default for Report {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            passed: 0,
            failed: Vec::new(),
            skipped: Vec::new(),
        }
    }
}

impl Report {
    pub(crate) fn add(&mut self, name: &str, outcome: Outcome) {
        match outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::Failed(why) => self.failed.push((name.to_owned(), why)),
            Outcome::Skipped(why) => self.skipped.push((name.to_owned(), why)),
        }
    }

    pub(crate) fn add_passed(&mut self, count: usize) {
        self.passed += count;
    }

    /// Says where in the run we are.
    pub(crate) fn section(&self, title: &str) {
        let seconds = self.start.elapsed().as_secs();
        println!("\n== {title}  [{}:{:02}]", seconds / 60, seconds % 60);
    }

    /// Prints the summary; its last line is `N passed, N failed, N skipped`.
    pub(crate) fn close(self) -> ExitCode {
        self.section("summary");
        print_grouped("skipped", &self.skipped);
        print_grouped("FAILED", &self.failed);
        let (failed, skipped) = (self.failed.len(), self.skipped.len());
        println!("{} passed, {failed} failed, {skipped} skipped", self.passed);
        if failed == 0 && self.passed > 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

/// One line for all that share a reason.
fn print_grouped(word: &str, entries: &[(String, String)]) {
    let mut reasons: Vec<&str> = entries.iter().map(|(_, why)| why.as_str()).collect();
    reasons.sort_unstable();
    reasons.dedup();
    for reason in reasons {
        let names: Vec<&str> = entries
            .iter()
            .filter(|(_, why)| why == reason)
            .map(|(name, _)| name.as_str())
            .collect();
        let shown = names.iter().take(4).copied().collect::<Vec<_>>().join(", ");
        let more = names.len().saturating_sub(4);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        println!("{word}: {reason}\n    {shown}{more}");
    }
}
