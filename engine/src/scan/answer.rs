//! What a scan has found until now.
//!
//! Says what it knows and where it stops knowing, and guesses nothing. Positions that were not kept
//! are found again by reading one block.

use std::io;
use std::ops::{ControlFlow, Range};

use tailwater_protocol::Position;

use super::next::Direction;
use super::state::{Life, State, Unit};
use super::sweep::{Swept, Worker};
use super::unit::Matches;
use super::{Scan, Sizes};
use crate::history::Generation;
use crate::query::Pace;
use crate::read::Doubt;

/// How far a scan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes searched.
    pub searched: u64,
    /// Bytes of the log.
    pub bytes: u64,
    /// Matches in what was searched.
    pub matches: u64,
}

/// A part of the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bucket {
    /// Its bytes.
    pub bytes: u64,
    /// Those of them that were searched.
    pub searched: u64,
    /// Matches that begin in those. Of a unit whose positions are not kept, a block counts where
    /// it begins.
    pub matches: u64,
}

/// What lies nearest to a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Near {
    /// A match.
    At(Position),
    /// No match, up to the end of the log.
    Nothing,
    /// No match up to there, and from there on it is not known yet.
    Unknown(Position),
}

/// Where the lock cannot answer: a block to be read again.
struct Again {
    generation: Generation,
    block: Range<u64>,
}

/// An answer, or a block to be read for it.
enum Answer<T> {
    Is(T),
    Again(Again, u64),
}

impl Scan {
    /// How far it is.
    pub fn progress(&self) -> Progress {
        let state = self.lock();
        let mut sum = Progress { searched: 0, bytes: 0, matches: 0 };
        for life in &state.lives {
            sum.bytes += life.generation.bytes.saturating_sub(life.generation.from);
            for (index, unit) in life.units.iter().enumerate() {
                let (known, matches) = known(life, index, unit, &state.sizes);
                sum.searched += known.end - known.start;
                sum.matches += matches.map_or(0, |matches| matches.count);
            }
        }
        sum
    }

    /// How many matches begin before `position`: the number of the match there, from 0. `None`
    /// while it is not known.
    ///
    /// # Errors
    ///
    /// As [`Self::work`].
    pub fn ordinal(&self, worker: &mut Worker, position: Position) -> io::Result<Option<u64>> {
        let (again, before) = match self.lock().ordinal(position) {
            Answer::Is(known) => return Ok(known),
            Answer::Again(again, before) => (again, before),
        };
        let positions = reread(worker, &again)?;
        let within = positions.iter().filter(|&&at| at < position.offset).count();
        Ok(Some(before + within as u64))
    }

    /// Where the match of that number begins, counted from 0. `None` while that is not known, and
    /// when there are not so many.
    ///
    /// # Errors
    ///
    /// As [`Self::work`].
    pub fn nth(&self, worker: &mut Worker, number: u64) -> io::Result<Option<Position>> {
        let (again, before) = match self.lock().nth(number) {
            Answer::Is(known) => return Ok(known),
            Answer::Again(again, before) => (again, before),
        };
        let positions = reread(worker, &again)?;
        let nth = usize::try_from(number - before).unwrap_or(usize::MAX);
        let Some(&offset) = positions.get(nth) else { return Err(Doubt.into()) };
        Ok(Some(Position { generation: again.generation.id, offset }))
    }

    /// The first match that begins at `from` or after it, or the last that begins before it.
    ///
    /// # Errors
    ///
    /// As [`Self::work`].
    pub fn near(
        &self,
        worker: &mut Worker,
        from: Position,
        direction: Direction,
    ) -> io::Result<Near> {
        let mut from = from;
        loop {
            let again = match self.lock().near(from, direction) {
                Answer::Is(near) => return Ok(near),
                Answer::Again(again, _) => again,
            };
            let positions = reread(worker, &again)?;
            let generation = again.generation.id;
            let here = from.generation == generation;
            let found = match direction {
                Direction::Forward => positions.into_iter().find(|&at| !here || at >= from.offset),
                Direction::Backward => {
                    positions.into_iter().rev().find(|&at| !here || at < from.offset)
                }
            };
            if let Some(offset) = found {
                return Ok(Near::At(Position { generation, offset }));
            }
            // None of that block lies on that side: on from its border.
            let offset = match direction {
                Direction::Forward => again.block.end,
                Direction::Backward => again.block.start,
            };
            from = Position { generation, offset };
        }
    }

