//! Rows around an anchor, and the newest rows: a screenful, at the cost of a screenful.
//!
//! Looks back from the anchor for where the rows begin, then makes the rows in order. What it may
//! cost is bounded by rows, by text and by bytes looked at, so that a log of giant lines yields
//! fewer rows rather than a late answer; one row it always yields. After reading, every
//! generation that was touched is verified: rows of two lives are never mixed.
//!
//! Knows nothing of viewers: what was sent before is a position that the caller brings.

pub mod filtered;

use std::io;

use tailwater_protocol::row::RowsBuilder;
use tailwater_protocol::{Anchor, Bookmark, Lines as Counted, Number, Position, Rows};

use crate::counts::LineStart;
use crate::history::{CountsOf, Generation, History};
use crate::lines::{End, Lines};
use crate::row::{CAP, RowMaker};
use crate::sample::Sample;
use crate::time::{self, Clock, Reference};

/// Rows of an answer.
pub const MAX_ROWS: usize = 1000;

/// Bytes of text of an answer, but for what signs standing for single bytes add.
pub const MAX_TEXT: usize = 256 * 1024;

/// Bytes looked at for an answer: some 20 ms.
const MAX_LOOK: u64 = 128 * 1024 * 1024;

/// Rows around an anchor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowRows {
    /// In order, one block for each generation that the window touches.
    pub blocks: Vec<Rows>,
    /// The row that the anchor meant, of all blocks together; their number when it meant the end.
    pub anchor: u32,
    /// Whether nothing stands before the first row.
    pub at_start: bool,
    /// Whether nothing stands after the last row.
    pub at_end: bool,
}

/// The newest rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    /// Whether the rows begin with the one that holds the position asked for. Without rows asked
    /// for: whether nothing has come since.
    pub continues: bool,
    /// In order.
    pub blocks: Vec<Rows>,
    /// The end of the log; `None` while it has no generation.
    pub end: Option<Bookmark>,
}

/// A start of a row, or the end: the index of a generation and an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Spot {
    index: usize,
    offset: u64,
}

/// Rows around `anchor`: `before` before the row that it means, and `after` from that row on.
///
/// An anchor in a generation that the history does not have means the start, one beyond the end
/// of a generation what follows it.
///
/// # Errors
///
/// The system's; a [`Doubt`](crate::read::Doubt) when the log was changed meanwhile: look at it
/// again and retry.
pub fn window(
    history: &History,
    counts: &CountsOf<'_>,
    anchor: Anchor,
    before: u16,
    after: u16,
) -> io::Result<WindowRows> {
    window_by(history, counts, None, anchor, before, after)
}

/// The same with a clock for anchors that are instants. Without one it is learned anew, at the
/// cost of three reads, and times without a zone are taken for UTC.
///
/// # Errors
///
/// As [`window`].
pub fn window_by(
    history: &History,
    counts: &CountsOf<'_>,
    clock: Option<&Clock>,
    anchor: Anchor,
    before: u16,
    after: u16,
) -> io::Result<WindowRows> {
    let reader = Reader { history, counts };
    let anchor = match anchor {
        Anchor::Time(instant) => reader.at_time(clock, instant)?,
        other => other,
    };
    let Some(spot) = reader.find(anchor)? else {
        return Ok(WindowRows { blocks: Vec::new(), anchor: 0, at_start: true, at_end: true });
    };
    // Of too many on both sides, half on each.
    let (before, after) = (usize::from(before), usize::from(after));
    let after = after.min(MAX_ROWS - before.min(MAX_ROWS / 2));
    let before = before.min(MAX_ROWS - after);
    let share = if after == 0 { MAX_TEXT } else { MAX_TEXT / 2 };
    let (from, back) = reader.back(spot, before, share)?;
    let made = reader.make(from, back + after, spot)?;
    Ok(WindowRows {
        blocks: made.blocks,
        anchor: made.before as u32,
        at_start: reader.nothing_before(from),
        at_end: reader.nothing_after(made.end),
    })
}

/// The newest rows, at most `rows` of them: all since the row that holds `from` if they are not
/// more, that row included, since it may have been unfinished.
///
/// # Errors
///
/// As [`window`].
pub fn tail(
    history: &History,
    counts: &CountsOf<'_>,
    from: Option<Position>,
    rows: u16,
) -> io::Result<Tail> {
    let reader = Reader { history, counts };
    let bookmark = history.bookmark();
    let end = reader.end();
    if rows == 0 || history.generations.is_empty() {
        let continues = from.is_some() && from == history.end();
        return Ok(Tail { continues, blocks: Vec::new(), end: bookmark });
    }
    let rows = usize::from(rows).min(MAX_ROWS);
    let (newest, _) = reader.back(end, rows, MAX_TEXT)?;
    let stood = from.and_then(|from| reader.spot(from));
    let start = match stood {
        Some(stood) if stood >= newest => Some(reader.row_start(stood)?),
        _ => None,
    };
    let continues = start.is_some_and(|start| start >= newest);
    let start = start.filter(|_| continues).unwrap_or(newest);
    // Up to the end, whatever the text comes to: it was measured on the way back.
    let made = reader.make(start, MAX_ROWS, end)?;
    Ok(Tail { continues, blocks: made.blocks, end: bookmark })
}

