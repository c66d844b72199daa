//! What was found in one stretch of a log.
//!
//! The rows that match, as the distances between their starts: two or three bytes each. When the
//! scan has more of them than it keeps, only how many begin in each block: inside a block, one
//! looks again.

use std::ops::Range;

use crate::counts::BLOCK;

/// The matches of a unit.
#[derive(Debug, Clone, Default)]
pub(super) struct Matches {
    pub(super) count: u64,
    kept: Kept,
}

#[derive(Debug, Clone)]
enum Kept {
    /// Distances, as LEB128, and the last position with what stood before it was added.
    Positions { deltas: Vec<u8>, last: u64, undo: (usize, u64) },
    /// Matches that begin in each block, from the block in which the unit begins.
    Blocks { first: u64, counts: Box<[u32]> },
}

impl Default for Kept {
    fn default() -> Self {
        Self::Positions { deltas: Vec::new(), last: 0, undo: (0, 0) }
    }
}

impl Matches {
    /// Another one, behind the others.
    pub(super) fn push(&mut self, at: u64) {
        let Kept::Positions { deltas, last, undo } = &mut self.kept else { return };
        *undo = (deltas.len(), *last);
        let mut delta = at - *last;
        while delta >= 0x80 {
            deltas.push(delta as u8 | 0x80);
            delta >>= 7;
        }
        deltas.push(delta as u8);
        *last = at;
        self.count += 1;
    }

    /// Takes back the last one if it begins at `at`: it is to be looked at again. Only once.
    pub(super) fn take_back(&mut self, at: u64) {
        if self.count == 0 {
            return;
        }
        if let Kept::Positions { deltas, last, undo } = &mut self.kept
            && *last == at
        {
            deltas.truncate(undo.0);
            *last = undo.1;
            self.count -= 1;
        }
    }

    /// Bytes that are kept.
    pub(super) fn size(&self) -> usize {
        match &self.kept {
            Kept::Positions { deltas, .. } => deltas.capacity(),
            Kept::Blocks { counts, .. } => counts.len() * 4,
        }
    }

    /// Nothing will be added: gives back room that was made for more.
    pub(super) fn settle(&mut self) {
        if let Kept::Positions { deltas, .. } = &mut self.kept {
            deltas.shrink_to_fit();
        }
    }

    /// Keeps no positions any more, of a unit that begins and ends so.
    pub(super) fn forget(&mut self, range: &Range<u64>) {
        let first = range.start / BLOCK;
        let blocks = range.end.div_ceil(BLOCK).saturating_sub(first);
        let Some(positions) = self.positions() else { return };
        let mut counts = vec![0; if self.count == 0 { 0 } else { blocks as usize }];
        for at in positions {
            if let Some(count) = counts.get_mut((at / BLOCK - first) as usize) {
                *count += 1;
            }
        }
        self.kept = Kept::Blocks { first, counts: counts.into() };
    }

    /// Where they begin, in their order; `None` if that is not kept.
    pub(super) fn positions(&self) -> Option<impl Iterator<Item = u64> + '_> {
        let Kept::Positions { deltas, .. } = &self.kept else { return None };
        let mut bytes = deltas.iter();
        let mut at = 0_u64;
        Some(std::iter::from_fn(move || {
            let (mut delta, mut shift) = (0_u64, 0);
            loop {
                let byte = *bytes.next()?;
                delta |= u64::from(byte & 0x7f) << shift;
                if byte < 0x80 {
                    break;
                }
                shift += 7;
            }
            at += delta;
            Some(at)
        }))
    }

    /// Blocks in which some begin, and how many: in their order. `None` if positions are kept.
    pub(super) fn blocks(&self) -> Option<impl DoubleEndedIterator<Item = (Range<u64>, u64)> + '_> {
        let Kept::Blocks { first, counts } = &self.kept else { return None };
        let first = *first;
        let block = move |(index, &count): (usize, &u32)| {
            let start = (first + index as u64) * BLOCK;
            (start..start + BLOCK, u64::from(count))
        };
        Some(counts.iter().enumerate().map(block).filter(|(_, count)| *count > 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn positions_come_out_as_they_went_in(
            steps in prop::collection::vec(prop_oneof![1_u64..200, 1_u64..100_000], 0..60), start in 0_u64..1 << 40,
        ) {
            let mut matches = Matches::default();
            let mut at = start;
            let mut all = Vec::new();
            for step in steps {
                matches.push(at);
                all.push(at);
                at += step;
            }
            let found: Vec<u64> = matches.positions().expect("kept").collect();
            prop_assert_eq!(&found, &all);
            if let Some(last) = all.pop() {
                matches.take_back(last + 1);
                matches.take_back(last);
            }
            let found: Vec<u64> = matches.positions().expect("kept").collect();
            prop_assert_eq!(&found, &all);
            prop_assert_eq!(matches.count, all.len() as u64);
            let range = start..at + 1;
            matches.forget(&range);
            let blocks = matches.blocks().expect("forgotten");
            let mut sum = 0;
            for (block, count) in blocks {
                prop_assert_eq!(all.iter().filter(|&at| block.contains(at)).count() as u64, count);
                sum += count;
            }
            prop_assert_eq!(sum, matches.count);
        }
    }
}
