//! Lines too long to be held: looked at in pieces, from their start to their end.
//!
//! Words and patterns are found in all of such a line, also across pieces. What asks for fields,
//! level or time is asked of its beginning. Escape sequences are taken out of each piece by itself,
//! so that one which is cut by the end of a piece is not recognised: pieces are large, and such
//! lines are hardly coloured.

use std::borrow::Cow;

use memchr::{memchr, memmem};

use super::automaton::State;
use super::pace::{Pace, Stopped};
use super::search::{Before, Searcher};
use super::{Finder, Matcher};
use crate::ansi;

/// Bytes of a long line's beginning that are asked for fields, level and time.
pub(crate) const HEAD: usize = 256 * 1024;

/// A line that comes in pieces.
pub(crate) struct Long {
    at: u64,
    head: Vec<u8>,
    /// What each finder knows.
    known: Vec<Known>,
    /// Whether nothing but what is not seen came until now.
    blank: bool,
    /// Whether the piece was taken in part when the search was stopped.
    within: bool,
}

enum Known {
    /// It was found or not, and the last bytes that may begin it.
    Bytes(bool, Vec<u8>),
    /// Where it stands, and how much of the piece it has taken.
    Automaton(State, usize),
}

impl Searcher {
    /// A line begins at `at`.
    pub(crate) fn begin_long(&mut self, at: u64) -> Long {
        let Matcher { finders, .. } = self.matcher.as_ref();
        let known = finders.iter().zip(&mut self.memories).map(|(finder, memory)| match finder {
            Finder::Bytes(_) => Known::Bytes(false, Vec::new()),
            Finder::Automaton(automaton) => Known::Automaton(automaton.start(memory), 0),
        });
        Long { at, head: Vec::new(), known: known.collect(), blank: true, within: false }
    }

    /// The next piece of it, without the newline at its end. When stopped, the same piece is to be
    /// given again: it goes on within.
    pub(crate) fn feed_long(
        &mut self,
        long: &mut Long,
        piece: &[u8],
        pace: &mut Pace<'_>,
    ) -> Result<(), Stopped> {
        let mut piece = piece;
        if long.blank {
            let nuls = piece.iter().take_while(|&&byte| byte == 0).count();
            piece = piece.get(nuls..).unwrap_or_default();
            piece = piece.strip_prefix(b"\xef\xbb\xbf").unwrap_or(piece);
        }
        let seen = match memchr(0x1b, piece) {
            None => Cow::Borrowed(piece),
            Some(_) => Cow::Owned(ansi::strip(piece)),
        };
        let again = std::mem::replace(&mut long.within, true);
        if !again {
            let room = HEAD.saturating_sub(long.head.len());
            long.head.extend_from_slice(seen.get(..room).unwrap_or(&seen));
        }
        let matcher = self.matcher.as_ref();
        let finders = matcher.finders.iter().zip(&mut self.memories);
        for ((finder, memory), known) in finders.zip(&mut long.known) {
            match (finder, known) {
                (Finder::Bytes(finder), Known::Bytes(found, tail)) if !*found && !again => {
                    *found = goes_on(finder, tail, &seen);
                }
                (Finder::Automaton(automaton), Known::Automaton(state, taken)) => {
                    automaton.feed(memory, state, &seen, taken, pace)?;
                }
                _ => {}
            }
        }
        pace.spend(piece.len() as u64)?;
        for known in &mut long.known {
            if let Known::Automaton(_, taken) = known {
                *taken = 0;
            }
        }
        long.within = false;
        long.blank &= piece.is_empty();
        Ok(())
    }

    /// Whether it matches, now that it has ended.
    pub(crate) fn finish_long(
        &mut self,
        long: &Long,
        before: &mut dyn Before,
        pace: &mut Pace<'_>,
    ) -> Result<bool, Stopped> {
        let finders = self.matcher.finders.iter().zip(&mut self.memories);
        let found =
            finders.zip(&long.known).map(|((finder, memory), known)| match (finder, known) {
                (Finder::Automaton(automaton), Known::Automaton(state, _)) => {
                    automaton.finish(memory, *state)
                }
                (_, Known::Bytes(found, _)) => *found,
                _ => false,
            });
        let found: Vec<bool> = found.collect();
        self.matches_in_pieces(&found, &long.head, long.at, before, pace)
    }
}

/// Whether the needle is in `piece`, or begins in `tail`, the end of the pieces before it.
fn goes_on(finder: &memmem::Finder<'_>, tail: &mut Vec<u8>, piece: &[u8]) -> bool {
    let reach = finder.needle().len().saturating_sub(1);
    let border = tail.len();
    tail.extend_from_slice(piece.get(..reach).unwrap_or(piece));
    if (border > 0 && finder.find(tail).is_some()) || finder.find(piece).is_some() {
        return true;
    }
    if piece.len() >= reach {
        tail.clear();
        tail.extend_from_slice(piece.get(piece.len() - reach..).unwrap_or_default());
    } else {
        let surplus = tail.len().saturating_sub(reach);
        tail.drain(..surplus);
    }
    false
}
