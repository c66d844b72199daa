//! The matching rows of a stretch of a generation, read from its file.
//!
//! A row belongs to the stretch in which it begins, so adjacent stretches tell every row once,
//! wherever they are cut. Rows are those of [`Lines`]; one that is too long to be held is looked at
//! in pieces. What lies in holes of the file is not read.

use std::io;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use memchr::{memchr, memrchr};
use tailwater_protocol::GenerationId;

use super::Sizes;
use crate::encoding::Encoding;
use crate::history::Generation;
use crate::lines::Lines;
use crate::query::{Before, Facts, Found, LOOK_BACK, Long, Matcher, Pace, Searcher, as_seen};
use crate::read::{ReadAt, read_exact_at};

/// Bytes read at once to find the end of a row that begins in the stretch and ends behind it.
const STEP: u64 = 16 * 1024;

/// What one thread searches with.
pub struct Worker {
    pub(super) searcher: Searcher,
    buf: Vec<u8>,
    /// A long row that a search was stopped in: going on there costs less than anew.
    paused: Option<Paused>,
    pub(super) sizes: Sizes,
}

struct Paused {
    generation: GenerationId,
    row: u64,
    to: u64,
    at: u64,
    long: Long,
}

/// How a sweep ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Swept {
    /// At the end of the stretch. If the row that begins last in it has no end yet: where it
    /// begins.
    All { open: Option<u64> },
    /// Whoever was told wants no more.
    Enough,
    /// Everything before that row was told.
    Stopped(u64),
}

impl Worker {
    /// Searches for what `matcher` says, by what `facts` knows of the log.
    pub fn new(matcher: Arc<Matcher>, facts: Arc<dyn Facts>) -> Self {
        let searcher = Searcher::new(matcher, facts);
        Self { searcher, buf: Vec::new(), paused: None, sizes: Sizes::default() }
    }

    /// Where in `lines`, which are whole and stand at `at` of `generation`, those begin that match:
    /// for who reads the log himself. Without the generation nothing is known of what stands before
    /// them.
    ///
    /// # Errors
    ///
    /// The system's; a [`Doubt`](crate::read::Doubt) when the log was cut or overwritten.
    pub fn judge(
        &mut self,
        generation: Option<&Generation>,
        lines: &[u8],
        at: u64,
    ) -> io::Result<Vec<usize>> {
        let mut found = Vec::new();
        let mut sink = |offset: u64| {
            found.push((offset - at) as usize);
            ControlFlow::Continue(())
        };
        let mut pace = Pace::new(&|| false);
        self.searcher.leap();
        let nothing: Vec<u8> = Vec::new();
        let (file, from): (&dyn ReadAt, u64) = match generation {
            Some(generation) => (generation.file.as_ref(), generation.from),
            None => (&nothing, at),
        };
        let mut earlier = Earlier { file, from, failed: None };
        self.searcher.search(lines, at, &mut earlier, &mut pace, &mut sink);
        earlier.settle()?;
        Ok(found)
    }

    /// Whether the row that begins at `at` of `generation` matches, however long it is.
    ///
    /// # Errors
    ///
    /// As [`Self::judge`].
    pub fn takes(&mut self, generation: &Generation, at: u64) -> io::Result<bool> {
        let mut taken = false;
        let mut sink = |_| {
            taken = true;
            ControlFlow::Break(())
        };
        let mut pace = Pace::new(&|| false);
        self.sweep(generation, at..at + 1, true, &mut pace, &mut sink)?;
        generation.verify()?;
        Ok(taken)
    }

