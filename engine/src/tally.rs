//! How many lines, warnings and errors pass at the end of a log, told from its bytes as they
//! come, in pieces cut anywhere.
//!
//! Keeps the first bytes of the one line that is not finished, and nothing else.

use memchr::{memchr, memchr_iter};
use tailwater_protocol::{Level, Tally};

use crate::encoding::{Encoding, Pieces};
use crate::level::{REACH, level};

/// Adds up what it is fed.
#[derive(Debug, Clone, Default)]
pub struct Tallier {
    total: Tally,
    /// The first bytes, as many as a level is looked for in, of the line that goes on.
    head: Vec<u8>,
    pieces: Pieces,
}

impl Tallier {
    /// Nothing has passed.
    pub fn new() -> Self {
        Self::default()
    }

    /// What passed until now.
    pub fn total(&self) -> Tally {
        self.total
    }

    /// The bytes that came next, which are text in that encoding.
    pub fn feed_in(&mut self, encoding: Encoding, bytes: &[u8]) {
        if encoding == Encoding::Utf8 {
            return self.feed(bytes);
        }
        let whole = self.pieces.whole(encoding, bytes);
        let before = self.total.bytes;
        self.feed(&encoding.decode(&whole));
        self.total.bytes = before.saturating_add(bytes.len() as u64);
    }

    /// The bytes that came next.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.total.bytes = self.total.bytes.saturating_add(bytes.len() as u64);
        let mut rest = bytes;
        if !self.head.is_empty() {
            let Some(end) = memchr(b'\n', rest) else { return self.keep(rest) };
            let (line, after) = rest.split_at(end);
            self.keep(line);
            self.end_head();
            rest = after.get(1..).unwrap_or_default();
        }
        let mut start = 0;
        for end in memchr_iter(b'\n', rest) {
            self.line(level(skip_nuls(rest.get(start..end).unwrap_or_default())));
            start = end + 1;
        }
        self.keep(rest.get(start..).unwrap_or_default());
    }

    /// The line that is not finished never will be: its generation has ended. It counts.
    pub fn end_line(&mut self) {
        self.pieces.end();
        self.end_head();
    }

    fn end_head(&mut self) {
        if !self.head.is_empty() {
            let level = level(skip_nuls(&self.head));
            self.head.clear();
            self.line(level);
        }
    }

    fn line(&mut self, level: Level) {
        self.total.lines += 1;
        if level.is_error() {
            self.total.errors += 1;
        } else if level == Level::Warn {
            self.total.warnings += 1;
        }
    }

    /// Keeps what is needed of a line's beginning. Of leading NULs one is kept: it shows that the
    /// line has begun.
    fn keep(&mut self, bytes: &[u8]) {
        let mut bytes = bytes;
        if matches!(self.head.as_slice(), [] | [0]) {
            let plain = skip_nuls(bytes);
            if plain.len() < bytes.len() && self.head.is_empty() {
                self.head.push(0);
            }
            bytes = plain;
        }
        let room = (REACH + 1).saturating_sub(self.head.len());
        self.head.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }
}

/// A hole in a log is filled with NULs, and the line behind it is a line.
fn skip_nuls(line: &[u8]) -> &[u8] {
    let nuls = line.iter().take_while(|&&byte| byte == 0).count();
    line.get(nuls..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_does_not_matter_where_the_pieces_are_cut(
            lines in prop::collection::vec("(\\x00{0,3})(|INFO|WARN|ERROR|\x1b\\[31mERROR)[a-z ]{0,300}", 0..20),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
        ) {
            let log = lines.join("\n").into_bytes();
            let mut whole = Tallier::new();
            whole.feed(&log);
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(log.len() + 1)).collect();
            cuts.extend([0, log.len()]);
            cuts.sort_unstable();
            let mut pieces = Tallier::new();
            for pair in cuts.windows(2) {
                pieces.feed(&log[pair[0]..pair[1]]);
            }
            prop_assert_eq!(pieces.total(), whole.total());
            whole.end_line();
            pieces.end_line();
            prop_assert_eq!(pieces.total(), whole.total());

            let graves = log.split(|&b| b == b'\n').map(|line| level(skip_nuls(line)));
            let errors = graves.clone().filter(|level| level.is_error()).count() as u64;
            let warnings = graves.filter(|&level| level == Level::Warn).count() as u64;
            prop_assert_eq!((whole.total().errors, whole.total().warnings), (errors, warnings));
        }
    }

    #[test]
    fn an_unfinished_line_counts_when_it_never_will_be() {
        let mut tallier = Tallier::new();
        tallier.feed(b"ERROR one\nWARN tw");
        assert_eq!(tallier.total(), Tally { bytes: 17, lines: 1, warnings: 0, errors: 1 });
        tallier.end_line();
        tallier.end_line();
        assert_eq!(tallier.total(), Tally { bytes: 17, lines: 2, warnings: 1, errors: 1 });
    }
}
