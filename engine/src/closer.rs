//! One line looked at closely, and lines as they stand: what a person asks for who has found the
//! line that matters, and wants more of it than a row shows.
//!
//! Costs what one line costs: its text and its bytes are bounded, and so is what is taken of many.
//! Interprets nothing that [`crate::fields`], [`crate::level`] and [`crate::time`] do not.

use std::io;

use tailwater_protocol::look::{DETAIL_BYTES, DETAIL_TEXT, MAX_TAKEN};
use tailwater_protocol::{Level, Position, Stretch};

use crate::history::{Generation, History};
use crate::lines::{End, Lines};
use crate::time::Clock;
use crate::{fields, level, row};

/// Bytes read at once.
const PIECE: u64 = 64 * 1024;

/// Bytes of a field's name or value, at most: a field is for reading, the text has all of it.
const FIELD: usize = 8 * 1024;

/// All that a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closer {
    /// Where it starts.
    pub at: Position,
    /// Bytes it takes, its newline included.
    pub length: u64,
    /// When it says it was written, in nanoseconds since 1970.
    pub time: Option<i64>,
    /// How grave it says it is.
    pub level: Level,
    /// The fields it names, in their order.
    pub fields: Vec<(String, String)>,
    /// Its text, safe to show.
    pub text: String,
    /// Bytes of it that are not in the text.
    pub cut: u64,
    /// Its first bytes as they are.
    pub bytes: Vec<u8>,
}

/// The line that holds `at`. `None` when the history has no such place.
///
/// # Errors
///
/// The system's; a [`Doubt`](crate::read::Doubt) when the log was changed meanwhile.
pub fn closer(
    history: &History,
    clock: Option<&Clock>,
    at: Position,
) -> io::Result<Option<Closer>> {
    let Some(generation) = history.get(at.generation) else { return Ok(None) };
    if !(generation.from..generation.bytes).contains(&at.offset) {
        return Ok(None);
    }
    let mut lines = Lines::of(generation);
    let start = lines.start_of(at.offset)?;
    let (end, how) = lines.end_of(start)?;
    let encoding = lines.encoding();
    let content = if how == End::Newline { end - encoding.width() } else { end };
    let raw = read(&mut lines, start, content, DETAIL_TEXT)?;
    generation.verify()?;
    let whole = encoding.decode(&raw);
    let line = whole.strip_suffix(b"\r").unwrap_or(&whole);
    let (text, taken) = row::text_of(line, DETAIL_TEXT);
    let shown = |bytes: &[u8]| row::text_of(bytes, FIELD).0;
    let fields = fields::all(line).map(|(name, value)| (shown(&name), shown(&value)));
    let bytes = raw.get(..DETAIL_BYTES).unwrap_or(&raw).to_vec();
    let left = encoding.taken(line.get(taken..).unwrap_or_default());
    Ok(Some(Closer {
        at: Position { generation: at.generation, offset: start },
        length: end - start,
        time: clock.and_then(|clock| clock.at(line)),
        level: level::level(line),
        fields: fields.collect(),
        text,
        cut: (content - start).saturating_sub(raw.len() as u64) + left,
        bytes,
    }))
}

/// The lines of `stretches` as they stand, in UTF-8, each ended by a newline, at most [`MAX_TAKEN`] bytes;
/// and how many bytes were left out. What the history does not have is passed over.
///
/// # Errors
///
/// As [`closer`].
pub fn take(history: &History, stretches: &[Stretch]) -> io::Result<(Vec<u8>, u64)> {
    let mut taken = Vec::new();
    let mut left = 0;
    for stretch in stretches {
        let between = |generation: &&Generation| {
            let index = history.index(generation.id);
            let first = history.index(stretch.first.generation);
            let last = history.index(stretch.last.generation);
            index
                .zip(first)
                .zip(last)
                .is_some_and(|((at, first), last)| (first..=last).contains(&at))
        };
        for generation in history.generations.iter().filter(between) {
            let mut lines = Lines::of(generation);
            let (from, bytes) = (generation.from, generation.bytes);
            let mut start = from;
            if generation.id == stretch.first.generation && stretch.first.offset > from {
                start = lines.start_of(stretch.first.offset.min(bytes))?;
            }
            let mut end = bytes;
            if generation.id == stretch.last.generation {
                let last = lines.start_of(stretch.last.offset.clamp(from, bytes))?;
                end = if last < bytes { lines.end_of(last)?.0 } else { bytes };
            }
            if start >= end {
                continue;
            }
            let room = MAX_TAKEN.saturating_sub(taken.len());
            let piece = read(&mut lines, start, end, room)?;
            left += (end - start) - piece.len() as u64;
            taken.extend_from_slice(&lines.encoding().decode(&piece));
            if taken.last().is_some_and(|&byte| byte != b'\n') && taken.len() < MAX_TAKEN {
                taken.push(b'\n');
            }
            generation.verify()?;
        }
    }
    Ok((taken, left))
}

/// The bytes from `from` to `to`, at most `most` of them.
fn read(lines: &mut Lines<'_>, from: u64, to: u64, most: usize) -> io::Result<Vec<u8>> {
    let to = to.min(from.saturating_add(most as u64));
    let mut bytes = Vec::with_capacity(to.saturating_sub(from) as usize);
    let mut at = from;
    while at < to {
        let piece = lines.bytes(at, to.min(at + PIECE))?;
        if piece.is_empty() {
            break;
        }
        bytes.extend_from_slice(piece);
        at += piece.len() as u64;
    }
    Ok(bytes)
}
