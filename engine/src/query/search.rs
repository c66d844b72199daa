//! Which of many lines match.
//!
//! The lines go through the sieve together, and what passes is looked at by itself. Lines with
//! escape sequences are stripped first and go through it as a reader sees them; where there is no
//! escape character, that costs one quick look. A line without a time of its own has that of the
//! nearest line before it, if that begins no more than [`LOOK_BACK`] bytes before.

use std::borrow::Cow;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use memchr::memmem::Finder;
use memchr::{memchr, memchr2, memrchr};

use super::automaton::Memory;
use super::condition::Asked;
use super::facts::Facts;
use super::pace::{Pace, Stopped};
use super::{Certainty, ESCAPE, Matcher, Sieve};
use crate::ansi;

/// Bytes before a line in which the time is looked for that it has not itself: a stack trace is
/// not longer, and a log without times is not read twice.
pub const LOOK_BACK: u64 = 64 * 1024;

const ESC: u8 = 0x1b;

/// Asks a query of lines; one thread's.
pub struct Searcher {
    pub(super) matcher: Arc<Matcher>,
    pub(super) facts: Arc<dyn Facts>,
    pub(super) memories: Vec<Memory>,
    sieve: Memory,
    unescaped: Memory,
    escape: Finder<'static>,
    times: Times,
    /// Stripped lines, and where each begins here and among the lines.
    stripped: Vec<u8>,
    starts: Vec<(usize, usize)>,
    candidates: Vec<usize>,
}

/// The time in force at some line.
#[derive(Debug, Clone, Copy, Default)]
struct Times {
    /// The line that was asked for last.
    asked: Option<u64>,
    /// Where its time stands, and what it is.
    known: Option<(u64, i64)>,
}

/// Which lines go through a sieve.
#[derive(Debug, Clone, Copy)]
enum Lines {
    Any,
    /// Those without [`ESCAPE`].
    Unescaped,
}

/// Looks for a time before the lines that are at hand.
pub trait Before {
    /// The last line that begins from `floor` on, ends before `offset`, where one begins, and has
    /// a time: where it begins, and the time.
    fn time_before(&mut self, facts: &dyn Facts, floor: u64, offset: u64) -> Option<(u64, i64)>;
}

/// How a search of some lines ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// All matches were told.
    All,
    /// Whoever was told wants no more.
    Enough,
    /// All matches before that line were told; it was stopped there.
    Stopped(u64),
}

impl Searcher {
    /// Asks `matcher`.
    pub fn new(matcher: Arc<Matcher>, facts: Arc<dyn Facts>) -> Self {
        let mut memories = Vec::new();
        memories.resize_with(matcher.finders.len(), Memory::default);
        Self {
            matcher,
            facts,
            memories,
            sieve: Memory::default(),
            unescaped: Memory::default(),
            escape: Finder::new(ESCAPE),
            times: Times::default(),
            stripped: Vec::new(),
            starts: Vec::new(),
            candidates: Vec::new(),
        }
    }

    /// The lines that come next do not follow those that came.
    pub fn leap(&mut self) {
        self.times = Times::default();
    }

