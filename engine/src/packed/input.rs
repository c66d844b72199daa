//! The packed bytes, read ahead a little.
//!
//! Never reads beyond the extent that the file had when it was opened.

use crate::read::{Doubt, ReadAt};

use super::{Damage, Stop};

/// Packed bytes read at once.
const AHEAD: usize = 64 * 1024;

/// Packed bytes from a position on.
pub(super) struct Input {
    buffer: Vec<u8>,
    used: usize,
    /// Where the byte behind the buffer stands.
    at: u64,
    extent: u64,
}

impl Input {
    pub(super) fn new(at: u64, extent: u64) -> Self {
        Self { buffer: Vec::new(), used: 0, at, extent }
    }

    /// Where the next byte stands.
    pub(super) fn position(&self) -> u64 {
        self.at - self.bytes().len() as u64
    }

    /// What was read ahead.
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.used..).unwrap_or_default()
    }

    pub(super) fn consume(&mut self, bytes: usize) {
        self.used = (self.used + bytes).min(self.buffer.len());
    }

    /// Reads ahead when nothing is left. Whether more stands behind what was read.
    pub(super) fn fill(&mut self, file: &dyn ReadAt) -> Result<bool, Stop> {
        if self.bytes().is_empty() {
            self.read(file)?;
        }
        Ok(self.at < self.extent)
    }

    fn read(&mut self, file: &dyn ReadAt) -> Result<(), Stop> {
        self.buffer.drain(..self.used);
        self.used = 0;
        let kept = self.buffer.len();
        let len = (self.extent - self.at).min(AHEAD as u64) as usize;
        self.buffer.resize(kept + len, 0);
        let room = self.buffer.get_mut(kept..).unwrap_or_default();
        let read = if len == 0 { 0 } else { file.read_at(room, self.at)? };
        self.buffer.truncate(kept + read);
        self.at += read as u64;
        // It was longer a moment ago.
        if len > 0 && read == 0 { Err(Stop::Failed(Doubt.into())) } else { Ok(()) }
    }

    /// Whether nothing is left.
    pub(super) fn is_empty(&mut self, file: &dyn ReadAt) -> Result<bool, Stop> {
        self.fill(file)?;
        Ok(self.bytes().is_empty())
    }

    /// The next bytes, left where they are. `None` when there are not so many.
    pub(super) fn peek<const N: usize>(
        &mut self,
        file: &dyn ReadAt,
    ) -> Result<Option<[u8; N]>, Stop> {
        while self.bytes().len() < N && self.at < self.extent {
            self.read(file)?;
        }
        Ok(self.bytes().first_chunk().copied())
    }

    /// The next bytes.
    pub(super) fn take<const N: usize>(&mut self, file: &dyn ReadAt) -> Result<[u8; N], Stop> {
        let bytes = self.peek::<N>(file)?.ok_or(Damage::Truncated)?;
        self.consume(N);
        Ok(bytes)
    }

    /// Passes over the next bytes.
    pub(super) fn skip(&mut self, file: &dyn ReadAt, bytes: u64) -> Result<(), Stop> {
        let there = self.bytes().len() as u64;
        if bytes <= there {
            self.consume(bytes as usize);
            return Ok(());
        }
        let to = self.position().saturating_add(bytes);
        if to > self.extent {
            return Err(Damage::Truncated.into());
        }
        *self = Self::new(to, self.extent);
        self.fill(file)?;
        Ok(())
    }
}
