//! The virtual list: a run of adjacent lines, and where in it the viewport stands.
//!
//! The scroll model is ours, pixels from the first loaded item, so that no element is ever taller
//! than the screen and no browser's limit is met. It asks for nothing itself: it says which edge
//! comes near, and `view` asks.

use std::collections::VecDeque;
use std::sync::Arc;

use tailwater_protocol::{
    GenerationId, Hit, Level, Number, Outline, Position, Rows, StyleRun, Tally,
};

use super::seam::{Here, Notice, Seam, seams};

/// Lines held at most. A screen shows a tenth of that; the rest is room to scroll in while the
/// next window travels.
pub(crate) const HELD: usize = 1200;

/// Items drawn beyond each end of the viewport, so that a small scroll needs no new element in the
/// frame that shows it.
const OVERSCAN: usize = 8;

/// Items drawn at most, however tall the window.
pub(crate) const DRAWN: usize = 200;

/// Rows of the tallest viewport that is filled: twice a screen of 2160 pixels is not one yet.
const TALLEST: usize = DRAWN - 2 * OVERSCAN - 2;

/// A line as the list holds it: its own copy, in as few allocations as it can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) position: Position,
    pub(crate) length: u64,
    pub(crate) number: Number,
    pub(crate) text: Box<str>,
    pub(crate) level: Level,
    pub(crate) cut: u64,
    pub(crate) continued: bool,
    pub(crate) unfinished: bool,
    /// Whether the program wrote it to its standard error.
    pub(crate) stderr: bool,
    pub(crate) invalid: u32,
    pub(crate) nuls: u64,
    pub(crate) styles: Box<[StyleRun]>,
    pub(crate) hits: Box<[Hit]>,
}

/// What stands beyond an end of the loaded lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Edge {
    /// More lines, to be asked for.
    #[default]
    More,
    /// Nothing: the log begins or ends here.
    Reached,
    /// Something that cannot be joined on: what is loaded is no longer part of the log.
    Broken,
}

/// Where a row that was jumped to comes to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Landing {
    Top,
    /// A third down: what led to the line stands above it.
    Third,
}

/// Something of the height of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    Line(Arc<Line>),
    Notice(Notice),
}

/// What an item is recognised by, so that its element survives while it is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// The length, the number and the hits are part of it: an unfinished line grows, an estimate is
    /// corrected, something else is looked for.
    Line(Position, u64, u64, bool, u32),
    /// Which notice, and what it says.
    Notice(GenerationId, u8, u64),
}

/// What is to be drawn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Drawn {
    pub(crate) items: Vec<Item>,
    /// Pixels from the viewport's top to the first item's, mostly negative.
    pub(crate) offset: i32,
}

#[derive(Debug, Default)]
pub(crate) struct List {
    lines: VecDeque<Arc<Line>>,
    seams: Vec<Seam>,
    before: Edge,
    after: Edge,
    /// Pixels from the first item's top to the viewport's.
    top: f64,
    height: f64,
    row: f64,
}

impl Line {
    fn of(row: &tailwater_protocol::Row<'_>) -> Arc<Self> {
        Arc::new(Self {
            position: row.position,
            length: row.length,
            number: row.number,
            text: row.text.into(),
            level: row.level,
            cut: row.cut,
            continued: row.continued,
            unfinished: row.unfinished,
            stderr: row.stderr,
            invalid: row.invalid,
            nuls: row.nuls,
            styles: row.styles.into(),
            hits: row.hits.into(),
        })
    }

    pub(crate) fn end(&self) -> Position {
        self.position.forward(self.length)
    }

    /// A number that differs, by all but chance, when the hits do; 0 without any.
    fn paint(&self) -> u32 {
        let mix = |sum: u32, part: u32| (sum ^ part).wrapping_mul(0x0100_0193);
        let parts = self.hits.iter().flat_map(|hit| [hit.start + 1, hit.end]);
        parts.fold(0, mix)
    }
}

impl Item {
    pub(crate) fn key(&self) -> Key {
        match self {
            Self::Line(line) => {
                let (number, exact) = match line.number {
                    Number::Exact(n) => (n, true),
                    Number::Estimate(n) => (n, false),
                    Number::Unknown => (0, false),
                };
                Key::Line(line.position, line.length, number, exact, line.paint())
            }
            Self::Notice(notice) => notice.key(),
        }
    }
}

/// All rows of `blocks` as lines.
pub(crate) fn lines_of(blocks: &[Rows]) -> Vec<Arc<Line>> {
    blocks.iter().flat_map(|rows| rows.iter().map(|row| Line::of(&row))).collect()
}

