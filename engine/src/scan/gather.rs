//! Many matches around a place at once: those that were found, and where the scan has not come to
//! yet, by looking.
//!
//! A screenful of a filtered log takes some hundred matches. Asked for one by one, each would
//! unpack its unit anew; so a unit is unpacked once for all that it holds.

use std::io;
use std::ops::{ControlFlow, Range};

use tailwater_protocol::Position;

use super::Scan;
use super::answer::known;
use super::next::Direction;
use super::state::{State, Unit};
use super::sweep::{Swept, Worker};
use crate::history::{Generation, History};
use crate::query::{Pace, Stop};

/// Bytes looked at first on the way back: most of what is sought lies near.
const FIRST: u64 = 64 * 1024;

/// Bytes looked at in one go: when it is stopped within, on the way back all of them are looked at
/// again.
const MOST: u64 = 1024 * 1024;

/// What is looked for, and how far.
pub struct Wanted<'a> {
    /// What was found before; without it all is looked at.
    pub scan: Option<&'a Scan>,
    /// As many at most.
    pub most: usize,
    /// Not beyond that place, but for a few more.
    pub until: Option<Position>,
    /// Bytes to look at where nothing is known yet, about.
    pub budget: u64,
    /// Asked whether to stop.
    pub stop: &'a Stop<'a>,
}

/// What was gathered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gathered {
    /// In the order in which they were met.
    pub found: Vec<Position>,
    /// How far it is known that there are no others: on the way forth the first byte that was not
    /// looked at, on the way back the last that was. `None`: the log's end on that side.
    pub upto: Option<Position>,
}

/// What a scan knows of a stretch.
enum Known {
    /// These match, in their order, and no others up to there.
    These(Vec<u64>, u64),
    /// Some that begin in this block; what lies between is known to have none.
    Block(Range<u64>),
    /// Nothing, up to there.
    Nothing(u64),
}

/// The matches that begin at `from` or after it, or before it; in a generation that `history` does
/// not have, as [`next`](super::next()).
///
/// # Errors
///
/// The system's; a [`Doubt`](crate::read::Doubt) when the log was cut or overwritten.
pub fn gather(
    worker: &mut Worker,
    history: &History,
    from: Position,
    direction: Direction,
    wanted: &Wanted<'_>,
) -> io::Result<Gathered> {
    let until =
        wanted.until.and_then(|until| Some((history.index(until.generation)?, until.offset)));
    let mut gathering = Gathering { worker, wanted, until, left: wanted.budget, found: Vec::new() };
    let upto = match direction {
        Direction::Forward => gathering.ahead(history, from)?,
        Direction::Backward => gathering.behind(history, from)?,
    };
    Ok(Gathered { found: gathering.found, upto })
}

struct Gathering<'a> {
    worker: &'a mut Worker,
    wanted: &'a Wanted<'a>,
    until: Option<(usize, u64)>,
    left: u64,
    found: Vec<Position>,
}

impl Gathering<'_> {
    fn ahead(&mut self, history: &History, from: Position) -> io::Result<Option<Position>> {
        let known = history.index(from.generation);
        for (index, generation) in history.generations.iter().enumerate().skip(known.unwrap_or(0)) {
            let here = Some(index) == known;
            let mut at = if here { from.offset.max(generation.from) } else { generation.from };
            let position = |offset| Position { generation: generation.id, offset };
            while at < generation.bytes {
                if self.until.is_some_and(|until| (index, at) >= until) || (self.wanted.stop)() {
                    return Ok(Some(position(at)));
                }
                let room = self.wanted.most.saturating_sub(self.found.len());
                if room == 0 {
                    return Ok(Some(position(at)));
                }
                let known =
                    self.wanted.scan.map(|scan| scan.lock().known_ahead(generation, at, room));
                let (found, to) = match known.unwrap_or(Known::Nothing(u64::MAX)) {
                    Known::These(found, to) => (found, to),
                    Known::Block(block) => {
                        self.look(generation, block, room)?.map_or((Vec::new(), at), |seen| seen)
                    }
                    Known::Nothing(to) => {
                        if self.left == 0 {
                            return Ok(Some(position(at)));
                        }
                        let to = to.min(at + self.left.min(MOST)).min(generation.bytes);
                        self.left = self.left.saturating_sub(to - at);
                        self.look(generation, at..to, room)?.map_or((Vec::new(), at), |seen| seen)
                    }
                };
                let own = found.into_iter().filter(|&offset| offset < generation.bytes);
                self.found.extend(own.map(position));
                if to <= at {
                    return Ok(Some(position(at)));
                }
                at = to;
            }
        }
        Ok(None)
    }

    fn behind(&mut self, history: &History, from: Position) -> io::Result<Option<Position>> {
        let known = history.index(from.generation);
        let last = known.map_or(history.generations.len(), |index| index + 1);
        let mut size = FIRST;
        for (index, generation) in history.generations.iter().enumerate().take(last).rev() {
            let ceiling = if Some(index) == known { from.offset } else { u64::MAX };
            let mut end = ceiling.min(generation.bytes);
            let position = |offset| Position { generation: generation.id, offset };
            while end > generation.from {
                if self.until.is_some_and(|until| (index, end) <= until) || (self.wanted.stop)() {
                    return Ok(Some(position(end)));
                }
                let room = self.wanted.most.saturating_sub(self.found.len());
                if room == 0 {
                    return Ok(Some(position(end)));
                }
                let known =
                    self.wanted.scan.map(|scan| scan.lock().known_behind(generation, end, room));
                let (mut found, to) = match known.unwrap_or(Known::Nothing(0)) {
                    Known::These(found, to) => (found, to),
                    Known::Block(block) => {
                        let start = block.start;
                        match self.look(generation, block, usize::MAX)? {
                            Some((found, _)) => (found, start),
                            None => return Ok(Some(position(end))),
                        }
                    }
                    Known::Nothing(to) => {
                        if self.left == 0 {
                            return Ok(Some(position(end)));
                        }
                        let start = end.saturating_sub(size.min(self.left)).max(to);
                        let start = start.max(generation.from);
                        self.left -= (end - start).min(self.left);
                        size = (size * 2).min(MOST);
                        match self.look(generation, start..end, usize::MAX)? {
                            Some((found, _)) => (found, start),
                            None => return Ok(Some(position(end))),
                        }
                    }
                };
                let skipped = found.len().saturating_sub(room);
                end = if skipped > 0 { found.get(skipped).copied().unwrap_or(to) } else { to };
                found.drain(..skipped);
                self.found.extend(found.into_iter().rev().map(position));
            }
        }
        Ok(None)
    }

    /// The first `most` matches that begin in `range`, and up to where there are no others. `None`
    /// when it was stopped before it had come to an end.
    fn look(
        &mut self,
        generation: &Generation,
        range: Range<u64>,
        most: usize,
    ) -> io::Result<Option<(Vec<u64>, u64)>> {
        let mut found = Vec::new();
        let mut sink = |at| {
            found.push(at);
            if found.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let mut pace = Pace::new(self.wanted.stop);
        let end = range.end;
        let swept = self.worker.sweep(generation, range, false, &mut pace, &mut sink)?;
        generation.verify()?;
        Ok(match swept {
            Swept::All { .. } => Some((found, end)),
            Swept::Enough => {
                let upto = found.last().map_or(end, |last| last + 1);
                Some((found, upto))
            }
            Swept::Stopped(next) if most < usize::MAX => Some((found, next)),
            Swept::Stopped(_) => None,
        })
    }
}

