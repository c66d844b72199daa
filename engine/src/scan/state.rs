//! The units of a scan: which are to be searched, by whom, and what was found in the others.

use std::ops::Range;

use tailwater_protocol::{GenerationId, Position};

use super::unit::Matches;
use super::{Order, Sizes};
use crate::history::{Generation, History};

pub(super) struct State {
    pub(super) lives: Vec<Life>,
    pub(super) sizes: Sizes,
    order: Order,
    /// Bytes of positions in units that are full.
    kept: usize,
    tickets: u64,
}

/// A generation.
pub(super) struct Life {
    pub(super) generation: Generation,
    pub(super) units: Vec<Unit>,
    /// Units that wait.
    waiting: usize,
}

pub(super) enum Unit {
    /// To be searched, from there on if that is not its start; and what was found before.
    Waiting { next: Option<u64>, matches: Matches },
    /// Somebody is at it.
    Claimed(u64),
    /// Searched. `open`: the row that begins last in it had no end yet.
    Done { matches: Matches, open: Option<u64> },
}

/// A unit that is being searched.
pub(super) struct Claim {
    ticket: u64,
    unit: usize,
    /// The generation as it was then.
    pub(super) generation: Generation,
    pub(super) range: Range<u64>,
    /// Whether a row begins where the range does.
    pub(super) known: bool,
    pub(super) matches: Matches,
}

/// What became of a claim.
pub(super) enum Outcome {
    Done { open: Option<u64> },
    Stopped(u64),
    Failed,
}

impl Default for Unit {
    fn default() -> Self {
        Self::Waiting { next: None, matches: Matches::default() }
    }
}

impl State {
    pub(super) fn new(history: &History, order: Order, sizes: Sizes) -> Self {
        let mut state = Self { lives: Vec::new(), sizes, order, kept: 0, tickets: 0 };
        state.extend(history);
        state
    }

    pub(super) fn turn(&mut self, order: Order) {
        self.order = order;
    }

    pub(super) fn extend(&mut self, history: &History) {
        let mut old = std::mem::take(&mut self.lives);
        for generation in history.generations.iter() {
            let same = |life: &Life| life.generation.id == generation.id;
            let life = old.iter().position(same).map(|at| old.swap_remove(at));
            let stands = life.filter(|life| {
                life.generation.from == generation.from && life.generation.bytes <= generation.bytes
            });
            let mut life = stands.unwrap_or_else(|| Life {
                generation: Generation { bytes: generation.from, ..generation.clone() },
                units: Vec::new(),
                waiting: 0,
            });
            life.grow(generation, &self.sizes);
            self.lives.push(life);
        }
        self.kept = self.lives.iter().flat_map(|life| &life.units).map(Unit::size).sum();
    }

    /// The unit that is to be searched next.
    pub(super) fn claim(&mut self) -> Option<Claim> {
        let (life, unit) = self.choose()?;
        self.tickets += 1;
        let ticket = self.tickets;
        let sizes = self.sizes;
        let life = self.lives.get_mut(life)?;
        let range = life.range(unit, &sizes);
        let slot = life.units.get_mut(unit)?;
        let Unit::Waiting { next, matches } = std::mem::replace(slot, Unit::Claimed(ticket)) else {
            return None;
        };
        life.waiting -= 1;
        let start = next.unwrap_or(range.start);
        let (generation, known) = (life.generation.clone(), next.is_some());
        Some(Claim { ticket, unit, generation, range: start..range.end.max(start), known, matches })
    }

    fn choose(&self) -> Option<(usize, usize)> {
        let waiting = |unit: &Unit| matches!(unit, Unit::Waiting { .. });
        let lives = self.lives.iter().enumerate().filter(|(_, life)| life.waiting > 0);
        match self.order {
            Order::Newest => lives
                .rev()
                .find_map(|(index, life)| Some((index, life.units.iter().rposition(waiting)?))),
            Order::Around(position) => {
                // Units of the log as a whole, from its start.
                let before = |index: usize| {
                    let lives = self.lives.get(..index).unwrap_or_default();
                    lives.iter().map(|life| life.units.len()).sum::<usize>()
                };
                let here =
                    self.lives.iter().position(|life| life.generation.id == position.generation);
                let here = here.map_or(usize::MAX, |index| {
                    let within = self
                        .lives
                        .get(index)
                        .map_or(0, |life| life.unit_of(position.offset, &self.sizes));
                    before(index) + within
                });
                let all = lives.flat_map(|(index, life)| {
                    let start = before(index);
                    let units = life.units.iter().enumerate().filter(|(_, unit)| waiting(unit));
                    units.map(move |(unit, _)| (start + unit, index, unit))
                });
                let nearest = all.min_by_key(|&(at, ..)| {
                    // What lies behind is further by half a unit.
                    if at <= here {
                        (here - at) * 2 + usize::from(at < here)
                    } else {
                        (at - here) * 2
                    }
                });
                nearest.map(|(_, life, unit)| (life, unit))
            }
        }
    }

