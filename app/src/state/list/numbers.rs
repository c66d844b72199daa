//! Numbers of lines: those of one generation follow one another, so that one that is counted
//! corrects the guesses around it.

use std::sync::Arc;

use tailwater_protocol::{GenerationId, Number, Position};

use super::{Line, List};

impl List {
    /// The row that holds `position` has this number, and with it all of its generation.
    pub(crate) fn set_number(&mut self, position: Position, number: Number) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.position == position) {
            Arc::make_mut(line).number = number;
            self.settle_numbers();
        }
    }

    /// The loaded line that is counted as that, in the newest generation that has it loaded.
    pub(crate) fn numbered(&self, number: u64) -> Option<&Arc<Line>> {
        self.lines.iter().rev().find(|line| line.number == Number::Exact(number) && !line.continued)
    }

    /// A line of `generation` whose number is not counted yet.
    pub(crate) fn unnumbered(&self, generation: GenerationId) -> Option<&Arc<Line>> {
        self.lines.iter().find(|line| {
            line.position.generation == generation && !matches!(line.number, Number::Exact(_))
        })
    }

    /// Numbers of one generation follow one another. A counted one corrects the guesses around
    /// it; among guesses the first stays, so that the others do not waver with each new guess.
    pub(super) fn settle_numbers(&mut self) {
        // Those of rows that are not adjacent do not follow from one another.
        if self.stretch.is_some() {
            return;
        }
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
}
