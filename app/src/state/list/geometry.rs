//! Where the loaded lines stand: from pixels to lines and back, and what is to be drawn.

use std::sync::Arc;

use tailwater_protocol::Position;

use super::{DRAWN, Drawn, Dress, Item, Line, List, OVERSCAN, Shown, holds};
use crate::state::shape::{Beside, Kind, Slot};

/// Lines looked back at for the time before that of a line without one.
const BACK: usize = 50;

/// What stays where it is while the list changes: a line, and pixels from the viewport's top to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept(Option<(Position, f64)>);

impl List {
    /// The loaded line that begins in the viewport first.
    pub(crate) fn top_line(&self) -> Option<&Arc<Line>> {
        self.line_below(self.top)
    }

    /// The line that stands where [`Landing::Third`](super::Landing::Third) puts one.
    pub(crate) fn third_line(&self) -> Option<&Arc<Line>> {
        if self.row <= 0.0 || self.top <= 0.5 {
            return self.top_line();
        }
        let third = (self.height / 3.0 / self.row).floor() * self.row;
        self.line_below(self.top + third).or_else(|| self.top_line())
    }

    /// The first line that begins at `pixels` or below, to the nearest row; if none does, the one
    /// that reaches there.
    fn line_below(&self, pixels: f64) -> Option<&Arc<Line>> {
        let row = if self.row > 0.0 { (pixels / self.row).round().max(0.0) as u32 } else { 0 };
        let from = self.slots.partition_point(|slot| slot.top < row);
        let below = self.slots.get(from..).unwrap_or_default().iter();
        below.map(|slot| slot.line).find_map(|line| self.lines.get(line)).or_else(|| {
            let above = self.slots.get(..from).unwrap_or_default().iter().rev();
            above.map(|slot| slot.line).find_map(|line| self.lines.get(line))
        })
    }

    /// Pixels from the viewport's top to the row that holds `position`, if it is in sight.
    pub(crate) fn y(&self, position: Position) -> Option<i32> {
        let index = self.lines.iter().position(|line| holds(line, position))?;
        let slot = self.slot_of(index)?;
        let y = f64::from(slot.top) * self.row - self.top;
        let seen = y + f64::from(slot.rows) * self.row > 0.0 && y < self.height;
        seen.then_some(y.round() as i32)
    }

    /// Rows that the line takes which holds `position`.
    pub(crate) fn rows_at(&self, position: Position) -> u32 {
        let index = self.lines.iter().position(|line| holds(line, position));
        index.and_then(|index| self.slot_of(index)).map_or(1, |slot| slot.rows)
    }

    /// Whether the row that holds `position` is in the viewport, and not folded away.
    pub(crate) fn sees(&self, position: Position) -> bool {
        let index = self.lines.iter().position(|line| holds(line, position));
        let slot = index.and_then(|index| self.slot_of(index));
        slot.is_some_and(|slot| slot.kind == Kind::Line) && self.y(position).is_some()
    }

    /// The lowest line in the viewport.
    pub(crate) fn bottom_line(&self) -> Option<&Arc<Line>> {
        let above = |slot: &&Slot| f64::from(slot.top) * self.row < self.top + self.height;
        let seen = self.slots.iter().rev().skip_while(|slot| !above(slot));
        seen.map(|slot| slot.line).find_map(|line| self.lines.get(line))
    }

    /// The line `step` further down than that which holds `position`, among those that are drawn.
    pub(crate) fn neighbour(&self, position: Position, step: i64) -> Option<&Arc<Line>> {
        let index = self.lines.iter().position(|line| holds(line, position))?;
        let own = self.slots.partition_point(|slot| slot.line <= index).checked_sub(1)?;
        let is_line = |slot: &&Slot| slot.kind == Kind::Line;
        let nth = step.unsigned_abs().min(10_000) as usize;
        let after = self.slots.get(own + 1..).unwrap_or_default();
        let before = self.slots.get(..own).unwrap_or_default();
        let slot = match (step.signum(), nth.checked_sub(1)) {
            (1, Some(skip)) => {
                let mut lines = after.iter().filter(is_line);
                lines.nth(skip).or_else(|| after.iter().rfind(is_line))
            }
            (-1, Some(skip)) => {
                let mut lines = before.iter().rev().filter(is_line);
                lines.nth(skip).or_else(|| before.iter().find(is_line))
            }
            _ => None,
        };
        self.lines.get(slot?.line)
    }

    /// Brings the row that holds `position` into the viewport, by the shortest way.
    pub(crate) fn bring(&mut self, position: Position) {
        let index = self.lines.iter().position(|line| holds(line, position));
        let Some(slot) = index.and_then(|index| self.slot_of(index)).copied() else { return };
        let top = f64::from(slot.top) * self.row;
        let bottom = top + f64::from(slot.rows) * self.row;
        // A little of what lies ahead is seen with it.
        let ahead = (2.0 * self.row).min(self.height / 4.0);
        if top - ahead < self.top {
            self.top = top - ahead;
        } else if bottom + ahead > self.top + self.height {
            self.top = bottom + ahead - self.height;
        }
        self.clamp();
    }

    /// The fold that the line at `position` is behind, or stands at the head of.
    pub(crate) fn fold_at(&self, position: Position) -> Option<Position> {
        let index = self.lines.iter().position(|line| holds(line, position))?;
        let fold = |slot: &Slot| match slot.kind {
            Kind::Fold(fold) => Some((slot.line, fold)),
            _ => None,
        };
        let behind = self.slots.iter().filter_map(fold).find(|(line, fold)| {
            let head = *line == index + 1;
            head || (*line..*line + fold.lines as usize).contains(&index)
        });
        behind.map(|(_, fold)| fold.at)
    }

