//! The same for a view that shows only what matches, and some rows beside: a screenful of them,
//! however far apart they lie.
//!
//! What it may cost is bounded: where nothing is known yet it looks through so much and no more,
//! and says how far it has come. Whatever is said to have been looked through is whole: another
//! answer that begins where this one ends continues it, with nothing missing and nothing twice,
//! though what matches may lie anywhere.
//!
//! A row's company never belongs to another generation.
//!
//! One piece, though long: how far it was looked, what is decided by that and what is shown of it
//! are one thought, and a mistake in it lies between its parts.

use std::io;

use tailwater_protocol::row::RowsBuilder;
use tailwater_protocol::{Anchor, Bookmark, Direction, Level, Position, Rows, Tally};

use super::{MAX_LOOK, MAX_ROWS, MAX_TEXT, Reader, Spot};
use crate::history::{CountsOf, Generation, History};
use crate::level::{REACH, level};
use crate::lines::{End, Lines};
use crate::query::Stop;
use crate::row::{CAP, RowMaker};
use crate::scan::{Scan, Wanted, Worker, gather};
use crate::time::Clock;

/// What picks the rows of a view.
pub struct Pick<'a> {
    /// What was found until now.
    pub scan: Option<&'a Scan>,
    /// Looks where nothing is known yet.
    pub worker: &'a mut Worker,
    /// Rows shown on each side of one that matches.
    pub context: u16,
    /// Bytes to look at where nothing is known, on each side of the anchor: about.
    pub budget: u64,
    /// Asked whether to stop.
    pub stop: &'a Stop<'a>,
}

/// Rows that were picked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PickedRows {
    /// In order, a block for each run of adjacent rows.
    pub blocks: Vec<Rows>,
    /// Of all rows the first that does not stand before the anchor; their number if none does.
    pub anchor: u32,
    /// Whether nothing is to be shown before the first row.
    pub at_start: bool,
    /// Whether nothing was to be shown after the last row.
    pub at_end: bool,
    /// What was looked through; all that is to be shown of it is there. Rows behind it may be
    /// there, too, which more that is appended can make others: where the log ends they may be all
    /// there are, and the stretch ends before it begins. `None` while there is nothing.
    pub stretch: Option<(Position, Position)>,
    /// The rows that do not match themselves.
    pub aside: Vec<u32>,
    /// On which side there may be more of what was asked for, but it was not looked any further.
    pub short: Short,
}

/// Where it was not looked any further for what was asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Short {
    /// Before the stretch.
    pub before: bool,
    /// After it.
    pub after: bool,
}

/// The newest rows that were picked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PickedTail {
    /// Whether the rows are all since the place asked for.
    pub continues: bool,
    /// They.
    pub rows: PickedRows,
    /// The end of the log; `None` while it has no generation.
    pub end: Option<Bookmark>,
}

/// A row to be shown.
#[derive(Debug, Clone, Copy)]
struct Shown {
    at: Spot,
    end: u64,
    how: End,
    matches: bool,
}

/// Matches on one side of a place, and how far that side was looked through.
struct Side {
    /// In their order.
    matches: Vec<Spot>,
    /// Where it is decided of every row what is shown.
    decided: Spot,
    /// Whether that is the log's end on that side.
    whole: bool,
}

