//! What can be read of a log: its generations, as one unchanging snapshot.
//!
//! A snapshot promises that the first [`Generation::bytes`] bytes of a generation were its own
//! when it was made. It cannot promise that they still are: after reading, ask
//! [`Generation::verify`], which settles it for everything read before the asking.

use std::fmt;
use std::io;
use std::sync::Arc;

use tailwater_protocol::{
    Began, Bookmark, Fingerprint, GenerationId, Lines, Loss, Outline, Position, Span,
};

use crate::counts::Counts;
use crate::encoding::Encoding;
use crate::file::File;
use crate::follow::tells;
use crate::read::{Doubt, stands_before};

/// The counts of a generation, where the caller keeps them.
pub type CountsOf<'a> = dyn Fn(GenerationId) -> Option<Arc<Counts>> + 'a;

/// One uninterrupted life of a log.
#[derive(Clone)]
pub struct Generation {
    /// Its id.
    pub id: GenerationId,
    /// The file in which its bytes lie now; an empty one when they are gone.
    pub file: Arc<dyn File>,
    /// The first byte that belongs to it. More than 0 only when an earlier file came back under
    /// the log's name: what stands before belongs to the generation it was then.
    pub from: u64,
    /// Where it ends: the bytes up to here are known to belong to this life. Grows, and shrinks
    /// only when bytes were lost, which `lost` then says.
    pub bytes: u64,
    /// The fingerprint of what stands before `bytes`.
    pub marker: Fingerprint,
    /// How it began.
    pub began: Began,
    /// When it began or was found, in milliseconds since 1970.
    pub since: u64,
    /// The last name component of the file it lies in.
    pub name: String,
    /// What is known to be lost at its end.
    pub lost: Option<Loss>,
    /// Whether it is not expected to grow any more.
    pub ended: bool,
    /// Whether its last byte is not a newline.
    pub unfinished: bool,
}

/// The generations of a log that can be read, oldest first; the last is the current one.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Oldest first.
    pub generations: Arc<[Generation]>,
}

impl Generation {
    /// Where it starts.
    pub fn start(&self) -> Position {
        Position { generation: self.id, offset: self.from }
    }

    /// Where it ends.
    pub fn end(&self) -> Position {
        Position { generation: self.id, offset: self.bytes.max(self.from) }
    }

    /// How its bytes are text.
    pub fn encoding(&self) -> Encoding {
        self.file.encoding()
    }

    /// Whether nothing of it can be read.
    pub fn is_empty(&self) -> bool {
        self.bytes <= self.from
    }

    /// Bytes that were there once: those that can be read and those that were lost at the end.
    pub fn once(&self) -> u64 {
        let lost = match self.lost {
            Some(Loss::Truncated(bytes) | Loss::Deleted(bytes) | Loss::LetGo(bytes)) => bytes,
            Some(Loss::Unknown | Loss::Damaged(_) | Loss::Full(_)) | None => 0,
        };
        self.bytes.saturating_add(lost)
    }

    /// Asks whether the bytes before the end are still there. If so, then whatever was read from
    /// this generation before the asking was its own: a log grows at its end, and whoever cuts or
    /// overwrites it does away with those bytes.
    ///
    /// # Errors
    ///
    /// A [`Doubt`] if not; the system's.
    pub fn verify(&self) -> io::Result<()> {
        let intact = stands_before(self.file.as_ref(), self.bytes, self.marker)?;
        if intact { Ok(()) } else { Err(Doubt.into()) }
    }
}

impl History {
    /// Those generations.
    pub fn new(generations: Vec<Generation>) -> Self {
        Self { generations: generations.into() }
    }

    /// The same with every generation ended: for one who reads what there is and waits for
    /// nothing.
    #[must_use]
    pub fn sealed(&self) -> Self {
        let ended = |generation: &Generation| Generation { ended: true, ..generation.clone() };
        Self { generations: self.generations.iter().map(ended).collect() }
    }

    /// The generation of that id.
    pub fn get(&self, id: GenerationId) -> Option<&Generation> {
        self.generations.iter().find(|generation| generation.id == id)
    }

    /// Where the generation of that id stands among the others.
    pub fn index(&self, id: GenerationId) -> Option<usize> {
        self.generations.iter().position(|generation| generation.id == id)
    }

    /// Where a reader stands who left `bookmark`: in the generation that it names, or else in the
    /// newest that holds what it read last. What cannot be read now holds nothing.
    pub fn find(&self, bookmark: Bookmark) -> Option<Position> {
        let Bookmark { position, before } = bookmark;
        let holds = |generation: &&Generation| {
            let within = position.offset <= generation.bytes;
            within
                && stands_before(generation.file.as_ref(), position.offset, before).unwrap_or(false)
        };
        let named = self.get(position.generation).filter(holds);
        let by_bytes = || {
            let telling = tells(bookmark).then_some(self.generations.iter().rev());
            telling?.find(|generation| holds(generation))
        };
        let found = named.or_else(by_bytes)?;
        Some(Position { generation: found.id, ..position })
    }

    /// The end of the current generation.
    pub fn end(&self) -> Option<Position> {
        self.generations.last().map(Generation::end)
    }

    /// The end of the current generation, to be come back to.
    pub fn bookmark(&self) -> Option<Bookmark> {
        self.generations.last().map(|last| Bookmark { position: last.end(), before: last.marker })
    }

    /// Whether the other says just the same.
    pub fn same_as(&self, other: &Self) -> bool {
        let same = |a: &Generation, b: &Generation| {
            let said = |g: &Generation| {
                (g.id, g.from, g.bytes, g.marker, g.began, g.since, g.lost, g.ended)
            };
            said(a) == said(b) && a.name == b.name && Arc::ptr_eq(&a.file, &b.file)
        };
        Arc::ptr_eq(&self.generations, &other.generations)
            || (self.generations.len() == other.generations.len()
                && self.generations.iter().zip(other.generations.iter()).all(|(a, b)| same(a, b)))
    }

    /// The outline for the page, with lines as far as they are counted.
    pub fn outline(&self, counts: &CountsOf<'_>) -> Outline {
        let span = |generation: &Generation| Span {
            id: generation.id,
            bytes: generation.bytes,
            lines: lines_of(generation, counts),
            began: generation.began,
            since: generation.since,
            file: generation.name.clone(),
            lost: generation.lost,
            over: None,
        };
        Outline { spans: self.generations.iter().map(span).collect() }
    }
}

/// Lines of `generation`, an unfinished last one included.
fn lines_of(generation: &Generation, counts: &CountsOf<'_>) -> Lines {
    if generation.bytes == 0 {
        return Lines::Exact(0);
    }
    let open = u64::from(generation.unfinished);
    let Some(counts) = counts(generation.id) else { return Lines::Estimate(0) };
    match counts.lines_before(generation.file.as_ref(), generation.bytes) {
        Ok(Some(Lines::Exact(lines))) => Lines::Exact(lines + open),
        Ok(Some(estimate)) => estimate,
        // Nothing is counted yet, or reading failed, which whoever reads rows will report.
        Ok(None) | Err(_) => Lines::Estimate(0),
    }
}

impl fmt::Debug for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generation")
            .field("id", &self.id)
            .field("from", &self.from)
            .field("bytes", &self.bytes)
            .field("began", &self.began)
            .field("name", &self.name)
            .field("lost", &self.lost)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
