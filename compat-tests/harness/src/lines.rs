//! The lines that every driver prints.

use crate::report::Outcome;

/// Reads `ok name [ms]`, `FAIL name: why` and `skip name: why`.
pub(crate) fn read(line: &str) -> Option<(String, Outcome)> {
    if let Some(rest) = line.strip_prefix("ok ") {
        return Some((rest.split_whitespace().next()?.to_owned(), Outcome::Passed));
    }
    let (is_failure, rest) = match (line.strip_prefix("FAIL "), line.strip_prefix("skip ")) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (false, rest),
        (None, None) => return None,
    };
    let (name, why) = rest.split_once(": ").unwrap_or((rest, "no reason"));
    let why = why.to_owned();
    let outcome = if is_failure {
        Outcome::Failed(why)
    } else {
        Outcome::Skipped(why)
    };
    Some((name.to_owned(), outcome))
}

/// Reads the last line, `N passed, N failed, N skipped`, as its three numbers.
pub(crate) fn read_total(line: &str) -> Option<[usize; 3]> {
    let mut parts = line.split(", ");
    let mut part = |word: &str| {
        let (number, found) = parts.next()?.split_once(' ')?;
        (found.trim() == word)
            .then(|| number.parse().ok())
            .flatten()
    };
    Some([
        part("passed")?,
        part("failed")?,
        part("skipped").unwrap_or(0),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_drivers_are_read() {
        assert_eq!(read("ok a-b [12]"), Some(("a-b".into(), Outcome::Passed)));
        let failed = Outcome::Failed("x: y".into());
        assert_eq!(read("FAIL a: x: y"), Some(("a".into(), failed)));
        assert_eq!(
            read("skip a: z"),
            Some(("a".into(), Outcome::Skipped("z".into())))
        );
        assert_eq!(read("something else"), None);
        assert_eq!(
            read_total("75 passed, 1 failed, 2 skipped"),
            Some([75, 1, 2])
        );
        assert_eq!(read_total("75 passed, 0 failed"), Some([75, 0, 0]));
        assert_eq!(read_total("passed"), None);
    }
}
