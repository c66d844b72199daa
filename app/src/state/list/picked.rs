//! The list of a filtered view: a run of rows that need not be adjacent, and the stretch of the
//! log of which they are all. What joins on to it the server says; nothing is concluded from where
//! rows end.

use std::sync::Arc;

use tailwater_protocol::{Number, Outline, Picked, Position, Rows};

use super::{Edge, Line, List, lines_of};

/// All rows of `blocks` as lines, those that only stand beside told apart.
pub(crate) fn lines_picked(blocks: &[Rows], picked: Option<&Picked>) -> Vec<Arc<Line>> {
    let mut lines = lines_of(blocks);
    for &nth in picked.iter().flat_map(|picked| &picked.aside) {
        if let Some(line) = lines.get_mut(nth as usize) {
            Arc::make_mut(line).aside = true;
        }
    }
    lines
}

impl List {
    /// From where to where all that is to be shown is here; `None` in a view that shows all.
    pub(crate) fn stretch(&self) -> Option<(Position, Position)> {
        self.stretch
    }

    /// What is held is all of that stretch.
    pub(crate) fn set_stretch(&mut self, stretch: Option<(Position, Position)>) {
        self.stretch = stretch;
    }

    /// Adds what stands before: all from the start of `stretch` to where what is held begins.
    pub(crate) fn prepend_picked(
        &mut self,
        lines: &[Arc<Line>],
        stretch: (Position, Position),
        edge: Edge,
    ) {
        let Some((_, end)) = self.stretch else { return };
        let held = |line: &Arc<Line>| self.lines.iter().any(|own| own.position == line.position);
        let fresh: Vec<_> = lines.iter().filter(|line| !held(line)).cloned().collect();
        let kept = self.hold();
        for line in fresh.into_iter().rev() {
            self.lines.push_front(line);
        }
        (self.stretch, self.before) = (Some((stretch.0, end)), edge);
        self.seams.clear();
        self.lay_out();
        self.restore(kept);
    }

    /// Puts `lines` in place of all that is held from the start of `stretch` on.
    pub(crate) fn append_picked(
        &mut self,
        lines: Vec<Arc<Line>>,
        stretch: (Position, Position),
        outline: &Outline,
        edge: Edge,
    ) {
        let Some((start, _)) = self.stretch else { return };
        let held = self.hold();
        let from = order(outline, stretch.0);
        let kept =
            self.lines.iter().take_while(|line| order(outline, line.position) < from).count();
        self.lines.truncate(kept);
        self.lines.extend(lines);
        let start = if from < order(outline, start) { stretch.0 } else { start };
        (self.stretch, self.after) = (Some((start, stretch.1)), edge);
        self.seams.clear();
        self.lay_out();
        self.restore(held);
    }

    /// Whether rows that begin with one at `start` can stand in place of what is held from there.
    pub(crate) fn holds_row(&self, start: Position) -> bool {
        self.lines.iter().any(|line| line.position == start)
    }

    /// The numbers of rows that were not counted yet when they came.
    pub(crate) fn set_numbers(&mut self, counted: &[Arc<Line>]) {
        for line in &mut self.lines {
            let known = counted.iter().find(|known| known.position == line.position);
            if let Some(known) = known
                && matches!(known.number, Number::Exact(_))
                && line.number != known.number
            {
                Arc::make_mut(line).number = known.number;
            }
        }
    }
}

/// Positions as they follow one another. What is no longer listed was before all that is.
fn order(outline: &Outline, at: Position) -> (usize, u64) {
    let index = outline.spans.iter().position(|span| span.id == at.generation);
    (index.map_or(0, |index| index + 1), at.offset)
}