    /// Tells `sink` the matching rows that begin in `range`, in their order. With `known`, a row
    /// begins at the start of the range.
    pub(super) fn sweep(
        &mut self,
        generation: &Generation,
        range: Range<u64>,
        known: bool,
        pace: &mut Pace<'_>,
        sink: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> io::Result<Swept> {
        let mut buf = std::mem::take(&mut self.buf);
        let swept = self.sweep_with(&mut buf, generation, range, known, pace, sink);
        self.buf = buf;
        swept
    }

    fn sweep_with(
        &mut self,
        buf: &mut Vec<u8>,
        generation: &Generation,
        range: Range<u64>,
        known: bool,
        pace: &mut Pace<'_>,
        sink: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> io::Result<Swept> {
        let file = generation.file.as_ref();
        let extent = generation.bytes;
        let range = range.start.max(generation.from)..range.end.min(extent);
        self.searcher.leap();
        if file.encoding() != Encoding::Utf8 {
            return self.sweep_decoded(buf, generation, range, pace, sink);
        }
        let first = if known { Some(range.start) } else { self.first_row(generation, &range)? };
        let Some(mut at) = first.filter(|&at| at < range.end) else {
            return Ok(Swept::All { open: None });
        };
        let mut earlier = Earlier { file, from: generation.from, failed: None };
        // What is held: `buf[..have]`, the bytes of whole rows from `at` on and of one that is not.
        let mut have = 0_usize;
        loop {
            let end = at + have as u64;
            let read = self.sizes.read;
            let to = if end < range.end { (end / read + 1) * read } else { end + STEP };
            let fresh = have;
            have += (to.min(extent) - end) as usize;
            if buf.len() < have {
                buf.resize(have, 0);
            }
            read_exact_at(file, buf.get_mut(fresh..have).unwrap_or_default(), end)?;
            // Only what is fresh can hold a newline that ends a row.
            let last = (range.end - 1).saturating_sub(at) as usize;
            let whole = if have > last {
                let from = last.max(fresh);
                let rest = buf.get(from..have).unwrap_or_default();
                // Rows that begin behind the stretch are not its own.
                memchr(b'\n', rest).map(|newline| from + newline + 1)
            } else {
                None
            };
            let done = whole.is_some();
            let whole = whole.or_else(|| {
                let rest = buf.get(fresh..have)?;
                memrchr(b'\n', rest).map(|newline| fresh + newline + 1)
            });
            if let Some(whole) = whole {
                let rows = buf.get(..whole).unwrap_or_default();
                let found = self.searcher.search(rows, at, &mut earlier, pace, sink);
                earlier.settle()?;
                match found {
                    Found::All => {}
                    Found::Enough => return Ok(Swept::Enough),
                    Found::Stopped(next) => return Ok(Swept::Stopped(next)),
                }
                at += whole as u64;
                if done || at >= range.end {
                    return Ok(Swept::All { open: None });
                }
                buf.copy_within(whole..have, 0);
                have -= whole;
            }
            if at + have as u64 == extent {
                return self.last_row(
                    buf.get(..have).unwrap_or_default(),
                    at,
                    &mut earlier,
                    pace,
                    sink,
                );
            }
            let blank =
                have > 0 && whole.is_none() && is_blank(buf.get(..have).unwrap_or_default());
            if have as u64 >= self.sizes.held || blank {
                let next = self.long_row(buf, generation, at, &mut earlier, pace)?;
                let Some((next, matches, open)) = next else { return Ok(Swept::Stopped(at)) };
                if matches && sink(at).is_break() {
                    return Ok(Swept::Enough);
                }
                if open || next >= range.end {
                    return Ok(Swept::All { open: open.then_some(at) });
                }
                (at, have) = (next, 0);
            }
        }
    }

    /// The row that ends with the log.
    fn last_row(
        &mut self,
        row: &[u8],
        at: u64,
        earlier: &mut Earlier<'_>,
        pace: &mut Pace<'_>,
        sink: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> io::Result<Swept> {
        if row.is_empty() {
            return Ok(Swept::All { open: None });
        }
        let found = self.searcher.search(row, at, earlier, pace, sink);
        earlier.settle()?;
        Ok(match found {
            Found::All => Swept::All { open: Some(at) },
            Found::Enough => Swept::Enough,
            // Stopped before it, or behind it when it had been told.
            Found::Stopped(next) if next == at => Swept::Stopped(at),
            Found::Stopped(_) => Swept::All { open: Some(at) },
        })
    }

    /// The first row that begins in `range`, which may lie before its end.
    fn first_row(&self, generation: &Generation, range: &Range<u64>) -> io::Result<Option<u64>> {
        let start = range.start;
        if start <= generation.from {
            return Ok(Some(generation.from));
        }
        let every = self.sizes.break_every;
        // A long line breaks there, if there was no newline for long enough.
        if start.is_multiple_of(every) && start < generation.bytes {
            let mut lines = Lines::of(generation).breaking_every(every);
            if lines.start_of(start)? == start {
                return Ok(Some(start));
            }
        }
        let file = generation.file.as_ref();
        let mut at = start - 1;
        let mut step = STEP;
        let mut bytes = Vec::new();
        while at < range.end {
            let len = step.min(range.end - at);
            bytes.resize(len as usize, 0);
            read_exact_at(file, &mut bytes, at)?;
            if let Some(newline) = memchr(b'\n', &bytes) {
                return Ok(Some(at + newline as u64 + 1));
            }
            at += len;
            if is_blank(&bytes) {
                at = file.next_data(at)?.unwrap_or(range.end).max(at);
            }
            step = (step * 2).min(self.sizes.read);
        }
        Ok(None)
    }

    /// The row at `row`, in pieces: where the next begins, whether it matches, and whether it goes
    /// on with the log. `None`: stopped.
    fn long_row(
        &mut self,
        buf: &mut Vec<u8>,
        generation: &Generation,
        row: u64,
        earlier: &mut Earlier<'_>,
        pace: &mut Pace<'_>,
    ) -> io::Result<Option<(u64, bool, bool)>> {
        let every = self.sizes.break_every;
        let limit = row.div_ceil(every).saturating_mul(every).saturating_add(every);
        let to = limit.min(generation.bytes);
        let same = |paused: &Paused| {
            (paused.row, paused.to, paused.generation) == (row, to, generation.id)
        };
        let (mut at, mut long) = match self.paused.take().filter(same) {
            Some(paused) => (paused.at, paused.long),
            None => (row, self.searcher.begin_long(row)),
        };
        let file = generation.file.as_ref();
        let mut newline = false;
        while at < to && !newline {
            let len = self.sizes.read.min(to - at);
            buf.resize(buf.len().max(len as usize), 0);
            let piece = buf.get_mut(..len as usize).unwrap_or_default();
            read_exact_at(file, piece, at)?;
            let end = memchr(b'\n', piece);
            let mut bytes = piece.get(..end.unwrap_or(piece.len())).unwrap_or_default();
            let mut next = at + end.map_or(len, |end| end as u64 + 1);
            newline = end.is_some();
            if let Some(rest) = bytes.strip_suffix(b"\r") {
                // It is not seen at the end of a row; elsewhere it goes with what follows.
                let ends = newline || next == to && to < limit;
                if ends || next < to {
                    bytes = rest;
                }
                if !ends && next < to {
                    next -= 1;
                }
            }
            let fed = self.searcher.feed_long(&mut long, bytes, pace);
            if fed.is_err() {
                self.paused = Some(Paused { generation: generation.id, row, to, at, long });
                return Ok(None);
            }
            at = next;
            if !newline && is_blank(piece) {
                at = file.next_data(at)?.unwrap_or(to).clamp(at, to);
            }
        }
        let broken = !newline && to == limit;
        let matches = self.searcher.finish_long(&long, earlier, pace);
        earlier.settle()?;
        Ok(matches.ok().map(|matches| (at, matches, !newline && !broken)))
    }
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.last() == Some(&0) && bytes.iter().all(|&byte| byte == 0)
}

/// Reads what stands before the rows at hand.
pub(super) struct Earlier<'a> {
    pub(super) file: &'a dyn ReadAt,
    pub(super) from: u64,
    pub(super) failed: Option<io::Error>,
}

impl Earlier<'_> {
    /// What went wrong, if anything did.
    pub(super) fn settle(&mut self) -> io::Result<()> {
        self.failed.take().map_or(Ok(()), Err)
    }
}

impl Before for Earlier<'_> {
    fn time_before(&mut self, facts: &dyn Facts, floor: u64, offset: u64) -> Option<(u64, i64)> {
        let floor = floor.max(self.from).max(offset.saturating_sub(LOOK_BACK));
        // With the byte before, which says whether a line begins at the floor.
        let start = floor.saturating_sub(u64::from(floor > self.from));
        let mut bytes = vec![0; offset.saturating_sub(start) as usize];
        if let Err(error) = read_exact_at(self.file, &mut bytes, start) {
            self.failed = Some(error);
            return None;
        }
        let encoding = self.file.encoding();
        let first = if start < floor { encoding.first_newline(&bytes, start)? } else { 0 };
        let mut end = bytes.len();
        while end > first {
            let before = bytes.get(..end - 1)?;
            let line = encoding.last_newline(before, start).unwrap_or(0).max(first);
            let text = encoding.decode(bytes.get(line..end)?);
            if let Some(time) = facts.time(&as_seen(&text)) {
                return Some((start + line as u64, time));
            }
            end = line;
        }
        None
    }
}
