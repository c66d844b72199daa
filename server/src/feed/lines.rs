//! The same feed line by line, each with what a reader has to say to come back after it.

use std::sync::Arc;

use tailwater_engine::encoding::{Encoding, Pieces};
use tailwater_engine::history::Generation;
use tailwater_protocol::{Bookmark, Fingerprint, Loss, Position};

use super::{Chunk, Fed, Feed};
use crate::log::Log;

/// Bytes of a line that are kept until it ends; a longer one is given in pieces.
const LONGEST: usize = 1024 * 1024;

/// A feed that gives lines.
pub struct LineFeed {
    feed: Feed,
    /// The beginning of a line whose end is still to come.
    begun: Vec<u8>,
    /// How that is text, and what of it is half a character.
    encoding: Encoding,
    units: Pieces,
    /// What to say to come back where the reader stands now.
    id: String,
    /// Where that line begins.
    at: Option<Position>,
    /// Whether its first bytes were given already.
    within: bool,
    /// Whether it has come to a generation: the first is not told of.
    inside: bool,
    /// The generation of what was read last.
    generation: Option<Generation>,
}

/// What a reader of lines is given.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    Line(Line),
    /// The log was rotated, truncated or made anew here.
    Turned,
    /// Bytes are missing here.
    Lost(Loss),
}

/// A line, or a piece of a very long one.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    /// Without its newline, in UTF-8 if the log says how it is text.
    pub bytes: Vec<u8>,
    /// What to say to come back after it.
    pub id: String,
    /// Where it begins.
    pub at: Option<Position>,
    /// Bytes it takes in the log, its newline included.
    pub length: u64,
    /// What stands between it and the next: a newline, mostly.
    pub end: &'static str,
    /// Whether it is more of a line of which the first bytes came before.
    pub continued: bool,
    /// Whether its end is still to come.
    pub unfinished: bool,
}

impl LineFeed {
    pub fn new(feed: Feed) -> Self {
        Self {
            feed,
            begun: Vec::new(),
            encoding: Encoding::default(),
            units: Pieces::default(),
            id: String::new(),
            at: None,
            within: false,
            inside: false,
            generation: None,
        }
    }

    /// The log that it reads.
    pub fn log(&self) -> &Arc<Log> {
        self.feed.log()
    }

    /// As [`Feed::broke_off`].
    pub fn broke_off(&self) -> bool {
        self.feed.broke_off()
    }

    /// What comes next, at least one piece; `None` when nothing will.
    pub async fn next(&mut self) -> Option<Vec<Piece>> {
        loop {
            let (pieces, last) = self.read().await;
            let pieces = match self.feed.picking.take() {
                None => pieces,
                Some(mut picking) => {
                    let generation = self.generation.clone();
                    // What it costs is up to the filter, and this thread is everybody's.
                    let work = self.feed.reader.run(move || {
                        let picked = picking.pick(pieces, generation.as_ref())?;
                        Ok((picking, picked))
                    });
                    match work.await {
                        Ok((picking, picked)) => {
                            self.feed.picking = Some(picking);
                            picked
                        }
                        Err(error) => {
                            let log = self.feed.log().name();
                            tracing::warn!(%log, %error, "a reader broke off");
                            return None;
                        }
                    }
                }
            };
            if !pieces.is_empty() {
                return Some(pieces.into_iter().map(Piece::shown).collect());
            }
            if last {
                return None;
            }
        }
    }

    /// Pieces, if any came, and whether these were the last.
    async fn read(&mut self) -> (Vec<Piece>, bool) {
        let mut pieces = Vec::new();
        match self.feed.next().await {
            Some(Fed::Bytes(chunk)) => self.take(&chunk, &mut pieces),
            Some(Fed::Turned) => {
                self.end_line(&mut pieces);
                if self.inside {
                    pieces.push(Piece::Turned);
                }
                self.inside = true;
            }
            Some(Fed::Lost(loss)) => {
                self.end_line(&mut pieces);
                pieces.push(Piece::Lost(loss));
            }
            None => {
                self.end_line(&mut pieces);
                return (pieces, true);
            }
        }
        (pieces, false)
    }

    fn take(&mut self, chunk: &Chunk, pieces: &mut Vec<Piece>) {
        self.inside = true;
        self.generation.clone_from(&chunk.generation);
        self.encoding = chunk.encoding;
        let earlier = self.units.kept();
        let bytes = self.units.whole(chunk.encoding, &chunk.bytes);
        let start = chunk.start.map_or(0, |start| start.offset).saturating_sub(earlier as u64);
        let place = |at: usize| {
            let offset = start + at as u64;
            chunk.start.map(|start| Position { offset, ..start })
        };
        let newline = chunk.encoding.width() as usize;
        let mut from = 0;
        for end in chunk.encoding.newline_ends(&bytes, start) {
            if self.begun.is_empty() {
                self.at = place(from);
            }
            self.begun.extend_from_slice(bytes.get(from..end - newline).unwrap_or_default());
            from = end;
            self.id = id(chunk, from.saturating_sub(earlier));
            self.give(pieces, End::Newline);
        }
        if self.begun.is_empty() {
            self.at = place(from);
        }
        self.begun.extend_from_slice(bytes.get(from..).unwrap_or_default());
        self.id = id(chunk, bytes.len().saturating_sub(earlier));
        if self.begun.len() >= LONGEST {
            self.give(pieces, End::Later);
        }
    }

