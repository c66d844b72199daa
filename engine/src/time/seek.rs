//! Where in a log an instant is: a binary search over its bytes, by the times of lines.
//!
//! Finds the first line at or after the instant. Lines without a time count for nothing; they
//! belong to the timed line before them.
//!
//! Threads write out of order, and no search that does not read everything can be right about a
//! log in no order at all. What is promised: if no two lines that begin more than [`DISORDER`]
//! bytes apart are out of order, the answer is exact, whatever lies between the times. If some are,
//! `d` bytes apart at most, then the answer still is a line at or after the instant, and each such
//! line before it stands within `d` + 2 x [`DISORDER`] bytes of it, as long as a time stands in
//! every 64 KiB of the log.
//!
//! Reads some 20 places of 16 KiB and two stretches of [`DISORDER`] of a log of any size. The order
//! of generations is that of the history.

use std::io;

use tailwater_protocol::Position;

use super::Clock;
use crate::history::{Generation, History};
use crate::lines::{End, Lines};

/// How far apart in a log lines may be out of order: what a thousand writers have in their hands
/// at once. Reading this much takes a tenth of a millisecond.
pub const DISORDER: u64 = 256 * 1024;

/// Bytes after a probe among which a line with a time is looked for.
const LOOK_ON: u64 = 64 * 1024;

/// Places that are probed where the middle of a stretch has no times: sixteenths of it.
const PARTS: u64 = 16;

/// Bytes that are read for one line's time: Docker's stands behind its text.
const HEAD: u64 = 128 * 1024;

/// Bytes that are searched line by line in a stretch with hardly a time, at most: some 50 ms.
/// Beyond, the first line that is known to be at or after the instant is the answer.
const SCAN: u64 = 64 * 1024 * 1024;

/// The first line of `history` at or after `instant`, in nanoseconds since 1970. `None` when there
/// is none: all were written before, or say nothing of it.
///
/// # Errors
///
/// The system's; a [`Doubt`](crate::read::Doubt) when the log was changed meanwhile: look at it
/// again and retry.
pub fn seek(history: &History, clock: &Clock, instant: i64) -> io::Result<Option<Position>> {
    let generations = &history.generations;
    let mut newest = 0;
    for (index, generation) in generations.iter().enumerate().rev() {
        let first = Seeker::new(generation, clock).first()?;
        if first.is_some_and(|time| time < instant) {
            newest = index;
            break;
        }
    }
    // Lines out of order may have been divided by a rotation.
    for generation in generations.iter().skip(newest.saturating_sub(1)) {
        let found = Seeker::new(generation, clock).seek(instant)?;
        generation.verify()?;
        if let Some(offset) = found {
            return Ok(Some(Position { generation: generation.id, offset }));
        }
    }
    Ok(None)
}

struct Seeker<'a> {
    generation: &'a Generation,
    clock: &'a Clock,
    disorder: u64,
    look_on: u64,
}

/// A line and its time.
#[derive(Debug, Clone, Copy)]
struct Timed {
    start: u64,
    time: i64,
}

impl<'a> Seeker<'a> {
    fn new(generation: &'a Generation, clock: &'a Clock) -> Self {
        Self { generation, clock, disorder: DISORDER, look_on: LOOK_ON }
    }

    /// The time of the first line that has one.
    fn first(&self) -> io::Result<Option<i64>> {
        let from = self.generation.from;
        let until = self.generation.bytes.min(from.saturating_add(self.look_on));
        Ok(self.scan(from, until, |_| true)?.map(|first| first.time))
    }

    fn seek(&self, instant: i64) -> io::Result<Option<u64>> {
        // Every line before `low` by more than the disorder lies before the instant. At `high`
        // one begins that does not, once it is known.
        let mut low = self.generation.from;
        let mut high = self.generation.bytes;
        let mut known = None;
        while high.saturating_sub(low) > self.disorder.max(2 * self.look_on) {
            let Some(probed) = self.probe(low, high)? else { break };
            if probed.time < instant {
                low = probed.start;
            } else {
                high = probed.start;
                known = Some(high);
            }
        }
        let from = low.saturating_sub(self.disorder).max(self.generation.from);
        let from = Lines::of(self.generation).start_of(from)?;
        let until = high.min(from.saturating_add(SCAN));
        let found = self.scan(from, until, |timed| timed.time >= instant)?;
        Ok(found.map(|found| found.start).or(known))
    }

    /// A timed line between `low` and `high`, not at either; near the middle, if there is one.
    fn probe(&self, low: u64, high: u64) -> io::Result<Option<Timed>> {
        let at = |part: u64| low + (high - low) / PARTS * part;
        let middle = PARTS / 2;
        let after = middle + 1..PARTS;
        for part in std::iter::once(middle).chain(after).chain((1..middle).rev()) {
            let start = self.next_start(at(part), high)?;
            let until = high.min(start.saturating_add(self.look_on));
            if let Some(timed) = self.scan(start, until, |timed| timed.start > low)? {
                return Ok(Some(timed));
            }
        }
        Ok(None)
    }

    /// Where the first row begins at `offset` or after; `high` if none does before.
    fn next_start(&self, offset: u64, high: u64) -> io::Result<u64> {
        let mut lines = Lines::of(self.generation);
        let start = lines.start_of(offset)?;
        Ok(if start == offset { start } else { lines.end_of(start)?.0.min(high) })
    }

    /// The first line with a time, of those that begin from `from` to before `until`, that
    /// `wanted` wants.
    fn scan(
        &self,
        from: u64,
        until: u64,
        wanted: impl Fn(Timed) -> bool,
    ) -> io::Result<Option<Timed>> {
        let mut lines = Lines::of(self.generation);
        let mut start = from;
        let mut continued = lines.continues(start)?;
        while start < until {
            let (end, how) = lines.end_of(start)?;
            if !continued {
                let line = lines.text(start, end.min(start.saturating_add(HEAD)))?;
                let timed = self.clock.at(&line).map(|time| Timed { start, time });
                if let Some(timed) = timed.filter(|&timed| wanted(timed)) {
                    return Ok(Some(timed));
                }
            }
            (start, continued) = (end, how == End::Break);
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
