//! How many newlines stand before each block of 64 KiB: from it, the number of any line and the
//! offset of any number, by re-reading one block at most.
//!
//! Costs 4 bytes a block and 8 a group of 256: 64 KiB of memory for a GiB of log. Keeps no offset
//! of any line. Counts nothing that the caller did not say belongs to the log.

use std::io;

use memchr::memchr_iter;

use crate::history::Generation;
use crate::read::{Doubt, ReadAt, is_doubt, read_exact_at};

/// Bytes of a block.
pub const BLOCK: u64 = 64 * 1024;

/// Blocks of a group: so many that a `u32` holds the newlines of one.
const GROUP: usize = 256;

/// Bytes read at once: 1 MiB is slower by a tenth, having left the cache before it is counted.
const CHUNK: usize = 256 * 1024;

/// The newline counts of one generation.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// For every block that was begun: newlines between the start of its group and its own.
    blocks: Vec<u32>,
    /// For every group that was begun: newlines before it.
    groups: Vec<u64>,
    /// Bytes counted.
    counted: u64,
    /// Newlines in them.
    lines: u64,
}

impl Counts {
    /// Nothing counted.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes that have been counted.
    pub fn counted_to(&self) -> u64 {
        self.counted
    }

    /// Newlines in what has been counted.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Counts on to `extent`, at most `budget` bytes; holes cost nothing of it.
    ///
    /// # Errors
    ///
    /// The system's; a [`Doubt`] when the file ends before `extent`.
    pub fn advance(&mut self, file: &dyn ReadAt, extent: u64, budget: u64) -> io::Result<()> {
        let mut budget = budget;
        let mut chunk = vec![0; CHUNK.min(extent.saturating_sub(self.counted) as usize)];
        while self.counted < extent && budget > 0 {
            // Up to a whole number of chunks, so that all but the first read are aligned.
            let to = (self.counted / CHUNK as u64 + 1) * CHUNK as u64;
            let len = (to.min(extent) - self.counted).min(budget);
            let piece = chunk.get_mut(..len as usize).unwrap_or_default();
            read_exact_at(file, piece, self.counted)?;
            self.count(piece);
            budget -= len;
            // A chunk of nothing but NULs may be the beginning of a hole of a terabyte.
            if piece.iter().all(|&byte| byte == 0) && self.counted < extent {
                let data = file.next_data(self.counted)?.unwrap_or(extent).min(extent);
                self.skip_to(data / BLOCK * BLOCK);
            }
        }
        Ok(())
    }

    /// As [`Self::advance`], for a generation: if it turns out to have been cut or overwritten
    /// meanwhile, nothing of this call stays counted.
    ///
    /// # Errors
    ///
    /// The system's; a [`Doubt`], after which the log should be looked at again.
    pub fn advance_in(&mut self, generation: &Generation, budget: u64) -> io::Result<()> {
        let (counted, lines) = (self.counted, self.lines);
        let file = generation.file.as_ref();
        let advanced =
            self.advance(file, generation.bytes, budget).and_then(|()| generation.verify());
        if advanced.as_ref().is_err_and(is_doubt) {
            self.counted = counted;
            self.lines = lines;
            self.blocks.truncate(counted.div_ceil(BLOCK) as usize);
            self.groups.truncate(self.blocks.len().div_ceil(GROUP));
        }
        advanced
    }

    /// Newlines before `offset`: the number of the line there, less one. `None` beyond what has
    /// been counted. Reads no more than half a block and compares no more than `log n` numbers.
    ///
    /// # Errors
    ///
    /// The system's; a [`Doubt`] when the file is shorter than it was when it was counted.
    pub fn lines_before(&self, file: &dyn ReadAt, offset: u64) -> io::Result<Option<u64>> {
        if offset > self.counted {
            return Ok(None);
        }
        if offset == self.counted {
            return Ok(Some(self.lines));
        }
        let block = offset / BLOCK;
        let start = block * BLOCK;
        let end = (start + BLOCK).min(self.counted);
        let (from, to) =
            if offset - start <= end - offset { (start, offset) } else { (offset, end) };
        let mut bytes = vec![0; (to - from) as usize];
        read_exact_at(file, &mut bytes, from)?;
        let between = memchr_iter(b'\n', &bytes).count() as u64;
        let lines = if from == start {
            self.before_block(block) + between
        } else {
            self.before_block(block + 1).checked_sub(between).ok_or(Doubt)?
        };
        Ok(Some(lines))
    }

    /// Where line `number` (from 1) starts. `None` when it is not known yet, or there are not so
    /// many. For the line after the last newline that is the end of what was counted.
    ///
    /// # Errors
    ///
    /// As [`Self::lines_before`].
    pub fn line_start(&self, file: &dyn ReadAt, number: u64) -> io::Result<Option<u64>> {
        let newlines = number.saturating_sub(1);
        if newlines == 0 {
            return Ok(Some(0));
        }
        if newlines > self.lines {
            return Ok(None);
        }
        // The last block that has fewer newlines before it holds the one that is sought.
        let group = self.groups.partition_point(|&before| before < newlines).saturating_sub(1);
        let first = group * GROUP;
        let within = newlines - self.groups.get(group).copied().unwrap_or(0);
        let of_group = self.blocks.get(first..self.blocks.len().min(first + GROUP));
        let block = of_group
            .unwrap_or_default()
            .partition_point(|&before| u64::from(before) < within)
            .saturating_sub(1);
        let start = (first + block) as u64 * BLOCK;
        let end = (start + BLOCK).min(self.counted);
        let mut bytes = vec![0; end.saturating_sub(start) as usize];
        read_exact_at(file, &mut bytes, start)?;
        let nth = newlines - self.before_block((first + block) as u64) - 1;
        match memchr_iter(b'\n', &bytes).nth(nth as usize) {
            Some(at) => Ok(Some(start + at as u64 + 1)),
            None => Err(Doubt.into()),
        }
    }