impl List {
    /// The viewport has `height` pixels, and a row `row`.
    pub(crate) fn resize(&mut self, height: f64, row: f64, follow: bool) {
        let sound = height.is_finite() && row.is_finite() && row >= 1.0 && height >= 0.0;
        if !sound {
            return;
        }
        if self.row > 0.0 {
            self.top *= row / self.row;
        }
        // What stands at the bottom stays there, as the reader's eye is on the newest.
        if follow {
            self.top = f64::MAX;
        }
        (self.height, self.row) = (height.min(row * TALLEST as f64), row);
        self.clamp();
    }

    /// Rows that fit into the viewport, at least one.
    pub(crate) fn page(&self) -> usize {
        if self.row > 0.0 { ((self.height / self.row) as usize).max(1) } else { 50 }
    }

    /// Pixels of loaded items above the viewport.
    pub(crate) fn top(&self) -> f64 {
        self.top
    }

    pub(crate) fn row_height(&self) -> f64 {
        self.row
    }

    /// Lines held.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.lines.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub(crate) fn edges(&self) -> (Edge, Edge) {
        (self.before, self.after)
    }

    pub(crate) fn first(&self) -> Option<&Arc<Line>> {
        self.lines.front()
    }

    pub(crate) fn last(&self) -> Option<&Arc<Line>> {
        self.lines.back()
    }

    pub(crate) fn line_at(&self, position: Position) -> Option<&Arc<Line>> {
        self.lines.iter().find(|line| holds(line, position))
    }

    /// The loaded line that begins in the viewport first.
    pub(crate) fn top_line(&self) -> Option<&Arc<Line>> {
        let item = if self.row > 0.0 { (self.top / self.row).round() as usize } else { 0 };
        self.line_from(item)
    }

    /// The line that stands where [`Landing::Third`] puts one.
    pub(crate) fn third_line(&self) -> Option<&Arc<Line>> {
        if self.row <= 0.0 || self.top <= 0.5 {
            return self.top_line();
        }
        let item = (self.top / self.row).round() as usize;
        self.line_from(item + (self.height / 3.0 / self.row) as usize)
    }

    /// Pixels from the viewport's top to the row that holds `position`, if it is in sight.
    pub(crate) fn y(&self, position: Position) -> Option<i32> {
        let index = self.lines.iter().position(|line| holds(line, position))?;
        let y = self.item_of(index) as f64 * self.row - self.top;
        (y + self.row > 0.0 && y < self.height).then_some(y.round() as i32)
    }

    /// Whether the row that holds `position` is in the viewport.
    pub(crate) fn sees(&self, position: Position) -> bool {
        self.y(position).is_some()
    }

    /// The lowest line in the viewport.
    pub(crate) fn bottom_line(&self) -> Option<&Arc<Line>> {
        let item = if self.row > 0.0 { ((self.top + self.height) / self.row) as usize } else { 0 };
        (0..=item.min(self.items())).rev().find_map(|item| match self.nth(item) {
            Some(Slot::Line(index)) if item as f64 * self.row < self.top + self.height => {
                self.lines.get(index)
            }
            _ => None,
        })
    }

    /// Pixels of loaded lines above and below the viewport.
    pub(crate) fn margins(&self) -> (f64, f64) {
        (self.top, self.total() - self.top - self.height)
    }

    /// Whether the viewport stands at the last loaded line.
    pub(crate) fn at_bottom(&self) -> bool {
        self.top + 0.5 >= self.lowest()
    }

    /// What stands from the line at `position` to the end, when all of it is loaded.
    pub(crate) fn passed_since(&self, position: Position) -> Option<Tally> {
        let from = self.lines.iter().position(|line| line.position == position)?;
        let mut passed = Tally::default();
        for line in self.lines.range(from..) {
            passed.bytes += line.length;
            let whole = u64::from(!line.continued && !line.unfinished);
            passed.lines += whole;
            passed.warnings += whole * u64::from(line.level == Level::Warn);
            passed.errors += whole * u64::from(line.level.is_error());
        }
        (self.after == Edge::Reached).then_some(passed)
    }

    /// Moves the viewport by `pixels`, as far as lines are loaded.
    pub(crate) fn scroll(&mut self, pixels: f64) {
        if pixels.is_finite() {
            self.top += pixels;
            self.clamp();
        }
    }

    pub(crate) fn show_bottom(&mut self) {
        self.top = self.lowest();
    }

    pub(crate) fn show_top(&mut self) {
        self.top = 0.0;
    }

    /// Puts the row that holds `position` where `landing` says; whether it is loaded.
    pub(crate) fn land(&mut self, position: Position, landing: Landing) -> bool {
        let Some(index) = self.lines.iter().position(|line| holds(line, position)) else {
            return false;
        };
        let y = self.item_of(index) as f64 * self.row;
        self.top = match landing {
            Landing::Top => y,
            Landing::Third => y - ((self.height / 3.0) / self.row.max(1.0)).floor() * self.row,
        };
        self.clamp();
        true
    }

    /// Forgets all lines and holds these.
    pub(crate) fn replace(&mut self, lines: Vec<Arc<Line>>, before: Edge, after: Edge) {
        self.lines = lines.into();
        self.seams.clear();
        (self.before, self.after) = (before, after);
        self.clamp();
    }

    /// Holds `lines` instead, without moving what is read if it is among them.
    pub(crate) fn repaint(&mut self, lines: Vec<Arc<Line>>, before: Edge, after: Edge) {
        let index = |list: &Self, position| {
            list.lines.iter().position(|line: &Arc<Line>| line.position == position)
        };
        let kept = self.top_line().map(|line| line.position);
        let was = kept.and_then(|position| index(self, position)).map(|at| self.item_of(at));
        let y = was.map(|item| item as f64 * self.row - self.top);
        let top = self.top;
        self.replace(lines, before, after);
        let is = kept.and_then(|position| index(self, position)).map(|at| self.item_of(at));
        self.top = match (is, y) {
            (Some(item), Some(y)) => item as f64 * self.row - y,
            _ => top,
        };
        self.clamp();
    }

    /// Puts `lines` in place of what is loaded from their first position on. `false`, and nothing
    /// is changed, when they do not join on.
    pub(crate) fn splice(&mut self, lines: Vec<Arc<Line>>, outline: &Outline, trust: bool) -> bool {
        let (Some(first), Some(last)) = (lines.first(), self.lines.back()) else { return false };
        let start = first.position;
        let at = match self.lines.iter().rposition(|line| line.position == start) {
            Some(at) => at,
            None if joins(last, start, outline, trust) => self.lines.len(),
            None => return false,
        };
        self.lines.truncate(at);
        self.lines.extend(lines);
        self.settle_numbers();
        true
    }

    /// Adds of `lines` those that stand before the first one loaded; whether they join on.
    pub(crate) fn prepend(&mut self, lines: &[Arc<Line>], outline: &Outline, edge: Edge) -> bool {
        let Some(first) = self.lines.front() else { return false };
        let known = lines.iter().position(|line| line.position == first.position);
        let fresh = match (known, lines.last()) {
            (Some(at), _) => lines.get(..at).unwrap_or_default(),
            (None, Some(last)) if joins(last, first.position, outline, false) => lines,
            _ => {
                self.before = Edge::Broken;
                return false;
            }
        };
        for line in fresh.iter().rev() {
            self.lines.push_front(Arc::clone(line));
        }
        self.before = edge;
        self.top += fresh.len() as f64 * self.row;
        self.settle_numbers();
        true
    }

    /// Adds `lines`, the first of which is the last one loaded; whether they join on.
    pub(crate) fn append(&mut self, lines: Vec<Arc<Line>>, outline: &Outline, edge: Edge) -> bool {
        let joined = self.splice(lines, outline, false);
        self.after = if joined { edge } else { Edge::Broken };
        joined
    }

    /// The log has grown or shrunk behind what is loaded.
    pub(crate) fn set_after(&mut self, edge: Edge) {
        self.after = edge;
    }

    /// Lets go of what is farthest from the viewport, to hold no more than [`HELD`].
    pub(crate) fn trim(&mut self, outline: &Outline, deleted: Option<u64>, here: Option<Here>) {
        let over = self.lines.len().saturating_sub(HELD);
        if over > 0 {
            let (above, below) = self.margins();
            if above > below {
                let cut = self.item_of(over);
                self.lines.drain(..over);
                self.top -= cut as f64 * self.row;
                self.before = Edge::More;
                self.seams.clear();
            } else {
                self.lines.truncate(HELD);
                self.after = Edge::More;
            }
        }
        self.mend_seams(outline, deleted, here);
    }

    /// Puts the notices where they belong now, without moving what is read.
    pub(crate) fn mend_seams(
        &mut self,
        outline: &Outline,
        deleted: Option<u64>,
        here: Option<Here>,
    ) {
        let kept = self.top_line().map(|line| line.position);
        let y = |list: &Self, position: Position| {
            let index = list.lines.iter().position(|line| line.position == position);
            index.map(|index| list.item_of(index) as f64 * list.row)
        };
        let was = kept.and_then(|position| y(self, position));
        let edges = (self.before, self.after);
        self.seams = seams(&self.lines, edges, outline, deleted, here);
        let is = kept.and_then(|position| y(self, position));
        if let (Some(was), Some(is)) = (was, is) {
            self.top += is - was;
        }
        self.clamp();
    }

    /// The row that holds `position` has this number, and with it all of its generation.
    pub(crate) fn set_number(&mut self, position: Position, number: Number) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.position == position) {
            Arc::make_mut(line).number = number;
            self.settle_numbers();
        }
    }

    /// A line of `generation` whose number is not counted yet.
    pub(crate) fn unnumbered(&self, generation: GenerationId) -> Option<&Arc<Line>> {
        self.lines.iter().find(|line| {
            line.position.generation == generation && !matches!(line.number, Number::Exact(_))
        })
    }

    pub(crate) fn drawn(&self) -> Drawn {
        if self.row <= 0.0 || self.lines.is_empty() {
            return Drawn::default();
        }
        let first = ((self.top / self.row) as usize).saturating_sub(OVERSCAN);
        let count = ((self.height / self.row) as usize + 2 + 2 * OVERSCAN).min(DRAWN);
        let items = (first..(first + count).min(self.items())).filter_map(|item| {
            Some(match self.nth(item)? {
                Slot::Line(index) => Item::Line(Arc::clone(self.lines.get(index)?)),
                Slot::Notice(index) => Item::Notice(self.seams.get(index)?.notice.clone()),
            })
        });
        Drawn {
            items: items.collect(),
            offset: (first as f64 * self.row - self.top).round() as i32,
        }
    }

    /// Numbers of one generation follow one another. A counted one corrects the guesses around
    /// it; among guesses the first stays, so that the others do not waver with each new guess.
    fn settle_numbers(&mut self) {
        let mut from = 0;
        while let Some(first) = self.lines.get(from) {
            let generation = first.position.generation;
            let own = |line: &&Arc<Line>| line.position.generation == generation;
            let until = from + self.lines.range(from..).take_while(own).count();
            let counted = (from..until).rev().find_map(|at| match self.lines.get(at)?.number {
                Number::Exact(n) => Some((at, n, true)),
                _ => None,
            });
            let guessed = || match first.number {
                Number::Estimate(n) => Some((from, n, false)),
                _ => None,
            };
            if let Some((at, number, exact)) = counted.or_else(guessed) {
                self.number_from(from, until, at, number, exact);
            }
            from = until;
        }
    }

    fn number_from(&mut self, from: usize, until: usize, at: usize, number: u64, exact: bool) {
        let ordinal = |list: &Self, upto: usize| {
            list.lines.range(from + 1..upto + 1).filter(|line| !line.continued).count() as u64
        };
        let mut now = number.saturating_sub(ordinal(self, at));
        for (index, line) in self.lines.range_mut(from..until).enumerate() {
            if index > 0 && !line.continued {
                now = now.saturating_add(1);
            }
            let right = if exact { Number::Exact(now) } else { Number::Estimate(now.max(1)) };
            if line.number != right {
                Arc::make_mut(line).number = right;
            }
        }
    }

    fn items(&self) -> usize {
        self.lines.len() + self.seams.len()
    }

    fn total(&self) -> f64 {
        self.items() as f64 * self.row
    }

    fn lowest(&self) -> f64 {
        (self.total() - self.height).max(0.0)
    }

    fn clamp(&mut self) {
        self.top = self.top.clamp(0.0, self.lowest());
    }

    /// Which item the line `index` is.
    fn item_of(&self, index: usize) -> usize {
        index + self.seams.iter().take_while(|seam| seam.before <= index).count()
    }

    fn nth(&self, item: usize) -> Option<Slot> {
        for (passed, seam) in self.seams.iter().enumerate() {
            let at = seam.before + passed;
            if item < at {
                return Some(Slot::Line(item - passed));
            }
            if item == at {
                return Some(Slot::Notice(passed));
            }
        }
        let index = item - self.seams.len();
        (index < self.lines.len()).then_some(Slot::Line(index))
    }

    fn line_from(&self, item: usize) -> Option<&Arc<Line>> {
        (item..=item + self.seams.len()).find_map(|item| match self.nth(item)? {
            Slot::Line(index) => self.lines.get(index),
            Slot::Notice(_) => None,
        })
    }
}

enum Slot {
    Line(usize),
    Notice(usize),
}

fn holds(line: &Line, position: Position) -> bool {
    line.position.generation == position.generation
        && line.position.offset <= position.offset
        && position.offset < line.end().offset.max(line.position.offset + 1)
}

/// Whether a row at `start` comes right after `last`. Where the generation of `last` is no longer
/// listed nobody can tell but the server; `trust` says that it did.
fn joins(last: &Line, start: Position, outline: &Outline, trust: bool) -> bool {
    if last.end() == start {
        return true;
    }
    if start.offset != 0 || last.position.generation == start.generation {
        return false;
    }
    let span = |id| outline.spans.iter().position(|span| span.id == id);
    match (span(last.position.generation), span(start.generation)) {
        (Some(old), Some(new)) if old < new => {
            let whole = outline.spans.get(old).is_some_and(|span| last.end().offset >= span.bytes);
            let between = outline.spans.get(old + 1..new).unwrap_or_default();
            (whole || trust) && between.iter().all(|span| span.bytes == 0)
        }
        (None, Some(_)) => trust,
        _ => false,
    }
}