/// Rows around `anchor` of those that `pick` takes; the clock as for
/// [`window_by`](super::window_by()).
///
/// # Errors
///
/// As [`window`](super::window()).
pub fn window(
    history: &History,
    counts: &CountsOf<'_>,
    clock: Option<&Clock>,
    pick: &mut Pick<'_>,
    anchor: Anchor,
    before: u16,
    after: u16,
) -> io::Result<PickedRows> {
    let reader = Reader { history, counts };
    let anchor = match anchor {
        Anchor::Time(instant) => reader.at_time(clock, instant)?,
        other => other,
    };
    let Some(spot) = reader.find(anchor)? else { return Ok(nothing()) };
    let (before, after) = (usize::from(before), usize::from(after));
    let after = after.min(MAX_ROWS - before.min(MAX_ROWS / 2));
    let before = before.min(MAX_ROWS - after);
    let mut picking = Picking { reader, pick };
    let behind = picking.behind(spot, before, None)?;
    let ahead = picking.ahead(spot, after)?;
    let (older, from) = picking.older(&behind, &ahead, spot, before)?;
    let (newer, to) = picking.newer(&behind, &ahead, spot, after)?;
    let at_start = behind.whole && from == behind.decided;
    let at_end = to.is_none();
    let short = Short {
        before: !behind.whole && from == behind.decided && older.len() < before,
        after: to == Some(ahead.decided) && newer.len() < after,
    };
    let to = match to {
        Some(to) => to,
        None => picking.provisional(picking.reader.end())?,
    };
    let anchor = older.len() as u32;
    let rows: Vec<Shown> = older.into_iter().chain(newer).collect();
    let mut picked = picking.make(&rows)?;
    let position = |spot| picking.reader.position(spot);
    picked.stretch = position(from).zip(position(to));
    (picked.anchor, picked.at_start, picked.at_end) = (anchor, at_start, at_end);
    picked.short = short;
    Ok(picked)
}

/// The newest rows that `pick` takes, at most `rows` of them: if they are not more, all since the
/// row that holds `from`, with what may have become company of a new one. Those are to stand in
/// place of all rows from the start of the stretch on.
///
/// # Errors
///
/// As [`window`](super::window()).
pub fn tail(
    history: &History,
    counts: &CountsOf<'_>,
    pick: &mut Pick<'_>,
    from: Option<Position>,
    rows: u16,
) -> io::Result<PickedTail> {
    let reader = Reader { history, counts };
    let bookmark = history.bookmark();
    if rows == 0 || history.generations.is_empty() {
        let continues = from.is_some() && from == history.end();
        return Ok(PickedTail { continues, rows: nothing(), end: bookmark });
    }
    let end = reader.end();
    let rows = usize::from(rows).min(MAX_ROWS);
    let mut picking = Picking { reader, pick };
    let stood = match from.and_then(|from| picking.reader.spot(from)) {
        Some(stood) if stood == end => Some(picking.provisional(end)?),
        Some(stood) => {
            let start = picking.reader.row_start(stood)?;
            Some(picking.rows_back(start)?)
        }
        None => None,
    };
    let behind = picking.behind(end, rows, stood)?;
    let ahead = Side { matches: Vec::new(), decided: end, whole: true };
    let (mut shown, mut from) = picking.older(&behind, &ahead, end, rows)?;
    let mut continues = false;
    if let Some(stood) = stood.filter(|stood| *stood >= from) {
        shown.retain(|row| row.at >= stood);
        (from, continues) = (stood, true);
    }
    let to = picking.provisional(end)?;
    let mut picked = picking.make(&shown)?;
    let position = |spot| picking.reader.position(spot);
    picked.stretch = position(from).zip(position(to));
    picked.anchor = shown.len() as u32;
    picked.at_start = behind.whole && from == behind.decided;
    picked.at_end = true;
    Ok(PickedTail { continues, rows: picked, end: bookmark })
}

