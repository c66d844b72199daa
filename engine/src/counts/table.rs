//! What was counted: units, their blocks, and the sums that make numbers exact.
//!
//! Reads no file. Every question is answered in logarithmic time, but for an estimate beyond the
//! first unit that is missing, which walks over the units: some 10 us for a log of 100 GB.

use tailwater_protocol::Lines;

use super::gaps::Gaps;
use super::piece::Piece;
use super::{BLOCK, BLOCKS, UNIT};

/// For each block of a unit: newlines between the start of the unit and its own. What lies beyond
/// the blocks that were begun is 0.
pub(super) type Blocks = [u32; BLOCKS];

/// A unit, counted from its start for `len` bytes.
#[derive(Debug, Default)]
pub(super) struct Unit {
    /// `None` while no newline was found: a hole takes no memory.
    pub(super) blocks: Option<Box<Blocks>>,
    pub(super) lines: u32,
    pub(super) len: u32,
}

#[derive(Debug)]
pub(super) struct Table {
    units: Vec<Unit>,
    /// Newlines before each of the first units that are all full, and before the next.
    sums: Vec<u64>,
    /// Units that are not full and that nobody is counting.
    gaps: Gaps,
    counted: u64,
    lines: u64,
}

/// Newlines before an offset, but for those in a part of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) lines: Lines,
    pub(super) between: Between,
}

/// What is to be looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Between {
    Nothing,
    /// The newlines from here to the offset come on top.
    Plus {
        from: u64,
    },
    /// The newlines from the offset to here are too many.
    Minus {
        to: u64,
    },
}

impl Default for Table {
    fn default() -> Self {
        Self { units: Vec::new(), sums: vec![0], gaps: Gaps::default(), counted: 0, lines: 0 }
    }
}

impl Unit {
    /// Blocks that were begun.
    pub(super) fn begun(&self) -> usize {
        u64::from(self.len).div_ceil(BLOCK) as usize
    }

    /// Newlines before a block, which was begun or is the next.
    fn before_block(&self, block: usize) -> u32 {
        match &self.blocks {
            Some(blocks) if block < self.begun() => blocks.get(block).copied().unwrap_or(0),
            _ => self.lines,
        }
    }

    /// Newlines in a block that was begun.
    pub(super) fn in_block(&self, block: usize) -> u32 {
        self.before_block(block + 1).saturating_sub(self.before_block(block))
    }

    pub(super) fn is_full(&self) -> bool {
        u64::from(self.len) == UNIT
    }
}

impl Table {
    pub(super) fn counted(&self) -> u64 {
        self.counted
    }

    pub(super) fn units(&self) -> &[Unit] {
        &self.units
    }

    /// Newlines in a block of the log, as far as it was counted; `None` when it was not begun.
    pub(super) fn of_block(&self, block: u64) -> Option<u32> {
        let unit = self.units.get((block / BLOCKS as u64) as usize)?;
        let within = (block % BLOCKS as u64) as usize;
        (within < unit.begun()).then(|| unit.in_block(within))
    }

    pub(super) fn is_complete(&self, extent: u64) -> bool {
        let last = (extent / UNIT) as usize;
        let rest = extent % UNIT;
        last < self.sums.len()
            && (rest == 0 || self.units.get(last).is_some_and(|unit| u64::from(unit.len) >= rest))
    }

    /// Takes up the newest unit before `extent` of which something is missing.
    pub(super) fn claim(&mut self, extent: u64) -> Option<Piece> {
        self.grow(extent);
        let mut bound = extent.div_ceil(UNIT) as usize;
        loop {
            let unit = self.gaps.last_before(bound)?;
            if let Some(piece) = self.missing(unit, extent) {
                self.gaps.remove(unit);
                return Some(piece);
            }
            // The last one may have all that there is of it.
            bound = unit;
        }
    }

    /// Gives back a unit that was taken up.
    pub(super) fn release(&mut self, unit: usize) {
        if self.units.get(unit).is_some_and(|unit| !unit.is_full()) {
            self.gaps.insert(unit);
        }
    }