    /// The log in `count` parts of as many bytes, oldest first, for a ruler.
    pub fn buckets(&self, count: u16) -> Vec<Bucket> {
        let state = self.lock();
        let bytes = |life: &Life| life.generation.bytes.saturating_sub(life.generation.from);
        let all = state.lives.iter().map(bytes).fold(0, u64::saturating_add);
        let count = usize::from(count.max(1));
        let border = |index: usize| (u128::from(all) * index as u128 / count as u128) as u64;
        // The last bucket that begins at or before a byte.
        let bucket_of = |at: u64| {
            let guess = (u128::from(at) * count as u128 / u128::from(all.max(1))) as usize;
            let guess = guess.min(count - 1);
            if guess + 1 < count && border(guess + 1) <= at { guess + 1 } else { guess }
        };
        let mut buckets: Vec<Bucket> = (0..count)
            .map(|index| Bucket { bytes: border(index + 1) - border(index), ..Bucket::default() })
            .collect();
        let mut base = 0;
        for life in &state.lives {
            for (index, unit) in life.units.iter().enumerate() {
                let (known, matches) = known(life, index, unit, &state.sizes);
                let place = |at: u64| base + (at - life.generation.from);
                let mut from = place(known.start);
                while from < place(known.end) {
                    let index = bucket_of(from);
                    let to = border(index + 1).min(place(known.end)).max(from + 1);
                    if let Some(bucket) = buckets.get_mut(index) {
                        bucket.searched += to - from;
                    }
                    from = to;
                }
                let Some(matches) = matches.filter(|matches| matches.count > 0) else { continue };
                let mut add = |at: u64, count: u64| {
                    if let Some(bucket) = buckets.get_mut(bucket_of(place(at))) {
                        bucket.matches += count;
                    }
                };
                let first = bucket_of(place(known.start));
                if first == bucket_of(place(known.end.max(known.start + 1) - 1)) {
                    add(known.start, matches.count);
                } else if let Some(positions) = matches.positions() {
                    positions.for_each(|at| add(at, 1));
                } else {
                    let blocks = matches.blocks().into_iter().flatten();
                    blocks.for_each(|(block, count)| add(block.start.max(known.start), count));
                }
            }
            base += bytes(life);
        }
        buckets
    }
}

/// What of a unit was searched, and what was found there.
pub(super) fn known<'a>(
    life: &Life,
    index: usize,
    unit: &'a Unit,
    sizes: &Sizes,
) -> (Range<u64>, Option<&'a Matches>) {
    let range = life.range(index, sizes);
    match unit {
        Unit::Done { matches, .. } => (range, Some(matches)),
        Unit::Waiting { next: Some(next), matches } => {
            (range.start..(*next).clamp(range.start, range.end), Some(matches))
        }
        Unit::Waiting { next: None, .. } | Unit::Claimed(_) => (range.start..range.start, None),
    }
}

/// The matches that begin in a block.
fn reread(worker: &mut Worker, again: &Again) -> io::Result<Vec<u64>> {
    let mut positions = Vec::new();
    let mut sink = |at| {
        positions.push(at);
        ControlFlow::Continue(())
    };
    let mut pace = Pace::new(&|| false);
    let swept =
        worker.sweep(&again.generation, again.block.clone(), false, &mut pace, &mut sink)?;
    again.generation.verify()?;
    match swept {
        Swept::All { .. } => Ok(positions),
        Swept::Enough | Swept::Stopped(_) => Err(Doubt.into()),
    }
}

impl State {
    fn again(&self, life: usize, unit: usize, block: Range<u64>) -> Option<Again> {
        let of = self.lives.get(life)?;
        let range = of.range(unit, &self.sizes);
        let block = block.start.max(range.start)..block.end.min(range.end);
        Some(Again { generation: of.generation.clone(), block })
    }

    fn ordinal(&self, position: Position) -> Answer<Option<u64>> {
        let Some(target) = self.index(position.generation) else { return Answer::Is(None) };
        let mut before = 0;
        for (at, life) in self.lives.iter().enumerate().take(target + 1) {
            for (index, unit) in life.units.iter().enumerate() {
                let range = life.range(index, &self.sizes);
                let whole = at < target || range.end <= position.offset;
                if !whole && range.start >= position.offset {
                    break;
                }
                let (known, matches) = known(life, index, unit, &self.sizes);
                let needed = if whole { range.end } else { position.offset };
                let Some(matches) = matches.filter(|_| known.end >= needed) else {
                    return Answer::Is(None);
                };
                if whole {
                    before += matches.count;
                } else if let Some(positions) = matches.positions() {
                    before += positions.take_while(|&at| at < position.offset).count() as u64;
                } else {
                    for (block, count) in matches.blocks().into_iter().flatten() {
                        if block.end <= position.offset {
                            before += count;
                        } else if block.start < position.offset {
                            return match self.again(at, index, block) {
                                Some(again) => Answer::Again(again, before),
                                None => Answer::Is(None),
                            };
                        }
                    }
                }
            }
        }
        Answer::Is(Some(before))
    }