/// Where the last `lines` lines begin, an unfinished one included: for a reader of bytes. `None`
/// while there is nothing.
///
/// # Errors
///
/// As [`window`].
pub fn lines_back(history: &History, lines: u64) -> io::Result<Option<Position>> {
    match history.end() {
        Some(end) => lines_before(history, end, lines),
        None => Ok(None),
    }
}

/// Where the `lines` lines before `position` begin; the start when there are not so many. `None`
/// when the history has no such place.
///
/// # Errors
///
/// As [`window`].
pub fn lines_before(
    history: &History,
    position: Position,
    lines: u64,
) -> io::Result<Option<Position>> {
    let reader = Reader { history, counts: &|_| None };
    let Some(index) = history.index(position.generation) else { return Ok(None) };
    let offset = position.offset;
    let mut spot = Spot { index, offset };
    if let Some(generation) = reader.generation(index) {
        spot.offset = offset.clamp(generation.from, generation.bytes.max(generation.from));
    }
    let mut left = lines;
    while left > 0 {
        let step = usize::try_from(left).unwrap_or(MAX_ROWS).min(MAX_ROWS);
        let (start, found) = reader.back(spot, step, usize::MAX)?;
        if found == 0 {
            break;
        }
        (spot, left) = (start, left - found as u64);
    }
    Ok(reader.position(spot))
}

struct Reader<'a> {
    history: &'a History,
    counts: &'a CountsOf<'a>,
}

/// Rows that were made.
struct Made {
    blocks: Vec<Rows>,
    /// How many stand before the anchor.
    before: usize,
    end: Spot,
}