/// What of the rows that `pick` takes has passed since `from`, of which it counts at most `most`,
/// and up to where they are counted. A row without an end is not counted yet.
///
/// # Errors
///
/// As [`window`](super::window()).
pub fn passed(
    history: &History,
    pick: &mut Pick<'_>,
    from: Position,
    most: usize,
) -> io::Result<(Tally, Position)> {
    let mut tally = Tally::default();
    let wanted =
        Wanted { scan: pick.scan, most, until: None, budget: pick.budget, stop: pick.stop };
    let gathered = gather(pick.worker, history, from, Direction::Forward, &wanted)?;
    let mut upto = match (gathered.upto, history.generations.last()) {
        (Some(upto), _) => upto,
        (None, Some(last)) if last.unfinished && last.bytes > last.from => {
            let offset = Lines::of(last).start_of(last.bytes - 1)?;
            Position { generation: last.id, offset }
        }
        (None, last) => last.map_or(from, Generation::end),
    };
    let mut rest = gathered.found.as_slice();
    while let Some(first) = rest.first() {
        let own = rest.iter().take_while(|at| at.generation == first.generation).count();
        let (these, others) = rest.split_at(own);
        rest = others;
        let Some(generation) = history.get(first.generation) else { continue };
        let mut lines = Lines::of(generation);
        for at in these {
            let (end, how) = lines.end_of(at.offset)?;
            if how == End::Open
                && history.generations.last().is_some_and(|last| last.id == at.generation)
            {
                upto = *at;
                break;
            }
            let seen = end.min(at.offset + REACH as u64);
            let level = level(&lines.text(at.offset, seen)?);
            tally.lines += 1;
            tally.bytes += end - at.offset;
            tally.errors += u64::from(level.is_error());
            tally.warnings += u64::from(level == Level::Warn);
        }
        generation.verify()?;
    }
    Ok((tally, upto))
}

/// How many of the rows that begin at `from` and after it stand beside a match before it.
///
/// # Errors
///
/// As [`window`](super::window()).
pub fn beside(history: &History, pick: &mut Pick<'_>, from: Position) -> io::Result<usize> {
    let reader = Reader { history, counts: &|_| None };
    let Some(spot) = reader.spot(from) else { return Ok(0) };
    let mut picking = Picking { reader, pick };
    let start = picking.rows_back(spot)?;
    let (found, _) = picking.gather(spot, Direction::Backward, 1, Some(start))?;
    let (Some(last), Some(generation)) = (found.first(), picking.reader.generation(spot.index))
    else {
        return Ok(0);
    };
    let mut lines = Lines::of(generation);
    let (mut at, mut rows) = (last.offset, 0);
    while last.index == spot.index && at < spot.offset {
        at = lines.end_of(at)?.0;
        rows += 1;
    }
    Ok((picking.context() + 1).saturating_sub(rows.max(1)))
}

/// How many of the last `most` matches before `upto`, or the end, were found, where the first of
/// them begins or from where on it was looked, and whether that is the log's start.
///
/// # Errors
///
/// As [`window`](super::window()).
pub fn last(
    history: &History,
    pick: &mut Pick<'_>,
    upto: Option<Position>,
    most: usize,
) -> io::Result<(usize, Option<Position>, bool)> {
    let reader = Reader { history, counts: &|_| None };
    if history.generations.is_empty() {
        return Ok((0, None, true));
    }
    let from = upto.and_then(|upto| reader.spot(upto)).unwrap_or_else(|| reader.end());
    let mut picking = Picking { reader, pick };
    let (found, on) = picking.gather(from, Direction::Backward, most, None)?;
    let start = on.is_none().then(|| picking.reader.following(Spot { index: 0, offset: 0 }));
    let first = found.last().copied().filter(|_| found.len() >= most);
    let on = first.or(on).or(start);
    let at_start = first.is_none() && start.is_some();
    Ok((found.len(), on.and_then(|on| picking.reader.position(on)), at_start))
}

/// Where the company of a match at `from` begins.
///
/// # Errors
///
/// As [`window`](super::window()).
pub fn company(
    history: &History,
    pick: &mut Pick<'_>,
    from: Position,
) -> io::Result<Option<Position>> {
    let reader = Reader { history, counts: &|_| None };
    let Some(spot) = reader.spot(from) else { return Ok(Some(from)) };
    let picking = Picking { reader, pick };
    let start = picking.rows_back(spot)?;
    Ok(picking.reader.position(start))
}

fn nothing() -> PickedRows {
    PickedRows { at_start: true, at_end: true, ..PickedRows::default() }
}

struct Picking<'a, 'b, 'c> {
    reader: Reader<'a>,
    pick: &'b mut Pick<'c>,
}