    /// The first that is missing before `extent`, whether or not somebody is counting it.
    pub(super) fn first_missing(&self, extent: u64) -> Option<Piece> {
        self.missing(self.sums.len() - 1, extent)
    }

    /// What is missing of a unit before `extent`.
    fn missing(&self, unit: usize, extent: u64) -> Option<Piece> {
        let from = self.units.get(unit).map_or(0, |unit| u64::from(unit.len));
        let to = extent.saturating_sub(unit as u64 * UNIT).min(UNIT);
        let hole = |unit: usize| {
            self.units.get(unit).is_some_and(|unit| unit.is_full() && unit.lines == 0)
        };
        let beside_hole = hole(unit + 1) || unit.checked_sub(1).is_some_and(hole);
        (from < to).then_some(Piece { unit, from, to, beside_hole })
    }

    /// Adds what was found in `piece`, unless that was counted meanwhile.
    pub(super) fn publish(&mut self, piece: &Piece, found: &[u32]) {
        self.grow(piece.unit as u64 * UNIT + piece.to);
        let Some(unit) = self.units.get_mut(piece.unit) else { return };
        if u64::from(unit.len) != piece.from {
            return;
        }
        let before = unit.lines;
        for (block, &lines) in (piece.from / BLOCK..).zip(found) {
            let begins = block * BLOCK >= piece.from;
            if begins && let Some(blocks) = &mut unit.blocks {
                blocks[block as usize % BLOCKS] = unit.lines;
            }
            if lines > 0 && unit.blocks.is_none() {
                unit.blocks = Some(Box::new([0; BLOCKS]));
            }
            unit.lines += lines;
        }
        unit.len = piece.to as u32;
        self.counted += piece.len();
        self.lines += u64::from(unit.lines - before);
        if unit.is_full() {
            // It may have been filled by one who had not taken it up.
            self.gaps.remove(piece.unit);
            self.sum_up();
        }
    }

    fn sum_up(&mut self) {
        let full = |unit: &&Unit| unit.is_full();
        while let Some(unit) = self.units.get(self.sums.len() - 1).filter(full) {
            let before = self.sums.last().copied().unwrap_or(0);
            self.sums.push(before + u64::from(unit.lines));
        }
    }

    fn grow(&mut self, extent: u64) {
        let units = extent.div_ceil(UNIT) as usize;
        if units > self.units.len() {
            self.gaps.insert_range(self.units.len()..units);
            self.units.resize_with(units, Unit::default);
        }
    }

    /// Newlines before `offset`; `None` when there is nothing to estimate by.
    pub(super) fn before(&self, offset: u64) -> Option<Found> {
        let at = (offset / UNIT) as usize;
        let within = offset % UNIT;
        let base = self.before_unit(at)?;
        let of = |more: u64| match base {
            Lines::Exact(lines) => Lines::Exact(lines + more),
            Lines::Estimate(lines) => Lines::Estimate(lines.saturating_add(more)),
        };
        let nothing = |lines| Some(Found { lines, between: Between::Nothing });
        if within == 0 {
            return nothing(base);
        }
        let Some(unit) = self.units.get(at).filter(|unit| within <= u64::from(unit.len)) else {
            let (lines, len) =
                self.units.get(at).map_or((0, 0), |unit| (u64::from(unit.lines), unit.len.into()));
            let guess = self.lines_in(within - len)?;
            return nothing(Lines::Estimate(base.number() + lines + guess));
        };
        if within == u64::from(unit.len) || unit.lines == 0 {
            return nothing(of(unit.lines.into()));
        }
        let block = (within / BLOCK) as usize;
        let start = block as u64 * BLOCK;
        let end = (start + BLOCK).min(unit.len.into());
        let (from, to) = (unit.before_block(block), unit.before_block(block + 1));
        let unit_start = at as u64 * UNIT;
        if from == to {
            return nothing(of(from.into()));
        }
        Some(if within - start <= end - within {
            Found { lines: of(from.into()), between: Between::Plus { from: unit_start + start } }
        } else {
            Found { lines: of(to.into()), between: Between::Minus { to: unit_start + end } }
        })
    }

