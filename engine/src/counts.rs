//! How many newlines stand before each block of 64 KiB: from it, the number of any line and the
//! offset of any number, by re-reading one block at most.
//!
//! A log is counted in units of 16 MiB, in any order and by any number of threads, each of which
//! calls [`Counts::work`]: the newest first, as the end is what is looked at. What is counted is
//! published under a lock that is held for microseconds and never while a file is read, so that a
//! page's read waits for no count. Numbers are exact from the start of the log to the first unit
//! that is missing, and beyond it estimates that say so; two of them in what was counted differ by
//! exactly the lines between.
//!
//! Costs 4 bytes a block and 24 a unit: 66 KiB of memory for a GiB of log, and 24 bytes a unit of
//! holes. Keeps no offset of any line. Starts no thread, knows no clock, and counts nothing that
//! the caller did not say belongs to the log.

mod gaps;
mod piece;
mod stored;
mod table;

use std::io;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tailwater_protocol::Lines;

use crate::history::Generation;
use crate::read::{Doubt, ReadAt, read_exact_at};
pub use stored::{Stored, Unfit};
use table::{Between, Table};

/// Bytes of a block: to look at half of one again takes microseconds. Small under this crate's own
/// tests, for which a few thousand bytes shall be many units.
pub const BLOCK: u64 = if cfg!(test) { 64 } else { 64 * 1024 };

/// Blocks of a unit: so many that a `u32` holds the newlines of one.
const BLOCKS: usize = if cfg!(test) { 8 } else { 256 };

/// Bytes of a unit: some 3 ms of counting, after which it may stop or be somebody else's turn.
pub const UNIT: u64 = BLOCK * BLOCKS as u64;

/// The newline counts of one generation, shared by those who count and those who ask.
#[derive(Debug, Default)]
pub struct Counts {
    table: RwLock<Table>,
}

/// What a thread that counts reads into, kept from one unit to the next: fresh memory for each
/// would cost some hundredths of the time.
#[derive(Debug, Default)]
pub struct Scratch(Vec<u8>);

/// Where a line starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineStart {
    /// There.
    At(u64),
    /// About there, going by what was counted so far; not necessarily at the start of a line.
    About(u64),
    /// The log has not so many lines.
    Beyond,
    /// Nothing was counted yet to go by.
    Unknown,
}

impl Counts {
    /// Nothing counted.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes that have been counted, wherever they stand.
    pub fn counted(&self) -> u64 {
        self.read().counted()
    }

    /// Whether everything before `extent` has been counted.
    pub fn is_complete(&self, extent: u64) -> bool {
        self.read().is_complete(extent)
    }

    /// About how many bytes before `extent` are still to be counted; 0 only when none are.
    pub fn uncounted(&self, extent: u64) -> u64 {
        let table = self.read();
        if table.is_complete(extent) { 0 } else { extent.saturating_sub(table.counted()).max(1) }
    }

    /// Counts one unit that nobody counts at the moment, the newest such, and gives how many
    /// bytes that were. `None` when there is none left to take. If the generation turns out to
    /// have been cut or overwritten meanwhile, nothing of it is counted.
    ///
    /// # Errors
    ///
    /// The system's; a [`Doubt`], after which the log should be looked at again.
    pub fn work(&self, generation: &Generation, scratch: &mut Scratch) -> io::Result<Option<u64>> {
        let verify = || generation.verify();
        self.work_on(generation.file.as_ref(), generation.bytes, scratch, verify)
    }

    /// Counts what is missing, oldest first, at most `budget` bytes, whoever else is counting:
    /// for the little that came since the last look. Whether it is all counted now.
    ///
    /// # Errors
    ///
    /// As [`Self::work`].
    pub fn catch_up(&self, generation: &Generation, budget: u64) -> io::Result<bool> {
        let verify = || generation.verify();
        self.catch_up_on(generation.file.as_ref(), generation.bytes, budget, verify)
    }

