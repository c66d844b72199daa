//! Which units nobody has taken up yet: ranges of indices, few however long the log, since units
//! are taken from the end.

use std::ops::Range;

/// Disjoint, not empty, ascending, and with something between each two.
#[derive(Debug, Default)]
pub(super) struct Gaps(Vec<Range<usize>>);

impl Gaps {
    /// Takes in one that is not there.
    pub(super) fn insert(&mut self, unit: usize) {
        self.insert_range(unit..unit + 1);
    }

    /// Takes in a range of which nothing is there.
    pub(super) fn insert_range(&mut self, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        let at = self.0.partition_point(|gap| gap.end < range.start);
        let touching = self.0.get(at..).unwrap_or_default();
        let touching = touching.iter().take_while(|gap| gap.start <= range.end).count();
        let (mut start, mut end) = (range.start, range.end);
        for gap in self.0.drain(at..at + touching) {
            (start, end) = (start.min(gap.start), end.max(gap.end));
        }
        self.0.insert(at, start..end);
    }

    /// The last one before `bound`.
    pub(super) fn last_before(&self, bound: usize) -> Option<usize> {
        let at = self.0.partition_point(|gap| gap.start < bound).checked_sub(1)?;
        self.0.get(at).map(|gap| gap.end.min(bound) - 1)
    }

    /// Takes out one, if it is there.
    pub(super) fn remove(&mut self, unit: usize) {
        let at = self.0.partition_point(|gap| gap.end <= unit);
        let Some(gap) = self.0.get(at).filter(|gap| gap.contains(&unit)).cloned() else { return };
        let left = [gap.start..unit, unit + 1..gap.end];
        self.0.splice(at..=at, left.into_iter().filter(|part| !part.is_empty()));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(steps in prop::collection::vec((0_usize..40, 0_usize..4), 0..80)) {
            let (mut gaps, mut set) = (Gaps::default(), BTreeSet::new());
            for (unit, what) in steps {
                match what {
                    0 => {
                        gaps.remove(unit);
                        set.remove(&unit);
                    }
                    more => {
                        for unit in unit..unit + more {
                            if set.insert(unit) {
                                gaps.insert(unit);
                            }
                        }
                    }
                }
                let flat: Vec<usize> = gaps.0.iter().cloned().flatten().collect();
                prop_assert_eq!(&flat, &set.iter().copied().collect::<Vec<_>>());
                prop_assert!(gaps.0.windows(2).all(|two| two[0].end < two[1].start));
                for bound in [0, unit, 50] {
                    prop_assert_eq!(gaps.last_before(bound), set.range(..bound).last().copied());
                }
            }
        }
    }
}
