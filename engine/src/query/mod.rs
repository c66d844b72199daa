//! Queries made ready to be asked of lines.
//!
//! A [`Matcher`] is compiled once and shared; a [`Searcher`] is one thread's, and keeps what its
//! automata have learned. Many lines are looked at together for bytes that a match must hold
//! ([`Searcher::search`]), and only lines that hold them one by one.
//!
//! A line is looked at as it is seen: without escape sequences, the carriage return at its end and
//! the NULs of a hole before it. Reads nothing by itself and has no clock.

mod automaton;
mod behind;
mod compile;
mod condition;
mod facts;
mod folded;
mod long;
mod needle;
mod pace;
mod pattern;
mod search;
#[cfg(test)]
mod tests;

use std::ops::Range;

use regex_automata::util::prefilter::Prefilter;
use tailwater_protocol::query::{Now, Query, QueryError};

use automaton::{Automaton, Marker};
use behind::Behind;
use condition::Condition;
use folded::Folded;

pub use facts::{Facts, LogFacts};
pub use pace::{PACE, Pace, Stop, Stopped};
pub use search::{Before, Found, LOOK_BACK, Searcher};
pub(crate) use {long::Long, search::as_seen};

/// By which an encoder may write the text of a line otherwise: a value is looked for by its longest
/// stretch that is always written as it is, or else the line has this.
const ESCAPE: &[u8] = b"\\u";

/// A query ready to be asked.
#[derive(Debug)]
pub struct Matcher {
    condition: Condition,
    /// What is looked for in lines, by the numbers that the condition names.
    finders: Vec<Finder>,
    sieve: Sieve,
    /// A quicker one for lines without [`ESCAPE`].
    unescaped: Option<Sieve>,
    /// Finds what is to be marked, a term each.
    markers: Vec<Marker>,
}

/// What is looked for in one line.
#[derive(Debug)]
enum Finder {
    /// These bytes.
    Bytes(Box<memchr::memmem::Finder<'static>>),
    /// A match.
    Automaton(Box<Automaton>),
}

/// What is looked for in many lines at once.
#[derive(Debug)]
enum Sieve {
    /// Nothing: every line is looked at.
    Open,
    /// One of some needles.
    Needles(Prefilter, Certainty),
    /// A text of either case.
    Folded(Folded, Certainty),
    /// A value behind a name.
    Behind(Behind),
    /// A match of a pattern.
    Automaton(Box<Automaton>, Certainty),
}

/// What it means that a line passed the sieve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Certainty {
    /// It matches.
    Certain,
    /// It may.
    Possible,
}

impl Matcher {
    /// Makes `query`, asked at `now`, ready.
    ///
    /// Takes some milliseconds for patterns that are nearly too large.
    ///
    /// # Errors
    ///
    /// A pattern that is none, or is too large, and where it stands in the query.
    pub fn new(query: &Query, now: Now) -> Result<Self, QueryError> {
        compile::compile(query, now)
    }

    /// What in `text`, as a row shows it, is to be marked: ordered, not overlapping, at most
    /// `most`. Terms that are excluded mark nothing.
    pub fn highlights(&self, text: &str, most: usize) -> Vec<Range<usize>> {
        let mut all: Vec<Range<usize>> = Vec::new();
        for marker in &self.markers {
            let mut memory = marker.memory();
            let mut at = 0;
            for _ in 0..most {
                let Some((start, end)) = marker.find(&mut memory, text.as_bytes(), at) else {
                    break;
                };
                if start < end {
                    all.push(start..end);
                }
                // On from where a character begins.
                at = end.max(start + 1);
                while at < text.len() && !text.is_char_boundary(at) {
                    at += 1;
                }
                if at >= text.len() {
                    break;
                }
            }
        }
        all.sort_unstable_by_key(|range| (range.start, range.end));
        let mut merged: Vec<Range<usize>> = Vec::new();
        for range in all {
            match merged.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        merged.retain(|range| text.get(range.clone()).is_some());
        merged.truncate(most);
        merged
    }
}
