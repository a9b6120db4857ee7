//! What came of everything, and the one summary at the end.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

/// Names shown of those that share a reason.
const SHOWN: usize = 6;

/// What came of one test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It held.
    Passed,
    /// It did not, and why.
    Failed(String),
    /// It was not run, or a defect that is not ours is known to break it, and why.
    Skipped(String),
}

/// How many passed, failed and were skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Passed.
    pub passed: usize,
    /// Failed.
    pub failed: usize,
    /// Skipped.
    pub skipped: usize,
}

impl Counts {
    /// Counts one more.
    pub const fn add(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::Failed(_) => self.failed += 1,
            Outcome::Skipped(_) => self.skipped += 1,
        }
    }

    /// How many there are.
    #[must_use]
    pub const fn sum(&self) -> usize {
        self.passed + self.failed + self.skipped
    }
}

impl<'a> FromIterator<&'a Outcome> for Counts {
    fn from_iter<T: IntoIterator<Item = &'a Outcome>>(outcomes: T) -> Self {
        let mut counts = Self::default();
        for outcome in outcomes {
            counts.add(outcome);
        }
        counts
    }
}

/// Everything so far: counts, and the names of what did not pass.
#[derive(Debug)]
pub struct Report {
    start: Instant,
    counts: Counts,
    sections: Vec<(String, Counts)>,
    failed: BTreeMap<String, Vec<String>>,
    skipped: BTreeMap<String, Vec<String>>,
    second: Vec<String>,
}

impl Default for Report {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            counts: Counts::default(),
            sections: Vec::new(),
            failed: BTreeMap::new(),
            skipped: BTreeMap::new(),
            second: Vec::new(),
        }
    }
}

impl Report {
    /// Takes an outcome in.
    pub fn add(&mut self, name: &str, outcome: &Outcome) {
        self.counts.add(outcome);
        if let Some((_, counts)) = self.sections.last_mut() {
            counts.add(outcome);
        }
        let (reasons, why) = match outcome {
            Outcome::Passed => return,
            Outcome::Failed(why) => (&mut self.failed, why),
            Outcome::Skipped(why) => (&mut self.skipped, why),
        };
        let names = reasons.entry(why.clone()).or_default();
        names.push(name.to_owned());
    }

    /// Takes note of one that passed when it ran again, by itself.
    pub fn add_second(&mut self, name: &str, why: &str) {
        self.second.push(format!("{name}: {why}"));
    }

    /// Takes many in that passed.
    pub fn add_passed(&mut self, count: usize) {
        self.counts.passed += count;
        if let Some((_, counts)) = self.sections.last_mut() {
            counts.passed += count;
        }
    }

    /// Begins a part of the run, and says so.
    pub fn section(&mut self, title: &str) {
        let seconds = self.start.elapsed().as_secs();
        println!("\n== {title}  [{}:{:02}]", seconds / 60, seconds % 60);
        self.sections.push((title.to_owned(), Counts::default()));
    }

    /// Whether something passed and nothing failed: that all was skipped proves nothing.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        self.counts.failed == 0 && self.counts.passed > 0
    }

    /// Prints the summary, whose last line is `N passed, N failed, N skipped`.
    #[must_use]
    pub fn close(mut self) -> ExitCode {
        self.section("summary");
        for (title, counts) in self.sections.iter().filter(|(_, counts)| counts.sum() > 0) {
            let Counts {
                passed,
                failed,
                skipped,
            } = counts;
            println!("{title}: {passed} passed, {failed} failed, {skipped} skipped");
        }
        print_grouped("skipped", &self.skipped);
        print_grouped("FAILED", &self.failed);
        if !self.second.is_empty() {
            println!("passed by themselves, after a failure beside others:");
            self.second.iter().for_each(|line| println!("    {line}"));
        }
        let Counts {
            passed,
            failed,
            skipped,
        } = self.counts;
        if self.counts.sum() == 0 {
            println!("nothing has such a name");
        } else if passed == 0 {
            println!("nothing passed, so nothing is proven");
        }
        println!("{passed} passed, {failed} failed, {skipped} skipped");
        if self.is_good() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

/// One entry for all that share a reason.
fn print_grouped(word: &str, reasons: &BTreeMap<String, Vec<String>>) {
    for (reason, names) in reasons {
        println!("{word}: {reason}");
        for name in names.iter().take(SHOWN) {
            println!("    {name}");
        }
        if let Some(more @ 1..) = names.len().checked_sub(SHOWN) {
            println!("    and {more} more");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_or_nothing_that_passed_makes_the_run_fail() {
        let is_good = |outcomes: &[Outcome]| {
            let mut report = Report::default();
            for outcome in outcomes {
                report.add("a", outcome);
            }
            report.is_good()
        };
        let (failed, skipped) = (Outcome::Failed("x".into()), Outcome::Skipped("x".into()));
        assert!(!is_good(&[]));
        assert!(!is_good(std::slice::from_ref(&skipped)));
        assert!(is_good(&[Outcome::Passed, skipped]));
        assert!(!is_good(&[Outcome::Passed, failed]));
    }
}