    /// Takes a unit back.
    pub(super) fn settle(&mut self, claim: Claim, outcome: Outcome) {
        let (sizes, kept) = (self.sizes, self.kept);
        let same = |life: &&mut Life| life.generation.id == claim.generation.id;
        let Some(life) = self.lives.iter_mut().find(same) else { return };
        let range = life.range(claim.unit, &sizes);
        let grown = life.generation.bytes > claim.generation.bytes;
        let Some(slot) = life.units.get_mut(claim.unit) else { return };
        // It may have been given up meanwhile, and be somebody else's.
        if !matches!(slot, Unit::Claimed(ticket) if *ticket == claim.ticket) {
            return;
        }
        let mut matches = claim.matches;
        *slot = match outcome {
            Outcome::Done { open } if !grown => {
                let full = range.end - range.start == sizes.unit || range.end % sizes.unit == 0;
                if full && open.is_none() {
                    matches.settle();
                    if kept + matches.size() > sizes.kept {
                        matches.forget(&range);
                    }
                    self.kept += matches.size();
                }
                Unit::Done { matches, open }
            }
            Outcome::Done { open } => reopened(matches, open, claim.range.end, &claim.generation),
            Outcome::Stopped(next) => Unit::Waiting { next: Some(next), matches },
            Outcome::Failed => Unit::default(),
        };
        if matches!(slot, Unit::Waiting { .. }) {
            life.waiting += 1;
        }
    }
}

/// A unit that was searched up to the end of a generation that has grown since.
fn reopened(mut matches: Matches, open: Option<u64>, end: u64, then: &Generation) -> Unit {
    if let Some(open) = open {
        matches.take_back(open);
        return Unit::Waiting { next: Some(open), matches };
    }
    // Without an open row it ended with a newline, or in a row that began in an earlier unit.
    if end < then.bytes {
        Unit::Done { matches, open: None }
    } else if then.unfinished {
        Unit::default()
    } else {
        Unit::Waiting { next: Some(end), matches }
    }
}

impl Life {
    /// The bytes of a unit.
    pub(super) fn range(&self, unit: usize, sizes: &Sizes) -> Range<u64> {
        let first = self.generation.from / sizes.unit;
        let start = (first + unit as u64) * sizes.unit;
        let end = (start + sizes.unit).min(self.generation.bytes);
        start.max(self.generation.from)..end.max(self.generation.from)
    }

    /// The unit that holds that byte, or the nearest.
    pub(super) fn unit_of(&self, offset: u64, sizes: &Sizes) -> usize {
        let first = self.generation.from / sizes.unit;
        let unit = (offset / sizes.unit).saturating_sub(first);
        usize::try_from(unit).unwrap_or(usize::MAX).min(self.units.len().saturating_sub(1))
    }

    /// The generation is like this now: not shorter.
    fn grow(&mut self, to: &Generation, sizes: &Sizes) {
        let then = std::mem::replace(&mut self.generation, to.clone());
        if to.bytes > then.bytes {
            let last = self.units.len().saturating_sub(1);
            // An open row began in one of the last units: no row is longer than two breaks.
            let reach = (2 * sizes.break_every / sizes.unit) as usize + 2;
            for unit in last.saturating_sub(reach)..self.units.len() {
                let end = {
                    let first = then.from / sizes.unit;
                    ((first + unit as u64 + 1) * sizes.unit).min(then.bytes)
                };
                let Some(slot) = self.units.get_mut(unit) else { continue };
                if let Unit::Done { matches, open } = slot {
                    *slot = reopened(std::mem::take(matches), *open, end, &then);
                }
            }
            let first = to.from / sizes.unit;
            let units = to.bytes.div_ceil(sizes.unit).saturating_sub(first);
            self.units.resize_with(units as usize, Unit::default);
        }
        let waiting = |unit: &&Unit| matches!(unit, Unit::Waiting { .. });
        self.waiting = self.units.iter().filter(waiting).count();
    }
}

impl Unit {
    fn size(&self) -> usize {
        match self {
            Self::Waiting { matches, .. } | Self::Done { matches, .. } => matches.size(),
            Self::Claimed(_) => 0,
        }
    }
}

impl State {
    /// Where that generation stands among the others.
    pub(super) fn index(&self, id: GenerationId) -> Option<usize> {
        self.lives.iter().position(|life| life.generation.id == id)
    }

    /// The position of that byte.
    pub(super) fn position(&self, life: usize, offset: u64) -> Option<Position> {
        let generation = self.lives.get(life)?.generation.id;
        Some(Position { generation, offset })
    }
}