impl State {
    /// What is known from `at` on, of a generation as somebody else knows it.
    fn known_ahead(&self, generation: &Generation, at: u64, most: usize) -> Known {
        let Some((life, unit, of)) = self.unit_at(generation, at) else {
            return Known::Nothing(u64::MAX);
        };
        let range = life.range(unit, &self.sizes);
        let (seen, matches) = known(life, unit, of, &self.sizes);
        let end = settled(of, seen.end, generation.bytes == life.generation.bytes);
        let Some(matches) = matches.filter(|_| at < end) else { return Known::Nothing(range.end) };
        if let Some(positions) = matches.positions() {
            let all = positions.skip_while(|&offset| offset < at);
            let found: Vec<u64> = all.take_while(|&offset| offset < end).take(most).collect();
            let full = found.len() == most;
            let upto = found.last().map_or(end, |last| if full { last + 1 } else { end });
            return Known::These(found, upto);
        }
        let mut blocks = matches.blocks().into_iter().flatten();
        match blocks.find(|(block, _)| block.end.min(end) > at) {
            Some((block, _)) => Known::Block(block.start.max(at)..block.end.min(end)),
            None => Known::These(Vec::new(), end),
        }
    }

    /// What is known of what begins before `end`.
    fn known_behind(&self, generation: &Generation, end: u64, most: usize) -> Known {
        let Some((life, unit, of)) = self.unit_at(generation, end.saturating_sub(1)) else {
            return Known::Nothing(0);
        };
        let range = life.range(unit, &self.sizes);
        let (seen, matches) = known(life, unit, of, &self.sizes);
        let known = settled(of, seen.end, generation.bytes == life.generation.bytes);
        let top = end.min(range.end);
        let Some(matches) = matches.filter(|_| known >= top && end <= range.end) else {
            return Known::Nothing(known.clamp(range.start, end));
        };
        if let Some(positions) = matches.positions() {
            let mut found: Vec<u64> = positions.take_while(|&offset| offset < end).collect();
            // One more than wanted tells that there are more.
            found.drain(..found.len().saturating_sub(most.saturating_add(1)));
            return Known::These(found, range.start);
        }
        let mut blocks = matches.blocks().into_iter().flatten().rev();
        match blocks.find(|(block, _)| block.start < end) {
            Some((block, _)) => {
                Known::Block(block.start.max(range.start)..block.end.min(range.end).min(end))
            }
            None => Known::These(Vec::new(), range.start),
        }
    }

    fn unit_at(&self, of: &Generation, at: u64) -> Option<(&super::state::Life, usize, &Unit)> {
        let life = self.lives.get(self.index(of.id)?)?;
        if life.generation.from != of.from || at >= life.generation.bytes {
            return None;
        }
        let unit = life.unit_of(at, &self.sizes);
        Some((life, unit, life.units.get(unit)?))
    }
}

/// Up to where a unit tells what is so for one who knows another length of the log: a row that had
/// no end may have become another.
fn settled(unit: &Unit, end: u64, same: bool) -> u64 {
    match unit {
        Unit::Done { open: Some(open), .. } if !same => (*open).min(end),
        _ => end,
    }
}
