//! The virtual list: a run of adjacent lines, and where in it the viewport stands.
//!
//! The scroll model is ours, pixels from the first loaded row, so that no element is ever taller
//! than the screen and no browser's limit is met. It asks for nothing itself: it says which edge
//! comes near, and `view` asks. What is drawn of the lines is `shape`'s, where it stands
//! `geometry`'s.

use std::collections::VecDeque;
use std::sync::Arc;

use tailwater_protocol::{
    GenerationId, Hit, Level, Number, Outline, Position, Rows, StyleRun, Tally,
};

mod picked;

pub(crate) use picked::lines_picked;

use super::seam::{Here, Notice, Seam, seams};
use super::shape::{self, Beside, Fold, Opened, Shape, Slot};

mod geometry;
mod numbers;

/// Lines held at most, but for those that are folded. A screen shows a tenth of that; the rest is
/// room to scroll in while the next window travels.
pub(crate) const HELD: usize = 1200;

/// Lines held at most, folded or not: with [`shape::MOST`] of them behind each second row, still
/// more than what is asked for beyond both ends of the tallest screen.
const HELD_FOLDED: usize = 40_000;

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
    /// When it was written, in nanoseconds since 1970.
    pub(crate) time: Option<i64>,
    /// Whether it belongs to the event of the line before it.
    pub(crate) within: bool,
    /// Whether the filter does not take it: it stands beside one that it takes.
    pub(crate) aside: bool,
}

/// What a line wears that is not of the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Dress {
    /// Rows that it takes, when it is broken into rows; 0: it is not.
    pub(crate) rows: u16,
    pub(crate) columns: u16,
    pub(crate) marked: bool,
    pub(crate) chosen: bool,
    /// Nanoseconds that stand beside it, and as what.
    pub(crate) beside: Option<i64>,
    pub(crate) column: Beside,
}

/// A line as it is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) line: Arc<Line>,
    pub(crate) dress: Dress,
}

impl std::ops::Deref for Shown {
    type Target = Line;

    fn deref(&self) -> &Line {
        &self.line
    }
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
    /// So many pixels down: where another row stood.
    Kept(i32),
}

/// Something that is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    Line(Shown),
    Notice(Notice),
    Fold(Fold),
}

/// What an item is recognised by, so that its element survives while it is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// The length, the number and the hits are part of it: an unfinished line grows, an estimate is
    /// corrected, something else is looked for.
    Line(Position, u64, u64, bool, u32, Dress),
    /// Which notice, and what it says.
    Notice(GenerationId, u8, u64),
    /// Which, how many lines and hits it hides, and whether it is open.
    Fold(Position, u32, u32, bool),
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
    /// Of a filtered view: the stretch of the log of which all that is shown is held.
    stretch: Option<(Position, Position)>,
    shape: Shape,
    opened: Opened,
    /// Made from all of the above whenever they change.
    slots: Vec<Slot>,
    before: Edge,
    after: Edge,
    /// Pixels from the first row's top to the viewport's.
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
            time: row.time,
            within: row.within,
            aside: false,
        })
    }

    pub(crate) fn end(&self) -> Position {
        self.position.forward(self.length)
    }

    /// A number that differs, by all but chance, when the hits do; 0 without any.
    fn paint(&self) -> u32 {
        let mix = |sum: u32, part: u32| (sum ^ part).wrapping_mul(0x0100_0193);
        let parts = self.hits.iter().flat_map(|hit| [hit.start + 1, hit.end]);
        parts.fold(u32::from(self.aside), mix)
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
                Key::Line(line.position, line.length, number, exact, line.paint(), line.dress)
            }
            Self::Notice(notice) => notice.key(),
            Self::Fold(fold) => Key::Fold(fold.at, fold.lines, fold.hits, fold.open),
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
        self.reveal(index);
        let y = self.y_of(index);
        self.top = match landing {
            Landing::Top => y,
            Landing::Kept(pixels) => y - f64::from(pixels),
            Landing::Third => y - ((self.height / 3.0) / self.row.max(1.0)).floor() * self.row,
        };
        self.clamp();
        true
    }

    /// Forgets all lines and holds these.
    pub(crate) fn replace(&mut self, lines: Vec<Arc<Line>>, before: Edge, after: Edge) {
        self.lines = lines.into();
        self.stretch = None;
        self.seams.clear();
        (self.before, self.after) = (before, after);
        self.lay_out();
        self.clamp();
    }

    /// Holds `lines` instead, without moving what is read if it is among them.
    pub(crate) fn repaint(&mut self, lines: Vec<Arc<Line>>, before: Edge, after: Edge) {
        let kept = self.hold();
        self.replace(lines, before, after);
        self.restore(kept);
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
        let kept = self.hold();
        self.lines.truncate(at);
        self.lines.extend(lines);
        self.settle_numbers();
        self.lay_out();
        self.restore(kept);
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
        let kept = self.hold();
        for line in fresh.iter().rev() {
            self.lines.push_front(Arc::clone(line));
        }
        self.before = edge;
        // The notices stand by index; they are mended when all has settled.
        self.seams.clear();
        self.settle_numbers();
        self.lay_out();
        self.restore(kept);
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

    /// Lets go of what is farthest from the viewport, to hold no more than [`HELD`] and what is
    /// folded.
    pub(crate) fn trim(&mut self, outline: &Outline, deleted: Option<u64>, here: Option<Here>) {
        let limit = HELD + self.folded().min(HELD_FOLDED - HELD);
        let over = self.lines.len().saturating_sub(limit);
        let kept = self.hold();
        if over > 0 {
            let (above, below) = self.margins();
            if above > below {
                // Never the first line of an event without those that are folded into it.
                let cut = self.border(over);
                self.lines.drain(..cut);
                self.before = Edge::More;
                if let (Some((from, _)), Some(first)) = (&mut self.stretch, self.lines.front()) {
                    *from = first.position;
                }
            } else {
                let kept = self.lines.len() - over;
                if let (Some((_, to)), Some(next)) = (&mut self.stretch, self.lines.get(kept)) {
                    *to = next.position;
                }
                self.lines.truncate(kept);
                self.after = Edge::More;
            }
        }
        let edges = (self.before, self.after);
        let picked = self.stretch.is_some();
        self.seams = seams(&self.lines, edges, picked, outline, deleted, here);
        self.lay_out();
        self.restore(kept);
    }

    /// Lines are drawn like this from now on; what is read stays where it is.
    pub(crate) fn set_shape(&mut self, shape: Shape) {
        if self.shape != shape {
            let kept = self.hold();
            if self.shape.fold != shape.fold || self.shape.collapse != shape.collapse {
                self.opened.clear();
            }
            self.shape = shape;
            self.lay_out();
            self.restore(kept);
        }
    }

    #[cfg(test)]
    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }

    /// Opens or shuts the fold whose lines begin at `at`.
    pub(crate) fn toggle(&mut self, at: Position) {
        let kept = self.hold();
        self.opened.toggle(at);
        self.lay_out();
        self.restore(kept);
    }

    fn lay_out(&mut self) {
        self.slots = shape::slots(&self.lines, &self.seams, self.shape, &self.opened);
    }
}

/// Whether `position` is one of the line's bytes.
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
