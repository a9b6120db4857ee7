//! The lines that every driver prints.

use crate::report::{Counts, Outcome};

/// Reads `ok name [ms]`, `FAIL name: why` and `skip name: why`; the first and the last may be spelled
/// `PASS` and `SKIP`.
#[must_use]
pub fn read(line: &str) -> Option<(String, Outcome)> {
    let (word, rest) = line.split_once(' ')?;
    let outcome: fn(String) -> Outcome = match word {
        "ok" | "PASS" => {
            return Some((rest.split_whitespace().next()?.to_owned(), Outcome::Passed));
        }
        "FAIL" => Outcome::Failed,
        "skip" | "SKIP" => Outcome::Skipped,
        _ => return None,
    };
    let (name, why) = rest
        .split_once(": ")
        .unwrap_or_else(|| (rest.trim_end_matches(':'), "no reason"));
    Some((name.to_owned(), outcome(why.to_owned())))
}

/// Reads the last line, `N passed, N failed, N skipped`.
#[must_use]
pub fn read_total(line: &str) -> Option<Counts> {
    let mut parts = line.trim().split(", ");
    let mut part = |word: &str| {
        let (number, found) = parts.next()?.split_once(' ')?;
        (found == word).then(|| number.parse().ok()).flatten()
    };
    Some(Counts {
        passed: part("passed")?,
        failed: part("failed")?,
        skipped: part("skipped").unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_read() {
        assert_eq!(read("ok a-b [12]"), Some(("a-b".into(), Outcome::Passed)));
        let failed = Outcome::Failed("x: y".into());
        assert_eq!(read("FAIL a: x: y"), Some(("a".into(), failed)));
        let skipped = Outcome::Skipped("z".into());
        assert_eq!(read("skip a: z"), Some(("a".into(), skipped)));
        assert_eq!(read("something else"), None);
        assert_eq!(read("PASS a-b"), read("ok a-b"));
        assert_eq!(read("SKIP a: z"), read("skip a: z"));
    }

    #[test]
    fn totals_are_read() {
        let counts = |passed, failed, skipped| Counts {
            passed,
            failed,
            skipped,
        };
        let line = "75 passed, 1 failed, 2 skipped";
        assert_eq!(read_total(line), Some(counts(75, 1, 2)));
        assert_eq!(read_total("75 passed, 0 failed"), Some(counts(75, 0, 0)));
        assert_eq!(read_total("passed"), None);
    }
}
