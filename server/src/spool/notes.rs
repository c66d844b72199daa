//! What is noted beside a segment, so that its lines stay as they came: which of them are a
//! program's errors, when a run began, how it ended, what was lost after it.
//!
//! A text file of one note a line, appended to and never changed. What is torn or not understood
//! is left out: a note says something about lines, and no line depends on one.

use std::fmt::Write as _;

use tailwater_engine::unwrap::Stream;
use tailwater_protocol::{Ended, Ending};

/// Changes from one stream to the other noted for a segment: one MiB of memory. With more, the
/// segment is full.
pub(super) const MAX_TURNS: usize = 64 * 1024;

/// The notes of one segment.
#[derive(Debug, Clone, Default)]
pub(super) struct Notes {
    /// When the run began that the segment begins with, in milliseconds since 1970.
    pub(super) began: Option<u64>,
    /// How the run ended that the segment ends with.
    pub(super) ended: Option<Ended>,
    /// Bytes for which there was no room, after its last line.
    pub(super) lost: u64,
    /// Where lines begin to be of the other stream than before; the first are of standard output.
    turns: Vec<u64>,
}

/// One note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Note {
    Began(u64),
    Turn(u64),
    Ended(Ended),
    Lost(u64),
}

impl Notes {
    pub(super) fn read(text: &str) -> Self {
        let mut notes = Self::default();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _torn)| whole);
        whole.lines().filter_map(Note::read).for_each(|note| notes.take(note));
        notes
    }

    pub(super) fn take(&mut self, note: Note) {
        match note {
            Note::Began(at) => self.began = Some(at),
            Note::Ended(ended) => self.ended = Some(ended),
            Note::Lost(bytes) => self.lost = self.lost.saturating_add(bytes),
            Note::Turn(at) if self.turns.last().is_none_or(|&last| last < at) => {
                self.turns.push(at);
            }
            // Nothing came between two changes: it was no change.
            Note::Turn(at) if self.turns.last() == Some(&at) => {
                self.turns.pop();
            }
            Note::Turn(_) => {}
        }
    }

    /// Of which stream the line is that starts at `offset`.
    pub(super) fn stream_at(&self, offset: u64) -> Stream {
        let turned = self.turns.partition_point(|&turn| turn <= offset);
        if turned.is_multiple_of(2) { Stream::Stdout } else { Stream::Stderr }
    }

    pub(super) fn has_errors(&self) -> bool {
        !self.turns.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.turns.len() >= MAX_TURNS
    }
}

impl Note {
    fn read(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (what, number) = (words.next()?, words.next()?.parse().ok()?);
        let ending = |mut words: std::str::Split<'_, char>| {
            let (how, with) = (words.next()?, words.next().and_then(|with| with.parse().ok()));
            Some(match how {
                "closed" => Ending::Closed,
                "exit" => Ending::Exited(with?),
                "signal" => Ending::Killed(with?),
                "failed" => Ending::Failed,
                "broken" => Ending::Broken,
                _ => return None,
            })
        };
        Some(match what {
            "began" => Self::Began(number),
            "turn" => Self::Turn(number),
            "lost" => Self::Lost(number),
            "ended" => Self::Ended(Ended { how: ending(words)?, at: number }),
            _ => return None,
        })
    }

    /// As it stands in the file.
    pub(super) fn line(self) -> String {
        let mut line = String::new();
        let written = match self {
            Self::Began(at) => writeln!(line, "began {at}"),
            Self::Turn(at) => writeln!(line, "turn {at}"),
            Self::Lost(bytes) => writeln!(line, "lost {bytes}"),
            Self::Ended(Ended { how, at }) => match how {
                Ending::Closed => writeln!(line, "ended {at} closed"),
                Ending::Exited(code) => writeln!(line, "ended {at} exit {code}"),
                Ending::Killed(signal) => writeln!(line, "ended {at} signal {signal}"),
                Ending::Failed => writeln!(line, "ended {at} failed"),
                Ending::Broken => writeln!(line, "ended {at} broken"),
            },
        };
        debug_assert!(written.is_ok(), "a string takes whatever is written to it");
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn notes_are_read_as_they_were_written() {
        let all = [
            Note::Began(5),
            Note::Turn(10),
            Note::Turn(20),
            Note::Lost(7),
            Note::Lost(1),
            Note::Ended(Ended { how: Ending::Exited(101), at: 9 }),
        ];
        let text: String = all.iter().map(|note| note.line()).collect();
        let notes = Notes::read(&text);
        assert_eq!((notes.began, notes.lost), (Some(5), 8));
        assert_eq!(notes.ended, Some(Ended { how: Ending::Exited(101), at: 9 }));
        for (offset, stream) in [(9, Stream::Stdout), (10, Stream::Stderr), (20, Stream::Stdout)] {
            assert_eq!(notes.stream_at(offset), stream, "{offset}");
        }
        for ending in [Ending::Closed, Ending::Killed(9), Ending::Failed, Ending::Broken] {
            let note = Note::Ended(Ended { how: ending, at: 1 });
            assert_eq!(Note::read(note.line().trim_end()), Some(note));
        }
        let torn = Notes::read("began 5\nturn 1");
        assert_eq!((torn.began, torn.has_errors()), (Some(5), false), "the torn note is left out");
    }

    proptest! {
        #[test]
        fn no_text_breaks_them(text in "((began|turn|lost|ended|x) [0-9]{0,22}( exit -?[0-9]{0,12})?\n?){0,9}|\\PC*") {
            let notes = Notes::read(&text);
            prop_assert!(notes.turns.is_sorted());
        }
    }
}
