//! Arithmetic.

use std::time::Duration;

/// A count among the figures.
pub(crate) fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

/// Microseconds for one of `count` things.
pub(crate) fn micros_each(time: Duration, count: f64) -> f64 {
    time.as_secs_f64() * 1e6 / count
}

/// The median of one figure over all rounds; of an even number the mean of the middle two.
pub(crate) fn median<R>(rounds: &[R], figure: impl Fn(&R) -> f64) -> f64 {
    let mut values: Vec<f64> = rounds.iter().map(figure).collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    if values.len().is_multiple_of(2) {
        f64::midpoint(at(middle.wrapping_sub(1)), at(middle))
    } else {
        at(middle)
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn a_median_is_the_middle_of_what_was_measured() {
        let of = |values: &[f64]| median(values, |value| *value);
        assert!((of(&[9.0, 1.0, 5.0]) - 5.0).abs() < 1e-9);
        assert!((of(&[9.0, 1.0, 5.0, 4.0]) - 4.5).abs() < 1e-9);
        assert!(of(&[]).is_nan());
    }
}
