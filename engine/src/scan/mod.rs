//! A query asked of a whole log: what matched, where, and how far it is.
//!
//! A log is searched in units, by as many threads as call [`Scan::work`]: those nearest to where
//! somebody waits first. What was found can be asked for at any time, and is exact as far as the
//! units between are done. When the log grows only what is new is searched, and a last line that
//! had no end yet; when it was cut or overwritten, nothing stays that is not its own.
//!
//! Keeps the positions of matches as long as they are few, and else how many begin in each block.
//! Starts no threads, and holds its lock only to hand units out and to take them back.

mod answer;
mod decoded;
mod gather;
mod next;
mod state;
mod sweep;
#[cfg(test)]
mod tests;
mod unit;

use std::io;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tailwater_protocol::Position;

use crate::history::History;
use crate::lines::BREAK;
use crate::query::{Facts, Matcher, Pace, Stop};

pub use answer::{Bucket, Near, Progress};
pub use gather::{Gathered, Wanted, gather};
pub use next::{Direction, Step, next};
use state::{Claim, Outcome, State};
use sweep::Swept;
pub use sweep::Worker;

/// Bytes of a unit: some milliseconds of work, and few enough units for the largest log.
pub const UNIT: u64 = 8 * 1024 * 1024;

/// Bytes read at once: more has left the cache before it is searched.
const READ: u64 = 256 * 1024;

/// Bytes of a row that is held whole; a longer one is looked at in pieces.
const HELD: u64 = 1024 * 1024;

/// Bytes of positions that a scan keeps: some ten million matches.
const KEPT: usize = 32 * 1024 * 1024;

/// Smaller ones in tests, so that small logs have all their borders.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    unit: u64,
    read: u64,
    held: u64,
    kept: usize,
    break_every: u64,
}

#[cfg(test)]
impl Sizes {
    /// Units of so many bytes.
    pub(crate) fn small(unit: u64, kept: usize) -> Self {
        Self { unit, read: unit / 4, held: unit, kept, ..Self::default() }
    }
}

impl Default for Sizes {
    fn default() -> Self {
        Self { unit: UNIT, read: READ, held: HELD, kept: KEPT, break_every: BREAK }
    }
}

/// Where to search first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// At the end.
    Newest,
    /// Around there: of what is as far, what lies ahead.
    Around(Position),
}

/// A query asked of a log.
pub struct Scan {
    matcher: Arc<Matcher>,
    facts: Arc<dyn Facts>,
    sizes: Sizes,
    state: Mutex<State>,
}

/// Why a thread stopped working.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worked {
    /// There is no unit to be had. Others may still be at theirs.
    Nothing,
    /// It was told to.
    Stopped,
}

impl Scan {
    /// To be asked of `history`, when threads work on it.
    pub fn new(
        matcher: Arc<Matcher>,
        facts: Arc<dyn Facts>,
        history: &History,
        order: Order,
    ) -> Self {
        Self::sized(matcher, facts, history, order, Sizes::default())
    }

    pub(crate) fn sized(
        matcher: Arc<Matcher>,
        facts: Arc<dyn Facts>,
        history: &History,
        order: Order,
        sizes: Sizes,
    ) -> Self {
        let state = Mutex::new(State::new(history, order, sizes));
        Self { matcher, facts, sizes, state }
    }

    /// What a thread needs that works on it or asks it for positions.
    pub fn worker(&self) -> Worker {
        let mut worker = Worker::new(Arc::clone(&self.matcher), Arc::clone(&self.facts));
        worker.sizes = self.sizes;
        worker
    }

    /// The log is like this now. What was found and still stands is kept.
    pub fn extend(&self, history: &History) {
        self.lock().extend(history);
    }

    /// Searches somewhere else first from now on.
    pub fn turn(&self, order: Order) {
        self.lock().turn(order);
    }

    /// Searches until nothing is left or `stop` says so, within a few milliseconds; what was done
    /// of a unit stays done.
    ///
    /// # Errors
    ///
    /// The system's; a [`Doubt`](crate::read::Doubt) when the log was cut or overwritten: look at
    /// it again, [`Self::extend`], and go on.
    pub fn work(&self, worker: &mut Worker, stop: &Stop<'_>) -> io::Result<Worked> {
        let mut pace = Pace::new(stop);
        loop {
            if stop() {
                return Ok(Worked::Stopped);
            }
            let Some(claim) = self.lock().claim() else { return Ok(Worked::Nothing) };
            let mut claim = claim;
            let done = self.search(worker, &mut claim, &mut pace);
            let stopped = matches!(done, Ok(Outcome::Stopped(_)));
            let (outcome, error) = match done {
                Ok(outcome) => (outcome, None),
                Err(error) => (Outcome::Failed, Some(error)),
            };
            self.lock().settle(claim, outcome);
            if let Some(error) = error {
                return Err(error);
            }
            if stopped {
                return Ok(Worked::Stopped);
            }
        }
    }

    fn search(
        &self,
        worker: &mut Worker,
        claim: &mut Claim,
        pace: &mut Pace<'_>,
    ) -> io::Result<Outcome> {
        let Claim { generation, range, known, matches, .. } = claim;
        let mut sink = |at| {
            matches.push(at);
            ControlFlow::Continue(())
        };
        let swept = worker.sweep(generation, range.clone(), *known, pace, &mut sink)?;
        // Whatever was read is its own if its end still stands.
        generation.verify()?;
        Ok(match swept {
            Swept::All { open } => Outcome::Done { open },
            Swept::Stopped(next) => Outcome::Stopped(next),
            Swept::Enough => Outcome::Failed,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