impl<'a> Reader<'a> {
    fn generation(&self, index: usize) -> Option<&'a Generation> {
        self.history.generations.get(index)
    }

    /// The row that `anchor` means, or the end. `None` while there is nothing.
    fn find(&self, anchor: Anchor) -> io::Result<Option<Spot>> {
        let Some(last) = self.history.generations.last() else { return Ok(None) };
        let start = self.following(Spot { index: 0, offset: 0 });
        let spot = match anchor {
            Anchor::Start => start,
            Anchor::End => self.end(),
            Anchor::At(position) => self.spot(position).unwrap_or(start),
            Anchor::Fraction(fraction) => self.at_fraction(fraction),
            Anchor::Line(number) => {
                let index = self.history.generations.len() - 1;
                self.following(Spot { index, offset: self.line(last, number)? })
            }
            // Was resolved to one of the others before.
            Anchor::Time(_) => start,
        };
        self.row_start(spot).map(Some)
    }

    /// The anchor that means what that instant does.
    fn at_time(&self, clock: Option<&Clock>, instant: i64) -> io::Result<Anchor> {
        let learned = match clock {
            Some(_) => None,
            None => self.learn()?,
        };
        let Some(clock) = clock.or(learned.as_ref()) else { return Ok(Anchor::Start) };
        Ok(time::seek(self.history, clock, instant)?.map_or(Anchor::End, Anchor::At))
    }

    fn learn(&self) -> io::Result<Option<Clock>> {
        let Some(last) = self.history.generations.last() else { return Ok(None) };
        let written = last.file.stat()?.written;
        let seen = i64::try_from(written).unwrap_or(i64::MAX).saturating_mul(1_000_000);
        Ok(Clock::learn(Sample::of(self.history)?.lines(), Reference::utc(seen)))
    }

    /// The byte that has that part of all bytes before it.
    fn at_fraction(&self, fraction: f64) -> Spot {
        let of = |g: &Generation| g.bytes.saturating_sub(g.from);
        let all = self.history.generations.iter().map(of).fold(0, u64::saturating_add);
        // Also from what is no number: the start.
        let mut bytes = (all as f64 * fraction.clamp(0.0, 1.0)) as u64;
        for (index, generation) in self.history.generations.iter().enumerate() {
            if bytes < of(generation) {
                return Spot { index, offset: generation.from + bytes };
            }
            bytes -= of(generation);
        }
        self.end()
    }

    /// Where line `number` of `generation` starts: counted, or guessed and on to a row.
    fn line(&self, generation: &Generation, number: u64) -> io::Result<u64> {
        let Some(counts) = (self.counts)(generation.id) else { return Ok(generation.from) };
        let start = counts.line_start(generation.file.as_ref(), generation.bytes, number)?;
        Ok(match start {
            LineStart::At(start) => start.max(generation.from),
            // Not beyond the last row, as long as it is a guess.
            LineStart::About(guess) => guess
                .clamp(generation.from, generation.bytes.saturating_sub(1).max(generation.from)),
            LineStart::Beyond => generation.bytes,
            LineStart::Unknown => generation.from,
        })
    }

    fn end(&self) -> Spot {
        let index = self.history.generations.len().saturating_sub(1);
        let offset = self.generation(index).map_or(0, |last| last.end().offset);
        Spot { index, offset }
    }

    /// `position` as a spot. `None` when its generation is not there.
    fn spot(&self, position: Position) -> Option<Spot> {
        let index = self.history.index(position.generation)?;
        Some(self.following(Spot { index, offset: position.offset }))
    }

    /// The same spot; at or beyond the end of a generation, the start of the next that has bytes,
    /// and the end if there is none.
    fn following(&self, spot: Spot) -> Spot {
        let mut spot = spot;
        while let Some(generation) = self.generation(spot.index) {
            if spot.offset < generation.bytes {
                return Spot { offset: spot.offset.max(generation.from), ..spot };
            }
            spot = Spot { index: spot.index + 1, offset: 0 };
        }
        self.end()
    }

    fn position(&self, spot: Spot) -> Option<Position> {
        let generation = self.generation(spot.index)?.id;
        Some(Position { generation, offset: spot.offset })
    }

    /// The start of the row that holds the byte at `spot`. The end stays the end, unless it stands
    /// in an unfinished row.
    fn row_start(&self, spot: Spot) -> io::Result<Spot> {
        match self.generation(spot.index) {
            Some(generation) if spot.offset < generation.bytes => {
                let offset = Lines::of(generation).start_of(spot.offset)?;
                Ok(Spot { offset, ..spot })
            }
            _ => Ok(spot),
        }
    }

    fn nothing_before(&self, spot: Spot) -> bool {
        let before = self.history.generations.get(..spot.index).unwrap_or_default();
        self.generation(spot.index).is_none_or(|generation| spot.offset <= generation.from)
            && before.iter().all(Generation::is_empty)
    }

    fn nothing_after(&self, spot: Spot) -> bool {
        self.following(spot) == self.end()
    }

    /// Back over at most `rows` rows of about `text` bytes from `spot`: where that leads, and how
    /// many they were.
    fn back(&self, spot: Spot, rows: usize, text: usize) -> io::Result<(Spot, usize)> {
        let (mut spot, mut found, mut room, mut looked) = (spot, 0, text, 0);
        loop {
            let Some(generation) = self.generation(spot.index) else { return Ok((spot, found)) };
            let mut lines = Lines::of(generation);
            while found < rows && spot.offset > generation.from && looked + lines.read() < MAX_LOOK
            {
                let start = lines.start_of(spot.offset - 1)?;
                let shown = (spot.offset - start).min(CAP as u64) as usize;
                if shown > room && found > 0 {
                    return Ok((spot, found));
                }
                room = room.saturating_sub(shown);
                spot.offset = start;
                found += 1;
            }
            looked += lines.read();
            if found == rows || looked >= MAX_LOOK || spot.offset > generation.from {
                return Ok((spot, found));
            }
            // On to the end of the one before that has rows; none: this is the start.
            let before = self.history.generations.get(..spot.index).unwrap_or_default();
            match before.iter().rposition(|generation| !generation.is_empty()) {
                Some(index) => {
                    let offset = before.get(index).map_or(0, |generation| generation.bytes);
                    spot = Spot { index, offset };
                }
                None => return Ok((spot, found)),
            }
        }
    }

    /// Makes at most `rows` rows from `from` on.
    fn make(&self, from: Spot, rows: usize, anchor: Spot) -> io::Result<Made> {
        let mut made = Made { blocks: Vec::new(), before: 0, end: from };
        let mut maker = RowMaker::new();
        let (mut left, mut text, mut looked) = (rows, 0, 0);
        let mut full = false;
        for (index, generation) in self.history.generations.iter().enumerate().skip(from.index) {
            let mut at = if index == from.index { from.offset } else { generation.from };
            if left == 0 || full {
                break;
            }
            if at >= generation.bytes {
                continue;
            }
            let mut lines = Lines::of(generation);
            let mut continued = lines.continues(at)?;
            let mut block = RowsBuilder::new(generation.id, at, self.number(generation, at)?);
            while at < generation.bytes && left > 0 && !full {
                let row = lines.end_of(at).map(|(end, how)| (at, end, how))?;
                maker.add(&mut block, &mut lines, row, continued)?;
                if (Spot { index, offset: at }) < anchor {
                    made.before += 1;
                }
                (at, continued) = (row.1, row.2 == End::Break);
                left -= 1;
                let past = (Spot { index, offset: at }) > anchor;
                // What stands before the anchor was measured already, and must not be left without it.
                full = past
                    && (text + block.text_len() > MAX_TEXT || looked + lines.read() > MAX_LOOK);
            }
            text += block.text_len();
            looked += lines.read();
            made.blocks.push(block.finish());
            made.end = Spot { index, offset: at };
            generation.verify()?;
        }
        Ok(made)
    }

    /// The number of the line that starts at `offset`.
    fn number(&self, generation: &Generation, offset: u64) -> io::Result<Number> {
        if offset == 0 {
            return Ok(Number::Exact(1));
        }
        let Some(counts) = (self.counts)(generation.id) else { return Ok(Number::Unknown) };
        Ok(match counts.lines_before(generation.file.as_ref(), offset)? {
            Some(Counted::Exact(before)) => Number::Exact(before + 1),
            Some(Counted::Estimate(before)) => Number::Estimate(before.saturating_add(1)),
            None => Number::Unknown,
        })
    }
}