impl Picking<'_, '_, '_> {
    fn context(&self) -> usize {
        usize::from(self.pick.context)
    }

    /// Over as many rows to the start as stand beside a match, but not out of the generation.
    fn rows_back(&self, spot: Spot) -> io::Result<Spot> {
        let Some(generation) = self.reader.generation(spot.index) else { return Ok(spot) };
        let mut lines = Lines::of(generation);
        let mut offset = spot.offset;
        for _ in 0..self.context() {
            if offset <= generation.from || lines.read() > MAX_LOOK {
                break;
            }
            offset = lines.start_of(offset - 1)?;
        }
        Ok(Spot { offset, ..spot })
    }

    /// The same to the end.
    fn rows_forth(&self, spot: Spot) -> io::Result<Spot> {
        let Some(generation) = self.reader.generation(spot.index) else { return Ok(spot) };
        let mut lines = Lines::of(generation);
        let mut offset = spot.offset;
        for _ in 0..self.context() {
            if offset >= generation.bytes || lines.read() > MAX_LOOK {
                break;
            }
            (offset, _) = lines.end_of(offset)?;
        }
        Ok(self.reader.following(Spot { offset, ..spot }))
    }

    /// Up to where rows stay what they are when the log grows: without its last row if that has no
    /// end yet, and what can become company of a new one.
    fn provisional(&self, end: Spot) -> io::Result<Spot> {
        let open = self.reader.generation(end.index).is_some_and(|last| last.unfinished);
        let last = if open && end.offset > 0 {
            let byte = Spot { offset: end.offset - 1, ..end };
            self.reader.row_start(byte)?
        } else {
            end
        };
        self.rows_back(last)
    }

    fn gather(
        &mut self,
        from: Spot,
        direction: Direction,
        most: usize,
        until: Option<Spot>,
    ) -> io::Result<(Vec<Spot>, Option<Spot>)> {
        let history = self.reader.history;
        let until = until.and_then(|until| self.reader.position(until));
        let Some(from) = self.reader.position(from) else { return Ok((Vec::new(), None)) };
        let (scan, budget, stop) = (self.pick.scan, self.pick.budget, self.pick.stop);
        let wanted = Wanted { scan, most, until, budget, stop };
        let gathered = gather(self.pick.worker, history, from, direction, &wanted)?;
        let spot = |position: Position| {
            let index = history.index(position.generation)?;
            Some(Spot { index, offset: position.offset })
        };
        let found = gathered.found.into_iter().filter_map(spot).collect();
        Ok((found, gathered.upto.and_then(spot)))
    }

    /// What stands before `spot`: matches for `rows` rows, and those that decide what stands
    /// beside them.
    fn behind(&mut self, spot: Spot, rows: usize, until: Option<Spot>) -> io::Result<Side> {
        let context = self.context();
        let most = rows + context;
        // Company of what stands there needs as many rows more.
        let until = match until {
            Some(until) => Some(self.rows_back(until)?),
            None => None,
        };
        let mut side = Side { matches: Vec::new(), decided: spot, whole: false };
        if most == 0 {
            return Ok(side);
        }
        let mut at = spot;
        loop {
            let left = most.saturating_sub(side.matches.len()).max(1);
            let (found, upto) = self.gather(at, Direction::Backward, left, until)?;
            side.matches.extend(found);
            let Some(upto) = upto else {
                let start = self.reader.following(Spot { index: 0, offset: 0 });
                (side.decided, side.whole) = (start, true);
                break;
            };
            // From the first row on that begins there.
            let mut start = self.reader.row_start(upto)?;
            if start < upto
                && let Some(generation) = self.reader.generation(start.index)
            {
                start.offset = Lines::of(generation).end_of(start.offset)?.0;
            }
            side.decided = match self.reader.generation(start.index) {
                // What begins a generation keeps no company before.
                Some(first) if start.offset <= first.from => start,
                _ => self.rows_forth(start)?,
            };
            let enough = side.matches.len() >= most || until.is_some_and(|until| upto <= until);
            let far = if rows > 0 { side.decided < spot } else { side.decided <= spot };
            if enough || far || (self.pick.stop)() {
                break;
            }
            at = upto;
        }
        side.decided = side.decided.min(spot);
        side.matches.reverse();
        Ok(side)
    }

    /// What stands from `spot` on.
    fn ahead(&mut self, spot: Spot, rows: usize) -> io::Result<Side> {
        let most = rows + self.context();
        let whole = spot == self.reader.end();
        let mut side = Side { matches: Vec::new(), decided: spot, whole };
        if most == 0 || whole {
            return Ok(side);
        }
        let mut at = spot;
        loop {
            let left = most.saturating_sub(side.matches.len()).max(1);
            let (found, upto) = self.gather(at, Direction::Forward, left, None)?;
            side.matches.extend(found);
            let Some(upto) = upto else {
                (side.decided, side.whole) = (self.reader.end(), true);
                break;
            };
            let last = side.matches.last().copied();
            let row = match last
                .filter(|last| (last.index, last.offset + 1) == (upto.index, upto.offset))
            {
                // All of a row that matches was looked at.
                Some(last) => self.row_end(last)?,
                None => self.reader.row_start(upto)?,
            };
            let decided = self.rows_back(row)?;
            side.decided = decided.max(spot);
            let far = if rows > 0 { decided > spot } else { decided >= spot };
            if side.matches.len() >= most || far || (self.pick.stop)() {
                break;
            }
            at = upto;
        }
        Ok(side)
    }

    fn row_end(&self, row: Spot) -> io::Result<Spot> {
        let Some(generation) = self.reader.generation(row.index) else { return Ok(row) };
        let (offset, _) = Lines::of(generation).end_of(row.offset)?;
        Ok(Spot { offset, ..row })
    }

    /// Of the rows before `spot` the last that are to be shown, and from where on they are all.
    fn older(
        &self,
        behind: &Side,
        ahead: &Side,
        spot: Spot,
        rows: usize,
    ) -> io::Result<(Vec<Shown>, Spot)> {
        if rows == 0 {
            return Ok((Vec::new(), spot));
        }
        let beyond = ahead.matches.iter().take(self.context()).copied();
        let mut from = behind.decided;
        let mut matches: Vec<Spot> = behind.matches.iter().copied().chain(beyond).collect();
        let mut shown = loop {
            // Of giant rows only the nearest can be had; of a single one with all its company.
            let most = if matches.len() > 1 { MAX_LOOK } else { u64::MAX };
            let (shown, whole) = self.spread(&matches, from, spot, usize::MAX, most)?;
            if whole {
                break shown;
            }
            matches.drain(..matches.len() / 2);
            let first = matches.first().copied().unwrap_or(spot);
            from = self.rows_forth(first)?.max(from).min(spot);
        };
        let mut text = 0;
        let fits = shown.iter().rev().take(rows).take_while(|row| {
            text += row.text();
            text <= MAX_TEXT / 2 + CAP
        });
        let kept = fits.count();
        let skipped = shown.len() - kept;
        if skipped > 0 {
            shown.drain(..skipped);
            from = shown.first().map_or(spot, |row| row.at);
        }
        Ok((shown, from))
    }

    /// Of the rows from `spot` on the first that are to be shown, and up to where they are all;
    /// `None`: up to the end.
    fn newer(
        &self,
        behind: &Side,
        ahead: &Side,
        spot: Spot,
        rows: usize,
    ) -> io::Result<(Vec<Shown>, Option<Spot>)> {
        if rows == 0 {
            let end = spot == self.reader.end();
            return Ok((Vec::new(), (!end).then_some(spot)));
        }
        let skip = behind.matches.len().saturating_sub(self.context());
        let beside = behind.matches.iter().skip(skip).copied();
        let matches: Vec<Spot> = beside.chain(ahead.matches.iter().copied()).collect();
        let end = if ahead.whole { self.reader.end() } else { ahead.decided };
        let (mut shown, whole) = self.spread(&matches, spot, end, rows + 1, MAX_LOOK)?;
        let mut to = ahead.decided;
        let mut text = 0;
        let fits = shown.iter().take(rows).take_while(|row| {
            let first = text == 0;
            text += row.text();
            first || text <= MAX_TEXT / 2 + CAP
        });
        let kept = fits.count();
        let complete = whole && kept == shown.len();
        if let Some(dropped) = shown.get(kept) {
            to = to.min(dropped.at);
            shown.truncate(kept);
        } else if let (false, Some(last)) = (whole, shown.last()) {
            to = to.min(self.reader.following(Spot { offset: last.end, ..last.at }));
        }
        Ok((shown, (!(complete && ahead.whole)).then_some(to)))
    }

    /// The rows from `from` to before `to` that match or stand beside one that does, at most
    /// `most`; and whether it was not too dear. One row is never too dear.
    fn spread(
        &self,
        matches: &[Spot],
        from: Spot,
        to: Spot,
        most: usize,
        look: u64,
    ) -> io::Result<(Vec<Shown>, bool)> {
        let mut shown: Vec<Shown> = Vec::new();
        let context = self.context();
        let mut looked = 0;
        let mut rest = matches;
        while let Some(first) = rest.first() {
            let own = rest.iter().take_while(|at| at.index == first.index).count();
            let (these, others) = rest.split_at(own);
            rest = others;
            let Some(generation) = self.reader.generation(first.index) else { continue };
            let mut lines = Lines::of(generation);
            let floor = if first.index == from.index { from.offset } else { 0 };
            // Where the rows that are not settled yet begin.
            let mut next = generation.from.max(floor.min(first.offset));
            for (nth, of) in these.iter().enumerate() {
                let mut at = of.offset;
                for _ in 0..context {
                    if at <= next {
                        break;
                    }
                    at = lines.start_of(at - 1)?;
                }
                let mut after = 0;
                let following = these.get(nth + 1).map(|next| next.offset);
                while at < generation.bytes && (at <= of.offset || after < context) {
                    if Some(at) == following {
                        break;
                    }
                    let spot = Spot { offset: at, ..*of };
                    if spot >= to {
                        return Ok((shown, true));
                    }
                    let (end, how) = lines.end_of(at)?;
                    if spot >= from {
                        shown.push(Shown { at: spot, end, how, matches: at == of.offset });
                    }
                    after += usize::from(at > of.offset);
                    at = end;
                    if shown.len() >= most {
                        return Ok((shown, true));
                    }
                    if looked + lines.read() > look && !shown.is_empty() {
                        return Ok((shown, false));
                    }
                }
                next = at;
            }
            looked += lines.read();
        }
        Ok((shown, true))
    }

    /// Makes the rows.
    fn make(&self, shown: &[Shown]) -> io::Result<PickedRows> {
        let mut picked = PickedRows::default();
        let mut maker = RowMaker::new();
        let mut rest = shown;
        let mut nth = 0;
        while let Some(first) = rest.first() {
            let own = rest.iter().take_while(|row| row.at.index == first.at.index).count();
            let (these, others) = rest.split_at(own);
            rest = others;
            let Some(generation) = self.reader.generation(first.at.index) else { continue };
            let mut lines = Lines::of(generation);
            let mut block: Option<(RowsBuilder, u64)> = None;
            for row in these {
                let at = row.at.offset;
                let continued = lines.continues(at)?;
                let mut builder = match block.take() {
                    Some((builder, end)) if end == at => builder,
                    other => {
                        picked.blocks.extend(other.map(|(builder, _)| builder.finish()));
                        RowsBuilder::new(generation.id, at, self.reader.number(generation, at)?)
                    }
                };
                maker.add(&mut builder, &mut lines, (at, row.end, row.how), continued)?;
                block = Some((builder, row.end));
                if !row.matches {
                    picked.aside.push(nth);
                }
                nth += 1;
            }
            picked.blocks.extend(block.map(|(builder, _)| builder.finish()));
            Generation::verify(generation)?;
        }
        Ok(picked)
    }
}

impl Shown {
    /// Bytes of text that are shown of it.
    fn text(&self) -> usize {
        (self.end - self.at.offset).min(CAP as u64) as usize
    }
}

#[cfg(test)]
mod tests;