    /// An unfinished line has ended all the same.
    fn end_line(&mut self, pieces: &mut Vec<Piece>) {
        self.units.end();
        if !self.begun.is_empty() {
            self.give(pieces, End::Missing);
        }
        self.within = false;
    }

    fn give(&mut self, pieces: &mut Vec<Piece>, end: End) {
        let begun = std::mem::take(&mut self.begun);
        let newline = if end == End::Newline { self.encoding.width() } else { 0 };
        let length = begun.len() as u64 + newline;
        let bytes = match self.encoding {
            Encoding::Utf8 => begun,
            wide => wide.decode(&begun).into_owned(),
        };
        let unfinished = end == End::Later;
        let end = if end == End::Newline { "\n" } else { "" };
        let (id, at, continued) = (self.id.clone(), self.at, self.within);
        pieces.push(Piece::Line(Line { bytes, id, at, length, end, continued, unfinished }));
        self.within = unfinished;
    }
}

/// How a piece of a line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Newline,
    /// Its generation ends, and it has no newline.
    Missing,
    /// The line is too long to be kept, and goes on.
    Later,
}

impl Line {
    /// A whole line, from nowhere.
    #[cfg(test)]
    pub fn new(text: &str, id: &str) -> Self {
        let (bytes, id, length) = (text.as_bytes().to_vec(), id.to_owned(), text.len() as u64 + 1);
        Self { bytes, id, at: None, length, end: "\n", continued: false, unfinished: false }
    }
}

impl Piece {
    /// A line as it is shown: without the return at its end.
    fn shown(mut self) -> Self {
        // Within a line it is one of its bytes.
        if let Self::Line(line) = &mut self
            && !line.unfinished
            && line.bytes.last() == Some(&b'\r')
        {
            line.bytes.pop();
            line.end = if line.end.is_empty() { "\r" } else { "\r\n" };
        }
        self
    }
}

/// What to say to come back after `len` bytes of `chunk`.
fn id(chunk: &Chunk, len: usize) -> String {
    let Some(start) = chunk.start else { return String::new() };
    let position = start.forward(len as u64);
    let mut id = match before(chunk, len) {
        Some(fingerprint) => Bookmark { position, before: fingerprint }.to_string(),
        // A reader that began in the midst has not seen enough yet.
        None => Position::to_string(&position),
    };
    for other in &chunk.others {
        id.push(',');
        id.push_str(&other.to_string());
    }
    id
}

/// The fingerprint of what stands before the byte `len` of `chunk`.
fn before(chunk: &Chunk, len: usize) -> Option<Fingerprint> {
    const REACH: usize = Fingerprint::REACH as usize;
    if let Some(from) = len.checked_sub(REACH) {
        return chunk.bytes.get(from..len).map(Fingerprint::of);
    }
    let earlier = chunk.before.as_deref()?;
    let whole = chunk.start?.offset == earlier.len() as u64;
    let wanted = REACH - len;
    let tail = earlier.get(earlier.len().saturating_sub(wanted)..)?;
    if tail.len() < wanted && !whole {
        return None;
    }
    let mut bytes = tail.to_vec();
    bytes.extend_from_slice(chunk.bytes.get(..len)?);
    Some(Fingerprint::of(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tailwater_protocol::GenerationId;

    proptest! {
        /// However a log is cut into chunks, a line's id is that of the whole log before its end.
        #[test]
        fn an_id_is_that_of_the_log(
            log in prop::collection::vec(any::<u8>(), 1..1200),
            cut in any::<prop::sample::Index>(),
            len in any::<prop::sample::Index>(),
        ) {
            let cut = cut.index(log.len());
            let len = len.index(log.len() - cut + 1);
            let chunk = Chunk {
                bytes: log[cut..].to_vec(),
                encoding: Encoding::Utf8,
                start: Some(Position { generation: GenerationId(7), offset: cut as u64 }),
                before: Some(log[cut.saturating_sub(256)..cut].to_vec()),
                others: Vec::new(),
                generation: None,
            };
            let end = cut + len;
            let position = Position { generation: GenerationId(7), offset: end as u64 };
            let before = Fingerprint::of(&log[end.saturating_sub(256)..end]);
            prop_assert_eq!(id(&chunk, len), Bookmark { position, before }.to_string());
        }
    }
}
