//! Counting a part of one unit: the loop in which indexing a log spends its time.
//!
//! Knows nothing of what was counted before and publishes nothing.

use std::io;

use super::{BLOCK, UNIT};
use crate::read::{ReadAt, read_exact_at};

/// Bytes read at once: 1 MiB is slower by a tenth, having left the cache before it is counted.
const CHUNK: u64 = 4 * BLOCK;

/// A part of a unit that is to be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    /// Which unit.
    pub(super) unit: usize,
    /// Bytes of the unit before it.
    pub(super) from: u64,
    /// Bytes of the unit up to its end.
    pub(super) to: u64,
    /// Whether a unit beside it holds no newline, so that this one may lie in a hole too.
    pub(super) beside_hole: bool,
}

impl Piece {
    pub(super) fn len(&self) -> u64 {
        self.to - self.from
    }

    /// No more than the first `bytes` of it.
    pub(super) fn at_most(self, bytes: u64) -> Self {
        Self { to: self.to.min(self.from.saturating_add(bytes)), ..self }
    }

    /// The newlines in it, for each block that it touches. Holes are not read.
    pub(super) fn count(&self, file: &dyn ReadAt, scratch: &mut Vec<u8>) -> io::Result<Vec<u32>> {
        let start = self.unit as u64 * UNIT;
        let blocks = (start + self.to).div_ceil(BLOCK) - (start + self.from) / BLOCK;
        if self.beside_hole
            && file.next_data(start + self.from)?.is_none_or(|at| at >= start + self.to)
        {
            return Ok(vec![0; blocks as usize]);
        }
        let encoding = file.encoding();
        // A newline belongs to where it ends: the half before a border is counted behind it.
        let (mut at, end) = (encoding.align(start + self.from), encoding.align(start + self.to));
        let first = at / BLOCK;
        let mut found = vec![0_u32; blocks as usize];
        let mut hole = self.beside_hole;
        while at < end {
            if hole {
                let data = file.next_data(at)?.unwrap_or(end).min(end);
                // To where a block begins; what is left of the hole before the data is read.
                at = at.max(if data == end { end } else { data / BLOCK * BLOCK });
                if at >= end {
                    break;
                }
            }
            // Up to a whole number of chunks, so that all but the first read are aligned.
            let to = ((at / CHUNK + 1) * CHUNK).min(end);
            let len = (to - at) as usize;
            if scratch.len() < len {
                scratch.resize(len, 0);
            }
            let mut bytes = scratch.get_mut(..len).unwrap_or_default();
            read_exact_at(file, bytes, at)?;
            // A chunk of nothing but NULs may be the beginning of a hole of a terabyte.
            hole = bytes.iter().all(|&byte| byte == 0);
            while !bytes.is_empty() {
                let room = (BLOCK - at % BLOCK) as usize;
                let (block, rest) = bytes.split_at_mut(room.min(bytes.len()));
                if let Some(found) = found.get_mut((at / BLOCK - first) as usize) {
                    *found += encoding.newlines(block, at) as u32;
                }
                at += block.len() as u64;
                bytes = rest;
            }
        }
        Ok(found)
    }
}