    /// A guess at the newlines before `offset`, from the mean of what has been counted.
    pub fn estimate(&self, offset: u64) -> u64 {
        if self.counted == 0 {
            return 0;
        }
        let guess = u128::from(offset) * u128::from(self.lines) / u128::from(self.counted);
        u64::try_from(guess).unwrap_or(u64::MAX)
    }

    /// A guess at where line `number` (from 1) starts. `None` while there is nothing to go by.
    pub fn estimate_start(&self, number: u64) -> Option<u64> {
        let before = u128::from(number.saturating_sub(1));
        let guess = (before * u128::from(self.counted)).checked_div(u128::from(self.lines))?;
        Some(u64::try_from(guess).unwrap_or(u64::MAX))
    }

    /// Newlines before a block, which must have been begun or be the next.
    fn before_block(&self, block: u64) -> u64 {
        let at = block as usize;
        match (self.blocks.get(at), self.groups.get(at / GROUP)) {
            (Some(&within), Some(&before)) => before + u64::from(within),
            _ => self.lines,
        }
    }

    /// Adds `bytes`, which stand where counting stopped.
    fn count(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            self.begin_block();
            let room = (BLOCK - self.counted % BLOCK) as usize;
            let (piece, after) = rest.split_at(room.min(rest.len()));
            self.lines += memchr_iter(b'\n', piece).count() as u64;
            self.counted += piece.len() as u64;
            rest = after;
        }
    }

    /// Takes everything up to `offset`, the start of a block, as free of newlines.
    fn skip_to(&mut self, offset: u64) {
        while self.counted < offset {
            self.begin_block();
            self.counted = (self.counted / BLOCK + 1) * BLOCK;
        }
    }

    /// Notes what stands before the block at whose start counting stands, if it does.
    fn begin_block(&mut self) {
        if !self.counted.is_multiple_of(BLOCK) {
            return;
        }
        if self.blocks.len().is_multiple_of(GROUP) {
            self.groups.push(self.lines);
        }
        let before = self.groups.last().copied().unwrap_or(0);
        self.blocks.push((self.lines - before) as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text() -> impl Strategy<Value = Vec<u8>> {
        // Lines of very different lengths, so that some blocks hold thousands and some none.
        let line = prop_oneof![3 => 0_usize..8, 2 => 0_usize..3000, 1 => 0_usize..200_000];
        prop::collection::vec((line, 1_usize..400), 0..12).prop_map(|runs| {
            let mut bytes = Vec::new();
            for (len, times) in runs {
                for _ in 0..if len > 3000 { 1 } else { times } {
                    bytes.resize(bytes.len() + len, b'x');
                    bytes.push(b'\n');
                }
            }
            bytes
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn numbers_and_offsets_are_those_of_a_plain_count(
            bytes in text(),
            steps in prop::collection::vec(1_u64..700_000, 1..8),
            at in any::<prop::sample::Index>(),
        ) {
            let mut counts = Counts::new();
            for step in steps {
                counts.advance(&bytes, bytes.len() as u64, step).expect("read");
            }
            let counted = counts.counted_to() as usize;
            let newlines: Vec<usize> = memchr_iter(b'\n', &bytes[..counted]).collect();
            prop_assert_eq!(counts.lines(), newlines.len() as u64);

            let offset = at.index(bytes.len() + 1);
            let before = newlines.iter().filter(|&&newline| newline < offset).count() as u64;
            let expected = (offset <= counted).then_some(before);
            prop_assert_eq!(counts.lines_before(&bytes, offset as u64).expect("read"), expected);

            let number = at.index(newlines.len() + 3) as u64;
            let start = match number {
                0 | 1 => Some(0),
                n => newlines.get(n as usize - 2).map(|&newline| newline as u64 + 1),
            };
            prop_assert_eq!(counts.line_start(&bytes, number).expect("read"), start);
        }
    }

    /// A hole of `bytes`, then a line.
    struct Sparse {
        bytes: u64,
    }

    impl ReadAt for Sparse {
        fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
            let mut file = vec![0; buf.len()];
            for (at, byte) in (offset..).zip(&mut file) {
                if at == self.bytes {
                    *byte = b'\n';
                }
            }
            let len = (self.bytes + 1).saturating_sub(offset).min(buf.len() as u64) as usize;
            buf[..len].copy_from_slice(&file[..len]);
            Ok(len)
        }

        fn next_data(&self, offset: u64) -> io::Result<Option<u64>> {
            Ok((offset <= self.bytes).then(|| offset.max(self.bytes / 4096 * 4096)))
        }
    }

    #[test]
    fn a_hole_costs_no_reading() {
        let file = Sparse { bytes: 100 << 30 };
        let mut counts = Counts::new();
        counts.advance(&file, file.bytes + 1, 1 << 20).expect("read");
        assert_eq!((counts.counted_to(), counts.lines()), (file.bytes + 1, 1));
        assert_eq!(counts.line_start(&file, 2).expect("read"), Some(file.bytes + 1));
    }

    #[test]
    fn a_file_that_was_cut_leaves_the_counts_as_they_were() {
        let long = b"one\ntwo\nthree\n".to_vec();
        let mut counts = Counts::new();
        counts.advance(&long, 4, 100).expect("read");
        let short = b"one\ntw".to_vec();
        let error = counts.advance(&short, long.len() as u64, 100).expect_err("too short");
        assert!(is_doubt(&error));
        assert_eq!((counts.counted_to(), counts.lines()), (4, 1));
    }
}