    /// Tells `sink` where those of `lines`, which are whole and stand at `at`, begin that match, in
    /// their order.
    pub fn search(
        &mut self,
        lines: &[u8],
        at: u64,
        before: &mut dyn Before,
        pace: &mut Pace<'_>,
        sink: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Found {
        let matcher = Arc::clone(&self.matcher);
        let (mut sieve, mut kind) = (&matcher.sieve, Lines::Any);
        let coloured = match &matcher.unescaped {
            // One look for both, as most lines have neither.
            Some(quicker) => {
                let rest =
                    memchr2(ESC, b'\\', lines).and_then(|at| lines.get(at..)).unwrap_or_default();
                if self.escape.find(rest).is_none() {
                    (sieve, kind) = (quicker, Lines::Unescaped);
                }
                memchr(ESC, rest)
            }
            None => memchr(ESC, lines),
        };
        if coloured.is_some() && !matches!(matcher.sieve, Sieve::Open) {
            return self.search_coloured(lines, at, before, pace, sink);
        }
        let mut from = 0;
        while let Some((line, certainty)) = sift(sieve, self.memory(kind), lines, from) {
            let matches = match certainty {
                Certainty::Certain if is_seen_whole(lines, &line) => {
                    pace.spend((line.end - from) as u64).map(|()| true)
                }
                Certainty::Certain | Certainty::Possible => {
                    let spent = pace.spend((line.end - from) as u64 + 64);
                    spent.and_then(|()| self.matches(lines, &line, at, before, pace))
                }
            };
            match matches {
                Ok(false) => {}
                Ok(true) => {
                    if sink(at + line.start as u64).is_break() {
                        return Found::Enough;
                    }
                }
                Err(Stopped) => return Found::Stopped(at + line.start as u64),
            }
            from = line.end;
        }
        match pace.spend((lines.len() - from) as u64) {
            Ok(()) => Found::All,
            Err(Stopped) => Found::Stopped(at + lines.len() as u64),
        }
    }

    /// As [`Self::search`], where there are escape sequences.
    fn search_coloured(
        &mut self,
        lines: &[u8],
        at: u64,
        before: &mut dyn Before,
        pace: &mut Pace<'_>,
        sink: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Found {
        let matcher = Arc::clone(&self.matcher);
        let mut candidates = std::mem::take(&mut self.candidates);
        candidates.clear();
        let mut certain = Certainty::Certain;
        let mut note = |found: Certainty| {
            if found == Certainty::Possible {
                certain = Certainty::Possible;
            }
        };
        self.strip(lines);
        let mut from = 0;
        while let Some((line, certainty)) = sift(&matcher.sieve, &mut self.sieve, lines, from) {
            note(certainty);
            let bytes = lines.get(line.clone()).unwrap_or_default();
            if memchr(ESC, bytes).is_none() {
                candidates.push(line.start);
            }
            from = line.end;
        }
        let mut from = 0;
        while let Some((line, certainty)) =
            sift(&matcher.sieve, &mut self.sieve, &self.stripped, from)
        {
            note(certainty);
            if let Ok(index) = self.starts.binary_search_by_key(&line.start, |start| start.0) {
                candidates.extend(self.starts.get(index).map(|start| start.1));
            }
            from = line.end;
        }
        candidates.sort_unstable();
        let mut found = Found::All;
        let mut done = 0;
        for &start in &candidates {
            let line = bounds(lines, start);
            let spent = pace.spend((line.end - done) as u64 * 2 + 64);
            let matches = match certain {
                Certainty::Certain if is_seen_whole(lines, &line) => spent.map(|()| true),
                Certainty::Certain | Certainty::Possible => {
                    spent.and_then(|()| self.matches(lines, &line, at, before, pace))
                }
            };
            done = line.end;
            match matches {
                Ok(false) => {}
                Ok(true) => {
                    if sink(at + start as u64).is_break() {
                        found = Found::Enough;
                        break;
                    }
                }
                Err(Stopped) => {
                    found = Found::Stopped(at + start as u64);
                    break;
                }
            }
        }
        self.candidates = candidates;
        if found == Found::All && pace.spend((lines.len() - done) as u64 * 2).is_err() {
            found = Found::Stopped(at + lines.len() as u64);
        }
        found
    }

    /// Puts the lines that hold an escape character into `stripped`, without their sequences.
    fn strip(&mut self, lines: &[u8]) {
        self.stripped.clear();
        self.starts.clear();
        let mut from = 0;
        while let Some(found) = lines.get(from..).and_then(|rest| memchr(ESC, rest)) {
            let line = bounds(lines, from + found);
            self.starts.push((self.stripped.len(), line.start));
            let bytes = lines.get(line.clone()).unwrap_or_default();
            for piece in ansi::pieces(bytes.strip_suffix(b"\n").unwrap_or(bytes)) {
                if let ansi::Piece::Text(text) = piece {
                    self.stripped.extend_from_slice(text);
                }
            }
            self.stripped.push(b'\n');
            from = line.end;
        }
    }

    fn memory(&mut self, of: Lines) -> &mut Memory {
        match of {
            Lines::Any => &mut self.sieve,
            Lines::Unescaped => &mut self.unescaped,
        }
    }

    /// Whether the line at `line` of `lines` matches.
    fn matches(
        &mut self,
        lines: &[u8],
        line: &Range<usize>,
        at: u64,
        before: &mut dyn Before,
        pace: &mut Pace<'_>,
    ) -> Result<bool, Stopped> {
        let seen = as_seen(lines.get(line.clone()).unwrap_or_default());
        let facts = self.facts.as_ref();
        let times = &mut self.times;
        let mut time = || times.of(facts, lines, line.start, at, before);
        let mut asked = Asked {
            line: &seen,
            facts,
            memories: &mut self.memories,
            found: None,
            time: &mut time,
            pace,
        };
        self.matcher.condition.holds(&self.matcher, &mut asked)
    }

    /// Whether a line matches that was looked at in pieces: what the finders said, the beginning
    /// of the line, and where it begins.
    pub(super) fn matches_in_pieces(
        &mut self,
        found: &[bool],
        head: &[u8],
        at: u64,
        before: &mut dyn Before,
        pace: &mut Pace<'_>,
    ) -> Result<bool, Stopped> {
        let seen = as_seen(head);
        let facts = self.facts.as_ref();
        let times = &mut self.times;
        let mut time = || times.of(facts, head, 0, at, before);
        let mut asked = Asked {
            line: &seen,
            facts,
            memories: &mut self.memories,
            found: Some(found),
            time: &mut time,
            pace,
        };
        self.matcher.condition.holds(&self.matcher, &mut asked)
    }
}

impl Times {
    /// The time in force at the line that begins at `start` of `lines`.
    fn of(
        &mut self,
        facts: &dyn Facts,
        lines: &[u8],
        start: usize,
        at: u64,
        before: &mut dyn Before,
    ) -> Option<i64> {
        let asked = at + start as u64;
        let floor = asked.saturating_sub(LOOK_BACK);
        let mut line = bounds(lines, start);
        let known = loop {
            let place = at + line.start as u64;
            if self.asked.is_some_and(|known| place <= known) {
                break self.known;
            }
            if place < floor {
                break None;
            }
            let seen = as_seen(lines.get(line.clone()).unwrap_or_default());
            if let Some(time) = facts.time(&seen) {
                break Some((place, time));
            }
            if line.start == 0 {
                break before.time_before(facts, floor, at);
            }
            line = bounds(lines, line.start - 1);
        };
        let known = known.filter(|&(place, _)| place >= floor);
        (self.asked, self.known) = (Some(asked), known);
        known.map(|(_, time)| time)
    }
}

/// The next line from `from` on, where one begins, that passes the sieve.
fn sift(
    sieve: &Sieve,
    memory: &mut Memory,
    lines: &[u8],
    from: usize,
) -> Option<(Range<usize>, Certainty)> {
    if from >= lines.len() {
        return None;
    }
    match sieve {
        Sieve::Open => Some((bounds(lines, from), Certainty::Possible)),
        Sieve::Needles(finder, certainty) => {
            let found = finder.find(lines, (from..lines.len()).into())?;
            Some((bounds(lines, found.start), *certainty))
        }
        Sieve::Folded(folded, certainty) => {
            Some((bounds(lines, folded.find(lines, from)?), *certainty))
        }
        Sieve::Behind(behind) => {
            Some((bounds(lines, behind.find(lines, from)?), Certainty::Possible))
        }
        Sieve::Automaton(automaton, certainty) => match automaton.find(memory, lines, from) {
            Some(found) => {
                // Behind the last newline there is no line, though something empty may match.
                let end = found.filter(|&end| end < lines.len() || lines.last() != Some(&b'\n'))?;
                Some((bounds(lines, end), *certainty))
            }
            // Too dear to be done for all lines: each by itself can be stopped.
            None => Some((bounds(lines, from), Certainty::Possible)),
        },
    }
}

/// The line that holds the byte at `at`, with its newline.
fn bounds(lines: &[u8], at: usize) -> Range<usize> {
    let (before, rest) = lines.split_at_checked(at).unwrap_or((lines, &[]));
    let start = memrchr(b'\n', before).map_or(0, |newline| newline + 1);
    let end = memchr(b'\n', rest).map_or(lines.len(), |newline| at + newline + 1);
    start..end
}

/// Whether all bytes of a line without escape sequences are seen: a match may be in others.
fn is_seen_whole(lines: &[u8], line: &Range<usize>) -> bool {
    let Some(line) = lines.get(line.clone()) else { return false };
    !matches!(line, [0 | 0xef, ..]) && !line.ends_with(b"\r\n") && !line.ends_with(b"\r")
}

/// A line as it is seen.
pub(crate) fn as_seen(line: &[u8]) -> Cow<'_, [u8]> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = match line.first() {
        Some(0) => {
            let nuls = line.iter().take_while(|&&byte| byte == 0).count();
            line.get(nuls..).unwrap_or_default()
        }
        _ => line,
    };
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    match memchr(ESC, line) {
        None => Cow::Borrowed(line),
        Some(_) => Cow::Owned(ansi::strip(line)),
    }
}