    /// Whether the fold whose lines begin at `at` is open.
    pub(crate) fn is_open(&self, at: Position) -> bool {
        self.slots
            .iter()
            .any(|slot| matches!(slot.kind, Kind::Fold(fold) if fold.at == at && fold.open))
    }

    /// Pixels of loaded lines above and below the viewport.
    pub(crate) fn margins(&self) -> (f64, f64) {
        (self.top, self.total() - self.top - self.height)
    }

    pub(crate) fn drawn(&self, dress: impl Fn(&Line) -> Dress) -> Drawn {
        if self.row <= 0.0 || self.lines.is_empty() {
            return Drawn::default();
        }
        let row = (self.top / self.row) as u32;
        let seen = self.slots.partition_point(|slot| slot.top + slot.rows <= row);
        let first = seen.saturating_sub(OVERSCAN);
        let bottom = f64::from(row) + self.height / self.row + 2.0;
        let mut beyond = 0;
        let slots = self.slots.get(first..).unwrap_or_default().iter().take(DRAWN);
        let slots = slots.take_while(|slot| {
            beyond += usize::from(f64::from(slot.top) >= bottom);
            beyond <= OVERSCAN
        });
        let items = slots.filter_map(|slot| {
            Some(match slot.kind {
                Kind::Line => {
                    let line = Arc::clone(self.lines.get(slot.line)?);
                    let (rows, columns) = match self.shape.columns {
                        0 => (0, 0),
                        columns => (slot.rows as u16, columns),
                    };
                    let beside = self.beside(slot.line);
                    let column = self.shape.beside;
                    let dress = Dress { rows, columns, beside, column, ..dress(&line) };
                    Item::Line(Shown { line, dress })
                }
                Kind::Notice(index) => Item::Notice(self.seams.get(index)?.notice.clone()),
                Kind::Fold(fold) => Item::Fold(fold),
            })
        });
        let top = self.slots.get(first).map_or(0, |slot| slot.top);
        Drawn {
            items: items.collect(),
            offset: (f64::from(top) * self.row - self.top).round() as i32,
        }
    }

    /// What stands beside the line of that index.
    fn beside(&self, index: usize) -> Option<i64> {
        let time = self.lines.get(index)?.time?;
        match self.shape.beside {
            Beside::Nothing => None,
            Beside::Local | Beside::Utc => Some(time),
            Beside::Delta => {
                let before = self.lines.range(index.saturating_sub(BACK)..index).rev();
                before.map(|line| line.time).find(Option::is_some)?.map(|before| time - before)
            }
        }
    }

    /// What is to stay where it is.
    pub(super) fn hold(&self) -> Kept {
        let reaches = |slot: &&Slot| {
            slot.kind == Kind::Line && f64::from(slot.top + slot.rows) * self.row > self.top + 0.5
        };
        let from = self
            .slots
            .partition_point(|slot| f64::from(slot.top + slot.rows) * self.row <= self.top + 0.5);
        let mut below = self.slots.get(from..).unwrap_or_default().iter();
        let slot = below.find(reaches).and_then(|slot| Some((slot, self.lines.get(slot.line)?)));
        Kept(slot.map(|(slot, line)| (line.position, f64::from(slot.top) * self.row - self.top)))
    }

    /// Brings it back to where it was; the nearest there is, when it is gone.
    pub(super) fn restore(&mut self, kept: Kept) {
        if let Kept(Some((position, y))) = kept
            && let Some(index) = self.lines.iter().position(|line| line.position == position)
        {
            self.top = self.y_of(index) - y;
        }
        self.clamp();
    }

    /// Opens what hides the line of that index.
    pub(super) fn reveal(&mut self, index: usize) {
        let hidden = self.slot_of(index).and_then(|slot| match slot.kind {
            Kind::Fold(fold) => Some(fold.at),
            _ => None,
        });
        if let Some(at) = hidden {
            self.opened.toggle(at);
            self.lay_out();
        }
    }

    /// Pixels from the first row's top to that of the line of that index.
    pub(super) fn y_of(&self, index: usize) -> f64 {
        self.slot_of(index).map_or(0.0, |slot| f64::from(slot.top) * self.row)
    }

    /// Where the line of that index is drawn, or what is drawn in its place.
    fn slot_of(&self, index: usize) -> Option<&Slot> {
        let after = self.slots.partition_point(|slot| slot.line <= index);
        after.checked_sub(1).and_then(|at| self.slots.get(at))
    }

    /// Lines that are folded away.
    pub(super) fn folded(&self) -> usize {
        let lines = self.slots.iter().filter(|slot| slot.kind == Kind::Line).count();
        self.lines.len() - lines.min(self.lines.len())
    }

    /// The first line from `index` on with which a place begins that hides nothing above it.
    pub(super) fn border(&self, index: usize) -> usize {
        let from = self.slots.partition_point(|slot| slot.line < index);
        let mut slots = self.slots.get(from..).unwrap_or_default().iter();
        let whole = slots.find(|slot| {
            slot.kind == Kind::Line && self.lines.get(slot.line).is_some_and(|line| !line.within)
        });
        whole.map_or(index, |slot| slot.line)
    }

    fn total(&self) -> f64 {
        self.slots.last().map_or(0.0, |last| f64::from(last.top + last.rows) * self.row)
    }

    pub(super) fn lowest(&self) -> f64 {
        (self.total() - self.height).max(0.0)
    }

    pub(super) fn clamp(&mut self) {
        self.top = self.top.clamp(0.0, self.lowest());
    }
}
