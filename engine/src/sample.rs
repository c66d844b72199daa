//! Some lines of a log, from its start, its middle and its end: what is learned from them holds for
//! a log that was begun by one program, or one version of it, and goes on with another.
//!
//! Costs three reads, whatever the log's size.

use std::io;

use crate::history::{Generation, History};
use crate::lines::Lines;

/// Bytes taken at each place: some hundreds of lines.
const PLACE: u64 = 64 * 1024;

/// Lines of a log.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    bytes: Vec<u8>,
}

impl Sample {
    /// Of the newest generation that has any lines.
    ///
    /// # Errors
    ///
    /// The system's; a [`Doubt`](crate::read::Doubt) when the log was changed meanwhile.
    pub fn of(history: &History) -> io::Result<Self> {
        match history.generations.iter().rev().find(|generation| !generation.is_empty()) {
            Some(generation) => Self::of_generation(generation),
            None => Ok(Self::default()),
        }
    }

    /// Of that generation.
    ///
    /// # Errors
    ///
    /// As [`Self::of`].
    pub fn of_generation(generation: &Generation) -> io::Result<Self> {
        let (from, to) = (generation.from, generation.bytes.max(generation.from));
        let mut bytes = Vec::new();
        let mut lines = Lines::of(generation);
        let encoding = lines.encoding();
        let middle = (from + (to - from) / 2).saturating_sub(PLACE / 2).max(from + PLACE);
        let end = to.saturating_sub(PLACE).max(middle + PLACE);
        for place in [from, middle, end] {
            if place >= to {
                break;
            }
            let place = if place == from { from } else { encoding.align(place) };
            let piece = lines.text(place, to.min(place + PLACE))?;
            // The first line of a piece began before it, but for the first.
            let whole = if place == from { &*piece } else { after_newline(&piece) };
            bytes.extend_from_slice(whole);
            if bytes.last().is_some_and(|&byte| byte != b'\n') {
                bytes.push(b'\n');
            }
        }
        generation.verify()?;
        Ok(Self { bytes })
    }

    /// The lines, without their newlines. The last of each place may be torn.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let bytes = self.bytes.strip_suffix(b"\n").unwrap_or(&self.bytes);
        let lines = bytes.split(|&byte| byte == b'\n');
        lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line)).filter(|line| !line.is_empty())
    }
}

fn after_newline(piece: &[u8]) -> &[u8] {
    let newline = memchr::memchr(b'\n', piece);
    newline.and_then(|at| piece.get(at + 1..)).unwrap_or_default()
}