    /// Newlines before `offset`: the number of the line there, less one. `None` when nothing was
    /// counted to estimate by. Reads no more than half a block.
    ///
    /// # Errors
    ///
    /// The system's; a [`Doubt`] when the file is shorter than it was when it was counted.
    pub fn lines_before(&self, file: &dyn ReadAt, offset: u64) -> io::Result<Option<Lines>> {
        // The bytes are read outside of the lock: what they are added to does not change.
        let Some(found) = self.read().before(offset) else { return Ok(None) };
        let lines = match found.between {
            Between::Nothing => found.lines.number(),
            Between::Plus { from } => {
                found.lines.number().saturating_add(count_in(file, from, offset)?)
            }
            Between::Minus { to } => {
                let after = count_in(file, offset, to)?;
                found.lines.number().checked_sub(after).ok_or(Doubt)?
            }
        };
        Ok(Some(match found.lines {
            Lines::Exact(_) => Lines::Exact(lines),
            Lines::Estimate(_) => Lines::Estimate(lines),
        }))
    }

    /// Where line `number` (from 1) of the first `extent` bytes starts. For the line after the
    /// last newline that is the end.
    ///
    /// # Errors
    ///
    /// As [`Self::lines_before`].
    pub fn line_start(&self, file: &dyn ReadAt, extent: u64, number: u64) -> io::Result<LineStart> {
        let newlines = number.saturating_sub(1);
        if newlines == 0 {
            return Ok(LineStart::At(0));
        }
        let (start, end, nth) = {
            let table = self.read();
            match table.block_of(newlines) {
                Some(found) => found,
                None if table.is_complete(extent) => return Ok(LineStart::Beyond),
                None => {
                    let about = table.estimate_of(newlines);
                    return Ok(
                        about.map_or(LineStart::Unknown, |at| LineStart::About(at.min(extent)))
                    );
                }
            }
        };
        let mut bytes = vec![0; end.saturating_sub(start) as usize];
        read_exact_at(file, &mut bytes, start)?;
        match file.encoding().newline_ends(&bytes, start).nth(nth as usize) {
            // Counted, but of a longer life of the log than was asked about.
            Some(at) if start + at as u64 > extent => Ok(LineStart::Beyond),
            Some(at) => Ok(LineStart::At(start + at as u64)),
            None => Err(Doubt.into()),
        }
    }

    fn work_on(
        &self,
        file: &dyn ReadAt,
        extent: u64,
        scratch: &mut Scratch,
        verify: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<Option<u64>> {
        let Some(piece) = self.write().claim(extent) else { return Ok(None) };
        let claim = Claim { counts: self, unit: piece.unit };
        let found = piece.count(file, &mut scratch.0)?;
        verify()?;
        claim.counts.write().publish(&piece, &found);
        Ok(Some(piece.len()))
    }

    fn catch_up_on(
        &self,
        file: &dyn ReadAt,
        extent: u64,
        budget: u64,
        verify: impl Fn() -> io::Result<()>,
    ) -> io::Result<bool> {
        let mut budget = budget;
        let mut scratch = Vec::new();
        loop {
            let missing = self.read().first_missing(extent);
            let Some(piece) = missing else { return Ok(true) };
            let piece = piece.at_most(budget);
            if piece.len() == 0 {
                return Ok(false);
            }
            budget -= piece.len();
            let found = piece.count(file, &mut scratch)?;
            verify()?;
            // Somebody else may have been quicker; then there is something else that is missing.
            self.write().publish(&piece, &found);
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A unit that is being counted; whatever comes of it, it is given back.
struct Claim<'a> {
    counts: &'a Counts,
    unit: usize,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.counts.write().release(self.unit);
    }
}

/// Newlines between two offsets of one block.
fn count_in(file: &dyn ReadAt, from: u64, to: u64) -> io::Result<u64> {
    let encoding = file.encoding();
    let (from, to) = (encoding.align(from), encoding.align(to));
    let mut bytes = vec![0; to.saturating_sub(from) as usize];
    read_exact_at(file, &mut bytes, from)?;
    Ok(encoding.newlines(&bytes, from))
}

#[cfg(test)]
mod tests;
