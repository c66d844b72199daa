//! The next match from anywhere, without having searched the rest.

use std::io;
use std::ops::ControlFlow;

pub use tailwater_protocol::Direction;
use tailwater_protocol::Position;

use super::sweep::{Swept, Worker};
use crate::history::History;
use crate::query::{Pace, Stop};

/// Bytes looked at first on the way back: most of what is sought lies near.
const FIRST: u64 = 64 * 1024;

/// Bytes looked at in one go on the way back.
const MOST: u64 = 8 * 1024 * 1024;

/// What was found on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A match begins there.
    At(Position),
    /// There is none up to the end on that side.
    Nothing,
    /// There is none up to there: it was stopped, or what it may look at was spent. Go on from
    /// there.
    Onward(Position),
}

/// The first row that matches and begins at `from` or after it, or the last that matches and
/// begins before it; looks at about `budget` bytes. A position of no generation of `history`
/// means its newer end on the way back, and its older end on the way forth.
///
/// Stopped on the way back it may come back to where it was: give it ten milliseconds.
///
/// # Errors
///
/// The system's; a [`Doubt`](crate::read::Doubt) when the log was cut or overwritten.
pub fn next(
    worker: &mut Worker,
    history: &History,
    from: Position,
    direction: Direction,
    budget: u64,
    stop: &Stop<'_>,
) -> io::Result<Step> {
    let mut pace = Pace::new(stop);
    match direction {
        Direction::Forward => forward(worker, history, from, budget.max(1), &mut pace),
        Direction::Backward => backward(worker, history, from, budget.max(1), &mut pace),
    }
}

fn forward(
    worker: &mut Worker,
    history: &History,
    from: Position,
    budget: u64,
    pace: &mut Pace<'_>,
) -> io::Result<Step> {
    let known = history.index(from.generation);
    let mut left = budget;
    for (index, generation) in history.generations.iter().enumerate().skip(known.unwrap_or(0)) {
        let start =
            if Some(index) == known { from.offset.max(generation.from) } else { generation.from };
        if start >= generation.bytes {
            continue;
        }
        let position = |offset| Position { generation: generation.id, offset };
        if left == 0 {
            return Ok(Step::Onward(position(start)));
        }
        let end = start.saturating_add(left).min(generation.bytes);
        let mut found = None;
        let mut sink = |at| {
            found = Some(at);
            ControlFlow::Break(())
        };
        let swept = worker.sweep(generation, start..end, false, pace, &mut sink)?;
        generation.verify()?;
        match (found, swept) {
            (Some(at), _) => return Ok(Step::At(position(at))),
            (None, Swept::Stopped(next)) => return Ok(Step::Onward(position(next))),
            (None, _) if end < generation.bytes => return Ok(Step::Onward(position(end))),
            (None, _) => left -= end - start,
        }
    }
    Ok(Step::Nothing)
}

fn backward(
    worker: &mut Worker,
    history: &History,
    from: Position,
    budget: u64,
    pace: &mut Pace<'_>,
) -> io::Result<Step> {
    let known = history.index(from.generation);
    let mut left = budget;
    let mut size = FIRST;
    let last = known.map_or(history.generations.len(), |index| index + 1);
    for (index, generation) in history.generations.iter().enumerate().take(last).rev() {
        let ceiling = if Some(index) == known { from.offset } else { u64::MAX };
        let mut end = ceiling.min(generation.bytes);
        let position = |offset| Position { generation: generation.id, offset };
        while end > generation.from {
            if left == 0 {
                return Ok(Step::Onward(position(end)));
            }
            let start = end.saturating_sub(size.min(left)).max(generation.from);
            let mut found = None;
            let mut sink = |at| {
                found = Some(at);
                ControlFlow::Continue(())
            };
            let swept = worker.sweep(generation, start..end, false, pace, &mut sink)?;
            generation.verify()?;
            match (found, swept) {
                // What comes later in the piece was not looked at.
                (_, Swept::Stopped(_)) => return Ok(Step::Onward(position(end))),
                (Some(at), _) => return Ok(Step::At(position(at))),
                (None, _) => {}
            }
            left -= end - start;
            end = start;
            size = (size * 2).min(MOST);
        }
    }
    Ok(Step::Nothing)
}