    fn nth(&self, number: u64) -> Answer<Option<Position>> {
        let mut before = 0;
        for (at, life) in self.lives.iter().enumerate() {
            for (index, unit) in life.units.iter().enumerate() {
                let (known, matches) = known(life, index, unit, &self.sizes);
                let count = matches.map_or(0, |matches| matches.count);
                if before + count <= number {
                    if known.end < life.range(index, &self.sizes).end {
                        return Answer::Is(None);
                    }
                    before += count;
                    continue;
                }
                let Some(matches) = matches else { return Answer::Is(None) };
                if let Some(mut positions) = matches.positions() {
                    let nth = positions.nth((number - before) as usize);
                    return Answer::Is(nth.and_then(|offset| self.position(at, offset)));
                }
                for (block, count) in matches.blocks().into_iter().flatten() {
                    if before + count > number {
                        return match self.again(at, index, block) {
                            Some(again) => Answer::Again(again, before),
                            None => Answer::Is(None),
                        };
                    }
                    before += count;
                }
            }
        }
        Answer::Is(None)
    }

    fn near(&self, from: Position, direction: Direction) -> Answer<Near> {
        let found = match direction {
            Direction::Forward => self.ahead(from),
            Direction::Backward => self.behind(from),
        };
        found.unwrap_or(Answer::Is(Near::Nothing))
    }

    /// `None`: nothing up to the end.
    fn ahead(&self, from: Position) -> Option<Answer<Near>> {
        let start = self.index(from.generation)?;
        for (at, life) in self.lives.iter().enumerate().skip(start) {
            let floor = if at == start { from.offset } else { 0 };
            let first = life.unit_of(floor, &self.sizes);
            for (index, unit) in life.units.iter().enumerate().skip(first) {
                let (known, matches) = known(life, index, unit, &self.sizes);
                let range = life.range(index, &self.sizes);
                if let Some(matches) = matches {
                    if let Some(mut positions) = matches.positions() {
                        if let Some(offset) = positions.find(|&at| at >= floor) {
                            return Some(Answer::Is(Near::At(self.position(at, offset)?)));
                        }
                    } else if let Some((block, _)) =
                        matches.blocks()?.find(|(block, _)| block.end.min(range.end) > floor)
                    {
                        return Some(Answer::Again(self.again(at, index, block)?, 0));
                    }
                }
                if known.end < range.end && floor < range.end {
                    let on = self.position(at, known.end.max(floor))?;
                    return Some(Answer::Is(Near::Unknown(on)));
                }
            }
        }
        None
    }

    /// `None`: nothing up to the start.
    fn behind(&self, from: Position) -> Option<Answer<Near>> {
        let start = self.index(from.generation)?;
        for (at, life) in self.lives.iter().enumerate().take(start + 1).rev() {
            let ceiling = if at == start { from.offset } else { u64::MAX };
            let last = life.unit_of(ceiling, &self.sizes);
            for (index, unit) in life.units.iter().enumerate().take(last + 1).rev() {
                let (known, matches) = known(life, index, unit, &self.sizes);
                let range = life.range(index, &self.sizes);
                if range.start >= ceiling {
                    continue;
                }
                let top = range.end.min(ceiling);
                let Some(matches) = matches.filter(|_| known.end >= top) else {
                    return Some(Answer::Is(Near::Unknown(self.position(at, top)?)));
                };
                if let Some(positions) = matches.positions() {
                    if let Some(offset) = positions.take_while(|&at| at < ceiling).last() {
                        return Some(Answer::Is(Near::At(self.position(at, offset)?)));
                    }
                } else if let Some((block, _)) =
                    matches.blocks()?.rev().find(|(block, _)| block.start < ceiling)
                {
                    return Some(Answer::Again(self.again(at, index, block)?, 0));
                }
            }
        }
        None
    }
}
