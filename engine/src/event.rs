//! Events: a line with the lines that continue it, such as those of a stack trace.
//!
//! Which lines begin an event is a rule learned from some lines of the log, never from when they
//! came: if lines begin with a time, those that do; or those that begin with a level; or else those
//! that are not indented and do not begin as a continuation does (`Caused by:`, `}`). Parts of one
//! line that a container runtime divided ([`crate::unwrap`]) belong together whatever they say.
//!
//! An event reaches over [`MAX_LINES`] lines and [`MAX_BYTES`] at most; further lines that begin
//! none stand alone. Every row belongs to one event, the same from wherever it is looked at.
//!
//! Does not look for parts of a line between lines of the other stream: whoever writes to both has
//! them mixed already.

use std::borrow::Cow;
use std::io;

use tailwater_protocol::Level;

use crate::fields::json;
use crate::level::level;
use crate::lines::{End, Lines};
use crate::time::{Clock, Reference};
use crate::unwrap::{self, Unwrapped};

/// Lines of an event: what anybody folds or reads as one.
pub const MAX_LINES: usize = 1000;

/// Bytes from the start of an event to the start of its last line.
pub const MAX_BYTES: u64 = 1024 * 1024;

/// Bytes of a line that are looked at. A wrapped line is understood as a whole only.
const HEAD: u64 = 128 * 1024;

/// Bytes among which the level stands of a line that begins with one.
const LEVEL: usize = 12;

/// Which lines of a log begin an event.
#[derive(Debug, Clone)]
pub struct EventRule {
    how: How,
}

#[derive(Debug, Clone)]
enum How {
    /// Those that have a time where this clock finds it, and objects.
    Timed(Box<Clock>),
    /// Those that begin with a level.
    Levelled,
    /// Those that do not begin as a continuation does.
    Outdented,
}

/// An event in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// Where its first row starts.
    pub start: u64,
    /// Where its last row ends.
    pub end: u64,
    /// Whether its first line is one that begins an event, or the first of the log. If not, it is
    /// one row that belongs to an event too long to be joined, or to one that is gone.
    pub begun: bool,
}

