//! How a log lies in time: when each of many equal parts of its bytes begins, and about how many
//! lines it has.
//!
//! Parts are equal in bytes and not in time, so a burst of lines is resolved finely and a silence
//! costs nothing. Reads one place a part, whatever the log's size; a part no longer than that is
//! known exactly.

use std::io;

use tailwater_protocol::{Course, Part};

use super::Clock;
use crate::history::{Generation, History};
use crate::lines::Lines;

/// Bytes that are read of a part.
const LOOK: u64 = 16 * 1024;

/// The course of `history` in `count` parts; without parts when its lines have no times.
///
/// # Errors
///
/// The system's; a [`Doubt`](crate::read::Doubt) when the log was changed meanwhile.
pub fn course(history: &History, clock: &Clock, count: u16) -> io::Result<Course> {
    let bytes = |generation: &Generation| generation.bytes.saturating_sub(generation.from);
    let all: u64 = history.generations.iter().map(bytes).fold(0, u64::saturating_add);
    let border =
        |index: u16| (u128::from(all) * u128::from(index) / u128::from(count.max(1))) as u64;
    let mut seen: Vec<(Option<i64>, u32)> = Vec::with_capacity(count.into());
    let mut end = None;
    for index in 0..count {
        let (from, to) = (border(index), border(index + 1));
        let mut part = Look { lines: 0, time: None, last: None };
        let mut before = 0;
        for generation in history.generations.iter() {
            let own = bytes(generation);
            let (start, until) = (from.clamp(before, before + own), to.clamp(before, before + own));
            if start < until {
                let offset = generation.from + (start - before);
                part.at(generation, clock, offset, until - start)?;
            }
            before += own;
        }
        end = part.last.or(end);
        seen.push((part.time, part.lines));
    }
    if let Some(newest) = history.generations.iter().rev().find(|generation| bytes(generation) > 0)
    {
        let mut part = Look { lines: 0, time: None, last: None };
        let from = newest.bytes.saturating_sub(LOOK).max(newest.from);
        part.at(newest, clock, from, newest.bytes - from)?;
        end = part.last.or(end);
    }
    for generation in history.generations.iter() {
        generation.verify()?;
    }
    let first = seen.iter().find_map(|(time, _)| *time);
    let (Some(mut time), Some(end)) = (first, end) else { return Ok(Course::default()) };
    let parts = seen.into_iter().map(|(own, lines)| {
        time = own.unwrap_or(time);
        Part { time, lines }
    });
    Ok(Course { parts: parts.collect(), end })
}

struct Look {
    lines: u32,
    time: Option<i64>,
    last: Option<i64>,
}

impl Look {
    /// Looks at `bytes` bytes from `offset` on, or at the first of them.
    fn at(
        &mut self,
        generation: &Generation,
        clock: &Clock,
        offset: u64,
        bytes: u64,
    ) -> io::Result<()> {
        let mut lines = Lines::of(generation);
        let encoding = lines.encoding();
        let offset = encoding.align(offset).max(generation.from);
        let begins = offset == generation.from || !lines.continues(offset)?;
        let looked = bytes.min(LOOK);
        // The last line may go on after the part, and its time stands near its beginning.
        let to = (offset + looked + LOOK).min(generation.bytes);
        let piece = lines.text(offset, to)?;
        let mut at = 0;
        let mut count = 0_u64;
        for line in piece.split_inclusive(|&byte| byte == b'\n') {
            if at >= looked {
                break;
            }
            if at > 0 || begins {
                count += 1;
                if let Some(time) = clock.at(line.strip_suffix(b"\n").unwrap_or(line)) {
                    self.time.get_or_insert(time);
                    self.last = Some(time);
                }
            }
            at += encoding.taken(line);
        }
        let scaled = u128::from(count) * u128::from(bytes) / u128::from(looked.max(1));
        self.lines = self.lines.saturating_add(u32::try_from(scaled).unwrap_or(u32::MAX));
        Ok(())
    }
}