    /// Newlines before a unit.
    fn before_unit(&self, at: usize) -> Option<Lines> {
        if let Some(&sum) = self.sums.get(at) {
            return Some(Lines::Exact(sum));
        }
        let (mut known, mut missing) = self.since();
        for unit in self.units.get(self.sums.len() - 1..at.min(self.units.len()))? {
            known += u64::from(unit.lines);
            missing += UNIT - u64::from(unit.len);
        }
        missing += (at.saturating_sub(self.units.len()) as u64).saturating_mul(UNIT);
        Some(Lines::Estimate(known.saturating_add(self.lines_in(missing)?)))
    }

    /// Where a walk over what is not all counted begins: newlines before it, bytes missing in it.
    fn since(&self) -> (u64, u64) {
        (self.sums.last().copied().unwrap_or(0), 0)
    }

    /// The block that holds that newline (from 1), by its start and end, and how many newlines of
    /// the block stand before it. `None` when that is not known.
    pub(super) fn block_of(&self, newline: u64) -> Option<(u64, u64, u64)> {
        // The last unit that has fewer newlines before it holds the one that is sought.
        let at = self.sums.partition_point(|&before| before < newline).checked_sub(1)?;
        let unit = self.units.get(at)?;
        let within = u32::try_from(newline - self.sums.get(at)?).ok()?;
        if within > unit.lines {
            return None;
        }
        let (block, before) = block_in(unit, within)?;
        let start = at as u64 * UNIT + block as u64 * BLOCK;
        let end = (start + BLOCK).min(at as u64 * UNIT + u64::from(unit.len));
        Some((start, end, u64::from(within - before - 1)))
    }

    /// About where that newline (from 1) stands. `None` when there is nothing to estimate by.
    pub(super) fn estimate_of(&self, newline: u64) -> Option<u64> {
        let first = self.sums.len() - 1;
        let (mut known, mut missing) = self.since();
        for (at, unit) in self.units.iter().enumerate().skip(first) {
            let before = known.saturating_add(self.lines_in(missing)?);
            known += u64::from(unit.lines);
            missing += UNIT - u64::from(unit.len);
            if known.saturating_add(self.lines_in(missing)?) < newline {
                continue;
            }
            let start = at as u64 * UNIT;
            let within = newline.saturating_sub(before).max(1);
            let counted = u32::try_from(within).ok().filter(|&within| within <= unit.lines);
            return Some(match counted.and_then(|within| block_in(unit, within)) {
                Some((block, _)) => start + block as u64 * BLOCK,
                None => {
                    let more = self.bytes_of(within.saturating_sub(unit.lines.into()))?;
                    start + (u64::from(unit.len) + more).min(UNIT)
                }
            });
        }
        let before = known.saturating_add(self.lines_in(missing)?);
        let more = self.bytes_of(newline.saturating_sub(before))?;
        Some((self.units.len() as u64 * UNIT).saturating_add(more))
    }

    /// About how many newlines are in so many bytes.
    fn lines_in(&self, bytes: u64) -> Option<u64> {
        scale(bytes, self.lines, self.counted)
    }

    /// About in how many bytes so many newlines are.
    fn bytes_of(&self, lines: u64) -> Option<u64> {
        scale(lines, self.counted, self.lines)
    }
}

/// The block of `unit` that holds its newline `within` (from 1), and the newlines before it.
fn block_in(unit: &Unit, within: u32) -> Option<(usize, u32)> {
    let blocks = unit.blocks.as_ref()?.get(..unit.begun())?;
    let block = blocks.partition_point(|&before| before < within).checked_sub(1)?;
    Some((block, blocks.get(block).copied()?))
}

fn scale(number: u64, by: u64, of: u64) -> Option<u64> {
    let scaled = (u128::from(number) * u128::from(by)).checked_div(u128::from(of))?;
    Some(u64::try_from(scaled).unwrap_or(u64::MAX))
}