impl EventRule {
    /// Learns from some lines of a log, such as a [`Sample`](crate::sample::Sample).
    pub fn learn<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut texts = Vec::new();
        let mut goes_on = false;
        for line in lines.into_iter().take(crate::time::SAMPLE) {
            let unwrapped = unwrap::unwrap(line);
            let partial = unwrapped.as_ref().is_some_and(|unwrapped| unwrapped.partial);
            let text = unwrapped.map_or(line.into(), |unwrapped| unwrapped.text);
            if !std::mem::replace(&mut goes_on, partial) && !continues(&text) {
                texts.push(text);
            }
        }
        // Whether there is a time is all that is asked of it.
        let clock = Clock::learn(texts.iter().map(|text| &**text), Reference::utc(0));
        let share = |begins: &dyn Fn(&[u8]) -> bool| {
            texts.iter().filter(|text| begins(text)).count() as f64 / texts.len().max(1) as f64
        };
        let objects = share(&|text| text.first() == Some(&b'{'));
        let how = match clock {
            // Exceptions can have many lines that are not indented; a log with a time on every
            // tenth of its lines still has one line in ten that begins something.
            Some(clock) if objects < 0.5 && share(&|text| clock.at(text).is_some()) >= 0.1 => {
                How::Timed(Box::new(clock))
            }
            _ if share(&begins_with_level) >= 0.5 => How::Levelled,
            _ => How::Outdented,
        };
        Self { how }
    }

    /// Whether `line` begins an event, by what it says. It does not all the same if the line
    /// before it [goes on](Self::goes_on).
    pub fn begins(&self, line: &[u8]) -> bool {
        match unwrap::unwrap(line) {
            Some(unwrapped) => self.text_begins(&unwrapped.text),
            None => self.text_begins(line),
        }
    }

    /// Whether `line` is but a part of one that goes on with the next.
    pub fn goes_on(line: &[u8]) -> bool {
        matches!(unwrap::unwrap(line), Some(Unwrapped { partial: true, .. }))
    }

    fn text_begins(&self, text: &[u8]) -> bool {
        match &self.how {
            How::Timed(clock) => {
                !continues(text) && (clock.at(text).is_some() || json::begins(text, 0))
            }
            How::Levelled => !continues(text) && begins_with_level(text),
            How::Outdented => !continues(text),
        }
    }

    /// The event to which the row belongs that holds the byte at `offset`.
    ///
    /// # Errors
    ///
    /// The system's; a [`Doubt`](crate::read::Doubt) when the log was changed meanwhile.
    pub fn event(&self, lines: &mut Lines<'_>, offset: u64) -> io::Result<Event> {
        let row = lines.start_of(offset)?;
        let Some(start) = self.beginning(lines, row)? else {
            let (end, _) = lines.end_of(row)?;
            return Ok(Event { start: row, end, begun: false });
        };
        let mut end = lines.end_of(start)?.0;
        let mut count = 1;
        while end < lines.extent()
            && count < MAX_LINES
            && end - start < MAX_BYTES
            && !self.begins_at(lines, end)?
        {
            end = lines.end_of(end)?.0;
            count += 1;
        }
        Ok(Event { start, end, begun: true })
    }

    /// Where the event begins that has the row at `row`. `None` if it does so too far before.
    fn beginning(&self, lines: &mut Lines<'_>, row: u64) -> io::Result<Option<u64>> {
        let mut start = row;
        for _ in 0..MAX_LINES {
            if row - start >= MAX_BYTES {
                break;
            }
            if self.begins_at(lines, start)? {
                return Ok((row == start || row - start < MAX_BYTES).then_some(start));
            }
            start = lines.start_of(start - 1)?;
        }
        Ok(None)
    }

    fn begins_at(&self, lines: &mut Lines<'_>, start: u64) -> io::Result<bool> {
        if start <= lines.floor() {
            return Ok(true);
        }
        if lines.continues(start)? || !self.begins(&head(lines, start)?) {
            return Ok(false);
        }
        let before = lines.start_of(start - 1)?;
        Ok(!Self::goes_on(&head(lines, before)?))
    }
}

/// The beginning of the row at `start`, without its newline.
fn head<'l>(lines: &'l mut Lines<'_>, start: u64) -> io::Result<Cow<'l, [u8]>> {
    let (end, how) = lines.end_of(start)?;
    let end = if how == End::Newline { end - lines.encoding().width() } else { end };
    lines.text(start, end.min(start.saturating_add(HEAD)))
}

/// What the lines of an event say, without what was wrapped around them: parts of a line in one
/// piece, and a newline between lines.
pub fn text<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut text = Vec::new();
    let mut goes_on = true;
    for line in lines {
        if !goes_on {
            text.push(b'\n');
        }
        let unwrapped = unwrap::unwrap(line);
        goes_on = unwrapped.as_ref().is_some_and(|unwrapped| unwrapped.partial);
        match unwrapped {
            Some(unwrapped) => text.extend_from_slice(&unwrapped.text),
            None => text.extend_from_slice(line),
        }
    }
    text
}

/// Whether `text` begins as only a continuation does.
fn continues(text: &[u8]) -> bool {
    const BEGINNINGS: [&[u8]; 8] = [
        b"Caused by: ",
        b"Suppressed: ",
        b"at ",
        b"... ",
        b"During handling of the above exception",
        b"The above exception was the direct cause",
        b"from ",
        b"--- End of ",
    ];
    match text.first() {
        None => true,
        Some(byte) if byte.is_ascii_whitespace() => true,
        Some(b'}' | b')' | b']') => true,
        Some(_) => BEGINNINGS.iter().any(|beginning| text.starts_with(beginning)),
    }
}

fn begins_with_level(text: &[u8]) -> bool {
    level(text.get(..LEVEL).unwrap_or(text)) != Level::None
}

#[cfg(test)]
mod tests;
