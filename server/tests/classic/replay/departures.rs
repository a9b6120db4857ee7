//! Where the service does otherwise than the recorded one, which was a stub made to ask what the
//! app server does in each case.

use std::collections::BTreeMap;

/// Every reason, with how often it is met.
pub(crate) const DEPARTURES: &[(&str, usize)] = &[
];

/// What was met.
#[derive(Debug, Default)]
pub(crate) struct Met(BTreeMap<&'static str, usize>);

impl Met {
    pub(crate) fn note(&mut self, reason: &'static str) {
        *self.0.entry(reason).or_default() += 1;
    }

    pub(crate) fn check(&self) {
        let listed: BTreeMap<_, _> = DEPARTURES.iter().copied().collect();
        assert_eq!(self.0, listed);
    }
}
